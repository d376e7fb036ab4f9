"""One day: its slices → normalize → its partitions of the lake. One function of its own slices."""

from __future__ import annotations

import logging
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl

import pipeline
from pipeline.answer_reading import AnswerReading
from pipeline.day_sources import DaySources, sources_of
from pipeline.day_writer import DayWriter
from pipeline.errors import RawDropped, SliceCorrupt
from pipeline.lake import Lake
from pipeline.normalize.day import DayNormalizer
from pipeline.normalize.depth import Lineage
from pipeline.normalize.quarantine import RAW_SHOWN, as_text
from pipeline.reading import parts_of, read_part
from pipeline.schemas import INGESTS, QUARANTINE
from pipeline.slice_file import read_lines
from pipeline.slices import Door
from pipeline.times import MINUTES_OF_DAY, day_start_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor
    from datetime import date

    from pipeline.arrivals import Arrivals
    from pipeline.filling import Conflict
    from pipeline.normalize.part import Part, Tally
    from pipeline.slices import DayOfSlices

__all__ = ["DayResult", "Readers", "ingest_day", "ingest_row", "slice_row"]

log = logging.getLogger(__name__)


class Readers(NamedTuple):
    """Threads that read parts of a day ahead, and how many they are."""

    pool: ThreadPoolExecutor
    threads: int


_PATIENCE: Final = 2.0  # seconds


@dataclass
class DayResult:
    """What came of one day: its rows of the catalogue, what it was made from, what was corrupt.

    `about` has why nothing was filled in from a live recording, if that contradicts history.
    `derived_removed`: how many partitions of derived tables went with what the lake had before.

    No rows (None) where nothing was to be written: the lake had the day already, there is no whole
    slice, the day is being recorded (`is_held`) and brought in by whoever does so, or it can't be
    made again, since raw of it was dropped (`lacks_raw`).
    """

    day: date
    rows: pl.DataFrame | None
    about: dict[str, Any]
    corrupt: dict[str, str]
    derived_removed: int = 0
    is_held: bool = False
    lacks_raw: bool = False


def ingest_day(
    data: Path,
    exchange: str,
    day: date,
    instruments: frozenset[str] | None = None,
    readers: Readers | None = None,
    arrivals: Arrivals | None = None,
    needed: Callable[[DaySources], bool] = lambda _: True,
) -> DayResult:
    """Write a day's partitions (of some instruments, or all) from its slices.

    The catalogue is not touched. A slice that turns out to be broken while it is read counts as
    not fetched, and the day is done again without it; raises SliceCorrupt if that does not help.
    `readers` read parts of the day ahead. Of a day among `arrivals` each minute is waited for;
    `needed` is asked when all of them are settled.
    """
    door, lake, distrusted = Door(data, exchange), Lake(data, exchange), set[Path | str]()
    while True:
        sources = sources_of(door, day, arrivals)
        try:
            with lake.holding_day(day, _PATIENCE) as is_ours:
                if is_ours:
                    return _write_day(lake, sources, instruments, readers, needed)
                return DayResult(day, None, {}, sources.corrupt, is_held=True)
        except RawDropped:
            return DayResult(day, None, {}, sources.corrupt, lacks_raw=True)
        except SliceCorrupt as error:
            if error.path in distrusted:  # examined anew, and found whole
                raise
            distrusted.add(error.path)
            log.warning("%s; the day is read again without it", error)
            if arrivals:
                arrivals.wait_for(day, range(MINUTES_OF_DAY))
                arrivals = None  # what has arrived is on disk, to be examined anew
            for held in [*sources.held, *sources.answers]:
                held.distrust(error.path)


