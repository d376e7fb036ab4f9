"""Which slice counts for a feed, and where the feed breaks.

A feed is one channel of one instrument. Several requests may hold the same minute; they are known
here by their rank, the first one counts the most, and the first one heard that was asked for the
feed counts. Only where none was, one that delivered it all the same counts, from that minute on:
the message's instrument is trusted, not the request's.

Heard are the slices of a minute, but for the lines in which one was deaf while another recorder
heard (pipeline/filling/). Clocks of two recorders are not to be interleaved, so an instrument is
that of one at a time: of the first one that was asked for it.

A feed breaks where no slice heard covers it any more, where the slice that counts is another
recorder's from there on, and at a disconnect in the slice that counts (from just after the last
line before it). Where in the order of lines that is, is told by places: minute of the day * 10^9 +
the line's ordinal in the minute.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from pipeline.times import MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "CHANGEOVER",
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
    "Hearing",
    "Owner",
    "Owners",
    "SignOfLife",
]

CHANGEOVER: Final = "changeover"
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


class Owner(NamedTuple):
    """From a place on the slices of a rank count for a feed (None: none do).

    With a `cause` it is unknown from `time` on: none do, or another recorder's than before. Without
    one it is covered from `time` on. Time is on the arrival clock, in microseconds.
    """

    place: int
    rank: int | None
    time: int
    cause: str | None


# Whose slices count for a feed, in order.
Owners: TypeAlias = tuple[Owner, ...]


class Covering(Protocol):
    """What coverage needs to know of a request."""

    @property
    def recorder(self) -> str | None:
        """Whose clock its lines have."""

    def names(self, instrument: str) -> bool:
        """Say whether any channel of an instrument was asked for."""

    def covers(self, channel: str, instrument: str) -> bool:
        """Say whether a canonical channel of an instrument was asked for."""


class Break(NamedTuple):
    """Between lines, at `place`, a feed breaks: it is unknown from `time` on, and why.

    Time is on the arrival clock, in microseconds. `is_border`: from here on another recorder's
    slices count, or none; what follows tells nothing of what was before.
    """

    place: int
    time: int
    cause: str
    is_border: bool = False


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


class Hearing(NamedTuple):
    """From a place on the slices of other ranks are heard, those that count the most first.

    `time` and `cause` say since when, and why: a minute has no slice, a recorder went deaf in a
    disconnect, or it hears again (a changeover). `last_lines` tells when each recorder's last line
    before arrived; None where that is one of an earlier part.
    """

    place: int
    heard: tuple[int, ...]
    time: int
    cause: str
    last_lines: dict[str | None, int | None]


class _Event(NamedTuple):
    """A disconnect of a rank, or else a change of the ranks heard, from `before` on.

    Nothing is lacking before the day's first minute, where `before` is None.
    """

    place: int
    rank: int | None
    heard: tuple[int, ...]
    before: tuple[int, ...] | None
    time: int
    cause: str
    last_lines: dict[str | None, int | None]


class Coverage:
    """The day so far, as far as it matters for holes. `requests` are ranked, the first leads."""

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
        self._fetched: list[tuple[int, tuple[int, ...]]] = []  # from which minute on, which ranks
        self._heard: tuple[int, ...] | None = None
        self._events: list[_Event] = []
        self._covers: dict[tuple[int, Feed], bool] = {}
        self._candidates: dict[tuple[tuple[int, ...], str], tuple[int, ...]] = {}

    def begin_minute(self, fetched: tuple[int, ...]) -> None:
        """Open the next minute with the ranks that have a slice."""
        if not self._fetched or self._fetched[-1][1] != fetched:
            self._fetched.append((self._next_minute, fetched))
        self._next_minute += 1

    def hear(self, hearing: Hearing) -> bool:
        """Take note of what is heard from a place in the current minute on; True if it changed."""
        changed = hearing.heard != self._heard
        if changed:
            place, self._heard, before = hearing.place, hearing.heard, self._heard
            self._events.append(
                _Event(
                    place, None, self._heard, before,
                    hearing.time, hearing.cause, hearing.last_lines,
                )
            )  # fmt: skip
        return changed

    def disconnect(self, at: Disconnect) -> None:
        """Note a disconnect in a slice that is heard."""
        heard = self._heard or ()
        event = _Event(at.place, at.rank, heard, heard, at.time or 0, DISCONNECT, {})
        insort(self._events, event, key=attrgetter("place"))  # slices of a minute are read in turn

    def counts(self, rank: int, feed: Feed) -> bool:
        """Say whether lines of the feed count that a request delivers now."""
        among = self._of_one_recorder(self._heard or (), feed.instrument)
        return rank in among and self.owner(feed) in (None, rank)

    def note_delivery(self, rank: int, feed: Feed) -> None:
        """Take note that a request delivered a line, which could be read, of a feed."""
        if self.owner(feed) is None:
            self.delivered[rank, feed] = self._next_minute - 1

    def owner(self, feed: Feed) -> int | None:
        """Return the rank of the request whose slice counts now, if any."""
        return self._owner(self._heard or (), feed, self._next_minute - 1)

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
                if event.rank == self._owner(event.heard, feed, minute):
                    yield Break(event.place, event.time, DISCONNECT)
            else:
                minute -= event.place % MINUTE_PLACES == 0
                if broken := self._broken(event, feed, minute):
                    yield Break(event.place, *broken, is_border=True)

    def may_carry(self, feed: Feed, rank: int) -> bool:
        """Say whether a rank has the recorder, if any, that counts for a feed as the day begins."""
        first = self._owner(self._events[0].heard, feed, 0)
        requests = self._requests
        return first is None or requests[first].recorder == requests[rank].recorder

    def minutes_fetched(self, feed: Feed) -> int:
        """Return how many minutes of the day so far have a slice that covers the feed."""
        delivered = {self.delivered.get((rank, feed), 0) for rank in range(len(self._requests))}
        begins = [minute for minute, _ in self._fetched]
        minutes = sorted({*begins, *delivered})
        covered = 0
        for minute, end in pairwise([*minutes, self._next_minute]):
            fetched = self._fetched[bisect_right(begins, minute) - 1][1]
            covered += (end - minute) * (self._owner(fetched, feed, minute) is not None)
        return covered

    def owners(self, feed: Feed) -> Owners:
        """Return whose slices count for a feed."""
        changes = [event for event in self._events if event.rank is None]
        begun = {self.delivered.get((rank, feed), 0) for rank in range(len(self._requests))}
        steps: list[tuple[int, _Event | None]] = [(event.place, event) for event in changes]
        steps += [(minute * MINUTE_PLACES, None) for minute in begun]
        heard: tuple[int, ...] = ()
        found: list[Owner] = []
        for place, event in sorted(steps, key=itemgetter(0)):  # several may be at one place
            minute = place // MINUTE_PLACES
            heard = event.heard if event else heard
            rank = self._owner(heard, feed, minute)
            if found and found[-1].rank == rank:
                continue
            time, cause = self._day_start + minute * MINUTE_US, None
            if event:
                time, cause = self._broken(event, feed, minute) or (event.time, None)
            found.append(Owner(place, rank, time, cause))
        return tuple(found)

    def _broken(self, event: _Event, feed: Feed, minute: int) -> tuple[int, str] | None:
        """Return since when a feed is unknown after a change of what is heard, and why, if it is.

        Whose slice counts is seen as far as deliveries up to a minute tell.
        """
        after = self._owner(event.heard, feed, minute)
        if event.before is None:
            return (event.time, self._why_none(event, feed, minute)) if after is None else None
        before = self._owner(event.before, feed, minute)
        if before is None:
            return None
        recorder = self._requests[before].recorder
        if after is not None and recorder == self._requests[after].recorder:
            return None
        if event.cause == DISCONNECT or (after is None and event.cause == NOT_FETCHED):
            return event.time, self._why_none(event, feed, minute)
        return (event.last_lines[recorder] or 0) + 1, CHANGEOVER

    def _why_none(self, event: _Event, feed: Feed, minute: int) -> str:
        """Return why no slice counts: also where one was fetched, its recorder may be deaf."""
        at = event.place // MINUTE_PLACES
        fetched = self._fetched[bisect_right(self._fetched, at, key=itemgetter(0)) - 1][1]
        return event.cause if self._owner(fetched, feed, minute) is None else DISCONNECT

    def _owner(self, heard: tuple[int, ...], feed: Feed, minute: int) -> int | None:
        """Return whose slice counts, as far as deliveries up to a minute tell."""
        ranks = self._of_one_recorder(heard, feed.instrument)
        for rank in ranks:
            if self._asked_for(rank, feed):
                return rank
        for rank in ranks:
            if self.delivered.get((rank, feed), minute + 1) <= minute:
                return rank
        return None

    def _of_one_recorder(self, heard: tuple[int, ...], instrument: str) -> tuple[int, ...]:
        """Return the ranks heard of the recorder that an instrument is left to."""
        known = self._candidates.get((heard, instrument))
        if known is None:
            requests = self._requests
            asked = [rank for rank in heard if requests[rank].names(instrument)]
            first = next(iter([*asked, *heard]), None)
            known = self._candidates[heard, instrument] = tuple(
                rank
                for rank in heard
                if first is not None and requests[rank].recorder == requests[first].recorder
            )
        return known

    def _asked_for(self, rank: int, feed: Feed) -> bool:
        known = self._covers.get((rank, feed))
        if known is None:
            known = self._covers[rank, feed] = self._requests[rank].covers(*feed)
        return known
