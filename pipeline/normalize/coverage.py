"""Which slice counts for a feed, minute by minute, and where the feed breaks.

A feed is one channel of one instrument. Several requests may hold the same minute; they are known
here by their rank, the widest first, and the first present one that was asked for the feed counts.
Only where none was, one that was seen to deliver it that day all the same counts: the message's
instrument is trusted, not the request's.

A feed breaks where no request that covers it has a slice (from the start of that minute), and at a
disconnect in the slice that counts (from just after the last line before it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipeline.times import MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DISCONNECT", "NOT_FETCHED", "Break", "Coverage", "Feed"]

DISCONNECT = "disconnect"
NOT_FETCHED = "not_fetched"


class Feed(NamedTuple):
    """One channel of one instrument."""

    channel: str
    instrument: str


class Covering(Protocol):
    """What coverage needs to know of a request."""

    def covers(self, channel: str, instrument: str) -> bool:
        """Say whether a canonical channel of an instrument was asked for."""


class Break(NamedTuple):
    """From `time` (arrival clock, microseconds) on, the feed is unknown, and why."""

    time: int
    cause: str


class _Disconnect(NamedTuple):
    minute: int
    rank: int
    time: int


class Coverage:
    """The day so far, as far as it matters for holes. `requests` are ranked, the widest first."""

    def __init__(self, requests: Sequence[Covering], day_start: int) -> None:
        self._requests = requests
        self._day_start = day_start
        self._minutes: list[tuple[int, ...]] = []
        self._disconnects: list[_Disconnect] = []
        self._delivered: set[tuple[int, Feed]] = set()
        self._covers: dict[tuple[int, Feed], bool] = {}

    def begin_minute(self, present: tuple[int, ...]) -> bool:
        """Open the next minute with the ranks that have a slice; True if they are others."""
        self._minutes.append(present)
        return len(self._minutes) == 1 or present != self._minutes[-2]

    def disconnect(self, rank: int, time: int) -> None:
        """Note a disconnect in a request's slice; `time` is just after the last line before."""
        self._disconnects.append(_Disconnect(len(self._minutes) - 1, rank, time))

    def counts(self, rank: int, feed: Feed) -> bool:
        """Say whether a line of the feed counts that a request delivered in the current minute."""
        owner = self.owner(feed)
        if owner is None:
            self._delivered.add((rank, feed))
            return True
        return owner == rank

    def owner(self, feed: Feed, minute: int = -1) -> int | None:
        """Return the rank of the request whose slice counts in a minute, None if none does."""
        if not self._minutes:
            return None
        present = self._minutes[minute]
        for rank in present:
            if self._asked_for(rank, feed):
                return rank
        return next((rank for rank in present if (rank, feed) in self._delivered), None)

    def breaks(self, feed: Feed) -> Iterator[Break]:
        """Yield the feed's breaks of the day so far, in order; one for a run of lacking minutes."""
        disconnects = iter([*self._disconnects, _Disconnect(1440, -1, 0)])
        upcoming = next(disconnects)
        fetched = True
        for minute in range(len(self._minutes)):
            owner = self.owner(feed, minute)
            if owner is None and fetched:
                yield Break(self._day_start + minute * MINUTE_US, NOT_FETCHED)
            fetched = owner is not None
            while upcoming.minute == minute:
                if upcoming.rank == owner:
                    yield Break(upcoming.time, DISCONNECT)
                upcoming = next(disconnects)

    def minutes_fetched(self, feed: Feed) -> int:
        """Return how many minutes of the day so far have a slice that counts for the feed."""
        return sum(self.owner(feed, minute) is not None for minute in range(len(self._minutes)))

    def _asked_for(self, rank: int, feed: Feed) -> bool:
        known = self._covers.get((rank, feed))
        if known is None:
            known = self._covers[rank, feed] = self._requests[rank].covers(*feed)
        return known
