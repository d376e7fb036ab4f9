"""The smallest schedule that still fails."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.running import run
from tests.faults.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["shrinking", "shrunk"]


def _fails(schedule: Schedule) -> bool:
    """Tell whether a schedule fails, in whatever way."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            run(schedule, Path(folder))
    except Exception:  # noqa: BLE001 - the first failure is the one that is raised
        return True
    return False


@contextmanager
def shrinking(schedule: Schedule, fails: Callable[[Schedule], bool] = _fails) -> Iterator[None]:
    """Tell with what a schedule fails of in this block the smallest one that fails too."""
    try:
        yield
    except Exception as error:
        smallest = shrunk(schedule, fails)
        error.add_note(f"fails too: python -m tests.faults --schedule '{smallest}'")
        raise


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
