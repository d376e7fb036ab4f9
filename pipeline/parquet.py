"""How rows are laid down in Parquet: their Arrow types, which every reader knows, and encodings."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import LakeDamaged
from pipeline.schemas import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.schemas import Table

__all__ = ["arrow_schema", "damage_named", "parquet_options", "to_arrow", "writer_of"]

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


def arrow_schema(table: Table) -> pa.Schema:
    """Return a table's columns as Arrow types that every reader knows."""
    return pa.schema([(column.name, _ARROW[column.type]) for column in table.columns])


def to_arrow(rows: pl.DataFrame, table: Table) -> pa.Table:
    """Return rows as plain Arrow types."""
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(arrow_schema(table))


def parquet_options(table: Table) -> dict[str, Any]:
    """Return how columns are laid down: deltas for times, numbers and lines, else dictionaries.

    All are compressed and have statistics, but for a day's version, which is stamped in afterwards.
    """
    deltas = (pl.Int32(), pl.Int64(), pl.Datetime("us"))
    leaf = {
        c.name: f"{c.name}.list.element" if isinstance(c.type, pl.List) else c.name for c in table
    }
    in_deltas = [c.name for c in table if c.type in deltas and c != VERSION]
    return {
        "column_encoding": dict.fromkeys(in_deltas, "DELTA_BINARY_PACKED"),
        "use_dictionary": [path for name, path in leaf.items() if name not in in_deltas],
        "compression": dict.fromkeys(leaf.values(), "zstd") | {VERSION.name: "none"},
        "write_statistics": [path for name, path in leaf.items() if name != VERSION.name],
    }


def writer_of(
    sink: pa.NativeFile,
    schema: pa.Schema,
    first: pl.DataFrame,
    **options: Any,  # noqa: ANN401 - pyarrow's
) -> pq.ParquetWriter:
    """Begin a file with up to 255 bytes that nobody reads, as many as its first rows say.

    DuckDB opens a file for its footer, and again for its pages. If another version has taken its
    place in between, its columns must not lie where the footer says that the first one's do: what
    is found there is no page then, which is an error.
    """
    writer = pq.ParquetWriter(sink, schema, **options)  # refuses what is not empty
    sink.write(bytes(int(first.hash_rows().sum()) % 256))
    return writer


@contextmanager
def damage_named(path: str) -> Iterator[None]:
    """Raise LakeDamaged for what reading a partition raises, if it is no Parquet, or not whole."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise LakeDamaged(path, str(error).partition("\n")[0]) from error
