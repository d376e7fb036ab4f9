"""What may go of raw, since Tardis could serve it again, and the proof without which none goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.errors import LakeDiffers
from pipeline.verifying import verify

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from pipeline.slices import DayOfSlices

__all__ = ["droppable", "prove"]

_TARDIS: Final = "tardis"
_MINUTES: Final = 12


def droppable(held: DayOfSlices) -> bool:
    """Say whether a request's slices of a day came from Tardis, whole, and some are still there."""
    there = held.slices.keys() - set(held.dropped)
    return held.request.origin == _TARDIS and bool(there) and not held.corrupt


def prove(
    data: Path, exchange: str, day: date, *, has_begun: bool = False, jobs: int | None = None
) -> None:
    """See that the lake says of a day what raw says: made again, row for row.

    Where a run `has_begun` to drop it, and was killed, that was seen before; then it is enough that
    every file is as it was. Raises LakeDiffers if it is not so, or if that can't be seen.
    """
    if has_begun:
        verify(data, exchange, days=[day], sample=0, jobs=jobs).raise_if_different()
        return
    report = verify(data, exchange, days=[day], sample=None, minutes=_MINUTES, jobs=jobs)
    report.raise_if_different()
    for check in report.checks:
        if check.unprovable or (check.name == "remade" and not check.looked_at):
            reason = check.unprovable[0] if check.unprovable else f"{day} is not in the lake"
            raise LakeDiffers(1, f"{day} can't be proved ({check.name}): {reason}")
