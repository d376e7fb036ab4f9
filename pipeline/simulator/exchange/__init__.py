"""CoinFLEX US on loopback: its WebSocket and its REST, played from a feed.

    server.py          the port, the connections, the thread
    gate.py            every HTTP request: noted, and refused if there are too many (limits.py)
    rest.py            what is answered to a request, from what was played so far (state.py)
    session.py         one client's WebSocket: listening to it
    conversation.py    what is answered to a command
    subscriptions.py   who is to be sent what
    player.py          when: playing a feed, by the clock or by hand (pace.py)
    connection.py      the sending side of one WebSocket
    faults.py          what can go wrong, on demand; spoiling.py does it
    wire.py            how messages look
    journal.py         what really happened, for tests to compare with
    recorded.py        a feed from a folder of minute slices; rebased.py moves one to now

All of one simulator runs in one event loop; only play_to and the wait_… methods cross threads.
"""

from pipeline.simulator.exchange.faults import Fault
from pipeline.simulator.exchange.journal import (
    Command,
    ConnectionLog,
    FaultMet,
    Frame,
    Journal,
    Request,
)
from pipeline.simulator.exchange.limits import Limits
from pipeline.simulator.exchange.recorded import RecordedFeed
from pipeline.simulator.exchange.server import ExchangeSimulator, Urls

__all__ = [
    "Command",
    "ConnectionLog",
    "ExchangeSimulator",
    "Fault",
    "FaultMet",
    "Frame",
    "Journal",
    "Limits",
    "RecordedFeed",
    "Request",
    "Urls",
]
