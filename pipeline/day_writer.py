"""A day being written: drafts, row group by row group, then each partition replaced in one step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import durable
from pipeline.channels import DEPTH_CHANNELS
from pipeline.lake import PARTITIONED, Lake
from pipeline.parquet import arrow_schema, parquet_options, to_arrow, writer_of
from pipeline.schemas import CATALOGUE, DEPTH, SCHEMA_VERSION, VERSION
from pipeline.versions import UNSTAMPED, put_into, version_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date
    from pathlib import Path

__all__ = ["DayWriter"]


class _Appending:
    """What a Parquet writer writes to: kept until a row group is done, then appended to the file.

    No file stays open: a day may have more instruments than a process may have files.
    """

    closed = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = bytearray()
        self._appended = 0

    def write(self, part: bytes) -> int:
        self._kept += part
        return len(part)

    def tell(self) -> int:
        return self._appended + len(self._kept)

    def flush(self) -> None:
        """Do nothing: `append` is what brings the bytes to the file."""

    def append(self) -> None:
        """Bring to the file what was written since the last time."""
        with self._path.open("ab") as file:
            file.write(self._kept)
        self._appended += len(self._kept)
        self._kept.clear()


@dataclass
class _Partition:
    """A file being written, and what the catalogue will say of it."""

    table: str
    instrument: str | None
    path: Path
    draft: Path
    sink: _Appending
    writer: pq.ParquetWriter
    rows: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    first: Any = None
    last: Any = None
    latest_end: Any = None
    overlaps: bool = False

    @property
    def is_versioned(self) -> bool:
        """Whether its rows say of which version of the day they are."""
        return VERSION in PARTITIONED[self.table].columns


class DayWriter:
    """Writes all partitions of one day: drafts first, then each replaced in one step."""

    def __init__(self, lake: Lake, day: date, release: str) -> None:
        self._lake = lake
        self._day = day
        self._about = {"version": release, "schema_version": str(SCHEMA_VERSION)}
        self._partitions: dict[tuple[str, str | None], _Partition] = {}
        self.derived_removed = 0  # partitions, by commit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for partition in self._partitions.values():
            partition.writer.close()
            partition.draft.unlink(missing_ok=True)

    def write(self, table: str, instrument: str | None, rows: pl.DataFrame) -> None:
        """Append rows as a row group of their own."""
        if rows.is_empty():
            return
        partition = self._partitions.get((table, instrument)) or self._open(table, instrument, rows)
        if partition.is_versioned:
            rows = rows.with_columns(pl.lit(UNSTAMPED).alias(VERSION.name))
        with durable.writing(partition.path):
            partition.writer.write_table(
                to_arrow(rows, PARTITIONED[table]), row_group_size=rows.height
            )
            partition.sink.append()
        _count(partition, rows)

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
        stale = self._lake.partitions_of(self._day, instruments)
        with durable.writing(self._lake.root):
            for partition in self._partitions.values():
                self._close(partition)
            self.derived_removed = self._lake.remove_derived(self._day, instruments)
            # All of an instrument at once, so that its tables are of two versions for a moment.
            for _, partition in sorted(self._partitions.items(), key=lambda one: str(one[0][1])):
                durable.commit(partition.draft, partition.path)
                stale.discard(partition.path)
            for path in stale:
                durable.remove(path)
        rows = [self._catalogued(instrument, facts[instrument]) for instrument in sorted(facts)]
        return pl.DataFrame(rows, schema=CATALOGUE.schema)

    def _open(self, table: str, instrument: str | None, first: pl.DataFrame) -> _Partition:
        path = self._lake.partition(table, instrument, self._day)
        with durable.writing(path):
            draft = durable.new_draft(self._lake.drafts)
        sink = _Appending(draft)
        writer = writer_of(
            pa.PythonFile(sink, mode="w"),
            arrow_schema(PARTITIONED[table]),
            first,
            **parquet_options(PARTITIONED[table]),
        )
        partition = _Partition(table, instrument, path, draft, sink, writer)
        self._partitions[table, instrument] = partition
        return partition

    def _close(self, partition: _Partition) -> None:
        keys = {"exchange": self._lake.exchange, "date": self._day.isoformat()}
        if partition.instrument is not None:
            keys["instrument"] = partition.instrument
        about = {**self._about, **keys, "table": partition.table, "rows": str(partition.rows)}
        partition.writer.add_key_value_metadata(about)
        partition.writer.close()
        partition.sink.append()
        if partition.overlaps:
            _end_where_later_ones_begin(partition.draft, about)
        if partition.is_versioned:
            put_into(partition.draft, version_of(self._about["source"], self._about["version"]))

    def _catalogued(self, instrument: str, facts: Mapping[str, int]) -> dict[str, Any]:
        mine = {p.table: p for p in self._partitions.values() if p.instrument == instrument}
        depth = mine.get(DEPTH.name)
        sums = depth.sums if depth else dict.fromkeys(_SUMS, 0)
        timed = [partition for partition in mine.values() if partition.first is not None]
        return {
            "instrument": instrument,
            "date": self._day,
            "depth_messages": depth.rows if depth else 0,
            "other_depth_messages": sum(mine[c].rows for c in DEPTH_CHANNELS[1:] if c in mine),
            **{table: mine[table].rows if table in mine else 0 for table in ("trades", "tickers")},
            **sums,
            **facts,
            "first_local_timestamp": min((p.first for p in timed), default=None),
            "last_local_timestamp": max((p.last for p in timed), default=None),
            "bytes": sum(partition.path.stat().st_size for partition in mine.values()),
            "source": self._about["source"],
            "schema_version": SCHEMA_VERSION,
        }


_SUMS: Final = {
    "depth_changes": (
        pl.col("bid_change_price").list.len().sum() + pl.col("ask_change_price").list.len().sum()
    ),
    "missed_snapshots": pl.col("missed").sum(),
    "missed_in_gaps": pl.col("missed_in_gap").sum(),
    "restarts": pl.col("epoch").max(),
    "duplicates": pl.col("duplicate").sum(),
    "checksum_mismatches": (pl.col("checksum_status") == "mismatch").sum(),
    "crossed": pl.col("crossed").sum(),
    "irregular": pl.col("irregular").sum(),
}


def _count(partition: _Partition, rows: pl.DataFrame) -> None:
    """Add what the catalogue says of the rows."""
    partition.rows += rows.height
    if partition.table == DEPTH.name:
        for name, value in rows.select(**_SUMS).row(0, named=True).items():
            so_far = partition.sums.get(name, 0)
            partition.sums[name] = value if name == "restarts" else so_far + value
    if "local_timestamp" in rows.columns:
        span = rows.select(
            first=pl.col("local_timestamp").min(), last=pl.col("local_timestamp").max()
        )
        first, last = span.row(0)
        partition.first = min(first, partition.first or first)
        partition.last = max(last, partition.last or last)
        if "valid_until" in rows.columns:
            ends = pl.col("valid_until")
            least, most = rows.select(least=ends.min(), most=ends.max()).row(0)
            earliest = min(first, least)
            partition.overlaps |= (
                partition.latest_end is not None and earliest < partition.latest_end
            )
            partition.latest_end = max(most, partition.latest_end or most)


def _end_where_later_ones_begin(path: Path, about: Mapping[str, str]) -> None:
    """Bound valid_until where the clock stepped back behind rows of an earlier row group.

    Within a row group that was done when the rows were labelled; this needs the whole day.
    """
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
            out.write_table(to_arrow(rows, DEPTH), row_group_size=rows.height)
        out.add_key_value_metadata(dict(about))
    draft.replace(path)
