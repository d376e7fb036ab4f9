"""What a data folder has, lacks and suspects, from the catalogue and the folders of raw alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.capture_file import found_capture
from pipeline.catalogue import Catalogue
from pipeline.lake import Lake
from pipeline.lake_version import version_of
from pipeline.slices import Door
from pipeline.times import MINUTES_OF_DAY

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["status_of"]

_SUMS = (
    "depth_messages", "depth_changes", "trades", "tickers", "missed_snapshots", "restarts",
    "duplicates", "checksum_mismatches", "crossed", "irregular", "gaps", "trade_gaps",
)  # fmt: skip


def status_of(data: Path, exchange: str) -> dict[str, Any]:
    """Return the state of a data folder in figures; opens no slice and no partition.

    `recorded` is what the lake has of days that are in parts, as a capture leaves them until an
    `ingest`; they are in no other figure. `capture` is how the exchange's capture is doing, if any.
    """
    door, lake = Door(data, exchange), Lake(data, exchange)
    catalogue = Catalogue(lake)
    with_slices = {day.isoformat() for day in door.all_days()}
    days = catalogue.days
    totals = catalogue.rows.select(pl.col(*_SUMS).sum()).row(0, named=True)

    def of_days(name: str) -> int:
        return sum(day.get(name, 0) for day in days.values())

    return {
        "data": str(data.resolve()),
        "exchange": exchange,
        "days": len(days),
        "first_day": min(days, default=None),
        "last_day": max(days, default=None),
        "days_not_ingested": len(with_slices - days.keys()),
        "lake_version": version_of(exchange, catalogue),
        "instruments": catalogue.rows["instrument"].n_unique(),
        "minutes_fetched": of_days("minutes_fetched"),
        "minutes_never_fetched": MINUTES_OF_DAY * len(days) - of_days("minutes_fetched"),
        "slices_used": of_days("slices"),
        "slice_bytes": of_days("slice_bytes"),
        "lake_bytes": int(catalogue.rows["bytes"].sum()),
        "lines": of_days("lines"),
        "lines_quarantined": of_days("quarantined"),
        "lines_foreign": of_days("foreign_lines"),
        "disconnects": of_days("disconnects"),
        "arrivals_outside_their_minute": of_days("outside_minute"),
        "arrivals_running_backwards": of_days("backwards"),
        **{name: int(totals[name]) for name in _SUMS},
        "days_in_conflict": sorted(day for day in days if days[day].get("conflict")),
        "days_in_parts": [day.isoformat() for day in lake.days_in_parts()],
        "recorded": _recorded(catalogue),
        "capture": found_capture(data, exchange),
    }


def _recorded(catalogue: Catalogue) -> dict[str, Any] | None:
    """Return what the lake has of days that are in parts; None if there is no such day."""
    rows = catalogue.recorded
    if rows.is_empty():
        return None
    totals = rows.select(pl.col("bytes", *_SUMS).sum()).row(0, named=True)
    return {
        "days": rows["date"].n_unique(),
        "instruments": rows["instrument"].n_unique(),
        "lake_bytes": int(totals.pop("bytes")),
        **{name: int(total) for name, total in totals.items()},
    }
