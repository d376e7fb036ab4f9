"""What SQL says of a day's trades, and of how lines arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.doctor.real.evidence import (
    DIFFERS,
    HOLDS,
    LEAST,
    UNDECIDED,
    Evidence,
    judged,
    percent,
)
from pipeline.query import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import duckdb

__all__ = ["feed_claims"]

_COMMON: Final = 0.01
_LATE_MS: Final = 1000


def feed_claims(connection: duckdb.DuckDBPyConnection, day: date) -> Iterator[Evidence]:
    """Yield what trades and arrivals of a day say."""
    yield from _trades(connection, day)
    yield _lag(connection, day)
    yield from _arrivals(connection, day)


def _trades(connection: duckdb.DuckDBPyConnection, day: date) -> Iterator[Evidence]:
    [(n, unnamed, again, alike)] = rows_of(
        connection,
        """with
          counted as (
            select
              id, count(*) over (partition by instrument, id) as of_id,
              count(*) over (partition by instrument, side, price, amount, timestamp) as of_print
            from trades where date = ?
          )
        select
          count(*), count(*) filter (id is null),
          count(*) filter (id is not null and of_id > 1), count(*) filter (of_print > 1)
        from counted""",
        [day],
    )
    found = f"{again:,} of {n:,} share theirs with another, {unnamed:,} have none"
    yield Evidence("Each trade has an id of its own in its market", day, found, n,
                   judged(again + unnamed, n))  # fmt: skip
    claim = f"Prints alike in all but their id are common: above {_COMMON:.0%}"
    found = f"{alike:,} of {n:,} ({percent(alike, n)})"
    verdict = UNDECIDED if n < LEAST else HOLDS if alike > _COMMON * n else DIFFERS
    yield Evidence(claim, day, found, n, verdict)


def _lag(connection: duckdb.DuckDBPyConnection, day: date) -> Evidence:
    claim = "A book arrives within a second of its exchange time, and not before it"
    [(n, quantiles)] = rows_of(
        connection,
        """select count(*), quantile_cont(
          date_diff('microsecond', timestamp, local_timestamp) / 1000, [0, 0.05, 0.5, 0.95, 1])
        from depth_messages where date = ? and timestamp is not null""",
        [day],
    )
    if n < LEAST:
        return Evidence(claim, day, f"{n:,} books", n, UNDECIDED)
    least, low, median, high, most = quantiles
    found = f"5 % / median / 95 %: {low:,.1f} / {median:,.1f} / {high:,.1f} ms; "
    found += f"{least:,.1f} to {most:,.1f} ms"
    return Evidence(claim, day, found, n, HOLDS if low >= 0 and high <= _LATE_MS else DIFFERS)


def _arrivals(connection: duckdb.DuckDBPyConnection, day: date) -> Iterator[Evidence]:
    [(lines, backwards, outside, refused, foreign)] = rows_of(
        connection,
        """select
          coalesce(sum(lines), 0), coalesce(sum(backwards), 0), coalesce(sum(outside_minute), 0),
          coalesce(sum(quarantined), 0), coalesce(sum(foreign_lines), 0)
        from ingests where date = ?""",
        [day],
    )
    found = f"{backwards:,} before the line before, {outside:,} outside their minute"
    yield Evidence("Lines stand in the order of arrival, each in its minute", day, found,
                   int(lines), judged(int(backwards + outside), int(lines)))  # fmt: skip
    found = f"{refused:,} refused, {foreign:,} of tables that are not read"
    yield Evidence("The normalizer reads every line", day, found, int(lines),
                   judged(int(refused + foreign), int(lines)))  # fmt: skip
