"""A Tardis on loopback: for the demo, the tests, and users without a key.

    tardis.py      the server: Tardis.dev's HTTP protocol, fed from a folder of minute slices
    recording.py   that folder: minutes, filters, availability
    faults.py      what can go wrong on the way to a client, on demand

Nothing else in the package imports it but the command that runs it.
"""

from pipeline.simulator.faults import Fault
from pipeline.simulator.tardis import Request, TardisSimulator

__all__ = ["Fault", "Request", "TardisSimulator"]
