"""What a page is about: a lake, some days of it, and of these an instrument and day to look into.

Every number of a page comes from a query, which stands on the page as it was asked: values are
written into it, so that it can be asked again as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import UsageError
from pipeline.page.markup import Markup, code, element
from pipeline.query import rows_of
from pipeline.sql_objects import quoted
from pipeline.times import days_between, parse_time

if TYPE_CHECKING:
    from pipeline.research import OpenLake

__all__ = ["Chosen", "Subject", "subject_of"]


class Chosen(NamedTuple):
    """An instrument's day."""

    instrument: str
    day: date

    @property
    def range(self) -> str:
        """The arguments of a macro of one instrument and range: this whole day."""
        end = self.day + timedelta(days=1)
        return f"{quoted(self.instrument)}, '{self.day}', '{end}'"


@dataclass
class Subject:
    """A lake, from its day `first` to `last`, both there; queries are kept as they are asked.

    `chosen` is None only where the lake has no instrument at all.
    """

    lake: OpenLake
    first: date
    last: date
    chosen: Chosen | None
    asked: list[str] = field(default_factory=list)

    @property
    def days(self) -> str:
        """The condition that a row is of one of the days."""
        return f"date between '{self.first}' and '{self.last}'"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, which the page will show."""
        self.asked.append(query.strip())
        with self.lake.cursor() as cursor:
            return rows_of(cursor, query)

    def row(self, query: str) -> tuple[Any, ...]:
        """Return the one row of a query, which the page will show."""
        (found,) = self.rows(query)
        return found

    def queries(self) -> Markup | None:
        """Return the queries that were asked since this was called last, to be shown."""
        asked, self.asked = list(dict.fromkeys(self.asked)), []
        if not asked:
            return None
        many = "The query" if len(asked) == 1 else f"The {len(asked)} queries"
        summary = element("summary", f"{many} of these numbers")
        return element("details", summary, *map(code, asked), class_="queries")


def subject_of(
    lake: OpenLake, instrument: str | None, day: str | None, start: str | None, end: str | None
) -> Subject:
    """Return what a page is about; by default all days, and what is newest and largest of them.

    Days are those that [start, end) touches. Raises UsageError for an instrument or day that the
    lake has not, or a range without days.
    """
    with lake.cursor() as cursor:
        known = [
            found
            for (found,) in rows_of(cursor, "select distinct date from coverage order by date")
        ]
    days = days_between(known, start, end, "anything in the lake", "coinflex-l2 backfill")
    first, last = (days[0], days[-1]) if days else (date.min, date.min)
    return Subject(lake, first, last, _chosen(lake, instrument, day, first, last))


def _chosen(
    lake: OpenLake, instrument: str | None, day: str | None, first: date, last: date
) -> Chosen | None:
    """Return the newest day of those that fit, and of its instruments the one with most books."""
    wanted = None if day is None else parse_time(day, "--day").date()
    query = """
        select instrument, date from coverage
        where coalesce(instrument = $1, true)
          and case when $2::date is null then date between $3 and $4 else date = $2 end
        order by $2::date is null and depth_messages = 0, date desc, depth_messages desc, instrument
        limit 1
    """
    with lake.cursor() as cursor:
        found = rows_of(cursor, query, [instrument, wanted, first, last])
        if not found and (instrument is not None or wanted is not None):
            raise _not_there(cursor, instrument, wanted)
    return Chosen(*found[0]) if found else None


def _not_there(cursor: Any, instrument: str | None, day: date | None) -> UsageError:  # noqa: ANN401 - DuckDB's
    """Return the error for an instrument or a day of which the lake has nothing."""
    names = {name for (name,) in rows_of(cursor, "select distinct instrument from coverage")}
    if instrument is not None and instrument not in names:
        return UsageError.not_among("--instrument", instrument, names)
    query = """
        select distinct date from coverage where coalesce(instrument = $1, true)
        order by abs(date - coalesce($2, date)), date limit 5
    """
    near = [str(found) for (found,) in rows_of(cursor, query, [instrument, day])]
    return UsageError("--day", str(day), f"a day in the lake, as {', '.join(sorted(near))}")
