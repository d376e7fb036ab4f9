"""The lake: Parquet, one file per table, instrument and day, derived from raw and replaceable.

    lake/<table>/exchange=<id>/instrument=<name>/date=<YYYY-MM-DD>/data.parquet
    lake/<table>/exchange=<id>/date=<YYYY-MM-DD>/data.parquet        quarantine, ingests
    lake/_catalogue/<exchange>.parquet                               what there is, with counts
    lake/_empty/…                                                    every table without a row
    lake/_drafts/…                                                   what is being written

Key columns stand in the path (percent-encoded, so that any name stays a name) and in the file's
metadata. A file is replaced in one step. The catalogue is written last: a day counts as ingested
when it says so, and a kill before that only means that the day is written again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import durable
from pipeline.channels import DEPTH_CHANNELS
from pipeline.schemas import (
    CATALOGUE,
    DEPTH,
    GAPS,
    INGESTS,
    QUARANTINE,
    SCHEMA_VERSION,
    TICKERS,
    TRADE_GAPS,
    TRADES,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path

__all__ = ["PARTITIONED", "DayWriter", "Lake", "arrow_schema", "folder_name", "to_arrow"]

# Table name → its columns. The other depth channels have the columns of `depth`.
PARTITIONED: Final[Mapping[str, Table]] = {
    **dict.fromkeys(DEPTH_CHANNELS, DEPTH),
    **{table.name: table for table in (TRADES, TICKERS, GAPS, TRADE_GAPS, QUARANTINE, INGESTS)},
}
_OF_THE_EXCHANGE: Final = (QUARANTINE.name, INGESTS.name)

# A file name holds 255 bytes at most; `instrument=` and a digest must fit beside this.
_LONGEST_NAME: Final = 160
_KEPT_OF_A_LONG_NAME: Final = 100

_ARROW: Final = {
    pl.Int32(): pa.int32(),
    pl.Int64(): pa.int64(),
    pl.Float64(): pa.float64(),
    pl.Boolean(): pa.bool_(),
    pl.String(): pa.string(),
    pl.Date(): pa.date32(),
    pl.Datetime("us"): pa.timestamp("us"),
    pl.List(pl.Float64()): pa.list_(pa.float64()),
}


def folder_name(instrument: str) -> str:
    """Return an instrument's name as its folder spells it: percent-encoded, bounded in length.

    A long name is cut and marked with `~` and a digest; `~` itself is always encoded, so no
    two names share a folder. `sql/macros/lake/folder_name.sql` says the same in SQL.
    """
    encoded = quote(instrument, safe="").replace("~", "%7E")
    if encoded.startswith("_"):  # __HIVE_DEFAULT_PARTITION__ is every engine's word for NULL
        encoded = f"%5F{encoded[1:]}"
    if len(encoded) <= _LONGEST_NAME:
        return encoded
    digest = hashlib.sha256(instrument.encode()).hexdigest()[:16]
    # No half of an escape may be left at the cut.
    return f"{encoded[:_KEPT_OF_A_LONG_NAME].replace('%', '_')}~{digest}"


class Lake:
    """The lake of one exchange below a data folder: where its files lie."""

    def __init__(self, data: Path, exchange: str) -> None:
        self.root = data / "lake"
        self.drafts = self.root / "_drafts" / exchange
        self.catalogue = self.root / "_catalogue" / f"{exchange}.parquet"
        self.exchange = exchange

    def partition(self, table: str, instrument: str | None, day: date) -> Path:
        """Return the file of a table, an instrument (None: the whole exchange) and a day."""
        folder = self.root / table / f"exchange={self.exchange}"
        if instrument is not None:
            folder /= f"instrument={folder_name(instrument)}"
        return folder / f"date={day.isoformat()}" / "data.parquet"

    def partitions_of(self, day: date, instruments: Iterable[str] | None = None) -> set[Path]:
        """Return the files of a day: of all tables, or of those of some instruments."""
        if instruments is not None:
            tables = PARTITIONED.keys() - _OF_THE_EXCHANGE
            paths = {self.partition(table, name, day) for table in tables for name in instruments}
            return {path for path in paths if path.exists()}
        found: set[Path] = set()
        for table in PARTITIONED:
            inner = "" if table in _OF_THE_EXCHANGE else "instrument=*/"
            pattern = f"{inner}date={day.isoformat()}/data.parquet"
            found.update((self.root / table / f"exchange={self.exchange}").glob(pattern))
        return found

    def bytes_of(self, day: date, instrument: str) -> int:
        """Return the size of an instrument's files of a day, as the folders say."""
        return sum(path.stat().st_size for path in self.partitions_of(day, [instrument]))

    def prepare(self) -> None:
        """Write what views need even when the lake is empty: every table without a row."""
        for name, table in PARTITIONED.items():
            path = self.root / "_empty" / name / self._key_folders(name) / "data.parquet"
            if not _has_schema(path, table):
                with durable.replacing(path, self.drafts) as draft:
                    pq.write_table(arrow_schema(table).empty_table(), draft)
        if not self.catalogue.exists():
            with durable.replacing(self.catalogue, self.drafts) as draft:
                pq.write_table(arrow_schema(CATALOGUE).empty_table(), draft)

    def _key_folders(self, table: str) -> str:
        inner = "" if table in _OF_THE_EXCHANGE else "instrument=none/"
        return f"exchange={self.exchange}/{inner}date=1970-01-01"


