"""Slices not yet in the lake → normalize → lake. One day is one function of its own slices."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections import Counter, deque
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

import pipeline
from pipeline import durable
from pipeline.catalogue import Catalogue
from pipeline.day_sources import DaySources, sources_of
from pipeline.errors import SliceCorrupt, UsageError
from pipeline.lake import DayWriter, Lake
from pipeline.lock import holding
from pipeline.normalize.day import DayNormalizer
from pipeline.normalize.depth import Lineage
from pipeline.reading import compile_scan, parts_of, read_part
from pipeline.schemas import INGESTS
from pipeline.slices import Door
from pipeline.times import Range, day_start_us
from pipeline.views import write_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from pipeline.normalize.part import Part, Tally

__all__ = ["IngestReport", "clear_drafts", "ingest", "ingest_day", "ingest_range"]

log = logging.getLogger(__name__)

# --- one day -----------------------------------------------------------------------------------


class Readers(NamedTuple):
    """Processes that read parts of a day ahead, and how many they are."""

    pool: Executor
    processes: int


@dataclass
class DayResult:
    """What came of one day: its rows of the catalogue, what it was made from, what was corrupt."""

    day: date
    rows: pl.DataFrame
    about: dict[str, Any]
    corrupt: dict[str, str]


def ingest_day(
    data: Path,
    exchange: str,
    day: date,
    instruments: frozenset[str] | None = None,
    readers: Readers | None = None,
) -> DayResult:
    """Write a day's partitions (of some instruments, or all) from its slices.

    The catalogue is not touched. A slice that turns out to be broken while it is read counts as
    not fetched, and the day is done again without it. `readers` read parts of the day ahead.
    """
    door = Door(data, exchange)
    while True:
        sources = sources_of(door, day)
        try:
            return _write_day(Lake(data, exchange), sources, instruments, readers)
        except SliceCorrupt as error:
            log.warning("%s; the day is read again without it", error)
            for held in sources.held:
                held.distrust(error.path)


def _write_day(
    lake: Lake,
    sources: DaySources,
    instruments: frozenset[str] | None,
    readers: Readers | None,
) -> DayResult:
    digest = sources.digest()

    with DayWriter(lake, sources.day, digest, pipeline.__version__) as writer:

        def emit(table: str, instrument: str | None, rows: pl.DataFrame) -> None:
            if instrument is None or instruments is None or instrument in instruments:
                writer.write(table, instrument, rows)

        lineage = Lineage(sources.origin, sources.slice_name)
        day = DayNormalizer(sources.requests, day_start_us(sources.day), lineage, emit)
        for part in _parts(sources, day, readers):
            day.take(part)
        rows = [_ingest_row(sources, *at, tally) for at, tally in sorted(day.tallies.items())]
        writer.write(INGESTS.name, None, pl.DataFrame(rows, schema=INGESTS.schema))
        facts = day.finish()
        if instruments is not None:
            facts = {name: facts[name] for name in facts if name in instruments}
        catalogued = writer.commit(facts, instruments)
    totals = Counter[str]()
    for tally in day.tallies.values():
        totals.update(tally)
    about = {
        "source": digest,
        "slices": len(rows),
        "slice_bytes": sum(row["bytes"] for row in rows),
        "minutes_fetched": sum(map(bool, sources.minutes)),
        **{name: totals[name] for name in ("lines", "control", "foreign_lines", "quarantined")},
        **{name: totals[name] for name in ("disconnects", "outside_minute", "backwards")},
    }
    return DayResult(sources.day, catalogued, about, sources.corrupt)


def _parts(sources: DaySources, day: DayNormalizer, readers: Readers | None) -> Iterator[Part]:
    """Yield the day's parts in order, read ahead where there is somebody to do so."""
    parts = parts_of(sources)
    # Of a day with overlapping requests a part needs to know what the one before it delivered.
    if readers is None or any(len(ranks) > 1 for ranks in sources.minutes):
        for part in parts:
            yield read_part(part, day.delivered)
        return
    ahead: deque[Future[Part]] = deque()
    try:
        while True:
            # As many as are read at once, and one to go on with: what waits here is in memory.
            for following in islice(parts, readers.processes + 1 - len(ahead)):
                ahead.append(readers.pool.submit(read_part, following))
            if not ahead:
                return
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()


def _ingest_row(sources: DaySources, minute: int, rank: int, tally: Tally) -> dict[str, Any]:
    facts = sources.held[rank].slices[minute]
    row = {
        "slice": sources.slice_name(rank, minute),
        "minute": datetime.combine(sources.day, datetime.min.time()) + timedelta(minutes=minute),
        "origin": sources.origin(rank),
        "sha256": facts.sha256,
        "bytes": facts.bytes,
    }
    return row | {name: tally[name] for name in INGESTS.schema if name not in row}


# --- many days ---------------------------------------------------------------------------------


