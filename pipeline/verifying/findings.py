"""What a verification found: by check what was looked at, what differs, what can't be proved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import LakeDiffers

if TYPE_CHECKING:
    from datetime import date

    from pipeline.errors import QueryRefused

__all__ = ["Check", "Difference", "VerifyReport", "unreadable"]


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be: where, and what. `day` is the one to be made again.

    `is_of_raw`: a slice is broken or gone, so it is to be fetched again before.
    """

    day: date
    where: str
    what: str
    is_of_raw: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def unreadable(day: date, error: QueryRefused) -> Difference:
    """Return what differs of a day of which the lake can't be asked, in DuckDB's words."""
    return Difference(day, str(day), error.words.partition("\n")[0])


@dataclass
class Check:
    """One check: what it proves, what it can't, how much it looked at, and what it found."""

    name: str
    proves: str
    cannot: str
    looked_at: int = 0
    unit: str = ""
    differences: list[Difference] = field(default_factory=list)
    unprovable: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return the check as facts."""
        return {
            "check": self.name,
            "looked_at": self.looked_at,
            "unit": self.unit,
            "differences": [str(of) for of in self.differences],
            "unprovable": self.unprovable,
            "proves": self.proves,
            "cannot_prove": self.cannot,
        }


@dataclass
class VerifyReport:
    """All checks, in order, of so many days; `seed` is what some were chosen by."""

    checks: list[Check]
    seed: int
    days: int

    @property
    def differences(self) -> list[Difference]:
        """All that differs, in order."""
        return [of for check in self.checks for of in check.differences]

    def days_to_repair(self) -> list[date]:
        """Return the days that are to be made again, in order."""
        return sorted({of.day for of in self.differences})

    def summary(self) -> dict[str, Any]:
        """Return the report as facts."""
        return {
            "seed": self.seed,
            "differences": len(self.differences),
            "checks": [check.summary() for check in self.checks],
        }

    def raise_if_different(self) -> None:
        """Raise LakeDiffers if the lake says other than raw, or than itself."""
        if failure := self.failure():
            raise failure

    def failure(self) -> LakeDiffers | None:
        """Return LakeDiffers if the lake says other than raw, or than itself."""
        found = self.differences
        return LakeDiffers(len(found), str(found[0])) if found else None
