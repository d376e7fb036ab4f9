"""What may go of raw, since Tardis could serve it again, and the proof without which none goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.errors import LakeDiffers
from pipeline.slices import TARDIS
from pipeline.verifying import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.slices import DayOfSlices

__all__ = ["droppable", "prove"]

_MINUTES: Final = 12


def droppable(held: Sequence[DayOfSlices]) -> DayOfSlices | None:
    """Return the slices of a day that may go, if Tardis serves them; None if none may.

    `held` are those of all requests. They may if nothing else is of that day, so that no day is
    ever made of what is left, and if they came by a request that can be made again.
    """
    of_day = [of for of in held if of.slices or of.corrupt]
    if len(of_day) != 1:
        return None
    (of,) = of_day
    there = of.slices.keys() - set(of.dropped)
    can_be_asked = of.request.origin == TARDIS and of.request.channels is not None
    return of if can_be_asked and there and not of.corrupt else None


def prove(
    data: Path, exchange: str, day: date, *, has_begun: bool = False, jobs: int | None = None
) -> None:
    """See that the lake says of a day what raw says: made again, row for row.

    Where a run `has_begun` to drop it, and was killed, that was seen before; then it is enough that
    every file is as it was. Raises LakeDiffers if it is not so, or if that can't be seen.
    """
    sample = 0 if has_begun else None
    report = verify(data, exchange, days=[day], sample=sample, minutes=_MINUTES, jobs=jobs)
    report.raise_if_different()
    needed = {"sources"} if has_begun else {"sources", "remade"}
    for check in report.checks:
        is_unproved = check.unprovable and not has_begun
        if is_unproved or (check.name in needed and not check.looked_at):
            reason = check.unprovable[0] if check.unprovable else f"{day} is not in the lake"
            raise LakeDiffers(1, f"{day} can't be proved ({check.name}): {reason}")
