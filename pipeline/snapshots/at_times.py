"""The top levels that stood at each of some times.

A book stands from its message's arrival until valid_until, within its day; after the last book of a
day that stands at its end, until carry_until of the next day's message 0. Elsewhere no book is
known. This is what sql/macros/parts/book_in_folder.sql says of one time.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipeline.replay import Books, Tops, chosen_tops
from pipeline.snapshots.day_file import DayFile
from pipeline.snapshots.tables import Snapshots, books_at_once
from pipeline.times import DAY_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pipeline.lake import Lake
    from pipeline.snapshots.day_file import Group

__all__ = ["at_times", "on_grid"]

_TIMES_AT_ONCE: Final = 1 << 20


def at_times(
    lake: Lake,
    instrument: str,
    times: NDArray[np.int64],
    depth: int | None = None,
    max_age: int | None = None,
) -> Iterator[Snapshots]:
    """Yield the books at some times, which never run back; `depth` None is all levels.

    A book that is older than `max_age`, in microseconds, counts as unknown.
    """
    asking = _Asking(lake, instrument, depth, max_age)
    begin = 0
    while begin < len(times):
        day = int(times[begin] // DAY_US)
        end = int(np.searchsorted(times, (day + 1) * DAY_US))
        yield from asking.day(day, times[begin:end])
        begin = end


def on_grid(
    lake: Lake,
    instrument: str,
    grid: range,
    depth: int | None = None,
    max_age: int | None = None,
) -> Iterator[Snapshots]:
    """Yield the books at the times of a grid, however many they are: as `at_times` does."""
    parts = (grid[n : n + _TIMES_AT_ONCE] for n in range(0, len(grid), _TIMES_AT_ONCE))
    times = (np.arange(part.start, part.stop, part.step, dtype=np.int64) for part in parts)
    return chain.from_iterable(at_times(lake, instrument, some, depth, max_age) for some in times)


class _Asking:
    """A question about some times of an instrument."""

    def __init__(self, lake: Lake, instrument: str, depth: int | None, max_age: int | None) -> None:
        self._lake = lake
        self._instrument = instrument
        self._depth = depth
        self._max_age = max_age

    def day(self, day: int, times: NDArray[np.int64]) -> Iterator[Snapshots]:
        """Yield the books at times of a day."""
        file = DayFile.open(self._lake, self._instrument, day)
        if file is None:
            yield from self._unknown(times)
            return
        with file:
            # The group of a time is the first that ends after it.
            cuts = np.searchsorted(times, file.ends)
            for number, (begin, end) in enumerate(zip([0, *cuts[:-1]], cuts, strict=True)):
                if begin < end:
                    yield from self._group(file, number, times[begin:end])
            yield from self._unknown(times[cuts[-1] :])

    def _group(self, file: DayFile, number: int, times: NDArray[np.int64]) -> Iterator[Snapshots]:
        """Yield the books at times of which a group has the first row that ends later."""
        group = file.group(number)
        rows = np.searchsorted(group.until, times, side="right")
        carried = 0
        if group.carry_until is not None:
            carried = int(np.searchsorted(times, min(group.carry_until, int(group.until[0]))))
            yield from self._of_day_before(file.day - 1, times[:carried], group.recorder(0))
        times, rows = times[carried:], rows[carried:]
        yield from self._books(group, times, np.where(group.local[rows] <= times, rows, -1))

    def _of_day_before(
        self, day: int, times: NDArray[np.int64], recorder: str | None
    ) -> Iterator[Snapshots]:
        """Yield the books of a day at times after its end, if the same recorder has them."""
        file = DayFile.open(self._lake, self._instrument, day) if len(times) else None
        if file is None:
            yield from self._unknown(times)
            return
        with file:
            if file.group(len(file) - 1).recorder(-1) == recorder:
                yield from self._after_end(file, len(file) - 1, times)
            else:
                yield from self._unknown(times)

    def _after_end(
        self, file: DayFile, number: int, times: NDArray[np.int64]
    ) -> Iterator[Snapshots]:
        """Yield the last books to have arrived of those that stand at the day's end."""
        group = file.group(number)
        first = int(np.searchsorted(group.until, (file.day + 1) * DAY_US))
        # By row, the earliest arrival from it on: the clock may have run back.
        arrived = np.minimum.accumulate(group.local[first:][::-1])[::-1]
        rows = first + np.searchsorted(arrived, times, side="right") - 1
        earlier = int(np.searchsorted(rows, first))
        if first == 0 and number > 0 and earlier:
            yield from self._after_end(file, number - 1, times[:earlier])
        else:
            yield from self._unknown(times[:earlier])
        yield from self._books(group, times[earlier:], rows[earlier:])

    def _books(
        self, group: Group, times: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> Iterator[Snapshots]:
        """Yield the books of some rows, which stand at some times; of row -1 none."""
        known = (rows >= 0) & group.rows.is_book[rows]
        if self._max_age is not None:
            known &= times - group.local[rows] <= self._max_age
        at = np.where(known, rows, -1)
        depth = self._depth or max(1, group.levels_at_most(at[known]))
        books = Books.of(group.room)
        step = books_at_once(depth)
        for begin in range(0, len(at), step):
            piece = at[begin : begin + step]
            found = Tops.of(len(piece), depth)
            chosen_tops(group.rows, group.keyframes, piece, books, found)
            yield Snapshots(times[begin : begin + step], *group.message_times(piece), found)

    def _unknown(self, times: NDArray[np.int64]) -> Iterator[Snapshots]:
        """Yield that no book is known."""
        depth = self._depth or 1
        step = books_at_once(depth)
        for begin in range(0, len(times), step):
            some = times[begin : begin + step]
            nothing = pa.nulls(len(some), pa.timestamp("us"))
            yield Snapshots(some, nothing, nothing, Tops.of(len(some), depth))
