"""Asks the checks, and makes the lakes that they are asked of."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.parquet as pq

from pipeline.lake import PARTITIONED
from pipeline.parquet import to_arrow
from pipeline.sources.files import adopt
from pipeline.views import connect
from tests.lakes import ingest
from tests.making import write_minute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    import duckdb

DAY = ("2020-08-01", "2020-08-02")
BTC, ETH = "BTC-USD-SWAP-LIN", "ETH-USD-SWAP-LIN"


def answers(data: Path, query: str, parameters: Iterable[Any] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query on a data folder's lake, by column."""
    rows = _connected(data).execute(query, list(parameters))
    names = [column[0] for column in rows.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


@lru_cache(maxsize=2)  # the shared lake, and the one that a test asks again and again
def _connected(data: Path) -> duckdb.DuckDBPyConnection:
    return connect(data)


def found(
    data: Path, check: str, instrument: str = "BTC-USD", between: Iterable[Any] = DAY, *more: Any
) -> list[dict[str, Any]]:
    """Return the bad rows of a check of an instrument, in order."""
    asked = [instrument, *between, *more]
    marks = ", ".join("?" for _ in asked)
    return answers(data, f"from check_{check}({marks}) order by all", asked)


def lake_of(folder: Path, *minutes: tuple[datetime, list[str]]) -> Path:
    """Return a data folder with minutes, given with their lines, in its lake."""
    for minute, lines in minutes:
        write_minute(folder / "slices", minute, lines)
    adopt(folder / "data", "coinflex", folder / "slices")
    ingest(folder / "data", "coinflex", jobs=1)
    return folder / "data"


def partition(data: Path, table: str, instrument: str) -> Path:
    """Return the one file of a table and an instrument."""
    (path,) = (data / "lake" / table).glob(f"*/instrument={instrument}/*/data.parquet")
    return path


def rewrite(
    data: Path, table: str, instrument: str, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    """Put changed rows in the place of a partition's; return them."""
    path = partition(data, table, instrument)
    rows = pl.from_arrow(pq.ParquetFile(path).read())
    assert isinstance(rows, pl.DataFrame)
    changed = change(rows)
    pq.write_table(to_arrow(changed, PARTITIONED[table]), path)
    return changed
