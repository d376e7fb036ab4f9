"""Days put together, so that a chart has few enough of them however long the lake is.

A period is a day, a week (from Monday), a month or some years. All is read from the catalogue, one
small file, by one query of a bounded number of rows.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST_INSTRUMENTS", "Periods", "instruments_shown", "periods_of"]

_MOST: Final = 52
# Instruments that have a row of their own; all others share one.
MOST_INSTRUMENTS: Final = 24
# Of how many days they are at least.
_DAYS_OF: Final = {"day": 1, "week": 7, "month": 28}
_YEAR: Final = 365


class Periods(NamedTuple):
    """Periods from the one that has `first` to the one that has `last`."""

    first: date
    last: date
    unit: str
    years: int = 1

    @property
    def column(self) -> str:
        """The first day of a row's period, in SQL."""
        if self.unit == "day":
            return "date"
        if self.unit in _DAYS_OF:
            return f"date_trunc('{self.unit}', date)::date"
        return f"make_date(greatest(1, year(date) // {self.years} * {self.years}), 1, 1)"

    @property
    def words(self) -> str:
        """What a period is, in words."""
        return self.unit if self.years == 1 else f"{self.years} years"

    def label(self, start: date) -> str:
        """Return a period as an axis names it."""
        forms = {"month": start.isoformat()[:7], "year": start.isoformat()[:4]}
        return forms.get(self.unit, start.isoformat())

    def starts(self) -> Iterator[date]:
        """Yield the first day of each period, in order."""
        start = self._start_of(self.first)
        while start <= self.last:
            yield start
            try:
                start = self._next(start)
            except (OverflowError, ValueError):  # the calendar ends
                return

    def minutes(self, start: date) -> int:
        """Return how many minutes a period has, of those days that are looked at."""
        try:
            end = self._next(start) - timedelta(days=1)
        except (OverflowError, ValueError):
            end = date.max
        return 1440 * ((min(end, self.last) - max(start, self.first)).days + 1)

    def _start_of(self, day: date) -> date:
        if self.unit == "day":
            return day
        if self.unit == "week":
            return day - timedelta(days=min(day.weekday(), day.toordinal() - 1))
        if self.unit == "month":
            return day.replace(day=1)
        return date(max(1, day.year // self.years * self.years), 1, 1)

    def _next(self, start: date) -> date:
        if self.unit in {"day", "week"}:
            return start + timedelta(days=_DAYS_OF[self.unit])
        if self.unit == "month":
            return date(start.year + start.month // 12, start.month % 12 + 1, 1)
        return date((start.year // self.years + 1) * self.years, 1, 1)


def periods_of(first: date, last: date) -> Periods:
    """Return the shortest periods of which there are few enough."""
    days = (last - first).days + 1
    if days <= _MOST:
        return Periods(first, last, "day")
    within = _MOST - 2  # the first and the last are there in part
    for unit, least in _DAYS_OF.items():
        if days <= within * least:
            return Periods(first, last, unit)
    return Periods(first, last, "year", -(-days // (within * _YEAR)))


def instruments_shown(days: str) -> str:
    """Return the CTE of the instruments that have a row of their own, in SQL."""
    return f"""shown as (
    select instrument
    from coverage
    where {days}
    group by instrument
    order by sum(depth_messages) desc, sum(trades) desc, instrument
    limit {MOST_INSTRUMENTS}
  )"""
