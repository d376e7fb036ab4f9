"""One day of a derived table: the day's depth, replayed → a draft, which the run gives its name.

It is a function of the depth of the day and of the day before, whose last book may stand beyond
midnight. Which these were stands in the file, so that it can be told whether they are still there.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

import pipeline
from pipeline import durable
from pipeline.derived_tables import DERIVED_VERSION, DerivedTable
from pipeline.errors import LakeDamaged
from pipeline.lake import Lake
from pipeline.parquet import arrow_schema, damage_named, parquet_options
from pipeline.schemas import DEPTH, SCHEMA_VERSION
from pipeline.snapshots import changes_of_day, on_grid, wide_table
from pipeline.times import DAY_US, day_start_us

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pipeline.snapshots.tables import Snapshots

__all__ = ["DayDraft", "derive_day", "is_made_from", "to_be_made_from"]

# A row group is kept in memory until it is written; a footer tells of each of them, by column.
_ROWS_AT_MOST: Final = 1 << 16
_CELLS_AT_MOST: Final = 1 << 23


class DayDraft(NamedTuple):
    """An instrument's day of a derived table, whole, but not in the lake yet.

    No path (None) where its depth is damaged.
    """

    instrument: str
    day: date
    path: Path | None
    rows: int = 0
    damaged: LakeDamaged | None = None


def derive_day(
    data: Path, exchange: str, table: DerivedTable, instrument: str, day: date
) -> DayDraft:
    """Write an instrument's day of a table as a draft; the lake is not touched."""
    lake = Lake(data, exchange)
    try:
        with durable.writing(lake.drafts), ExitStack() as undo:
            draft = durable.new_draft(lake.drafts)
            undo.callback(draft.unlink, missing_ok=True)
            about = {
                **to_be_made_from(lake, instrument, day),
                "exchange": exchange,
                "instrument": instrument,
                "date": day.isoformat(),
                "version": pipeline.__version__,
                "schema_version": str(SCHEMA_VERSION),
            }
            rows = _write(draft, table, _snapshots(lake, table, instrument, day), about)
            undo.pop_all()
    except LakeDamaged as error:
        return DayDraft(instrument, day, None, damaged=error)
    return DayDraft(instrument, day, draft, rows)


def is_made_from(path: Path, wanted: Mapping[str, str]) -> bool:
    """Say whether a derived file can be read and was made from what `to_be_made_from` says."""
    try:
        return wanted.items() <= _about(path).items()
    except LakeDamaged:
        return False


def to_be_made_from(lake: Lake, instrument: str, day: date) -> dict[str, str]:
    """Return what a derived file of a day would be made from now: the slices of its depth.

    Raises LakeDamaged where there is no depth of the day, or some that can't be read.
    """
    before = "none"
    if day > date.min:
        path = lake.partition(DEPTH.name, instrument, day - timedelta(1))
        before = _source(path) if path.exists() else before
    depth = _source(lake.partition(DEPTH.name, instrument, day))
    return {"depth": depth, "depth_before": before, "derived_version": str(DERIVED_VERSION)}


def _source(path: Path) -> str:
    return _about(path).get("source", "")


def _about(path: Path) -> dict[str, str]:
    """Return what a file of the lake says of itself; raises LakeDamaged."""
    with damage_named(str(path)):
        found = pq.read_metadata(path).metadata or {}
    return {name.decode(): value.decode() for name, value in found.items()}


def _snapshots(lake: Lake, table: DerivedTable, instrument: str, day: date) -> Iterator[Snapshots]:
    start = day_start_us(day)
    if table.step is None:
        return changes_of_day(lake, instrument, start // DAY_US, table.depth)
    return on_grid(lake, instrument, range(start, start + DAY_US, table.step), table.depth)


def _write(
    draft: Path, table: DerivedTable, found: Iterable[Snapshots], about: Mapping[str, str]
) -> int:
    """Write snapshots as a file; return how many they are."""
    columns = table.table
    schema = arrow_schema(columns)
    most = min(_ROWS_AT_MOST, max(1, _CELLS_AT_MOST // len(schema)))
    rows = 0
    with pq.ParquetWriter(draft, schema, **parquet_options(columns)) as writer:
        for group in _groups(map(wide_table, found), most):
            # Without their zone, as all times of the lake; and without what the view adds.
            writer.write_table(group.select(schema.names).cast(schema), row_group_size=len(group))
            rows += len(group)
        about = {**about, "table": table.name, "rows": str(rows)}
        writer.add_key_value_metadata(about)
    return rows


def _groups(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Yield tables together, each time so many rows or more; the rest at the end."""
    kept: list[pa.Table] = []
    for table in tables:
        kept.append(table)
        if sum(map(len, kept)) >= rows:
            yield pa.concat_tables(kept)
            kept = []
    if any(map(len, kept)):
        yield pa.concat_tables(kept)
