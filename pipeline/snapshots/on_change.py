"""The top levels at each message that changed them.

A row at message i if i's top levels are others than those of message i - 1, or if the book starts
anew with i: the first of the history, or the first after a gap, even if it is empty.
Never because of midnight: where the last book of the day before still stands when message 0
arrives, the two are compared as within a day. A message that is no book gives no row, and ends the
book. So the rows of [a, b) followed by those of [b, c) are those of [a, c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pipeline.replay import Books, Tops, begin_at, changed_tops
from pipeline.snapshots.day_file import DayFile, days_there
from pipeline.snapshots.tables import Snapshots, books_at_once
from pipeline.times import DAY_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pipeline.lake import Lake
    from pipeline.snapshots.day_file import Group

__all__ = ["changes_of_day", "on_change"]

_EVER: Final = np.iinfo(np.int64)


class _Before(NamedTuple):
    """The group before the next row."""

    day: int
    group: int
    is_last: bool  # of its day


def on_change(lake: Lake, instrument: str, start: int, end: int, depth: int) -> Iterator[Snapshots]:
    """Yield the books that arrived in [start, end) and changed the top levels, in line order."""
    replay = _Replay(lake, instrument, depth)
    for day in days_there(lake, instrument, start, end):
        file = DayFile.open(lake, instrument, day)
        if file is not None:
            with file:
                yield from replay.day(file, start, end)


def changes_of_day(lake: Lake, instrument: str, day: int, depth: int) -> Iterator[Snapshots]:
    """Yield the books of a day's file (days since 1970) that changed the top levels, in line order.

    All that it has, whenever it arrived: a clock may have run out of the day.
    """
    file = DayFile.open(lake, instrument, day)
    if file is not None:
        with file:
            yield from _Replay(lake, instrument, depth).day(file, _EVER.min, _EVER.max)


class _Replay:
    """The book at some row, and its top; goes from group to group, and from day to day."""

    def __init__(self, lake: Lake, instrument: str, depth: int) -> None:
        self._lake = lake
        self._instrument = instrument
        self._books = Books.of(0)
        self._last = Tops.of(1, depth)
        self._before: _Before | None = None
        self._ends_with_book = False  # which stands at the end of the day, if its last row is it
        self._recorder: str | None = None  # whose last row that is

    def day(self, file: DayFile, start: int, end: int) -> Iterator[Snapshots]:
        """Yield what is to be found in a day's file."""
        earliest, latest = file.arrivals
        touched = np.flatnonzero((earliest < end) & (latest >= start))
        for number in range(touched.min(initial=len(file)), touched.max(initial=-1) + 1):
            group = file.group(number)
            wanted = (group.local >= start) & (group.local < end)
            if not self._follows(file, number):
                if not wanted.any():
                    continue
                first = int(wanted.argmax())
                if first:
                    yield from self._from_keyframe(file, number, group, first - 1, wanted)
                    continue
                self._go_before(file, number)
            yield from self._rows(file, number, group, 0, wanted)

    def _follows(self, file: DayFile, number: int) -> bool:
        """Say whether a group's first row is the next one."""
        before = self._before
        if before is None or number:
            return before is not None and before[:2] == (file.day, number - 1)
        return before.day == file.day - 1 and before.is_last

    def _go_before(self, file: DayFile, number: int) -> None:
        """Go to the row before a group, as if it had just been replayed; it may have no book."""
        self._before = None
        if number:
            self._go_to_end(file, number - 1)
            return
        day_before = DayFile.open(self._lake, self._instrument, file.day - 1)
        if day_before is not None:
            with day_before:
                self._go_to_end(day_before, len(day_before) - 1)

    def _go_to_end(self, file: DayFile, number: int) -> None:
        group = file.group(number)
        nothing = np.zeros(len(group), np.bool_)
        for _ in self._from_keyframe(file, number, group, len(group) - 1, nothing):
            raise AssertionError("no row was wanted")

    def _from_keyframe(
        self, file: DayFile, number: int, group: Group, row: int, wanted: NDArray[np.bool_]
    ) -> Iterator[Snapshots]:
        """Begin with the keyframe at or before a row, then go on; the row itself is not wanted."""
        begin = int(group.keyframes[row])
        self._books = self._books.with_room_for(group.room)
        begin_at(group.rows, begin, self._books, self._last)
        yield from self._rows(file, number, group, begin + 1, wanted)

    def _rows(
        self, file: DayFile, number: int, group: Group, begin: int, wanted: NDArray[np.bool_]
    ) -> Iterator[Snapshots]:
        """Replay a group from a row on."""
        known = self._known(file, number, group)
        self._books = self._books.with_room_for(group.room)
        step = books_at_once(self._last.depth)
        for first in range(begin, len(group), step):
            span = first, min(first + step, len(group))
            most = int(np.count_nonzero(wanted[slice(*span)]))
            found, at = Tops.of(most, self._last.depth), np.empty(most, np.int64)
            count = changed_tops(
                group.rows, span, known, wanted, self._books, self._last, found, at
            )
            if count:
                yield Snapshots(None, *group.message_times(at[:count]), found.first(count))
        is_last = number == len(file) - 1
        self._before = _Before(file.day, number, is_last)
        stands_on = int(group.until[-1]) >= (file.day + 1) * DAY_US
        self._ends_with_book = stands_on and bool(group.rows.is_book[-1])
        self._recorder = group.recorder(-1)

    def _known(self, file: DayFile, number: int, group: Group) -> NDArray[np.bool_]:
        """Say of each row whether the book before it was known up to it.

        A day is stored for itself, and begins anew: what the day before knows, its rows can't say.
        """
        known = ~group.rows.reset
        if number == 0:
            carried = group.carry_until is not None and group.carry_until >= group.local[0]
            known[0] = (
                carried
                and self._follows(file, 0)
                and self._ends_with_book
                and self._recorder == group.recorder(0)
            )
        return known
