"""Where a live recording fills the gaps of history, and whether it may: that both are of one feed.

History leads. It is deaf from its last line before a disconnect until its next line with data, and
has nothing in minutes without a slice. Nor did it hear anything in a minute without data in which a
live recording has some of what was asked for: it lost its connection, and does not say so. What
another recorder heard meanwhile counts there, between lines and never among them; but for trades
that history has too, a moment before or after.

Where both heard, the same number must stand for the same content: a book's seq_num, a trade's id.
If once it does not, or if nothing of one is ever found in the other, then nothing is filled.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pipeline.normalize.stretches import Cut, arrivals
from pipeline.times import MINUTES_OF_DAY
from pipeline.told import DATA, EMPTY, told_by
from pipeline.twice import Twice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.normalize.coverage import Feed
    from pipeline.slices import DayOfSlices, Request
    from pipeline.told import Around, Key, Minute, Told

__all__ = ["Conflict", "Filling", "filling_of"]

_MINUTE: Final = 600_000_000  # of clocks: 100 ns
# Of two recordings of one feed a few messages at the edge of a minute may be in one alone. In so
# many minutes, of which both have several, it is no chance that none is in both.
_MINUTES_APART: Final = 3
_SEVERAL: Final = 2


class Conflict(NamedTuple):
    """A line of a live recording that is not what history has: where it stands, and why."""

    rank: int
    minute: int
    line: int
    reason: str


@dataclass
class Filling:
    """What of a day is filled: by minute the cuts, and by minute and rank what is left out.

    `answered` are minutes in which a live recording says whether it was granted what it may fill
    later. Where there is a conflict nothing is filled.
    """

    cuts: dict[int, list[Cut]] = field(default_factory=dict)
    skipped: dict[int, dict[int, set[tuple[int, int]]]] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    conflict: Conflict | None = None


def filling_of(held: Sequence[DayOfSlices]) -> Filling:
    """Say what of a day's history its live recordings fill. `held` are its slices, by rank.

    Raises SliceCorrupt.
    """
    leaders = [rank for rank, day in enumerate(held) if day.request.recorder is None]
    others = [rank for rank, day in enumerate(held) if day.request.recorder is not None]
    if not _lacks([held[rank] for rank in leaders], [held[rank] for rank in others]):
        return Filling()
    comparison, found = _Comparison(held, leaders, others), Filling()
    twice = Twice([day.request for day in held], leaders, others)
    ears = {rank: _Ear(held[rank].request) for rank in leaders}
    heard: dict[int, list[NDArray[np.int64]]] = {}  # by minute: when others had lines with data
    for minute, around in _by_three(held):
        here = around[minute]
        live = {rank: here[rank] for rank in others if rank in here}
        feeds = {feed for told in live.values() for feed in told.feeds}
        for rank, ear in ears.items():
            ear.take(minute, here.get(rank), feeds)
        heard[minute] = [_clocks_of_data(told) for told in live.values()]
        if conflict := comparison.take(minute, around):
            return Filling(conflict=conflict)
        twice.take(minute, around)
        if any(told.has_answers for told in live.values()):
            found.answered.add(minute)
    if conflict := comparison.finish():
        return Filling(conflict=conflict)
    for rank, ear in ears.items():
        for hole in ear.finish():
            for minute, cut in _cuts(rank, hole, ear.lines, heard).items():
                found.cuts.setdefault(minute, []).append(cut)
    found.skipped = twice.finish(found.cuts)
    return found


def _lacks(history: Iterable[DayOfSlices], live: Iterable[DayOfSlices]) -> bool:
    """Say whether history may have a gap in a minute of which there is a live recording.

    A disconnect may tell of one that began long before its minute, and ends long after it.
    """
    recorded = {minute for day in live for minute in day.slices}
    return bool(recorded) and any(
        not recorded <= day.slices.keys()
        or any(of.disconnects or not of.lines for of in day.slices.values())
        for day in history
    )


def _by_three(held: Sequence[DayOfSlices]) -> Iterator[tuple[int, Around]]:
    """Yield each minute with what it tells, and what the one before and the one after tell."""
    around: Around = {-1: {}, 0: _told(held, 0)}
    for minute in range(MINUTES_OF_DAY):
        around[minute + 1] = _told(held, minute + 1)
        yield minute, around
        del around[minute - 1]


def _told(held: Sequence[DayOfSlices], minute: int, *, exactly: bool = False) -> Minute:
    return {
        rank: told_by(day.path(minute), day.day, minute, exactly=exactly)
        for rank, day in enumerate(held)
        if minute in day.slices
    }


def _clocks_of_data(told: Told) -> NDArray[np.int64]:
    """Return when lines with data arrived, of those whose clock did not run away."""
    clocks = told.clocks[told.kinds == DATA]
    within: NDArray[np.int64] = clocks[(clocks >= 0) & (clocks < _MINUTE)]
    return within


# --- where history was deaf --------------------------------------------------------------------


class _Hole(NamedTuple):
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


class _Ear:
    """Follows a request's slices through a day: where it is deaf."""

    def __init__(self, request: Request) -> None:
        self.lines: dict[int, int] = {}  # by minute: how many there are
        self._request = request
        self._holes: list[_Hole] = []
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

    def finish(self) -> list[_Hole]:
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
            self._holes.append(_Hole(*self._since, minute, stop, ends))
        self._is_deaf = False


