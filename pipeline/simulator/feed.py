"""What an exchange plays: the interface between a feed and the loopback exchange.

A feed is recorded (exchange/recorded.py) or generated; whoever plays it can't tell which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DISCONNECT", "Event", "Feed", "Market"]

# The channel of an event that is no data: here all connections were lost.
DISCONNECT: Final = "disconnect"


class Market(NamedTuple):
    """A market as GET /v1/markets tells it; numbers are the text that goes on the wire."""

    code: str  # "BTC-USD-SWAP-LIN" (marketCode)
    tick_size: str  # "0.1"
    min_size: str  # "0.001"
    type: str  # "FUTURE", "SPOT", "REPO", "SPREAD"
    listed_at: int  # milliseconds UTC


class Event(NamedTuple):
    """One message of the feed, in the moment at which the exchange sends it."""

    at: float  # seconds since the feed began; events come in order of `at`
    channel: str  # "depth", "trade" or "ticker": what clients subscribe to; or DISCONNECT
    market: str
    payload: bytes  # the JSON text frame exactly as subscribers of channel:market are sent it


class Feed(Protocol):
    """Markets, and what happens on them."""

    @property
    def markets(self) -> Sequence[Market]:
        """The markets that events may be of."""
        ...

    def events(self) -> Iterator[Event]:
        """Yield the events in order: anew at each call, and the same each time."""
        ...
