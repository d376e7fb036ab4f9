"""A claim about the recordings, what real messages say of it, and what follows.

A claim comes with a day where it is put to the messages of one: the exchange changed its ways over
the years, so that what holds in one era need not in another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

__all__ = [
    "DIFFERS",
    "HOLDS",
    "LEAST",
    "TOLD",
    "UNDECIDED",
    "Evidence",
    "joined",
    "judged",
    "percent",
]

HOLDS: Final = "holds"
DIFFERS: Final = "differs"
UNDECIDED: Final = "not decided"
# Nothing was claimed: the question was open, and this is what the data say.
TOLD: Final = "told"
# Of fewer cases than these nothing follows, but from one that contradicts.
LEAST: Final = 30
_NAMED_AT_MOST: Final = 6


@dataclass(frozen=True)
class Evidence:
    """What one day (None: the service itself) says of a claim: in words, of `n` cases."""

    claim: str
    day: date | None
    found: str
    n: int
    verdict: str

    @property
    def facts(self) -> dict[str, Any]:
        """The evidence as JSON has it."""
        day = None if self.day is None else self.day.isoformat()
        facts = {"claim": self.claim, "day": day, "verdict": self.verdict, "n": self.n}
        return facts | {"evidence": self.found}


def judged(bad: int, n: int, least: int = LEAST) -> str:
    """Return the verdict on a claim that one case can contradict: `bad` of `n` do."""
    if bad:
        return DIFFERS
    return HOLDS if n >= least else UNDECIDED


def joined(counts: Mapping[str, int] | Iterable[str], otherwise: str = "none") -> str:
    """Return names, the most frequent first if they are counted; of many the first few."""
    if hasattr(counts, "items"):
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        names = [f"{name} {count:,}" for name, count in ordered]
    else:
        names = list(counts)
    more = len(names) - _NAMED_AT_MOST
    shown = ", ".join(names[:_NAMED_AT_MOST])
    return (f"{shown} and {more} more" if more > 0 else shown) or otherwise


def percent(part: float, whole: float) -> str:
    """Return a share as it is told; of nothing it is not known."""
    return f"{100 * part / whole:.3g} %" if whole else "?"