def _cuts(
    rank: int, hole: _Hole, lines: Mapping[int, int], heard: Mapping[int, list[NDArray[np.int64]]]
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


# --- whether both are of one feed --------------------------------------------------------------


class _Comparison:
    """Holds what live recordings say against what history says, minute by minute."""

    def __init__(
        self, held: Sequence[DayOfSlices], leaders: Sequence[int], others: Sequence[int]
    ) -> None:
        self._held = held
        self._leaders = leaders
        self._others = others
        self._met: set[Feed] = set()
        self._apart: dict[Feed, list[Conflict]] = defaultdict(list)

    def take(self, minute: int, around: Around) -> Conflict | None:
        """Take what a minute tells; return the first message that history has otherwise."""
        if any(True for _ in self._contradictions(minute, around)):
            # Numbers may be spelled in two ways. What they say is compared where the text differs.
            exact = {at: self._read_exactly(at) for at in around}
            if conflict := next(self._contradictions(minute, exact), None):
                return conflict
        self._meet(minute, around[minute])
        return None

    def finish(self) -> Conflict | None:
        """Return where a feed is that has nothing in common with that of history, if there is."""
        for feed, minutes in self._apart.items():
            if feed not in self._met and len(minutes) >= _MINUTES_APART:
                return minutes[0]
        return None

    def _read_exactly(self, minute: int) -> Minute:
        return _told(self._held, minute, exactly=True)

    def _contradictions(self, minute: int, around: Around) -> Iterator[Conflict]:
        history = [
            (rank, at, told.contents)
            for at, slices in around.items()
            for rank, told in slices.items()
            if rank in self._leaders
        ]
        for rank in self._others:
            told = around[minute].get(rank)
            for key, contents in told.contents.items() if told and history else ():
                same = [(leader, at, of[key]) for leader, at, of in history if key in of]
                if same:
                    self._met.add(key[0])
                    if all(contents.keys().isdisjoint(of) for _, _, of in same):
                        line = min(contents.values())
                        leader, at, known = same[0]
                        where = f"{self._held[leader].name(at)} line {min(known.values())}"
                        reason = f"{_named(key)} is another one in {where}"
                        yield Conflict(rank, minute, line, reason)

    def _meet(self, minute: int, here: Minute) -> None:
        """Note feeds of which both sides have several messages in a minute, and none is in both."""
        if any((told.kinds == EMPTY).any() for told in here.values()):
            return
        feeds = [
            Counter(key[0] for rank in ranks if rank in here for key in here[rank].contents)
            for ranks in (self._leaders, self._others)
        ]
        for feed in feeds[0].keys() & feeds[1].keys() - self._met:
            if min(of[feed] for of in feeds) >= _SEVERAL:
                rank, line = next(
                    (rank, min(lines.values()))
                    for rank in self._others if rank in here
                    for key, lines in here[rank].contents.items() if key[0] == feed
                )  # fmt: skip
                reason = f"nothing of {feed.channel} of {feed.instrument} is in history too"
                self._apart[feed].append(Conflict(rank, minute, line, reason))


def _named(key: Key) -> str:
    feed, what, number = key
    return f"{feed.channel} of {feed.instrument} with {what} {number}"
