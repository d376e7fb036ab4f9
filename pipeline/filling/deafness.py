"""Where the recorder of a request was deaf: from which line of which minute until which.

It is deaf from its last line before a disconnect until its next line with data, and in minutes
without a slice. Nor did it hear anything in a minute without data in which another recorder has
some of what was asked for: it lost its connection, and does not say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pipeline.filling.told import DATA, EMPTY
from pipeline.normalize.stretches import Cut, arrivals

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from pipeline.filling.told import Told
    from pipeline.normalize.coverage import Feed
    from pipeline.slices import Request

__all__ = ["Ear", "Hole", "clocks_of_data", "cuts_of"]

_MINUTE: Final = 600_000_000  # of clocks: 100 ns


class Hole(NamedTuple):
    """From a line of a minute up to one of another (`stop`) a recorder was deaf.

    It heard until `begins`, and again at `ends`, 100 ns into these minutes; None: from the minute's
    start on, to its end.
    """

    minute: int
    line: int
    begins: int | None
    last_minute: int
    stop: int
    ends: int | None


class Ear:
    """Follows a request's slices through a day: where it is deaf."""

    def __init__(self, request: Request) -> None:
        self.lines: dict[int, int] = {}  # by minute: how many there are
        self._request = request
        self._holes: list[Hole] = []
        # Behind the last line that arrived, since a minute that has a slice: minute, line, clock.
        self._since: tuple[int, int, int | None] | None = None
        self._is_deaf = False
        self._next = 0

    def take(self, minute: int, told: Told | None, feeds: Collection[Feed]) -> None:
        """Take the next minute, None if it has no slice; and the feeds that others heard in it."""
        if told is None:
            self._end_before(minute)
            self._since = None
        else:
            self.lines[minute] = len(told.kinds)
            self._since = self._since or (minute, 1, None)
            if not (told.kinds == DATA).any():
                self._is_deaf |= any(self._request.covers(*feed) for feed in feeds)
            self._follow(minute, told)
        self._next = minute + 1

    def finish(self) -> list[Hole]:
        """End the day; return the holes, in order."""
        self._end_before(self._next)
        return self._holes

    def _follow(self, minute: int, told: Told) -> None:
        clocks, timed = arrivals(told.clocks), told.clocks >= 0
        if not self._is_deaf and not (told.kinds == EMPTY).any():
            last = np.flatnonzero(timed)[-1:].tolist()
            self._since = (minute, last[0] + 2, int(clocks[last[0]])) if last else self._since
            return
        for index, kind in enumerate(told.kinds.tolist()):
            if kind == EMPTY:
                self._is_deaf = True
            elif timed[index]:
                if kind == DATA and self._is_deaf:
                    self._end(minute, index + 1, int(clocks[index]))
                if not self._is_deaf:
                    self._since = minute, index + 2, int(clocks[index])

    def _end_before(self, minute: int) -> None:
        """Let a hole end with the minute before."""
        self._end(minute - 1, self.lines.get(minute - 1, 0) + 1, None)

    def _end(self, minute: int, stop: int, ends: int | None) -> None:
        if self._is_deaf and self._since:
            self._holes.append(Hole(*self._since, minute, stop, ends))
        self._is_deaf = False


def cuts_of(
    rank: int, hole: Hole, lines: Mapping[int, int], heard: Mapping[int, list[NDArray[np.int64]]]
) -> dict[int, Cut]:
    """Return what is cut from each minute for a hole: nothing, if nothing was heard in it.

    Nor where a clock ran away: by that it can't be told what came when.
    """
    found, is_filled = {}, False
    for minute in range(hole.minute, hole.last_minute + 1):
        begins = hole.begins if minute == hole.minute else None
        ends = hole.ends if minute == hole.last_minute else None
        first = hole.line if minute == hole.minute else 1
        stop = hole.stop if minute == hole.last_minute else lines[minute] + 1
        low, high = -1 if begins is None else begins, _MINUTE if ends is None else ends
        if not low < high <= _MINUTE:
            return {}
        found[minute] = Cut(rank, range(first, stop), begins, ends)
        is_filled |= any(((low < clocks) & (clocks < high)).any() for clocks in heard[minute])
    return found if is_filled else {}


def clocks_of_data(told: Told) -> NDArray[np.int64]:
    """Return when lines with data arrived, of those whose clock did not run away."""
    clocks = told.clocks[told.kinds == DATA]
    within: NDArray[np.int64] = clocks[(clocks >= 0) & (clocks < _MINUTE)]
    return within
