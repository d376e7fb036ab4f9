"""Stand-ins on loopback: for the demo, the tests, and users without a key or a network.

    tardis.py      a Tardis: its HTTP protocol, fed from a folder of minute slices
    datasets.py    its CSV files
    recording.py   that folder: minutes, filters, availability
    faults.py      what can go wrong between it and a client, on demand
    exchange/      a CoinFLEX US: its WebSocket and REST, played from a feed
    feed.py        what it plays
    threaded.py    either of them, in a thread beside plain code

Nothing else in the package imports it but the command that runs it.
"""

from pipeline.simulator.faults import Fault
from pipeline.simulator.tardis import Request, TardisSimulator

__all__ = ["Fault", "Request", "TardisSimulator"]
