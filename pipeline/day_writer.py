"""A day being written: drafts, row group by row group, then each partition replaced in one step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import durable
from pipeline.content import Content
from pipeline.digest import sha256_of
from pipeline.filing import Filing
from pipeline.manifest import DayManifest, FileFacts, write_manifest
from pipeline.parquet import parquet_options, to_arrow, writer_of
from pipeline.partition_writer import Counts, PartitionWriter, catalogued
from pipeline.schemas import CATALOGUE, DEPTH, SCHEMA_VERSION
from pipeline.versions import put_into, version_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date
    from pathlib import Path

    from pipeline.lake import Lake

__all__ = ["DayWriter"]


@dataclass
class _Partition:
    """A file being written, and what is known of its rows."""

    instrument: str | None
    path: Path
    writer: PartitionWriter
    counts: Counts = field(default_factory=Counts)
    latest_end: Any = None
    overlaps: bool = False
    facts: FileFacts | None = None

    def write(self, rows: pl.DataFrame) -> None:
        """Append rows as a row group of their own."""
        self.writer.write(rows)
        self.counts.add(self.writer.table, rows)
        if "valid_until" in rows.columns:
            ends, arrivals = pl.col("valid_until"), pl.col("local_timestamp")
            least, most = rows.select(pl.min_horizontal(ends, arrivals).min(), m=ends.max()).row(0)
            self.overlaps |= self.latest_end is not None and least < self.latest_end
            self.latest_end = max(most, self.latest_end or most)


class DayWriter:
    """Writes all partitions of one day: drafts first, then each replaced in one step."""

    def __init__(self, lake: Lake, day: date, release: str) -> None:
        self._lake = lake
        self._day = day
        self._about = {"version": release, "schema_version": str(SCHEMA_VERSION)}
        self._partitions: dict[tuple[str, str | None], _Partition] = {}
        self._filing = Filing(lake, day, lake.drafts)
        self.derived_removed = 0  # partitions, by commit
        self.content = ""  # the digest of what the day's rows say, by commit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for partition in self._partitions.values():
            partition.writer.abandon()

    def write(self, table: str, instrument: str | None, rows: pl.DataFrame) -> None:
        """Append rows as a row group of their own."""
        if rows.is_empty() or self._filing.take(table, instrument, rows):
            return
        partition = self._partitions.get((table, instrument))
        if partition is None:
            path = self._lake.partition(table, instrument, self._day)
            with durable.writing(path):
                writer = PartitionWriter(table, durable.new_draft(self._lake.drafts), rows)
            partition = self._partitions[table, instrument] = _Partition(instrument, path, writer)
        partition.write(rows)

    def commit(
        self,
        source: str,
        facts: Mapping[str, Mapping[str, int]],
        instruments: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Give every file its real name; return the day's rows of the catalogue.

        `source` is the digest of the slices, `facts` are what coverage says of each instrument.
        Partitions of the day (of `instruments`, or all) that were not written now are removed: the
        slices no longer hold them. What was derived from the day goes first: nobody meets it beside
        the new day, wherever a kill or a power cut comes in between.
        """
        self._about["source"] = source
        stale = {path.parent for path in self._lake.partitions_of(self._day, instruments)}
        with durable.writing(self._lake.root):
            for partition in self._partitions.values():
                self._close(partition)
            self.derived_removed = self._lake.remove_derived(self._day, instruments)
            # All of an instrument at once, so that its tables are of two versions for a moment.
            for partition in sorted(self._partitions.values(), key=lambda one: str(one.instrument)):
                self._lake.put(partition.writer.draft, partition.path)
                stale.discard(partition.path.parent)
            for folder in stale:
                durable.remove_folder(folder, self._lake.drafts)
            self._filing.put({**self._about, "exchange": self._lake.exchange}, instruments)
            manifest = write_manifest(self._lake, self._manifest(), instruments)
        self.content = manifest.content
        rows = [self._catalogued(instrument, facts[instrument]) for instrument in sorted(facts)]
        return pl.DataFrame(rows, schema=CATALOGUE.schema)

    def _manifest(self) -> DayManifest:
        files = [of.facts for of in self._partitions.values() if of.facts]
        return DayManifest(
            self._day, SCHEMA_VERSION, self._about["version"], self._about["source"], files
        )

    def _close(self, partition: _Partition) -> None:
        writer = partition.writer
        keys = {"exchange": self._lake.exchange, "date": self._day.isoformat()}
        if partition.instrument is not None:
            keys["instrument"] = partition.instrument
        about = {**self._about, **keys, "table": writer.table, "rows": str(partition.counts.rows)}
        writer.close(about)
        content = writer.content.digest()
        if partition.overlaps:
            content = _end_where_later_ones_begin(writer.draft, about)
        if writer.is_versioned:
            put_into(writer.draft, version_of(self._about["source"], self._about["version"]))
        partition.facts = FileFacts(
            writer.table,
            partition.counts.rows,
            writer.draft.stat().st_size,
            sha256_of(writer.draft),
            content,
            partition.instrument,
        )

    def _catalogued(self, instrument: str, facts: Mapping[str, int]) -> dict[str, Any]:
        mine = {
            of.writer.table: of for of in self._partitions.values() if of.instrument == instrument
        }
        size = sum(partition.path.stat().st_size for partition in mine.values())
        further = {**facts, "bytes": size, "source": self._about["source"]}
        counts = {table: partition.counts for table, partition in mine.items()}
        return catalogued(self._day, instrument, counts, further)


def _end_where_later_ones_begin(path: Path, about: Mapping[str, str]) -> str:
    """Bound valid_until where the clock stepped back behind rows of an earlier row group.

    Within a row group that was done when the rows were labelled; this needs the whole day. Returns
    the digest of what the rows then say.
    """
    content = Content()
    file = pq.ParquetFile(path)
    groups = range(file.num_row_groups)
    times = ["local_timestamp", "valid_until"]
    bounds = [pl.DataFrame(file.read_row_group(group, times)) for group in groups]
    earliest = [frame.select(pl.min_horizontal(times).min()).item() for frame in bounds]
    draft = durable.new_draft(path.parent)
    with (
        pa.OSFile(str(draft), mode="wb") as sink,
        writer_of(
            sink, file.schema_arrow, pl.DataFrame(file.read_row_group(0)), **parquet_options(DEPTH)
        ) as out,
    ):
        for group in groups:
            rows = pl.DataFrame(file.read_row_group(group))
            later = min(earliest[group + 1 :], default=None)
            bound = pl.min_horizontal("valid_until", pl.lit(later, pl.Datetime("us")))
            rows = rows.with_columns(valid_until=bound)
            told = to_arrow(rows, DEPTH)
            content.add(told)
            out.write_table(told, row_group_size=rows.height)
        out.add_key_value_metadata(dict(about))
    draft.replace(path)
    return content.digest()
