"""What a table is: its columns, with their types, units and meanings; and those that many have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LINEAGE", "PRICES", "TIME", "VERSION", "Column", "Table"]

TIME: Final = pl.Datetime("us")
PRICES: Final = pl.List(pl.Float64())


class Column(NamedTuple):
    """One column: its type in Polars (so in Arrow and Parquet), unit or clock, meaning."""

    name: str
    type: pl.DataType
    unit: str
    meaning: str


class Table(NamedTuple):
    """One table: what a row stands for, and its columns. Rows are in line order."""

    name: str
    grain: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name → Polars type, in order."""
        return {column.name: column.type for column in self.columns}

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]

    @property
    def normalized(self) -> dict[str, pl.DataType]:
        """What of `schema` is known while the day is read: all but its version."""
        return {name: kind for name, kind in self.schema.items() if name != VERSION.name}

    def empty(self) -> pl.DataFrame:
        """Return the table without a row."""
        return pl.DataFrame(schema=self.schema)

    def __iter__(self) -> Iterator[Column]:  # type: ignore[override] # a table is its columns
        return iter(self.columns)


VERSION: Final = Column(
    "version",
    pl.Int64(),
    "",
    "Names what its day was made from and by. Rows of one instrument and day belong together, in "
    "whichever tables, if it is the same; it is another where the day was made anew in between.",
)

LINEAGE: Final = (
    Column("origin", pl.String(), "", "Where the line came from, as tardis:coinflex."),
    Column("slice", pl.String(), "", "The raw slice it stands in, below raw/<exchange>."),
    Column("line", pl.Int32(), "ordinal", "Its line in that slice, from 1, empty lines counted."),
)
