"""Where trades of an instrument may be lacking: stretches of a day in which their feed is unknown.

A book stands until the next one, so it tells by itself where nothing is known. That no trade came
says nothing: only of a feed that is known to have been recorded does it mean that there was none.
Known it is in minutes that a slice covers, but for the time from a disconnect (just after the last
line before it) until the next line with data, in whichever slice counts then; and where a slice has
the answer to its subscription, until that: it may come after lines of other feeds, or be a refusal.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from pipeline.normalize.coverage import (
    DISCONNECT,
    END_OF_COVERAGE,
    MINUTE_PLACES,
    NOT_FETCHED,
    Answer,
    Disconnect,
    Owner,
    SignOfLife,
)
from pipeline.normalize.depth import Gap
from pipeline.times import DAY_US, MINUTES_OF_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.normalize.coverage import Feed, Owners

__all__ = ["MIDNIGHT", "Connections"]

# The cause of each day's first row, up to its first line: only the day before knows whether its
# last connection was lost, and then nothing shows that there is one again before that line.
MIDNIGHT: Final = "midnight"

_Event: TypeAlias = Disconnect | SignOfLife | Answer


class Connections:
    """When the recorder lost its connection and when a line showed that it had one, slice by slice.

    Both are told in order of place, of each slice.
    """

    def __init__(self, day_start: int) -> None:
        self._day_start = day_start
        self._events: dict[tuple[int, int], list[_Event]] = {}
        self._answered: set[Feed] = set()
        self._gaps: dict[tuple[Feed | None, Owners], list[Gap]] = {}

    def note(self, event: _Event) -> None:
        """Take note of a disconnect, whose time is known, or of what a connection showed."""
        if isinstance(event, Answer):
            self._answered.add(event.feed)
        key = (event.place // MINUTE_PLACES, event.rank)
        self._events.setdefault(key, []).append(event)

    def trade_gaps(self, feed: Feed, owners: Owners) -> list[Gap]:
        """Return the rows of `trade_gaps` of a feed: first midnight, then its gaps, in order.

        `owners` tells from where in the day on whose slices count. Feeds for which the same
        slices count have the same gaps, unless their subscriptions were answered. Asked once the
        day is told to its end.
        """
        key = (feed if feed in self._answered else None), owners
        found = self._gaps.get(key)
        if found is None:
            found = self._gaps[key] = self.trade_gaps_so_far(feed, owners)
        return found

    def trade_gaps_so_far(self, of: Feed, owners: Owners) -> list[Gap]:
        """Return them of a day that may go on."""
        feed = _Feed(self._day_start)
        day_end = Owner(MINUTES_OF_DAY * MINUTE_PLACES, None, 0, None)
        for owner, following in pairwise([*owners, day_end]):
            if owner.rank is None:
                feed.lack(owner.time, owner.cause or NOT_FETCHED)
                continue
            if owner.cause is not None:
                feed.lose(owner.time, owner.cause)
            feed.be_told_by(owner.time, is_refused=self._is_refused(of, owner))
            if owner.cause is None and self._is_deaf(owner.rank, owner.place):
                feed.lose(owner.time, DISCONNECT)
            for event in self._of(owner.rank, owner.place, following.place):
                match event:
                    case Disconnect(time=time):
                        assert time is not None  # noqa: S101 - the day has found it out
                        feed.lose(time, DISCONNECT)
                    case Answer() if event.feed == of:
                        feed.grant(event.time) if event.granted else feed.refuse()
                    case SignOfLife(time=time):
                        feed.find(time)
        return feed.rows(self._day_start + DAY_US)

    def _is_deaf(self, rank: int, place: int) -> bool:
        """Say whether slices of a rank told of a disconnect before a place, and of no line since.

        They may have been read while they did not count for a feed.
        """
        for minute in range(place // MINUTE_PLACES, -1, -1):
            events = [
                event
                for event in self._events.get((minute, rank), ())
                if event.place < place and not isinstance(event, Answer)
            ]
            if events:
                return isinstance(max(events, key=lambda event: event.place), Disconnect)
        return False

    def _is_refused(self, feed: Feed, owner: Owner) -> bool:
        """Say whether a subscription was refused before a slice of its rank counted."""
        if feed not in self._answered or owner.rank is None:
            return False
        answers = [
            event.granted
            for event in self._of(owner.rank, 0, owner.place)
            if isinstance(event, Answer) and event.feed == feed
        ]
        return bool(answers) and not answers[-1]

    def _of(self, rank: int, begin: int, end: int) -> Iterator[_Event]:
        """Yield what connections of a rank showed between two places, in order."""
        for minute in range(begin // MINUTE_PLACES, -(-end // MINUTE_PLACES)):
            events = self._events.get((minute, rank), ())
            for event in sorted(events, key=lambda event: event.place):
                if begin <= event.place < end:
                    yield event


class _Feed:
    """One feed within one day: it is unknown while it lacks coverage, or while it is lost."""

    def __init__(self, day_start: int) -> None:
        self._day_start = day_start
        self._gaps: list[Gap] = []
        self._first_line: int | None = None
        self._unknown: tuple[int, str] | None = None  # since when, and what began it
        self._is_lost = False
        self._is_refused = False
        self._known_from = day_start

    def lack(self, time: int, cause: str) -> None:
        if cause == NOT_FETCHED:
            self._unknown = self._unknown or (time, NOT_FETCHED)
        else:
            self.lose(time, cause)

    def be_told_by(self, time: int, *, is_refused: bool) -> None:
        """Be covered from a time on by slices, in which it may have been refused before."""
        self._is_refused = is_refused
        if is_refused:
            self.lack(time, NOT_FETCHED)
        elif not self._is_lost:
            self._end(time)

    def grant(self, time: int) -> None:
        self._is_refused = False
        if not self._is_lost:  # a line of another feed has shown before that there is a connection
            self._reopen()
            self._end(time)

    def refuse(self) -> None:
        self._reopen()
        self._is_refused = True

    def _reopen(self) -> None:
        """Have the gap before what is known go on, if it does not; there may be none."""
        if self._unknown:
            return
        if self._gaps and self._gaps[-1].stop == self._known_from:
            gap = self._gaps.pop()
            self._unknown = gap.start, gap.cause
        else:
            self._unknown = self._known_from, NOT_FETCHED

    def lose(self, time: int, cause: str) -> None:
        # A disconnect takes nothing from before coverage began again, though no line came since.
        self._unknown = self._unknown or (max(time, self._known_from), cause)
        self._is_lost = True

    def find(self, time: int) -> None:
        if self._first_line is None:
            self._first_line = time
        self._is_lost = False
        self._end(time)

    def rows(self, day_end: int) -> list[Gap]:
        """End the day; return its rows."""
        if self._unknown:
            start, cause = self._unknown
            came_before = start > self._day_start
            ended = cause == NOT_FETCHED and came_before
            self._gaps.append(Gap(start, day_end, END_OF_COVERAGE if ended else cause))
        until = day_end if self._first_line is None else self._first_line
        return [Gap(self._day_start, until, MIDNIGHT), *self._gaps]

    def _end(self, time: int) -> None:
        if self._unknown and not self._is_refused:
            start, cause = self._unknown
            if time > start:
                self._gaps.append(Gap(start, time, cause))
            self._known_from = max(self._known_from, time)
            self._unknown = None
