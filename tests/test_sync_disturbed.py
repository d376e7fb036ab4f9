"""A few rounds of the campaign: the scheduled job amid kills, full disks, faults and readers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.disturbed.nights import KINDS
from tests.disturbed.playing import Undisturbed, play

if TYPE_CHECKING:
    from pathlib import Path

# Each kind of nights once, in two rounds: what one leaves is what the next one finds.
_KINDS = [KINDS.index(kind) for kind in dict.fromkeys(KINDS)]
_ROUNDS = [_KINDS[first::2] for first in range(2)]


@pytest.fixture(scope="module", name="undisturbed")
def _undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("number", range(len(_ROUNDS)))
def test_the_lake_is_in_the_end_that_of_an_undisturbed_run(
    tmp_path: Path, undisturbed: Undisturbed, number: int
) -> None:
    """Every report is true, and a reader was never told a wrong book."""
    counts = play(undisturbed, tmp_path, number, _ROUNDS[number])
    asked = counts.pop("asked")
    assert asked > 0
    assert counts == Counter(KINDS[kind].__name__ for kind in _ROUNDS[number])