def _write_day(
    lake: Lake,
    sources: DaySources,
    instruments: frozenset[str] | None,
    readers: Readers | None,
    needed: Callable[[DaySources], bool],
) -> DayResult:
    with DayWriter(lake, sources.day, pipeline.__version__) as writer:

        def emit(table: str, instrument: str | None, rows: pl.DataFrame) -> None:
            if instrument is None or instruments is None or instrument in instruments:
                writer.write(table, instrument, rows)

        lineage = Lineage(sources.origin, sources.slice_name)
        day = DayNormalizer(sources.requests, day_start_us(sources.day), lineage, emit)
        for part in _parts(sources, day, readers):
            day.take(part)
        if not needed(sources):
            return DayResult(sources.day, None, {}, sources.corrupt)
        rows = [ingest_row(sources, *at, tally) for at, tally in sorted(day.tallies.items())]
        answers = [*AnswerReading(emit).read(sources.answers)]
        rows += [slice_row(*answer) for answer in answers]
        writer.write(INGESTS.name, None, pl.DataFrame(rows, schema=INGESTS.schema))
        if conflict := sources.filling.conflict:
            writer.write(QUARANTINE.name, None, _refused(sources, conflict))
        facts = day.finish()
        if instruments is not None:
            facts = {name: facts[name] for name in facts if name in instruments}
        digest = sources.digest()
        catalogued = writer.commit(digest, facts, instruments)
        lake.forget_recorded(sources.day)
    totals = Counter[str]()
    for tally in day.tallies.values():
        totals.update(tally)
    for *_, tally in answers:
        totals.update({name: tally[name] for name in ("lines", "quarantined")})
    about = _about(sources, digest, rows, totals) | {"content": writer.content}
    if said := about["conflict"]:
        log.warning("%s; nothing recorded live fills gaps of %s", said, sources.day)
    return DayResult(sources.day, catalogued, about, sources.corrupt, writer.derived_removed)


def _about(
    sources: DaySources, digest: str, rows: list[dict[str, Any]], totals: Counter[str]
) -> dict[str, Any]:
    """Return what the catalogue says of a day: `rows` are those of `ingests`."""
    conflict = sources.filling.conflict
    return {
        "source": digest,
        "release": pipeline.__version__,
        "slices": len(rows),
        "slice_bytes": sum(row["bytes"] for row in rows),
        "minutes_fetched": sum(bool(sources.facts(minute)) for minute in range(MINUTES_OF_DAY)),
        **{name: totals[name] for name in ("lines", "control", "foreign_lines", "quarantined")},
        **{name: totals[name] for name in ("disconnects", "outside_minute", "backwards")},
        "conflict": conflict and _said(sources, conflict),
        "instruments_asked": _asked_for(sources),
    }


def _asked_for(sources: DaySources) -> list[str] | None:
    """Return the instruments that the day's requests name; None if one of them is for all."""
    names = [request.symbols for request in sources.requests]
    return sorted({name for of in names for name in of or ()}) if all(names) else None


def _said(sources: DaySources, conflict: Conflict) -> str:
    name = sources.slice_name(conflict.rank, conflict.minute)
    return f"{name} line {conflict.line}: {conflict.reason}"


def _refused(sources: DaySources, conflict: Conflict) -> pl.DataFrame:
    """Return the row of `quarantine` of a line that contradicts history."""
    rank, minute, line, reason = conflict
    lines = read_lines(sources.held[rank].path(minute))
    raw = next(islice(lines, line - 1, None))
    row = (sources.slice_name(rank, minute), line, reason, as_text(raw[:RAW_SHOWN]), len(raw))
    return pl.DataFrame([row], QUARANTINE.schema, orient="row")


def _parts(sources: DaySources, day: DayNormalizer, readers: Readers | None) -> Iterator[Part]:
    """Yield the day's parts in order, read ahead where there is somebody to do so."""
    parts = parts_of(sources)
    # Of a day with several requests a part needs to know what those before it delivered unasked.
    if readers is None or len(sources.held) > 1:
        for part in parts:
            yield read_part(part, day.delivered)
        return
    ahead: deque[Future[Part]] = deque()
    try:
        while True:
            # As many as are read at once, and one to go on with: what waits here is in memory.
            for following in islice(parts, readers.threads + 1 - len(ahead)):
                ahead.append(readers.pool.submit(read_part, following))
            if not ahead:
                return
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()


def ingest_row(sources: DaySources, minute: int, rank: int, tally: Tally) -> dict[str, Any]:
    """Return the row of `ingests` of a slice that was used."""
    return slice_row(sources.held[rank], minute, tally)


def slice_row(held: DayOfSlices, minute: int, tally: Tally) -> dict[str, Any]:
    """Return the row of `ingests` of a slice of a request."""
    facts = held.slices[minute]
    row = {
        "slice": held.name(minute),
        "minute": datetime.combine(held.day, datetime.min.time()) + timedelta(minutes=minute),
        "origin": held.request.source,
        "sha256": facts.sha256,
        "bytes": facts.bytes,
    }
    return row | {name: tally[name] for name in INGESTS.schema if name not in row}
