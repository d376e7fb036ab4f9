"""What Tardis said of the exchange, in the lake: `listings` and `incidents`, made of raw's copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import durable
from pipeline.errors import UsageError
from pipeline.exchange_details import kept
from pipeline.parquet import to_arrow
from pipeline.service_schemas import INCIDENTS, LISTINGS
from pipeline.times import parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.exchange_details import Details
    from pipeline.lake import Lake
    from pipeline.slices import Door
    from pipeline.table import Table

__all__ = ["write_listings"]


def write_listings(door: Door, lake: Lake) -> None:
    """Let the lake say what raw's copy of Tardis's answer says, if there is one.

    Times that are none are NULL.
    """
    details = kept(door)
    if details is None:
        return
    for table, rows in ((LISTINGS, _listed(details)), (INCIDENTS, _incidents(details))):
        _write(lake, table, pl.DataFrame(rows, schema=table.schema, orient="row"))


def _listed(details: Details) -> list[tuple[Any, ...]]:
    recorded = _time(details.available_since), _time(details.available_to)
    return [
        (of.id, of.type, _time(of.available_since), _time(of.available_to), *recorded)
        for of in sorted(details.available_symbols, key=lambda of: of.id)
    ]


def _incidents(details: Details) -> list[tuple[Any, ...]]:
    rows = [
        (_time(of.start), _time(of.to), of.status, of.details) for of in details.incident_reports
    ]
    return sorted(rows, key=lambda row: str(row[0]))


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return parse_time(text).replace(tzinfo=None)
    except UsageError:
        return None


def _write(lake: Lake, table: Table, rows: pl.DataFrame) -> None:
    path, said = lake.listed(table), to_arrow(rows, table)
    try:
        if pq.read_table(path).equals(said):
            return
    except (pa.ArrowException, OSError):  # not there, or damaged
        pass
    with durable.replacing(path, lake.drafts) as draft:
        pq.write_table(said, draft)