def _has_schema(path: Path, table: Table) -> bool:
    try:
        return bool(pq.read_schema(path) == arrow_schema(table))
    except (pa.ArrowException, OSError):  # not there, or damaged
        return False


def arrow_schema(table: Table) -> pa.Schema:
    """Return a table's columns as Arrow types that every reader knows."""
    return pa.schema([(column.name, _ARROW[column.type]) for column in table.columns])


# --- writing a day -----------------------------------------------------------------------------


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


class DayWriter:
    """Writes all partitions of one day: drafts first, then each replaced in one step."""

    def __init__(self, lake: Lake, day: date, version: str) -> None:
        self._lake = lake
        self._day = day
        self._about = {"version": version, "schema_version": str(SCHEMA_VERSION)}
        self._partitions: dict[tuple[str, str | None], _Partition] = {}

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
        partition = self._partitions.get((table, instrument)) or self._open(table, instrument)
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
        instruments: Iterable[str] | None = None,
    ) -> pl.DataFrame:
        """Give every file its real name; return the day's rows of the catalogue.

        `source` is the digest of the slices, `facts` are what coverage says of each instrument.
        Partitions of the day (of `instruments`, or all) that were not written now are removed: the
        slices no longer hold them.
        """
        self._about["source"] = source
        stale = self._lake.partitions_of(self._day, instruments)
        with durable.writing(self._lake.root):
            for partition in self._partitions.values():
                self._close(partition)
            for partition in self._partitions.values():
                durable.commit(partition.draft, partition.path)
                stale.discard(partition.path)
            for path in stale:
                path.unlink()
                path.parent.rmdir()
        rows = [self._catalogued(instrument, facts[instrument]) for instrument in sorted(facts)]
        return pl.DataFrame(rows, schema=CATALOGUE.schema)

    def _open(self, table: str, instrument: str | None) -> _Partition:
        path = self._lake.partition(table, instrument, self._day)
        with durable.writing(path):
            draft = durable.new_draft(self._lake.drafts)
        sink = _Appending(draft)
        writer = pq.ParquetWriter(
            pa.PythonFile(sink, mode="w"),
            arrow_schema(PARTITIONED[table]),
            compression="zstd",
            **_encodings(PARTITIONED[table]),
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


def to_arrow(rows: pl.DataFrame, table: Table) -> pa.Table:
    """Return rows as plain Arrow types."""
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(arrow_schema(table))


def _encodings(table: Table) -> dict[str, Any]:
    """Return how columns are laid down: deltas for times, numbers and lines, else dictionaries."""
    deltas = (pl.Int32(), pl.Int64(), pl.Datetime("us"))
    leaf = {
        c.name: f"{c.name}.list.element" if isinstance(c.type, pl.List) else c.name for c in table
    }
    return {
        "column_encoding": {c.name: "DELTA_BINARY_PACKED" for c in table if c.type in deltas},
        "use_dictionary": [leaf[c.name] for c in table if c.type not in deltas],
    }


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
    with pq.ParquetWriter(draft, file.schema_arrow, compression="zstd", **_encodings(DEPTH)) as out:
        for group in groups:
            rows = pl.DataFrame(file.read_row_group(group))
            later = min(earliest[group + 1 :], default=None)
            bound = pl.min_horizontal("valid_until", pl.lit(later, pl.Datetime("us")))
            rows = rows.with_columns(valid_until=bound)
            out.write_table(to_arrow(rows, DEPTH), row_group_size=rows.height)
        out.add_key_value_metadata(dict(about))
    draft.replace(path)
