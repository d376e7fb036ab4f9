"""One plan, from the exchange to the lake."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

from polars.testing import assert_frame_equal

import pipeline
from pipeline.lake import Lake
from tests.lakes import EXCHANGE, ingest, rows
from tests.soak.holding import Daily, check_holdings, daily
from tests.soak.playing import Played, play
from tests.soak.reading import check_follows, same_tables, tables_of
from tests.soak.sending import compare_with_sent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.soak.plan import Plan

__all__ = ["run"]


def run(plan: Plan, folder: Path) -> tuple[Counter[str], list[Daily]]:
    """Carry a plan out in an empty folder; return what there was, and what was held by day.

    Raises AssertionError where rows are other than they were, or than they must be.
    """
    played = play(plan, folder)
    data, whole = folder / "live", folder / "whole"
    ingest(data, EXCHANGE, jobs=1)
    _check_answers(data, played)
    _check_files(data)
    shutil.copytree(data / "raw", whole / "raw")
    ingest(whole, EXCHANGE, jobs=1)
    _check_same(data, whole)
    counts = _counts(played) + compare_with_sent(data, played.journal, played.cut_off)
    held = [day for samples in played.samples for day in daily(samples)]
    for samples in played.samples:
        check_holdings(daily(samples))
    return counts, held


def _check_answers(data: Path, played: Played) -> None:
    """See that the lake, now that all is whole, still says what it said while it grew."""
    reader = played.reader
    lake = pipeline.open(data)
    final = tables_of(lake, played.plan.start.date())
    for day, seen in reader.seen.items():
        tables = {name: frame.filter(date=day) for name, frame in final.items()}
        check_follows(seen, tables)
        if day in reader.made_whole:
            same_tables(seen, tables, without=["rest_trades"])
    for name, books in reader.books:
        times = books["t"].unique().to_list()
        if times:
            assert_frame_equal(lake.books_at(name, times, depth=3), books)


def _check_same(one: Path, other: Path) -> None:
    """See that two lakes hold the same files with the same rows in the same order."""
    here, there = rows(one), rows(other)
    assert here.keys() == there.keys(), here.keys() ^ there.keys()
    for name, frame in here.items():
        assert_frame_equal(frame, there[name], check_exact=True)


def _check_files(data: Path) -> None:
    """See that nothing is left over: no draft, no part, no open slice."""
    assert Lake(data, EXCHANGE).days_in_parts() == []
    parts = [*(data / "lake").rglob("data-???.parquet")]
    left = [
        path
        for name in ("_drafts", "drafts", ".drafts", "open")
        for of in data.rglob(name)
        for path in of.rglob("*")
        if path.is_file()
    ]
    assert not parts + left, parts + left


def _counts(played: Played) -> Counter[str]:
    plan, reader = played.plan, played.reader
    what = Counter(step.what for step in plan.steps)
    return Counter(
        midnights=len(plan.midnights),
        kills=what["kill"] + what["outage"],
        outages=what["outage"],
        restarts=what["restart"],
        faults=len(played.journal.faults),
        turns=reader.counts["turns"],
        answers=reader.counts["answers"],
        books=reader.counts["books"],
        made_whole=len(reader.made_whole),
        compared_in_full=sum(reader.made_whole.values()),
    )
