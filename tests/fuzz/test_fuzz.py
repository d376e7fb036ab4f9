from __future__ import annotations

import pytest

from tests.fuzz.targets import TARGETS, play


@pytest.mark.parametrize("target", TARGETS)
def test_a_cut_of_the_fuzzer(target: str) -> None:
    """Some hundred examples, the same ones each time; many more by `python -m tests.fuzz`."""
    play(target, number=0, examples=300)
