"""Partitions of a day that is still being recorded: parts, each of ten minutes, that grow.

    date=2026-11-27/data-000.parquet    minutes 0 to 9, a row group each
    date=2026-11-27/data-001.parquet    …

A part is replaced in one step when a minute is added. Rows never change, but for those of tables
that say how the day is so far (`gaps`, `trade_gaps`), which are written anew. What the lake had of
the day before is replaced in one step too, by the first parts.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import durable
from pipeline.filing import Filing
from pipeline.normalize.answers import ANSWER_PLACES
from pipeline.normalize.coverage import MINUTE_PLACES
from pipeline.partition_writer import Counts, PartitionWriter, catalogued
from pipeline.schemas import (
    CATALOGUE,
    GAPS,
    INGESTS,
    MARKETS,
    QUARANTINE,
    REST_DEPTH,
    SCHEMA_VERSION,
    TRADE_GAPS,
)
from pipeline.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from pipeline.lake import Lake

__all__ = ["LiveWriter"]

_MINUTES: Final = 10  # a part has
# Said anew each time, and what is kept whole in memory since it is little.
_SAID_ANEW: Final = (GAPS.name, TRADE_GAPS.name)
_SMALL: Final = (*_SAID_ANEW, QUARANTINE.name, INGESTS.name, MARKETS.name)
# What says of a row which minute it is of, and how many places that has.
_OF_ANSWERS: Final = ("answer", ANSWER_PLACES)
_OF_LINES: Final = ("arrival", MINUTE_PLACES)


@dataclass
class _Part:
    """A part that is being written, and the rows of its last minute, which may go on."""

    writer: PartitionWriter
    minute: int
    tail: list[pa.Table] = field(default_factory=list)

    def add(self, minute: int, rows: pa.Table) -> None:
        """Append rows of a minute: each minute is a row group of its own."""
        if minute != self.minute:
            self.flush()
            self.minute = minute
        self.tail.append(rows)

    def flush(self) -> None:
        if self.tail:
            self.writer.append(pa.concat_tables(self.tail).combine_chunks())
            self.tail = []


@dataclass
class _Partition:
    table: str
    instrument: str | None
    folder: Path
    counts: Counts = field(default_factory=Counts)
    parts: dict[int, _Part] = field(default_factory=dict)  # not in place yet
    rows: list[pl.DataFrame] = field(default_factory=list)  # of a small table
    changed: bool = False
    is_there: bool = False  # its folder is of this writer


class LiveWriter:
    """Writes a day while it is recorded; `commit` makes visible what was written since the last."""

    def __init__(self, lake: Lake, day: date, release: str) -> None:
        self._lake = lake
        self._day = day
        # Of all that this writer writes: rows only come, so any two readings belong together.
        self._source = f"recording-{secrets.token_hex(8)}"
        self._version = version_of(self._source, release)
        self._about = {
            "version": release, "schema_version": str(SCHEMA_VERSION), "source": self._source,
            "exchange": lake.exchange, "date": day.isoformat(),
        }  # fmt: skip
        self._partitions: dict[tuple[str, str | None], _Partition] = {}
        self._drafts = lake.live_drafts(day)
        self._filing = Filing(lake, day, self._drafts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for partition in self._partitions.values():
            for part in partition.parts.values():
                part.writer.abandon()

    def write(self, table: str, instrument: str | None, rows: pl.DataFrame) -> None:
        """Take the next rows of a table, in order."""
        if rows.is_empty() or self._filing.take(table, instrument, rows):
            return
        partition = self._partition(table, instrument)
        partition.changed = True
        if table in _SAID_ANEW:
            partition.counts, partition.rows = Counts(), [rows]
        partition.counts.add(table, rows)
        if table not in _SMALL:
            for minute, of_minute in _by_minute(rows, *_places(table)):
                self._add(partition, minute, of_minute)
        elif table not in _SAID_ANEW:
            partition.rows.append(rows)

    def commit(self, facts: Mapping[str, Mapping[str, int]]) -> None:
        """Make visible what was written; `facts` are what coverage says of each instrument.

        Of a table that is said anew, what was not written since the last time is no longer so.
        """
        with durable.writing(self._lake.root):
            for partition in sorted(self._partitions.values(), key=lambda of: str(of.instrument)):
                if partition.changed:
                    self._put(partition)
                elif partition.table in _SAID_ANEW:
                    self._remove(partition)
            self._filing.put(self._about)
            rows = [self._catalogued(name, facts[name]) for name in sorted(facts)]
            self._lake.say_recorded(self._day, pl.DataFrame(rows, schema=CATALOGUE.schema))

    def remove_others(self) -> None:
        """Remove what the lake has of the day, and this writer has not."""
        mine = {partition.folder for partition in self._partitions.values()}
        with durable.writing(self._lake.root):
            for folder in {path.parent for path in self._lake.partitions_of(self._day)} - mine:
                durable.remove_folder(folder, self._drafts)

    def _partition(self, table: str, instrument: str | None) -> _Partition:
        found = self._partitions.get((table, instrument))
        if found is None:
            folder = self._lake.partition(table, instrument, self._day).parent
            found = self._partitions[table, instrument] = _Partition(table, instrument, folder)
        return found

    def _add(self, partition: _Partition, minute: int, rows: pl.DataFrame) -> None:
        number = minute // _MINUTES
        part = partition.parts.get(number)
        if part is None:
            part = partition.parts[number] = self._open(partition, number, rows)
        part.add(minute, part.writer.in_arrow(rows))

    def _open(self, partition: _Partition, number: int, first: pl.DataFrame) -> _Part:
        """Begin a part, with what it has so far if there is some already."""
        writer = PartitionWriter(
            partition.table,
            durable.new_draft(self._drafts),
            first,
            self._version,
        )
        part = _Part(writer, -1)
        path = partition.folder / _name(number)
        if partition.is_there and path.exists():
            place, places = _places(partition.table)
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    rows = file.read_row_group(group)
                    part.add(rows[place][0].as_py() // places, rows)
        return part

    def _put(self, partition: _Partition) -> None:
        """Put the parts of a partition in place."""
        drafts = dict(self._finished(partition))
        if partition.is_there:
            for name, draft in drafts.items():
                durable.commit(draft, partition.folder / name)
        else:
            folder = durable.new_draft(self._drafts)
            for name, draft in drafts.items():
                durable.commit(draft, folder / name)
            durable.put_folder(folder, partition.folder)
            partition.is_there = True
        partition.changed = False

    def _remove(self, partition: _Partition) -> None:
        """Let there be no row of a partition, as in a day that is made whole: no file."""
        durable.remove_folder(partition.folder, self._drafts)
        del self._partitions[partition.table, partition.instrument]

    def _finished(self, partition: _Partition) -> Iterator[tuple[str, Path]]:
        """Close what was begun since the last time; yield the names of parts and their drafts."""
        about = {**self._about, "table": partition.table}
        if partition.instrument is not None:
            about["instrument"] = partition.instrument
        if partition.table in _SMALL:
            rows = pl.concat(partition.rows)
            draft = durable.new_draft(self._drafts)
            partition.parts[0] = _Part(
                PartitionWriter(partition.table, draft, rows, self._version), 0
            )
            partition.parts[0].writer.write(rows)
        for number, part in sorted(partition.parts.items()):
            part.flush()
            part.writer.close(about)
            yield _name(number), part.writer.draft
        partition.parts = {}

    def _catalogued(self, instrument: str, facts: Mapping[str, int]) -> dict[str, Any]:
        mine = {of.table: of for of in self._partitions.values() if of.instrument == instrument}
        files = [path for of in mine.values() for path in self._lake.files_in(of.folder)]
        size = sum(path.stat().st_size for path in files)
        counts = {table: of.counts for table, of in mine.items()}
        return catalogued(
            self._day, instrument, counts, {**facts, "bytes": size, "source": self._source}
        )


def _places(table: str) -> tuple[str, int]:
    return _OF_ANSWERS if table == REST_DEPTH.name else _OF_LINES


def _by_minute(rows: pl.DataFrame, place: str, places: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield rows minute by minute, in order."""
    minute = (pl.col(place) // places).alias("_minute")
    runs = rows.with_columns(minute).partition_by("_minute", maintain_order=True)
    for run in runs:
        yield run["_minute"][0], run.drop("_minute")


def _name(number: int) -> str:
    return f"data-{number:03}.parquet"
