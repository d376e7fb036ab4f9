"""The lake against itself: the counts of the catalogue, of the files and of slices."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import QueryRefused
from pipeline.query import rows_of
from pipeline.verifying.findings import Check, Difference, unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import duckdb

__all__ = ["check_counts"]

_ROWS: Final = """select date, kind, in_catalogue, in_slices from check_rows
where list_contains($1, date) order by date, kind"""
_CATALOGUE: Final = """select date, what, in_catalogue, in_files from check_catalogue($1, $2, $3)
order by date, what"""


def check_counts(
    lake: duckdb.DuckDBPyConnection, days: Collection[date], of_days: Iterable[tuple[str, date]]
) -> Check:
    """Hold the catalogue's counts of days against `ingests`, of instruments' days against files."""
    check = Check(
        "counts",
        "the catalogue counts the rows that are there, and that the slices gave",
        "that the rows say what they should",
        unit="instrument days",
    )
    for day, kind, catalogued, in_slices in _asked(lake, check, _ROWS, [sorted(days)], days):
        what = f"the catalogue counts {catalogued:,} rows of {kind}, the slices gave {in_slices:,}"
        check.differences.append(Difference(day, str(day), what))
    for instrument, day in of_days:
        check.looked_at += 1
        for _, what, catalogued, in_files in _of_day(lake, check, _CATALOGUE, instrument, day):
            told = f"{what}: {catalogued} in the catalogue, {in_files} in the files"
            check.differences.append(Difference(day, f"{instrument} {day}", told))
    return check


def _of_day(
    lake: duckdb.DuckDBPyConnection, check: Check, query: str, instrument: str, day: date
) -> list[tuple[Any, ...]]:
    return _asked(lake, check, query, [instrument, day, day + timedelta(1)], [day])


def _asked(
    lake: duckdb.DuckDBPyConnection,
    check: Check,
    query: str,
    parameters: list[object],
    days: Collection[date],
) -> list[tuple[Any, ...]]:
    """Return rows; what can't be read is a difference."""
    try:
        return rows_of(lake, query, parameters)
    except QueryRefused as error:
        check.differences += [unreadable(day, error) for day in sorted(days)]
        return []
