"""Times as text, and ranges of minutes and days. Everything is UTC; ranges are [start, end)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "DAY_US",
    "MINUTES_OF_DAY",
    "MINUTE_US",
    "SPAN_UNITS",
    "Range",
    "as_utc",
    "day_start_us",
    "days_between",
    "midnight",
    "minute_text",
    "parse_time",
    "parse_times",
    "span_text",
    "to_us",
]

MINUTE = timedelta(minutes=1)
MINUTE_US = 60_000_000
MINUTES_OF_DAY = 24 * 60
DAY_US = MINUTES_OF_DAY * MINUTE_US
# By what a span is told in, its microseconds; the largest first.
SPAN_UNITS = {
    "d": DAY_US, "h": 60 * MINUTE_US, "m": MINUTE_US, "s": 1_000_000, "ms": 1_000, "us": 1,
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str, parameter: str = "time") -> datetime:
    """Return an ISO 8601 date or time as UTC: a date is its midnight, an offset is converted.

    A time without an offset is UTC. Raises UsageError for anything else.
    """
    try:
        return as_utc(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):  # overflow: an offset led out of the years 1 to 9999
        hint = "a date (2020-08-01) or a time (2020-08-01T23:54, 2020-08-02T01:54+02:00), UTC"
        raise UsageError(parameter, text, hint) from None


def parse_times(start: str, end: str) -> tuple[datetime, datetime]:
    """Return --from and --to as UTC; raises UsageError when nothing lies between them."""
    first, last = parse_time(start, "--from"), parse_time(end, "--to")
    if first >= last:
        raise UsageError("--to", end, f"a time after --from {start}; the range is [from, to)")
    return first, last


def as_utc(time: datetime) -> datetime:
    """Return a time as an aware one in UTC; one without an offset is UTC already."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def to_us(time: datetime) -> int:
    """Return the whole microseconds from 1970-01-01T00:00Z to an aware time."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def day_start_us(day: date) -> int:
    """Return the first microsecond of a UTC day."""
    return (day - _EPOCH.date()).days * DAY_US


def midnight(day: date) -> datetime:
    """Return when a UTC day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def span_text(span: int) -> str:
    """Return a span of microseconds in the largest unit of which it is so many: 500ms, 1m."""
    unit = next(unit for unit, size in SPAN_UNITS.items() if span % size == 0)
    return f"{span // SPAN_UNITS[unit]}{unit}"


def minute_text(minute: datetime) -> str:
    """Return a minute as messages and file names of reports show it: 2020-08-01T23:54Z."""
    return minute.strftime("%Y-%m-%dT%H:%MZ")


def days_between(
    known: Sequence[date], start: str | None, end: str | None, what: str, otherwise: str
) -> list[date]:
    """Return those of some days, in order, that [start, end) touches: all, if it is open.

    Raises UsageError if it touches none, for which `what` says what the days have, and `otherwise`
    what to run where there are no days at all.
    """
    if start is None and end is None:
        return list(known)
    chosen = Range.parse(start or "1970-01-01", end or "9999-12-31")
    days = [day for day in known if chosen.minutes_of(day)]
    if not days:
        there = f"days with {what}; there are some from {known[0]} to {known[-1]}" if known else ""
        none = f"nothing: there are no {what}; run {otherwise} first"
        raise UsageError("--from/--to", f"{start} to {end}", there or none)
    return days


class Range(NamedTuple):
    """Whole minutes of UTC, [start, end)."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, start: str, end: str) -> Range:
        """Return the minutes that [start, end) touches; raises UsageError when it is empty."""
        first, last = parse_times(start, end)
        floor = first.replace(second=0, microsecond=0)
        ceiling = last.replace(second=0, microsecond=0)
        if ceiling != last:
            if ceiling > datetime.max.replace(tzinfo=UTC) - MINUTE:
                raise UsageError("--to", end, "a time up to 9999-12-31T23:59, UTC")
            ceiling += MINUTE
        return cls(floor, ceiling)

    @classmethod
    def of_day(cls, day: date) -> Range:
        """Return all minutes of a UTC day."""
        start = midnight(day)
        return cls(start, start + timedelta(days=1))

    def days(self) -> Iterator[date]:
        """Yield the UTC days that the range touches, in order."""
        last = (self.end - timedelta.resolution).date()
        for ordinal in range(self.start.date().toordinal(), last.toordinal() + 1):
            yield date.fromordinal(ordinal)

    def minutes_of(self, day: date) -> range:
        """Return the minutes of one day (0 to 1439) that lie in the range."""
        begins = midnight(day)
        first = max(0, (self.start - begins) // MINUTE)
        return range(first, max(first, min(MINUTES_OF_DAY, (self.end - begins) // MINUTE)))

    def __len__(self) -> int:
        return (self.end - self.start) // MINUTE
