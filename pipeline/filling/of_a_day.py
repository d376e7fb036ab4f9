"""A day of history and what was recorded live of it → what the one fills of the other.

What another recorder heard while history was deaf counts there, between lines and never among them;
but for trades that history has too. If both are not of one feed, nothing is filled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.filling.deafness import Ear, clocks_of_data, cuts_of
from pipeline.filling.one_feed import Comparison
from pipeline.filling.told import told_of
from pipeline.filling.twice import Twice
from pipeline.times import MINUTES_OF_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.filling.one_feed import Conflict
    from pipeline.filling.told import Around
    from pipeline.normalize.stretches import Cut
    from pipeline.slices import DayOfSlices

__all__ = ["Filling", "filling_of"]


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
    comparison, found = Comparison(held, leaders, others), Filling()
    twice = Twice([day.request for day in held], leaders, others)
    ears = {rank: Ear(held[rank].request) for rank in leaders}
    heard: dict[int, list[NDArray[np.int64]]] = {}  # by minute: when others had lines with data
    for minute, around in _by_three(held):
        here = around[minute]
        live = {rank: here[rank] for rank in others if rank in here}
        feeds = {feed for told in live.values() for feed in told.feeds}
        for rank, ear in ears.items():
            ear.take(minute, here.get(rank), feeds)
        heard[minute] = [clocks_of_data(told) for told in live.values()]
        if conflict := comparison.take(minute, around):
            return Filling(conflict=conflict)
        twice.take(minute, around)
        if any(told.has_answers for told in live.values()):
            found.answered.add(minute)
    if conflict := comparison.finish():
        return Filling(conflict=conflict)
    for rank, ear in ears.items():
        for hole in ear.finish():
            for minute, cut in cuts_of(rank, hole, ear.lines, heard).items():
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
    around: Around = {-1: {}, 0: told_of(held, 0)}
    for minute in range(MINUTES_OF_DAY):
        around[minute + 1] = told_of(held, minute + 1)
        yield minute, around
        del around[minute - 1]
