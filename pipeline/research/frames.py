"""Arrow → the frame that was asked for: Polars, pandas or Arrow; whole, or in batches.

Times come out zone-aware, UTC. A DuckDB INTERVAL comes out as a duration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["AnyFrame", "FrameKind", "as_frame", "check_kind", "check_rows", "frames_of", "zoned"]

FrameKind: TypeAlias = Literal["polars", "pandas", "arrow"]
# Neither pandas nor pyarrow says its types.
AnyFrame: TypeAlias = Any

_KINDS: Final = ("polars", "pandas", "arrow")
_INTERVAL: Final = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_MICROSECONDS_OF_DAY: Final = 86_400_000_000


def check_kind(frame: str) -> None:
    """Raise UsageError for a kind of frame that can't be made, before any work is done."""
    if frame not in _KINDS:
        raise UsageError.not_among("frame", frame, _KINDS)
    if frame == "pandas":
        try:
            import pandas  # noqa: F401, ICN001, PLC0415 - only for those who ask for it
        except ImportError:
            hint = "polars or arrow; pandas where it is installed (pip install pandas)"
            raise UsageError("frame", frame, hint) from None


def as_frame(table: pa.Table, frame: FrameKind) -> AnyFrame:
    """Return a table as a frame of the kind."""
    if frame == "pandas":
        return table.to_pandas()
    return pl.from_arrow(table) if frame == "polars" else table


def check_rows(rows: object) -> int:
    """Return how many rows a batch shall have; raises UsageError."""
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise UsageError("batch_rows", rows, "a whole number above 0, or None for all at once")
    return rows


def frames_of(tables: Iterable[pa.Table], frame: FrameKind, rows: int) -> Iterator[AnyFrame]:
    """Yield tables, at least one, as frames of so many rows, the last one less; at least one."""
    return (as_frame(table, frame) for table in _in_batches(tables, rows))


def _in_batches(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    kept: list[pa.Table] = []
    given = False
    for table in tables:
        kept.append(table)
        while sum(map(len, kept)) >= rows:
            whole = pa.concat_tables(kept)
            yield whole.slice(0, rows)
            kept, given = [whole.slice(rows)], True
    if kept and (not given or any(map(len, kept))):
        yield pa.concat_tables(kept)


def zoned(table: pa.Table) -> pa.Table:
    """Return what DuckDB gives with its times zone-aware, and its intervals as durations."""
    columns = [_without_intervals(column) for column in table.columns]
    types = [_zoned(column.type) for column in columns]
    cast = [column.cast(kind) for column, kind in zip(columns, types, strict=True)]
    return pa.Table.from_arrays(cast, table.column_names)


def _zoned(kind: pa.DataType) -> pa.DataType:
    """Return a type with all of its times in UTC."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_zoned(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_zoned(field.type)) for field in kind.fields])
    return kind


def _without_intervals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type != pa.month_day_nano_interval():
        if "month_day_nano_interval" in str(column.type):  # no frame has it, and Polars panics
            raise UsageError("QUERY", "an INTERVAL in a list or a struct", "epoch(…) of it")
        return column
    chunks = [_durations(chunk) for chunk in column.chunks]
    return pa.chunked_array(chunks, pa.duration("us"))


def _durations(intervals: pa.Array) -> pa.Array:
    """Return intervals as durations; raises UsageError for months, which are of no one length."""
    _, data = intervals.buffers()
    raw = np.frombuffer(data or b"", _INTERVAL)
    parts = raw[intervals.offset : intervals.offset + len(intervals)]
    unknown = intervals.is_null().to_numpy(zero_copy_only=False)
    if parts["months"][~unknown].any():
        raise UsageError("QUERY", "an INTERVAL with months in it", "days, hours, … or epoch(…)")
    whole = parts["days"] * np.int64(_MICROSECONDS_OF_DAY) + parts["nanoseconds"] // 1000
    return pa.array(whole, pa.duration("us"), mask=unknown)
