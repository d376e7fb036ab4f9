"""Days that the lake lacks, or has from other slices → the lake; many at a time."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.catalogue import Catalogue
from pipeline.day_ingest import DayResult, Readers, ingest_day
from pipeline.day_sources import DaySources, sources_of
from pipeline.drafts import clear_drafts
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.lake_version import note_version
from pipeline.listings import write_listings
from pipeline.lock import holding
from pipeline.reading import compile_scan
from pipeline.schemas import INGESTS
from pipeline.slices import Door
from pipeline.times import days_between
from pipeline.views import write_database
from pipeline.workers import in_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from pipeline.arrivals import Arrivals

__all__ = ["IngestReport", "ingest", "ingest_range"]

log = logging.getLogger(__name__)

# Fewer slices than these are read before others could help.
_SLICES_WORTH_HELP: Final = 120


@dataclass
class IngestReport:
    """What a run did: days written, found up to date, or left to a recording; what was corrupt.

    `conflicts` says of a day, also of one up to date, why what was recorded live fills none of its
    gaps, if it contradicts history. `lacking_raw` are days that were left as they are though
    they should be made again, since raw of them was dropped. `derived_removed` are partitions of
    derived tables that were made from what is now replaced.
    """

    written: list[str] = field(default_factory=list)
    up_to_date: list[str] = field(default_factory=list)
    being_recorded: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    corrupt: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    lacking_raw: list[date] = field(default_factory=list)
    derived_removed: int = 0


def ingest(
    data: Path,
    exchange: str,
    *,
    days: Iterable[date] | None = None,
    instruments: Iterable[str] | None = None,
    rebuild: bool = False,
    jobs: int | None = None,
    arrivals: Arrivals | None = None,
    progress: Callable[[date, int, int], None] | None = None,
) -> IngestReport:
    """Bring days (all that have slices, if None) into the lake; those up to date are left alone.

    Days among `arrivals` are read while they arrive, in order, after all others; once those are
    abandoned, so is what is left to do, by Abandoned. `jobs` is how many days, or parts of a day,
    are read at once (None: as many as pay). `progress` is told each finished day, how many are
    done, and how many there are. The caller holds the lock.
    """
    wanted = None if instruments is None else frozenset(instruments)
    run = _Run(data, exchange, wanted, rebuild=rebuild)
    coming = sorted(arrivals.days) if arrivals else []
    there = run.door.all_days() if days is None else sorted(days)
    todo, slices = [], arrivals.expected if arrivals else 0
    for day in there:
        if day not in coming:
            sources = sources_of(run.door, day, arrivals)
            if run.admit(sources):
                todo.append(day)
                slices += sources.count()
    if jobs is None:
        jobs = (os.cpu_count() or 1) if slices >= _SLICES_WORTH_HELP else 1
    total = len(todo) + len(coming)
    for done, result in enumerate(_results(run, todo, coming, jobs, arrivals), 1):
        run.note(result)
        if progress and not (result.is_held or result.lacks_raw):
            progress(result.day, done, total)
    run.report.written.sort()
    run.report.up_to_date.sort()
    run.report.being_recorded.sort()
    run.note_version()
    known = set(run.catalogue.rows["instrument"])
    for name in sorted((wanted or frozenset()) - known):
        raise UsageError.not_among("--instruments", name, known)
    return run.report


def ingest_range(
    data: Path,
    exchange: str,
    start: str | None,
    end: str | None,
    *,
    instruments: Iterable[str] | None = None,
    rebuild: bool = False,
    jobs: int | None = None,
    progress: Callable[[date, int, int], None] | None = None,
) -> IngestReport:
    """Bring the days that [start, end) touches (all with slices, if open) into the lake, alone.

    Raises LockHeld if another run works on the data folder, UsageError for an empty range.
    """
    with holding(data):
        clear_drafts(data, exchange)
        known = Door(data, exchange).all_days()
        days = days_between(known, start, end, "slices", "backfill or import-slices")
        report = ingest(
            data,
            exchange,
            days=days,
            instruments=instruments,
            rebuild=rebuild,
            jobs=jobs,
            progress=progress,
        )
        write_database(data, exchange)
    return report


class _Run:
    """One run over some days: what it found, and what it did."""

    def __init__(
        self, data: Path, exchange: str, wanted: frozenset[str] | None, *, rebuild: bool
    ) -> None:
        self.data = data
        self.exchange = exchange
        self.wanted = wanted
        self.door = Door(data, exchange)
        self.report = IngestReport()
        self._rebuild = rebuild
        self._lake = Lake(data, exchange)
        self._lake.prepare()
        write_listings(self.door, self._lake)
        self.catalogue = Catalogue(self._lake)

    def admit(self, sources: DaySources) -> bool:
        """Keep and report what is known of a day's slices; say whether it is to be written."""
        for held in [*sources.held, *sources.answers]:
            held.save()
        self.report.corrupt |= sources.corrupt
        if not sources.count():
            # Raw that is gone must not take with it what the lake still has.
            day = sources.day
            if day.isoformat() in self.catalogue.days:
                log.warning("%s has no whole slice; what the lake has of it is left as it is", day)
            return False
        if not self._rebuild and self._up_to_date(sources):
            self.report.up_to_date.append(sources.day.isoformat())
            # Days of older versions do not say.
            about = self.catalogue.days.get(sources.day.isoformat(), {})
            self._note_conflict(sources.day, about.get("conflict"))
            return False
        return True

    def note(self, result: DayResult) -> None:
        """Take what came of a day into the catalogue and the report."""
        self.report.corrupt |= result.corrupt
        if result.is_held:
            self.report.being_recorded.append(result.day.isoformat())
        if result.lacks_raw:
            self.report.lacking_raw.append(result.day)
        if result.rows is None:
            return
        self.catalogue.replace(result.day, result.rows, result.about, self.wanted)
        self.catalogue.save()
        self._note_conflict(result.day, result.about["conflict"])
        self.report.written.append(result.day.isoformat())
        self.report.derived_removed += result.derived_removed
        for name, value in result.about.items():
            if isinstance(value, int):
                self.report.counts[name] = self.report.counts.get(name, 0) + value

    def note_version(self) -> None:
        """Keep which version of the lake this is, so that it can be told again."""
        note_version(self._lake, self.catalogue)

    def _note_conflict(self, day: date, conflict: str | None) -> None:
        if conflict:
            self.report.conflicts[day.isoformat()] = conflict

    def _up_to_date(self, sources: DaySources) -> bool:
        """Say whether the lake has the day as these slices give it, by the sizes of its files."""
        if self._lake.is_in_parts(sources.day):
            return False
        if self.catalogue.source_of(sources.day, self.wanted) != {sources.digest()}:
            return False
        if not self._lake.partition(INGESTS.name, None, sources.day).exists():
            return False
        rows = self.catalogue.rows.filter(pl.col("date") == sources.day)
        return all(
            self._lake.bytes_of(sources.day, name) == size
            for name, size in rows.select("instrument", "bytes").iter_rows()
            if self.wanted is None or name in self.wanted
        )


def _results(
    run: _Run, days: list[date], coming: list[date], jobs: int, arrivals: Arrivals | None
) -> Iterator[DayResult]:
    """Yield each day's result as it is done.

    Where there are enough of them each day has a process of its own; otherwise one day goes after
    the other, its parts read by threads: compiled code does not wait for other threads.
    """
    given = run.data, run.exchange
    if jobs > 1:
        compile_scan()  # once, before several would
    if 1 < jobs <= len(days):
        calls = ((*given, day, run.wanted) for day in days)
        yield from in_processes(
            ingest_day, calls, jobs, arrivals.check if arrivals else lambda: None
        )
        days = []
    with ThreadPoolExecutor(jobs, "reader") as pool:
        readers = Readers(pool, jobs) if jobs > 1 else None
        for day in days:
            yield ingest_day(*given, day, run.wanted, readers, arrivals)
        for day in coming:
            yield ingest_day(*given, day, run.wanted, readers, arrivals, run.admit)
