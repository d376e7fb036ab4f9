"""Slices not yet in the lake → normalize → lake. One day is one function of its own slices."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

import pipeline
from pipeline import durable
from pipeline.catalogue import Catalogue
from pipeline.day_sources import DaySources, sources_of
from pipeline.errors import SliceCorrupt, UsageError
from pipeline.lake import DayWriter, Lake
from pipeline.lock import holding
from pipeline.normalize.day import DayNormalizer, Tally
from pipeline.normalize.depth import Place
from pipeline.schemas import INGESTS
from pipeline.slices import Door, split_line
from pipeline.times import Range, day_start_us
from pipeline.views import write_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = ["IngestReport", "clear_drafts", "ingest", "ingest_day", "ingest_range"]

log = logging.getLogger(__name__)

_MINUTE_ORDINALS = 1_000_000_000


# --- one day -----------------------------------------------------------------------------------


@dataclass
class DayResult:
    """What came of one day: its rows of the catalogue, what it was made from, what was corrupt."""

    day: date
    rows: pl.DataFrame
    about: dict[str, Any]
    corrupt: dict[str, str]


def ingest_day(
    data: Path, exchange: str, day: date, instruments: frozenset[str] | None = None
) -> DayResult:
    """Write a day's partitions (of some instruments, or all) from its slices.

    The catalogue is not touched. A slice that turns out to be broken while it is read counts as
    not fetched, and the day is done again without it.
    """
    door = Door(data, exchange)
    while True:
        sources = sources_of(door, day)
        try:
            return _write_day(Lake(data, exchange), sources, instruments)
        except SliceCorrupt as error:
            log.warning("%s; the day is read again without it", error)
            for held in sources.held:
                held.distrust(error.path)


def _write_day(lake: Lake, sources: DaySources, instruments: frozenset[str] | None) -> DayResult:
    digest = sources.digest()

    with DayWriter(lake, sources.day, digest, pipeline.__version__) as writer:

        def emit(table: str, instrument: str | None, rows: pl.DataFrame) -> None:
            if instrument is None or instruments is None or instrument in instruments:
                writer.write(table, instrument, rows)

        day = DayNormalizer(sources.requests, day_start_us(sources.day), emit)
        totals = Tally()
        lineage = []
        for minute, ranks in enumerate(sources.minutes):
            day.begin_minute(ranks)
            tallies = _feed_minute(day, sources, minute, ranks)
            for rank, tally in tallies.items():
                lineage.append(_lineage(sources, minute, rank, tally))
                totals.counts.update(tally.counts)
        writer.write(INGESTS.name, None, pl.DataFrame(lineage, schema=INGESTS.schema))
        facts = day.finish()
        if instruments is not None:
            facts = {name: facts[name] for name in facts if name in instruments}
        rows = writer.commit(facts, instruments)
    about = {
        "source": digest,
        "slices": sum(map(len, sources.minutes)),
        "slice_bytes": sum(
            sources.held[rank].slices[minute].bytes
            for minute, ranks in enumerate(sources.minutes)
            for rank in ranks
        ),
        "minutes_fetched": sum(map(bool, sources.minutes)),
        **{name: totals[name] for name in ("lines", "control", "foreign_lines", "quarantined")},
        **{name: totals[name] for name in ("disconnects", "outside_minute", "backwards")},
    }
    return DayResult(sources.day, rows, about, sources.corrupt)


def _feed_minute(
    day: DayNormalizer, sources: DaySources, minute: int, ranks: tuple[int, ...]
) -> dict[int, Tally]:
    """Hand a minute's lines to the normalizer, in order of arrival."""
    tallies = {rank: Tally() for rank in ranks}
    names = {rank: sources.slice_name(rank, minute) for rank in ranks}
    origins = {rank: sources.origin(rank) for rank in ranks}
    for ordinal, (rank, number, raw) in enumerate(sources.lines(minute), 1):
        tally = tallies[rank]
        if not raw.strip():
            day.disconnect(rank, tally)
            continue
        try:
            time, payload = split_line(raw)
        except ValueError as error:
            tally.counts["lines"] += 1
            day.quarantine(names[rank], number, str(error), raw, tally)
            continue
        arrival = minute * _MINUTE_ORDINALS + ordinal
        day.line(rank, Place(arrival, time, origins[rank], names[rank], number), payload, tally)
    return tallies


def _lineage(sources: DaySources, minute: int, rank: int, tally: Tally) -> dict[str, Any]:
    held = sources.held[rank]
    start = datetime.combine(sources.day, datetime.min.time()) + timedelta(minutes=minute)
    row = {
        "slice": sources.slice_name(rank, minute),
        "minute": start,
        "origin": sources.origin(rank),
        "sha256": held.slices[minute].sha256,
        "bytes": held.slices[minute].bytes,
    }
    counted = {name: tally[name] for name in INGESTS.schema if name not in row}
    return row | counted


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
    """Yield each day's result as it is done, days in parallel where there are several."""
    workers = min(jobs or os.cpu_count() or 1, len(days))
    if workers <= 1:
        for day in days:
            yield ingest_day(data, exchange, day, wanted)
        return
    # Spawned: a fork of a process with Polars' threads in it may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent) as pool:
        futures = [pool.submit(ingest_day, data, exchange, day, wanted) for day in days]
        try:
            for future in as_completed(futures):
                yield future.result()
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
