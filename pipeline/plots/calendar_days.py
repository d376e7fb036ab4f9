"""For how much of each day a book is known, and what went wrong in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.query import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    import duckdb

    from pipeline.research.questions import Questions

__all__ = ["Calendar", "Day", "read_calendar"]

_A_DAY: Final = timedelta(days=1)
_MINUTES: Final = 1440

# One row per instrument and day, one day more than asked for before the first. Gaps of a day do not
# overlap, and lie within it.
_DAYS: Final = """
with
  of_gaps as (
    select
      instrument, date,
      to_microseconds(sum(epoch_us(stop) - epoch_us(start))::bigint) as unknown,
      min(start) <= date::timestamp as begins_unknown,
      max(stop) >= (date + 1)::timestamp as ends_unknown
    from gaps
    where is_unknown and list_contains($1, instrument) and date between $2 and $3
    group by instrument, date
  )

select
  instrument, date, coalesce(unknown, interval 0 second), coalesce(begins_unknown, false),
  coalesce(ends_unknown, false), minutes_fetched,
  disconnects, coalesce(missed_snapshots, 0), checksum_mismatches
from catalogued
left join of_gaps using (instrument, date)
where list_contains($1, instrument) and date between $2 and $3
order by instrument, date
"""
_FIRST_BOOKS: Final = """
select instrument, date, min(local_timestamp)
from depth_messages
where message = 0 and list_contains($1, instrument) and list_contains($2, date)
group by instrument, date
"""


class Day(NamedTuple):
    """What is known of a day, or on average of several: shares from 0 to 1; and what went wrong.

    marks: disconnects, missed snapshots, checksum mismatches.
    """

    known: float
    fetched: float
    marks: tuple[int, ...]


class Calendar(NamedTuple):
    """Days from first to last, both included; one that the lake has not is not in `days`."""

    instruments: list[str]
    first: date
    last: date
    days: dict[tuple[str, date], Day]


def read_calendar(lake: Questions, instruments: list[str], first: date, last: date) -> Calendar:
    """Return what the lake says of days of some instruments, from first to last."""
    with lake.cursor() as cursor:
        rows = rows_of(cursor, _DAYS, [instruments, first - _A_DAY, last])
        ends_known = {(name, day) for name, day, _, _, ends_unknown, *_ in rows if not ends_unknown}
        # What comes before the first book is no gap where its minutes were fetched: that the book
        # is unknown there is told by the day before, which does not lead up to it.
        alone = [
            (name, day) for name, day, _, begins_unknown, *_ in rows
            if not begins_unknown and day >= first and (name, day - _A_DAY) not in ends_known
        ]  # fmt: skip
        before = _before_first_book(cursor, alone)
    days = {}
    for name, day, unknown, _, _, fetched, *marks in rows:
        if day >= first:
            known = 1 - (unknown + before.get((name, day), timedelta())) / _A_DAY
            days[name, day] = Day(max(0.0, known), fetched / _MINUTES, tuple(marks))
    return Calendar(instruments, first, last, days)


def _before_first_book(
    connection: duckdb.DuckDBPyConnection, days: Iterable[tuple[str, date]]
) -> dict[tuple[str, date], timedelta]:
    """Return how long it takes in some days until the first book arrives."""
    wanted = set(days)
    if not wanted:
        return {}
    names, dates = (list(set(column)) for column in zip(*wanted, strict=True))
    rows = rows_of(connection, _FIRST_BOOKS, [names, dates])
    return {
        (name, day): max(_since_midnight(arrived, day), timedelta())
        for name, day, arrived in rows
        if (name, day) in wanted
    }


def _since_midnight(time: datetime, day: date) -> timedelta:
    return time - time.replace(year=day.year, month=day.month, day=day.day, hour=0, minute=0,
                               second=0, microsecond=0)  # fmt: skip