@dataclass
class IngestReport:
    """What a run did: days written and found up to date, lines, what was corrupt."""

    written: list[str] = field(default_factory=list)
    up_to_date: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    corrupt: dict[str, str] = field(default_factory=dict)


def ingest(
    data: Path,
    exchange: str,
    *,
    days: Iterable[date] | None = None,
    instruments: Iterable[str] | None = None,
    rebuild: bool = False,
    jobs: int | None = None,
    progress: Callable[[date, int, int], None] | None = None,
) -> IngestReport:
    """Bring days (all that have slices, if None) into the lake; those up to date are left alone.

    `progress` is told each finished day, how many are done, and how many there are. The caller
    holds the lock.
    """
    door, lake = Door(data, exchange), Lake(data, exchange)
    lake.prepare()
    catalogue = Catalogue(lake)
    wanted = None if instruments is None else frozenset(instruments)
    report = IngestReport()
    todo = list(_stale_days(door, lake, catalogue, days, wanted, report, rebuild=rebuild))
    for done, result in enumerate(_results(data, exchange, todo, wanted, jobs), 1):
        catalogue.replace(result.day, result.rows, result.about, wanted)
        catalogue.save()
        report.written.append(result.day.isoformat())
        report.corrupt |= result.corrupt
        for name, value in result.about.items():
            if isinstance(value, int):
                report.counts[name] = report.counts.get(name, 0) + value
        if progress:
            progress(result.day, done, len(todo))
    report.written.sort()
    known = set(catalogue.rows["instrument"])
    for name in sorted((wanted or frozenset()) - known):
        raise UsageError.not_among("--instruments", name, known)
    return report


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
        days = None
        if start is not None or end is not None:
            known = _days_with_slices(Door(data, exchange))
            chosen = Range.parse(start or "1970-01-01", end or "9999-12-31")
            days = [day for day in known if chosen.minutes_of(day)]
            if not days:
                first, last = (known[0], known[-1]) if known else ("", "")
                hint = f"days with slices; there are some from {first} to {last}"
                raise UsageError(
                    "--from/--to",
                    f"{start} to {end}",
                    hint
                    if known
                    else "nothing: there are no slices; run backfill or import-slices first",
                )
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


def clear_drafts(data: Path, exchange: str) -> None:
    """Remove what killed runs left half written. The caller holds the lock."""
    durable.clear(Door(data, exchange).drafts)
    durable.clear(Lake(data, exchange).drafts)


def _days_with_slices(door: Door) -> list[date]:
    return sorted({day for request in door.requests() for day in door.days(request)})


def _stale_days(
    door: Door,
    lake: Lake,
    catalogue: Catalogue,
    days: Iterable[date] | None,
    wanted: frozenset[str] | None,
    report: IngestReport,
    *,
    rebuild: bool,
) -> Iterator[date]:
    for day in _days_with_slices(door) if days is None else sorted(days):
        sources = sources_of(door, day)
        for held in sources.held:
            held.save()
        report.corrupt |= sources.corrupt
        if not any(sources.minutes):
            # Raw that is gone must not take with it what the lake still has.
            log.warning("%s has no whole slice; what the lake has of it is left as it is", day)
            continue
        if not rebuild and _up_to_date(lake, catalogue, sources, wanted):
            report.up_to_date.append(day.isoformat())
        else:
            yield day


def _up_to_date(
    lake: Lake, catalogue: Catalogue, sources: DaySources, wanted: frozenset[str] | None
) -> bool:
    """Say whether the lake has the day as these slices give it, by the sizes of its files."""
    if catalogue.source_of(sources.day, wanted) != {sources.digest()}:
        return False
    if not lake.partition(INGESTS.name, None, sources.day).exists():
        return False
    rows = catalogue.rows.filter(pl.col("date") == sources.day).select("instrument", "bytes")
    return all(
        lake.bytes_of(sources.day, name) == size
        for name, size in rows.iter_rows()
        if wanted is None or name in wanted
    )


def _results(
    data: Path, exchange: str, days: list[date], wanted: frozenset[str] | None, jobs: int | None
) -> Iterator[DayResult]:
    """Yield each day's result as it is done.

    Days in parallel where there are enough of them, otherwise the parts of one day after the other.
    """
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1 or not days:
        for day in days:
            yield ingest_day(data, exchange, day, wanted)
    elif len(days) < jobs:
        with _pool(jobs) as pool:
            for day in days:
                yield ingest_day(data, exchange, day, wanted, Readers(pool, jobs))
    else:
        with _pool(jobs) as pool:
            futures = [pool.submit(ingest_day, data, exchange, day, wanted) for day in days]
            for future in as_completed(futures):
                yield future.result()


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    compile_scan()  # here, lest each of them does
    # Spawned: a fork of a process with Polars' threads in it may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Let a worker end when its run is killed: by then another run may hold the lock."""
    run = multiprocessing.parent_process()

    def follow() -> None:
        if run is not None:
            run.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
