"""Where trades of an instrument may be lacking: stretches of a day in which their feed is unknown.

A book stands until the next one, so it tells by itself where nothing is known. That no trade came
says nothing: only of a feed that is known to have been recorded does it mean that there was none.
Known it is in minutes that a slice covers, but for the time from a disconnect (just after the last
line before it) until the next line with data, in whichever slice counts then.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pipeline.normalize.coverage import (
    DISCONNECT,
    END_OF_COVERAGE,
    MINUTE_PLACES,
    NOT_FETCHED,
    Disconnect,
)
from pipeline.normalize.depth import Gap
from pipeline.times import DAY_US, MINUTE_US, MINUTES_OF_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.normalize.coverage import SignOfLife

__all__ = ["MIDNIGHT", "Connections"]

# The cause of each day's first row, up to its first line: only the day before knows whether its
# last connection was lost, and then nothing shows that there is one again before that line.
MIDNIGHT: Final = "midnight"


class Connections:
    """When the recorder lost its connection and when a line showed that it had one, slice by slice.

    Both are told in order of place, of each slice.
    """

    def __init__(self, day_start: int) -> None:
        self._day_start = day_start
        self._events: dict[tuple[int, int], list[Disconnect | SignOfLife]] = {}
        self._gaps: dict[tuple[tuple[int, int | None], ...], list[Gap]] = {}

    def note(self, event: Disconnect | SignOfLife) -> None:
        """Take note of a disconnect, whose time is known, or that a connection stands."""
        key = (event.place // MINUTE_PLACES, event.rank)
        self._events.setdefault(key, []).append(event)

    def trade_gaps(self, owners: tuple[tuple[int, int | None], ...]) -> list[Gap]:
        """Return the rows of `trade_gaps` of a feed: first midnight, then its gaps, in order.

        `owners` tells from which minutes of the day on whose slice counts. Feeds for which the same
        slices count have the same gaps. Asked once the day is told to its end.
        """
        found = self._gaps.get(owners)
        if found is None:
            found = self._gaps[owners] = self.trade_gaps_so_far(owners)
        return found

    def trade_gaps_so_far(self, owners: Iterable[tuple[int, int | None]]) -> list[Gap]:
        """Return them of a day that may go on."""
        feed = _Feed(self._day_start)
        for (minute, rank), (end, _) in pairwise([*owners, (MINUTES_OF_DAY, None)]):
            if rank is None:
                feed.lack(self._day_start + minute * MINUTE_US)
                continue
            feed.cover(self._day_start + minute * MINUTE_US)
            for event in self._of(rank, range(minute, end)):
                if isinstance(event, Disconnect):
                    assert event.time is not None  # noqa: S101 - the day has found it out
                    feed.lose(event.time)
                else:
                    feed.find(event.time)
        return feed.rows(self._day_start + DAY_US)

    def _of(self, rank: int, minutes: range) -> Iterator[Disconnect | SignOfLife]:
        for minute in minutes:
            yield from sorted(self._events.get((minute, rank), ()), key=lambda event: event.place)


class _Feed:
    """One feed within one day: it is unknown while it lacks coverage, or while it is lost."""

    def __init__(self, day_start: int) -> None:
        self._day_start = day_start
        self._gaps: list[Gap] = []
        self._first_line: int | None = None
        self._unknown: tuple[int, str] | None = None  # since when, and what began it
        self._is_lost = False
        self._known_from = day_start

    def lack(self, time: int) -> None:
        self._unknown = self._unknown or (time, NOT_FETCHED)

    def cover(self, time: int) -> None:
        if not self._is_lost:
            self._end(time)

    def lose(self, time: int) -> None:
        # A disconnect takes nothing from before coverage began again, though no line came since.
        self._unknown = self._unknown or (max(time, self._known_from), DISCONNECT)
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
        if self._unknown:
            start, cause = self._unknown
            if time > start:
                self._gaps.append(Gap(start, time, cause))
            self._known_from = max(self._known_from, time)
            self._unknown = None
