"""The end of a round: the lake is that of an undisturbed run, and every report is true."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.lakes import rows, same_rows
from tests.world import raw_minutes

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["Done", "Known", "check_reports", "check_the_end", "reports"]

_OUTCOMES = {"done": {0}, "lacking": {3}, "failed": {1, 2, 3}, "interrupted": {130}}


@dataclass
class Done:
    """What is known of a process that ran the job: how it ended, what it asked for and brought.

    `minutes` came while it ran, and `requests` were made; None where others ran too.
    """

    code: int | None
    minutes: int | None = None
    requests: int | None = None


@dataclass
class Known:
    """What is known of a round: the processes that were to leave a report, by process number."""

    runs: dict[int, Done] = field(default_factory=dict)


def reports(data: Path) -> list[dict[str, Any]]:
    """Return all reports; each file is whole, whatever happened to who wrote it."""
    files = sorted((data / "runs").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in files]


def check_reports(data: Path, known: Known) -> None:
    """Hold each report against what is known of its process.

    A run whose end could not be written says `cut_short`; no other may.
    """
    for report in reports(data):
        done = known.runs[report["process"]]
        where = f"{report['run']}: {report}"
        assert report["outcome"] != "running", where
        if report["outcome"] == "cut_short":
            assert done.code not in (0, 3), f"{done.code}, {where}"
            continue
        assert report["exit_code"] == done.code, f"{done.code}, {where}"
        assert done.code in _OUTCOMES[report["outcome"]], where
        assert (report["error"] is None) == (report["outcome"] == "done"), where
        if done.minutes is not None:
            assert report["minutes_fetched"] == done.minutes, f"{done}, {where}"
        if done.requests is not None:
            assert report["requests"] == done.requests, f"{done}, {where}"
        assert report["ended"] is not None, where


def check_the_end(data: Path, expected: dict[str, pl.DataFrame], minutes: dict[str, bytes]) -> None:
    """See that raw and the lake are what they are without a disturbance, and nothing is left."""
    assert raw_minutes(data) == minutes
    found = rows(data)
    assert sorted(found) == sorted(expected)
    assert same_rows(found, expected)
    left = [
        str(path.relative_to(data))
        for path in data.rglob("*")
        if path.is_file() and {".drafts", "_drafts"} & set(path.parts)
    ]
    assert left == []
    assert not (data / "runs" / ".open").exists()
