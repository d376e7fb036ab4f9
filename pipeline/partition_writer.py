"""One partition being written: a draft, row group by row group, and what is counted of its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa

from pipeline import durable
from pipeline.channels import DEPTH_CHANNELS
from pipeline.content import Content
from pipeline.lake import PARTITIONED
from pipeline.parquet import arrow_schema, parquet_options, to_arrow, writer_of
from pipeline.schemas import DEPTH, SCHEMA_VERSION, VERSION
from pipeline.versions import UNSTAMPED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

__all__ = ["Counts", "PartitionWriter", "catalogued"]


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
        """Bring to the file what was written since the last time.

        Raises FileNotFoundError if somebody has removed it: the rest alone would be no file.
        """
        with self._path.open("r+b" if self._appended else "xb") as file:
            file.seek(self._appended)
            file.write(self._kept)
        self._appended += len(self._kept)
        self._kept.clear()


@dataclass
class Counts:
    """What the catalogue says of a partition's rows, so far. Times are of the arrival clock."""

    rows: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    first: Any = None
    last: Any = None

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Count some more rows."""
        self.rows += rows.height
        if table == DEPTH.name:
            for name, value in rows.select(**_SUMS).row(0, named=True).items():
                so_far = self.sums.get(name, 0)
                self.sums[name] = value if name == "restarts" else so_far + value
        if "local_timestamp" in rows.columns:
            time = pl.col("local_timestamp")
            first, last = rows.select(first=time.min(), last=time.max()).row(0)
            self.first = min(first, self.first or first)
            self.last = max(last, self.last or last)


class PartitionWriter:
    """Writes the rows of one partition, or of a part of one, to a draft.

    `version` is that of the day, if it is known already; else it is to be put in afterwards
    (versions.put_into).
    """

    def __init__(
        self, table: str, draft: Path, first: pl.DataFrame, version: int = UNSTAMPED
    ) -> None:
        self.table = table
        self.draft = draft
        self._version = version
        self.content = Content()
        self._sink = _Appending(draft)
        self._writer = writer_of(
            pa.PythonFile(self._sink, mode="w"),
            arrow_schema(PARTITIONED[table]),
            first,
            **parquet_options(PARTITIONED[table]),
        )

    @property
    def is_versioned(self) -> bool:
        """Whether its rows say of which version of the day they are."""
        return VERSION in PARTITIONED[self.table].columns

    def write(self, rows: pl.DataFrame) -> None:
        """Append rows as a row group of their own."""
        self.append(self.in_arrow(rows))

    def in_arrow(self, rows: pl.DataFrame) -> pa.Table:
        """Return rows as they stand in the file, with their version."""
        if self.is_versioned:
            rows = rows.with_columns(pl.lit(self._version).alias(VERSION.name))
        return to_arrow(rows, PARTITIONED[self.table])

    def append(self, rows: pa.Table) -> None:
        """Append rows, as they stand in the file, as a row group of their own."""
        self.content.add(rows)
        with durable.writing(self.draft):
            self._writer.write_table(rows, row_group_size=rows.num_rows)
            self._sink.append()

    def close(self, about: Mapping[str, str]) -> None:
        """Finish the draft, with what its metadata is to say."""
        self._writer.add_key_value_metadata(dict(about))
        self._writer.close()
        self._sink.append()

    def abandon(self) -> None:
        """Remove the draft, if it is still there."""
        self._writer.close()
        self.draft.unlink(missing_ok=True)


def catalogued(
    day: date, instrument: str, counts: Mapping[str, Counts], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an instrument's row of the catalogue: `counts` by table, and further `facts`."""
    depth = counts.get(DEPTH.name)
    timed = [of for of in counts.values() if of.first is not None]
    return {
        "instrument": instrument,
        "date": day,
        "depth_messages": depth.rows if depth else 0,
        "other_depth_messages": sum(counts[c].rows for c in DEPTH_CHANNELS[1:] if c in counts),
        **{name: counts[name].rows if name in counts else 0 for name in ("trades", "tickers")},
        **(depth.sums if depth else dict.fromkeys(_SUMS, 0)),
        **facts,
        "first_local_timestamp": min((of.first for of in timed), default=None),
        "last_local_timestamp": max((of.last for of in timed), default=None),
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
