"""One schedule, from the exchange to the lake."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.faults.comparing import compare
from tests.faults.limits import check_limits
from tests.faults.model import model_of
from tests.faults.playing import Played, play
from tests.faults.received import visits
from tests.lakes import bring_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.model import Model
    from tests.faults.schedule import Schedule

__all__ = ["check", "counts", "run"]


def run(schedule: Schedule, data: Path) -> Counter[str]:
    """Play a schedule, bring what was captured into a lake, and check it; return what there was.

    Raises AssertionError where the lake is other than what was sent.
    """
    played = play(schedule, data)
    return counts(check(played, data))


def check(played: Played, data: Path) -> Model:
    """Bring what was captured into a lake, and hold all against the journal."""
    check_limits(played.journal, login=played.schedule.login)
    model = model_of(visits(played.journal, played.lines), played.events)
    bring_in(data)
    compare(data, model, played.lines)
    return model


def counts(model: Model) -> Counter[str]:
    """Return how much of what there was."""
    books = [book.row for found in model.depth.values() for book in found]
    return Counter(
        books=len(books),
        trades=sum(map(len, model.trades.values())),
        tickers=sum(map(len, model.tickers.values())),
        quarantined=len(model.quarantine),
        foreign=model.foreign,
        missed=sum(row["missed"] or 0 for row in books),
        missed_in_gaps=sum(row["missed_in_gap"] or 0 for row in books),
        restarts=sum(found[-1].row["epoch"] for found in model.depth.values()),
        duplicates=sum(row["duplicate"] for row in books),
        holes=sum(max(len(found) - 1, 0) for found in model.standing.values()),
    )
