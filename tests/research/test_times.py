"""A time means the same in whatever form it is given; what is none is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pipeline.errors import UsageError
from pipeline.research.times import moment, moments, span, start_and_end

_TIME = datetime(2020, 8, 1, 23, 54, 0, 500_000, tzinfo=UTC)
_US = 1_596_326_040_500_000
_HOURS = pd.date_range("2020-08-01", periods=25, freq="h")
_EACH = [1_596_240_000_000_000 + 3_600_000_000 * hour for hour in range(25)]
_BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    "given",
    [
        "2020-08-01T23:54:00.5", "2020-08-01 23:54:00.5Z", "2020-08-02T01:54:00.5+02:00",
        _TIME, _TIME.replace(tzinfo=None), _TIME.astimezone(timezone(timedelta(hours=2))),
        pd.Timestamp("2020-08-01T23:54:00.5"), pd.Timestamp("2020-08-01T23:54:00.5000009"),
        pd.Timestamp("2020-08-02T01:54:00.5", tz=_BERLIN),
        np.datetime64("2020-08-01T23:54:00.5"), np.datetime64("2020-08-01T23:54:00.500000900"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_time_in_any_form(given: Any) -> None:
    """UTC where it names no zone; what is finer than a microsecond is cut off."""
    assert moment(given, "time") == _US


@pytest.mark.parametrize(
    "given",
    ["2020-08-01", date(2020, 8, 1), datetime(2020, 8, 1),  # noqa: DTZ001 - as given
     np.datetime64("2020-08-01", "D")],
)  # fmt: skip
def test_a_day_is_its_midnight(given: Any) -> None:
    """Whatever says it."""
    assert moment(given, "time") == _EACH[0]


@pytest.mark.parametrize(
    "given",
    [1, 1.5, True, None, np.int64(3), "noon", "", pd.NaT, np.datetime64("NaT"),
     np.datetime64(10**6, "Y"), np.datetime64(2**62, "s"), np.datetime64(-(10**18), "D"), [_TIME]],
    ids=repr,
)  # fmt: skip
def test_what_is_no_time_is_refused(given: Any) -> None:
    """A number too: its unit can't be told. The sentence names the parameter, and what works."""
    with pytest.raises(UsageError, match=r"^start was .*; what would work: a"):
        moment(given, "start")


@pytest.mark.parametrize(
    "given",
    [
        list(_HOURS), [str(hour) for hour in _HOURS], iter(_HOURS.to_pydatetime()),
        _HOURS, pd.Series(_HOURS), _HOURS.to_numpy(), _HOURS.as_unit("s"), _HOURS.as_unit("ns"),
        _HOURS.tz_localize("UTC"), pd.Series(_HOURS.tz_localize("UTC").tz_convert(_BERLIN)),
        pl.Series(_HOURS.to_numpy()),
        pl.Series(_HOURS.to_numpy()).dt.replace_time_zone("UTC").dt.convert_time_zone(_BERLIN),
        pl.Series([str(hour) for hour in _HOURS]),
        pa.array(_HOURS), pa.chunked_array([pa.array(_HOURS.tz_localize("UTC"))]),
    ],
    ids=lambda given: f"{type(given).__module__} {getattr(given, 'dtype', '')}",
)  # fmt: skip
def test_times_in_any_form(given: Any) -> None:
    """Lists, arrays, Series: of pandas, Polars, numpy and Arrow, with a zone or without."""
    found = moments(given)
    assert found.dtype == np.int64
    assert found.tolist() == _EACH


@pytest.mark.parametrize(
    "given",
    [5, "2020-08-01", _TIME, [1, 2], np.array([1, 2]), pl.Series([1.5]), [None],
     pd.Series([_HOURS[0], pd.NaT]), pa.array([_TIME, None]), np.array(["NaT"], "datetime64[us]"),
     np.array([10**6], "datetime64[Y]"), np.array([2**62], "datetime64[s]"),
     pl.Series([2**60]).cast(pl.Datetime("ms")), pl.Series([2**30], dtype=pl.Int32).cast(pl.Date),
     pa.array([2**62], pa.timestamp("s")),
     [datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))]],
)  # fmt: skip
def test_what_are_no_times_is_refused(given: Any) -> None:
    """A single time, numbers, and times that are not known."""
    with pytest.raises(UsageError, match=r"^times was "):
        moments(given)


def test_no_times_are_no_times() -> None:
    """An empty list, and an empty Series of whatever type."""
    empty: list[Any] = [[], pl.Series([]), pd.Series([]), np.array([])]
    assert [len(moments(none)) for none in empty] == [0] * 4


@pytest.mark.parametrize(
    "given",
    ["1s", " 1 s", "1000ms", "1000000us", timedelta(seconds=1), np.timedelta64(1, "s"),
     pd.Timedelta("1s")],
)  # fmt: skip
def test_a_span_in_any_form(given: Any) -> None:
    """Text with a unit, and what Python, numpy and pandas have for it."""
    assert span(given, "step") == 1_000_000


def test_the_units_of_a_span() -> None:
    """A minute is m, a day is of 24 hours."""
    assert [span(text, "step") // 1_000_000 for text in ("5m", "1h", "1d")] == [300, 3600, 86_400]


@pytest.mark.parametrize(
    "given",
    ["0s", "-1s", "1.5s", "1 month", "s", 5, 1.0, None, pd.NaT, np.timedelta64("NaT"),
     timedelta(0), np.timedelta64(1, "M"), np.timedelta64(5), np.timedelta64(2**61, "s"),
     "9999999999999d"],
    ids=repr,
)  # fmt: skip
def test_what_is_no_span_is_refused(given: Any) -> None:
    """A number too, and what does not lead forward."""
    with pytest.raises(UsageError, match=r"^step was .*; what would work: a time span above 0"):
        span(given, "step")


def test_a_span_may_be_none_where_that_goes() -> None:
    """As an age; then the sentence says so."""
    assert span("0s", "max_age", least=0) == 0
    with pytest.raises(UsageError, match=r"^max_age was '-1s'; .*a time span of 0 or more"):
        span("-1s", "max_age", least=0)


def test_a_range_may_be_empty_and_does_not_end_before_it_starts() -> None:
    """Nothing came in no time; an end before the start is a slip."""
    assert start_and_end(_TIME, _TIME) == (_US, _US)
    with pytest.raises(UsageError, match=r"^end was .*2020.*; what would work: a time after 2020"):
        start_and_end(_TIME, "2020-07-31")
