"""Which slice counts for a feed, minute by minute, and where the feed breaks.

A feed is one channel of one instrument. Several requests may hold the same minute; they are known
here by their rank, the widest first, and the first present one that was asked for the feed counts.
Only where none was, one that delivered it all the same counts, from that minute on: the message's
instrument is trusted, not the request's.

A feed breaks where no request that covers it has a slice (from the start of that minute), and at a
disconnect in the slice that counts (from just after the last line before it). Where in the order
of lines that is, is told by places: minute of the day * 10^9 + the line's ordinal in the minute.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from pipeline.times import MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "DISCONNECT",
    "END_OF_COVERAGE",
    "MINUTE_PLACES",
    "NOT_FETCHED",
    "Answer",
    "Break",
    "Coverage",
    "Delivered",
    "Disconnect",
    "Feed",
    "Owners",
    "SignOfLife",
]

DISCONNECT: Final = "disconnect"
NOT_FETCHED: Final = "not_fetched"
END_OF_COVERAGE: Final = "end_of_coverage"

MINUTE_PLACES: Final = 1_000_000_000


class Feed(NamedTuple):
    """One channel of one instrument."""

    channel: str
    instrument: str


# By rank and feed: the first minute in which a request delivered what it had not asked for.
Delivered: TypeAlias = dict[tuple[int, Feed], int]


# From which minutes of the day on which request's slice counts for a feed (None: none does), in
# order.
Owners: TypeAlias = tuple[tuple[int, int | None], ...]


class Covering(Protocol):
    """What coverage needs to know of a request."""

    def covers(self, channel: str, instrument: str) -> bool:
        """Say whether a canonical channel of an instrument was asked for."""


class Break(NamedTuple):
    """Between lines, at `place`, a feed breaks: it is unknown from `time` on, and why.

    Time is on the arrival clock, in microseconds.
    """

    place: int
    time: int
    cause: str


class Disconnect(NamedTuple):
    """An empty line: its place, the rank of its slice, and from when on nothing is known.

    That is just after the last line before it; None if that is a line of an earlier part.
    """

    place: int
    rank: int
    time: int | None


class SignOfLife(NamedTuple):
    """A line with data, the first of its slice or after a disconnect: the connection stands.

    Known are its place, the rank of its slice and when it arrived, which is within its minute.
    """

    place: int
    rank: int
    time: int


class Answer(NamedTuple):
    """An answer to a subscription: the feed is sent from now on, if it was granted.

    Known are its place, the rank of its slice and when it arrived, but never outside its minute.
    """

    place: int
    rank: int
    feed: Feed
    time: int
    granted: bool


class _Event(NamedTuple):
    """A disconnect (`rank`), or else a change of the ranks that have a slice, from `before` on."""

    place: int
    time: int
    rank: int | None
    before: tuple[int, ...] | None  # None: nothing is lacking before the day's first minute
    present: tuple[int, ...]


class Coverage:
    """The day so far, as far as it matters for holes. `requests` are ranked, the widest first."""

    def __init__(
        self,
        requests: Sequence[Covering],
        day_start: int,
        first_minute: int = 0,
        delivered: Delivered | None = None,
    ) -> None:
        self.delivered: Delivered = dict(delivered or {})
        self._requests = requests
        self._day_start = day_start
        self._next_minute = first_minute
        self._present: tuple[int, ...] | None = None
        self._events: list[_Event] = []
        self._covers: dict[tuple[int, Feed], bool] = {}

    def begin_minute(self, present: tuple[int, ...]) -> bool:
        """Open the next minute with the ranks that have a slice; True if they are others."""
        changed = present != self._present
        if changed:
            minute = self._next_minute
            time = self._day_start + minute * MINUTE_US
            event = _Event(minute * MINUTE_PLACES, time, None, self._present, present)
            self._events.append(event)
            self._present = present
        self._next_minute += 1
        return changed

    def disconnect(self, at: Disconnect) -> None:
        """Note a disconnect in a slice of the current minute."""
        assert self._present is not None  # noqa: S101 - a line belongs to a minute
        event = _Event(at.place, at.time or 0, at.rank, self._present, self._present)
        insort(self._events, event, key=attrgetter("place"))  # slices of a minute are read in turn

    def counts(self, rank: int, feed: Feed) -> bool:
        """Say whether lines of the feed count that a request delivers in the current minute."""
        return self.owner(feed) in (None, rank)

    def note_delivery(self, rank: int, feed: Feed) -> None:
        """Take note that a request delivered a line, which could be read, of a feed."""
        if self.owner(feed) is None:
            self.delivered[rank, feed] = self._next_minute - 1

    def owner(self, feed: Feed) -> int | None:
        """Return the rank of the request whose slice counts in the current minute, if any."""
        return self._owner(self._present or (), feed, self._next_minute - 1)

    def deliver(self, delivered: Delivered) -> None:
        """Take note of deliveries of feeds that nobody asked for."""
        for what, minute in delivered.items():
            self.delivered[what] = min(minute, self.delivered.get(what, minute))

    def breaks(self, feed: Feed, after: int = -1, until: int | None = None) -> Iterator[Break]:
        """Yield the feed's breaks with after < place < until, in order.

        A run of lacking minutes is one.
        """
        for event in self._events[bisect_right(self._events, after, key=attrgetter("place")) :]:
            if until is not None and event.place >= until:
                return
            minute = event.place // MINUTE_PLACES
            if event.rank is not None:
                if event.rank == self._owner(event.present, feed, minute):
                    yield Break(event.place, event.time, DISCONNECT)
            elif self._owner(event.present, feed, minute - 1) is None and (
                event.before is None or self._owner(event.before, feed, minute - 1) is not None
            ):
                yield Break(event.place, event.time, NOT_FETCHED)

    def minutes_fetched(self, feed: Feed) -> int:
        """Return how many minutes of the day so far have a slice that counts for the feed."""
        spans = pairwise([*self.owners(feed), (self._next_minute, None)])
        return sum(end - begin for (begin, owner), (end, _) in spans if owner is not None)

    def owners(self, feed: Feed) -> Owners:
        """Return whose slice counts for a feed."""
        changes = [event for event in self._events if event.rank is None]
        begins = [event.place // MINUTE_PLACES for event in changes]
        delivered = [self.delivered.get((rank, feed), 0) for rank in range(len(self._requests))]
        found: list[tuple[int, int | None]] = []
        for minute in sorted({*begins, *delivered}):
            present = changes[bisect_right(begins, minute) - 1].present
            owner = self._owner(present, feed, minute)
            if not found or found[-1][1] != owner:
                found.append((minute, owner))
        return tuple(found)

    def _owner(self, present: tuple[int, ...], feed: Feed, minute: int) -> int | None:
        """Return whose slice counts, as far as deliveries up to a minute tell."""
        for rank in present:
            if self._asked_for(rank, feed):
                return rank
        for rank in present:
            if self.delivered.get((rank, feed), minute + 1) <= minute:
                return rank
        return None

    def _asked_for(self, rank: int, feed: Feed) -> bool:
        known = self._covers.get((rank, feed))
        if known is None:
            known = self._covers[rank, feed] = self._requests[rank].covers(*feed)
        return known
