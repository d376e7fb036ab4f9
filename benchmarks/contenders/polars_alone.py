"""Polars alone: its own reader, its own JSON, all levels sorted along each price.

Gunzips and splits with scan_csv, decodes with str.json_decode, explodes all levels, and compares
each with the row before, which is the same price in the message before if it stood there. Changes
are counted, not stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from benchmarks.job import Counted, Job, Measured, timed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["measure"]

_JSON_AT: Final = 29
_LEVELS: Final = pl.List(pl.List(pl.Float64))
_BOOK: Final = pl.Struct({"instrumentId": pl.String, "asks": _LEVELS, "bids": _LEVELS})
_MESSAGE: Final = pl.Struct({"table": pl.String, "data": pl.List(_BOOK)})


def measure(job: Job) -> Measured:
    """Count the changes; threads are as many as the environment allows."""
    return timed(job, lambda: _changes(job.files))


def _changes(paths: list[Path]) -> Counted:
    lines = pl.scan_csv(
        paths, separator="\x01", quote_char=None, has_header=False, schema={"line": pl.String}
    )
    decoded = pl.col("line").str.slice(_JSON_AT).str.json_decode(_MESSAGE)
    messages = lines.select(decoded.struct.unnest()).collect()
    books = messages.lazy().filter(pl.col("table") == "futures/depth")
    books = books.select(pl.col("data").explode().struct.unnest())
    number = pl.int_range(pl.len()).over("instrumentId")
    numbered = books.with_columns(number=number, last=pl.len().over("instrumentId") - 1).collect()
    changes = sum(_changes_of(numbered, side) for side in ("bids", "asks"))
    return Counted(messages.height, changes)


def _changes_of(books: pl.DataFrame, side: str) -> int:
    level = pl.col(side)
    levels = (
        books.lazy()
        .select("instrumentId", "number", "last", side)
        .explode(side)
        .with_columns(price=level.list.get(0), amount=level.list.get(1))
        .drop(side)
        .sort("instrumentId", "price", "number")
    )
    same_price = [pl.col(name) == pl.col(name).shift() for name in ("instrumentId", "price")]
    follows = pl.all_horizontal(*same_price, pl.col("number") == pl.col("number").shift() + 1)
    stood = pl.col("stood")
    same_amount = pl.col("amount") == pl.col("amount").shift()
    said = ~(stood & same_amount.fill_null(False))
    gone = ~stood.shift(-1, fill_value=False) & (pl.col("number") < pl.col("last"))
    counted = levels.with_columns(stood=follows.fill_null(False)).select(said.sum() + gone.sum())
    return int(counted.collect().item())
