"""Derived tables made of the days that the lake has: those that lack, many at a time.

Whatever replaces or removes the depth of a day first removes what was derived from it
(`Lake.remove_derived`), so what is there is never older than its depth. Here that is looked at once
more, by what the files say of themselves: what was made from other depth goes before any work.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl

from pipeline import durable
from pipeline.catalogue import Catalogue
from pipeline.day_derive import DayDraft, derive_day, is_made_from, to_be_made_from
from pipeline.derived_tables import DerivedTable
from pipeline.drafts import clear_drafts
from pipeline.errors import LakeDamaged, UsageError
from pipeline.lake import Lake
from pipeline.lock import holding
from pipeline.research.times import span
from pipeline.snapshots import compile_replay
from pipeline.times import days_between
from pipeline.views import write_database
from pipeline.workers import in_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from pipeline.research.times import Span

__all__ = ["DeriveReport", "derive"]

log = logging.getLogger(__name__)

# Fewer messages than these are replayed before others could help.
_MESSAGES_WORTH_HELP: Final = 500_000


@dataclass
class DeriveReport:
    """What a run did, in partitions (an instrument's day each), and which depth is damaged."""

    table: str
    made: int = 0
    up_to_date: int = 0
    rows: int = 0
    bytes: int = 0
    damaged: dict[str, LakeDamaged] = field(default_factory=dict)  # by the file's path

    def summary(self) -> dict[str, Any]:
        """Return the report in figures."""
        return {
            "table": self.table,
            "partitions_derived": self.made,
            "partitions_up_to_date": self.up_to_date,
            "depth_damaged": len(self.damaged),
            "rows": self.rows,
            "bytes": self.bytes,
        }

    def raise_if_damaged(self) -> None:
        """Raise LakeDamaged if depth that the catalogue counts is damaged, or not there."""
        for error in self.damaged.values():
            raise error


def derive(  # noqa: PLR0913 - the command's options, one by one
    data: Path,
    exchange: str,
    table: str,
    *,
    step: Span | None = None,
    start: str | None = None,
    end: str | None = None,
    instruments: Iterable[str] | None = None,
    rebuild: bool = False,
    jobs: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> DeriveReport:
    """Make what lacks of a derived table; a second run changes nothing.

    `table` is book_snapshot_N: a row per message that changed one of the best N levels; with a
    `step` of which a day is so many, a row per time of that grid, and a table of its own. Days are
    those that [start, end) touches, UTC (all if open), instruments all of the lake if None;
    `rebuild` makes what is up to date too. `jobs` are processes (None: as many as pay), `progress`
    is told each partition's name when it is done, how many are, and how many there are.

    Raises UsageError for what can't be derived, LakeEmpty or LakeOutdated where there is no lake
    of this version, LockHeld if another run works on the data folder. Days whose depth is damaged
    are in the report.
    """
    chosen = DerivedTable.chosen(table, None if step is None else span(step, "--step"))
    Catalogue(Lake(data, exchange)).check()
    with holding(data):
        clear_drafts(data, exchange)  # of runs that were killed
        run = _Run(data, exchange, chosen)
        known = _days(Catalogue(run.lake), start, end, instruments)
        todo = [day for day in known if run.admit(day, rebuild=rebuild)]
        for done, draft in enumerate(_drafts(run, todo, jobs), 1):
            run.note(draft)
            if progress:
                progress(f"{draft.instrument} {draft.day}", done, len(todo))
        write_database(data, exchange)
        clear_drafts(data, exchange)
    return run.report


class _Day(NamedTuple):
    """An instrument's day that may be derived."""

    instrument: str
    day: date
    messages: int


def _days(
    catalogue: Catalogue, start: str | None, end: str | None, instruments: Iterable[str] | None
) -> list[_Day]:
    """Return what the lake has depth of, day by day; raises UsageError."""
    rows = catalogue.rows
    if instruments is not None:
        wanted, there = sorted(set(instruments)), set(rows["instrument"])
        for name in wanted:
            if name not in there:
                raise UsageError.not_among("--instruments", name, there)
        rows = rows.filter(pl.col("instrument").is_in(wanted))
    rows = rows.filter(pl.col("depth_messages") > 0).sort("date", "instrument")
    known = rows["date"].unique().sort().to_list()
    rows = rows.filter(pl.col("date").is_in(days_between(known, start, end, "books", "ingest")))
    return [_Day(*row) for row in rows.select("instrument", "date", "depth_messages").iter_rows()]


class _Run:
    """One run: what it derives, and what came of it."""

    def __init__(self, data: Path, exchange: str, table: DerivedTable) -> None:
        self.data = data
        self.exchange = exchange
        self.table = table
        self.lake = Lake(data, exchange)
        self.report = DeriveReport(table.name)

    def admit(self, one: _Day, *, rebuild: bool) -> bool:
        """Say whether a day is to be derived; what its depth does not give now is removed."""
        path = self.lake.partition(self.table.name, one.instrument, one.day)
        try:
            wanted = to_be_made_from(self.lake, one.instrument, one.day)
        except LakeDamaged as error:
            self._note_damaged(error)
            return False
        there = path.exists()
        if there and not is_made_from(path, wanted):
            log.warning("%s is removed: it is not what its depth gives now", path)
            durable.remove(path)
            there = False
        self.report.up_to_date += there and not rebuild
        return rebuild or not there

    def note(self, draft: DayDraft) -> None:
        """Take a day that was derived into the lake, or note that it could not be."""
        if draft.damaged is not None:
            self._note_damaged(draft.damaged)
        if draft.path is None:
            return
        if not self.report.made:
            self.lake.add_derived(self.table)
        path = self.lake.partition(self.table.name, draft.instrument, draft.day)
        with durable.writing(path):
            self.report.bytes += draft.path.stat().st_size
            durable.commit(draft.path, path)
        self.report.made += 1
        self.report.rows += draft.rows

    def _note_damaged(self, error: LakeDamaged) -> None:
        log.warning("%s", error)
        self.report.damaged[str(error.path)] = error


def _drafts(run: _Run, todo: list[_Day], jobs: int | None) -> Iterator[DayDraft]:
    """Yield each day as it is derived.

    Only drafts are written elsewhere than here: no process that outlives its run can put what was
    derived from old depth beside new one.
    """
    if jobs is None:
        pays = sum(one.messages for one in todo) >= _MESSAGES_WORTH_HELP
        jobs = (os.cpu_count() or 1) if pays else 1
    calls = [(run.data, run.exchange, run.table, one.instrument, one.day) for one in todo]
    if min(jobs, len(calls)) <= 1:
        yield from (derive_day(*call) for call in calls)
        return
    compile_replay()  # once, before several would
    yield from in_processes(derive_day, calls, min(jobs, len(calls)))
