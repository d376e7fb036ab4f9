"""A short cut of the campaign: random questions to random lakes, answered by two.

`python -m tests.campaign` asks of as many lakes as are wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.campaign.running import OF_BOOKS, VERBS, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("seed", "clock_steps"), [(20200714, False), (20201130, True)])
def test_no_random_question_has_a_wrong_answer(
    tmp_path: Path, seed: int, clock_steps: bool
) -> None:
    """Nothing is known inside holes, and everything is the same outside of them."""
    verbs = OF_BOOKS if clock_steps else VERBS
    asked = run(tmp_path, seed, 2 * len(verbs), clock_steps=clock_steps)
    print(f"{asked.total():,} questions, {len(asked)} verbs")  # noqa: T201 - shown with -rP
    assert asked.total() == 2 * len(verbs)
    assert set(asked) == {verb.__name__ for verb in verbs}
