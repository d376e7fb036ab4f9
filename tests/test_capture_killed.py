"""SIGKILL at random moments: at most the last second of lines is missing, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kills import kill_and_compare

if TYPE_CHECKING:
    from pathlib import Path


def test_a_killed_capture_loses_at_most_the_last_second(tmp_path: Path) -> None:
    """Nothing is torn, nothing doubled, and each start goes on behind a mark."""
    counts = kill_and_compare(tmp_path, rounds=4, seed=1)
    assert counts["kills"] == 4
    assert counts["lines"] > 60
