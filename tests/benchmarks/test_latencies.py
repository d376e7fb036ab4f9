from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.asking import BOOKS_IN_SQL, QUESTIONS
from tests.benchmarks.running import bench

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tiny_day_is_backfilled_asked_and_planned(tmp_path: Path) -> None:
    """Both lakes give the same books, the line carries every byte, every command answers."""
    path = tmp_path / "found.json"
    parts = [word for part in ("day", "commands", "backfill") for word in ("--only", part)]
    text = bench("--tiny", *parts, "--kept", str(tmp_path / "kept"), "--json", str(path))
    found = json.loads(path.read_text())
    assert found["partitions"] == [2, 22]
    assert len(found["queries"]) == 10
    for latency in found["queries"]:
        # To be cold is to be a process of its own: one question tells that it works.
        is_cold = latency["question"] == QUESTIONS[0]
        assert len(latency["cold_small"]) == len(latency["cold_large"]) == is_cold
        once = latency["question"] == BOOKS_IN_SQL
        assert len(latency["warm_small"]) == len(latency["warm_large"]) >= (1 if once else 2)
    assert [command["name"] for command in found["commands"]] == [
        "verify of a day", "--help", "plan of a month", "status", "coverage",
        "sync, nothing to do",
    ]  # fmt: skip
    assert found["backfill"]["minutes"] == 2
    assert found["backfill"]["bytes"] > 100_000
    assert found["backfill"]["total"] > found["backfill"]["after_last_byte"] > 0
    # Of one day alone: that is what cores share.
    assert [(row["contender"]["name"], row["slices"]["minutes"]) for row in found["rows"]] == [
        ("ours", 3), ("ours", 3), ("derive", 3), ("snapshots", 3),
    ]  # fmt: skip
    assert {row["part"] for row in found["rows"]} == {"day"}
    for question in ("a day of books at 1 s in Python", "a day of quotes in Python", "connect"):
        assert question in text
    assert "book_at in Python at 00:00:00.000" in text
