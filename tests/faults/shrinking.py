"""The smallest schedule that still fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.faults.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["shrunk"]


def shrunk(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    """Leave out whatever a failing schedule fails without: faults first, then the rest."""
    while True:
        smaller = next(filter(fails, _smaller(schedule)), None)
        if smaller is None:
            return schedule
        schedule = smaller


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    """Yield schedules that are a step simpler, each in its own respect."""
    faults, plain = schedule.faults, Schedule(seed=schedule.seed)
    for place, fault in enumerate(faults):
        yield replace(schedule, faults=faults[:place] + faults[place + 1 :])
        once = fault.partition("*")[0]
        if once != fault:
            yield replace(schedule, faults=(*faults[:place], once, *faults[place + 1 :]))
    for name in ("login", "unnamed", "second", "era", "books", "burst", "absent", "stale"):
        if getattr(schedule, name) != getattr(plain, name):
            yield replace(schedule, **{name: getattr(plain, name)})
    if schedule.markets > 1:
        yield replace(schedule, markets=schedule.markets - 1)
