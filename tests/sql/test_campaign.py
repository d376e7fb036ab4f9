"""A short cut of the campaign: random questions to random lakes, answered by two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.campaign.running import VERBS, run

if TYPE_CHECKING:
    from pathlib import Path

_QUESTIONS = 4 * len(VERBS)


@pytest.mark.parametrize("seed", [20200714, 20220501])
def test_no_random_question_has_a_wrong_answer(tmp_path: Path, seed: int) -> None:
    """Nothing is known inside holes, and everything is the same outside of them."""
    asked = run(tmp_path, seed, _QUESTIONS)
    print(f"{asked.total():,} questions, {len(asked)} verbs")  # noqa: T201 - shown with -rP
    assert asked.total() == _QUESTIONS
    assert set(asked) == {verb.__name__ for verb in VERBS}
