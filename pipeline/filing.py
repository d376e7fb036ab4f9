"""Trades that were fetched on one day, filed under the days on which they were made.

    lake/rest_trades/exchange=<id>/instrument=<name>/date=2026-11-26/data-20261127.parquet

has those of the 26th that were fetched on the 27th. So each day's slices make files of their own,
in whatever order days come, and whoever asks for a day of trades finds them in its folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipeline import durable
from pipeline.lake import FILED
from pipeline.partition_writer import PartitionWriter

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date
    from pathlib import Path

    from pipeline.lake import Lake

__all__ = ["Filing"]


class Filing:
    """What was fetched on a day, kept in memory: what a hole in the feed has is little."""

    def __init__(self, lake: Lake, fetched: date, drafts: Path) -> None:
        self._lake = lake
        self._fetched = fetched
        self._drafts = drafts
        self._rows: dict[tuple[str, date], list[pl.DataFrame]] = {}
        self._changed: set[tuple[str, date]] = set()
        self._is_first = True

    def take(self, table: str, instrument: str | None, rows: pl.DataFrame) -> bool:
        """Take the next rows, in line order, if they are of a table that is filed; say so."""
        if table != FILED or instrument is None:
            return False
        by_day = rows.with_columns(pl.col("timestamp").dt.date().alias("_day"))
        for of_day in by_day.partition_by("_day", maintain_order=True):
            key = instrument, of_day["_day"][0]
            self._rows.setdefault(key, []).append(of_day.drop("_day"))
            self._changed.add(key)
        return True

    def put(self, about: Mapping[str, str], instruments: Collection[str] | None = None) -> None:
        """Give what has changed its real name; the first time, remove what was filed before.

        Of `instruments`, or of all.
        """
        before = self._lake.filed_on(self._fetched, instruments) if self._is_first else set()
        for instrument, day in sorted(self._changed):
            path = self._lake.filed(instrument, day, self._fetched)
            self._put(path, instrument, day, about)
            before.discard(path)
        for path in before:
            durable.remove(path)
        self._changed.clear()
        self._is_first = False

    def _put(self, path: Path, instrument: str, day: date, about: Mapping[str, str]) -> None:
        rows = pl.concat(self._rows[instrument, day])
        draft = durable.new_draft(self._drafts)
        writer = PartitionWriter(FILED, draft, rows)
        writer.write(rows)
        writer.close({
            **about, "instrument": instrument, "date": day.isoformat(), "table": FILED,
            "rows": str(rows.height), "fetched": self._fetched.isoformat(),
        })  # fmt: skip
        durable.commit(draft, path)
