"""One world, and a number of random questions to it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.views import connect
from tests import worlds
from tests.campaign import books, measures, python, trades
from tests.campaign.asked import Asked

if TYPE_CHECKING:
    from pathlib import Path

OF_BOOKS = (*books.VERBS, *measures.VERBS)
VERBS = (*OF_BOOKS, *trades.VERBS, *python.VERBS)


def run(folder: Path, seed: int, questions: int, *, clock_steps: bool = False) -> Counter[str]:
    """Ask a world a number of questions, every verb in turn; return how many were asked of each.

    With `clock_steps` those of books: which quote a trade met is told by lines, not by the clock.
    """
    world = worlds.make(folder, seed, clock_steps=clock_steps)
    verbs = OF_BOOKS if clock_steps else VERBS
    counted: Counter[str] = Counter()
    with connect(world.data) as connection:
        asked = Asked(world, connection)
        for number in range(questions):
            verb = verbs[number % len(verbs)]
            state = world.rng.getstate()
            try:
                verb(asked)
            except Exception as error:
                error.add_note(f"world {seed}, question {number}: {verb.__name__}; {state[1][:3]}")
                raise
            counted[verb.__name__] += 1
    return counted
