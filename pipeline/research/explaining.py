"""What the lake knows of a book at a time, or why it knows none, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.query import rows_of
from pipeline.research.times import LAST, naive

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import duckdb

    from pipeline.lake import Lake

__all__ = ["explanation"]

_STRETCHES: Final = 6
# Causes that speak of minutes, which need not be true of each minute up to the next book.
_OF_MINUTES: Final = ("not_fetched", "end_of_coverage")


def explanation(
    lake: Lake, connection: duckdb.DuckDBPyConnection, instrument: str, moment: int
) -> str:
    """Return what is known of the book of an instrument at a time, in microseconds."""
    book = f"the book of {instrument} at {naive(moment).isoformat(sep=' ')}"
    found = _known(lake, instrument, moment)
    if found is not None:
        return f"{book} is known, {found}"
    why = _gap(connection, instrument, moment) or (
        "no message of that day or the day before reaches it"
    )
    return f"{book} is unknown: {why}; {_days(connection, instrument)}"


def _known(lake: Lake, instrument: str, moment: int) -> str | None:
    """Return what is known of a book, None if it is unknown."""
    from pipeline.snapshots import at_times  # noqa: PLC0415 - brings numba: half a second

    (found,) = at_times(lake, instrument, np.array([moment]))
    arrived = found.local_timestamp[0].as_py()
    if arrived is None:
        return None
    bids, asks = found.tops.levels[0].tolist()
    if bids == asks == 0:
        return f"and empty on both sides since {arrived}"
    return f"from a message of {arrived}: {bids} bids, {asks} asks"


def _gap(connection: duckdb.DuckDBPyConnection, instrument: str, moment: int) -> str | None:
    """Return which gap a time lies in, None if in none."""
    time = naive(moment)
    gaps = rows_of(
        connection,
        """select start, stop, cause from gaps($1, $2, $3)
        where is_unknown and start <= $2 and $2 < stop order by start limit 1""",
        [instrument, time, naive(min(moment, LAST - 1) + 1)],
    )
    if not gaps:
        return None
    start, stop, cause = gaps[0]
    if cause in _OF_MINUTES and _has_slice(connection, moment):
        return (
            f"none came from {start} to {stop}, which began with {cause}; "
            "that very minute has a slice, but no book in it"
        )
    return f"{cause} from {start} to {stop}"


def _has_slice(connection: duckdb.DuckDBPyConnection, moment: int) -> bool:
    """Say whether the minute of a time was fetched."""
    query = "select 1 from ingests where date = $1::date and minute = date_trunc('minute', $1)"
    return bool(rows_of(connection, f"{query} limit 1", [naive(moment)]))


def _days(connection: duckdb.DuckDBPyConnection, instrument: str) -> str:
    """Return which days the lake has of an instrument."""
    query = "select date from catalogued where instrument = $1 order by date"
    days = [day for (day,) in rows_of(connection, query, [instrument])]
    named = [
        str(first) if first == last else f"{first} to {last}" for first, last in _stretches(days)
    ]
    more = len(named) - _STRETCHES
    rest = f" and {more} more stretches" if more > 0 else ""
    return f"the lake has {', '.join(named[:_STRETCHES])}{rest} of it"


def _stretches(days: Iterable[date]) -> list[tuple[date, date]]:
    """Return the first and last of each run of days, which come in order."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and (day - found[-1][1]).days == 1:
            found[-1] = found[-1][0], day
        else:
            found.append((day, day))
    return found
