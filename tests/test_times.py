from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.times import DAY_US, MINUTE_US, Range, day_start_us, minute_text, parse_time, to_us

MINUTES = st.datetimes(
    datetime(2020, 7, 1), datetime(2024, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001 - bounds are naive
).map(lambda time: time.replace(second=0, microsecond=0))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2020-08-01", datetime(2020, 8, 1, tzinfo=UTC)),
        ("2020-08-01T23:54", datetime(2020, 8, 1, 23, 54, tzinfo=UTC)),
        ("2020-08-01 23:54:01.5", datetime(2020, 8, 1, 23, 54, 1, 500_000, tzinfo=UTC)),
        ("2020-08-01T23:54Z", datetime(2020, 8, 1, 23, 54, tzinfo=UTC)),
        ("2020-08-02T01:54+02:00", datetime(2020, 8, 1, 23, 54, tzinfo=UTC)),
        ("2020-08-01T18:24-05:30", datetime(2020, 8, 1, 23, 54, tzinfo=UTC)),
        (" 2020-08-01\n", datetime(2020, 8, 1, tzinfo=UTC)),
    ],
)
def test_time_as_text_is_utc(text: str, utc: datetime) -> None:
    """A time without an offset is UTC, whatever the machine's zone; an offset is converted."""
    assert parse_time(text) == utc
    assert parse_time(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2020-02-30",
        "2020-08-01T24:30",
        "2020-08-01T23:60",
        "1596326040",
        "01/08/2020",
        "2020-8-1",
        "0001-01-01T00:00+01:00",
        "9999-12-31T23:30-01:00",
    ],
)
def test_what_is_no_time_is_refused_with_what_would_work(text: str) -> None:
    """A mistyped time names its parameter, shows what was given and an example that works."""
    with pytest.raises(UsageError) as refusal:
        parse_time(text, "--at")
    assert str(refusal.value).startswith(f"--at was {text!r}; what would work: a date (2020-08-01)")


@given(st.datetimes(datetime(1, 1, 2), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds are naive
def test_microseconds_are_exact(time: datetime) -> None:
    """No time loses a microsecond on its way to a number, not even far from 1970."""
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=to_us(time)) == time


@given(st.dates())
def test_day_start_is_midnight_utc(day: date) -> None:
    """A day begins at 00:00 UTC and is 1,440 minutes long."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert day_start_us(day) == to_us(start)
    assert DAY_US == 1440 * MINUTE_US


def test_minute_as_reports_show_it() -> None:
    """A minute is written so that it can be pasted back into --from."""
    minute = datetime(2020, 8, 1, 23, 54, tzinfo=UTC)
    assert minute_text(minute) == "2020-08-01T23:54Z"
    assert parse_time(minute_text(minute)) == minute


def test_range_takes_every_minute_that_it_touches() -> None:
    """Seconds given to --from and --to never cut a minute off: slices are whole minutes."""
    found = Range.parse("2020-08-01T23:54:30", "2020-08-01T23:56:00.000001")
    assert found.start == datetime(2020, 8, 1, 23, 54, tzinfo=UTC)
    assert found.end == datetime(2020, 8, 1, 23, 57, tzinfo=UTC)
    assert len(found) == 3


def test_end_of_range_is_not_in_it() -> None:
    """--to at midnight does not touch the next day."""
    found = Range.parse("2020-08-01", "2020-08-02")
    assert list(found.days()) == [date(2020, 8, 1)]
    assert found.minutes_of(date(2020, 8, 1)) == range(1440)
    assert not found.minutes_of(date(2020, 8, 2))
    assert not found.minutes_of(date(2020, 7, 31))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2020-08-02", "2020-08-01"),
        ("2020-08-01", "2020-08-01"),
        ("2020-08-01T01:00+02:00", "2020-07-31T23:00"),
    ],
)
def test_empty_range_is_refused(start: str, end: str) -> None:
    """A range without a minute is a mistake, and says which end is wrong."""
    with pytest.raises(UsageError, match=r"^--to was .* a time after --from .* \[from, to\)$"):
        Range.parse(start, end)


def test_range_up_to_the_end_of_time() -> None:
    """Users who mean "everything" may write the year 9999; what can't be is refused in words."""
    assert list(Range.parse("9999-12-31", "9999-12-31T23:59").days()) == [date(9999, 12, 31)]
    with pytest.raises(UsageError, match="--to was '9999-12-31T23:59:30'"):
        Range.parse("9999-12-31", "9999-12-31T23:59:30")


@given(MINUTES, st.integers(1, 4 * 1440))
def test_days_and_minutes_make_up_the_range(start: datetime, length: int) -> None:
    """Day by day, minute by minute, a range is walked through once, in order, without a hole."""
    found = Range(start, start + timedelta(minutes=length))
    walked = [
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
        for day in found.days()
        for minute in found.minutes_of(day)
    ]
    assert walked == [start + timedelta(minutes=ordinal) for ordinal in range(len(found))]
    assert len(found) == length
