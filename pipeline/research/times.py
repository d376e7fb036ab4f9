"""Times and spans of time, in whatever form people have them → microseconds, UTC.

A time without an offset or a zone is UTC. What is finer than a microsecond is cut off. A number is
refused: seconds, milliseconds and microseconds can't be told from each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.times import SPAN_UNITS, as_utc, parse_time, to_us

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LAST", "Span", "Time", "Times", "moment", "moments", "naive", "span"]

# pandas.Timestamp is a datetime, pandas.Timedelta a timedelta.
Time: TypeAlias = "str | date | datetime | np.datetime64"
Times: TypeAlias = "Iterable[Time] | NDArray[np.datetime64] | pl.Series"
Span: TypeAlias = "str | timedelta | np.timedelta64"

_TIMES_THAT_WORK: Final = (
    "a time as text (2020-08-01T23:54:00.5, UTC unless it has an offset), date, datetime, "
    "pandas.Timestamp or numpy.datetime64; of a number, say the unit: "
    "numpy.datetime64(1596240000000, 'ms')"
)
_SPANS_THAT_WORK: Final = "a time span above 0 as text (500ms, 1s, 5m, 1h, 1d) or timedelta"
_FIRST: Final = to_us(datetime.min.replace(tzinfo=UTC))
LAST: Final = to_us(datetime.max.replace(tzinfo=UTC))
_US: Final = pl.Datetime("us")


def moment(value: object, parameter: str) -> int:
    """Return a time as microseconds since 1970; raises UsageError for what is none."""
    if isinstance(value, str):
        return to_us(parse_time(value, parameter))
    if isinstance(value, np.datetime64):
        return _within(int(value.astype("datetime64[us]").astype(np.int64)), value, parameter)
    if isinstance(value, datetime) and not _is_nat(value):
        return to_us(as_utc(value))
    if isinstance(value, date) and not isinstance(value, datetime):
        return to_us(datetime(value.year, value.month, value.day, tzinfo=UTC))
    raise UsageError(parameter, value, _TIMES_THAT_WORK)


def _is_nat(value: object) -> bool:
    """Say whether a value is pandas's NaT, which is a datetime and a timedelta too."""
    return value != value  # noqa: PLR0124 - it alone is not itself


def _within(found: int, value: object, parameter: str) -> int:
    if not _FIRST <= found <= LAST:  # NaT too is not
        raise UsageError(parameter, value, "a time in the years 1 to 9999")
    return found


def naive(moment: int) -> datetime:
    """Return microseconds since 1970 as DuckDB takes them: UTC without a zone."""
    return datetime(1970, 1, 1) + timedelta(microseconds=moment)  # noqa: DTZ001 - see above


def moments(values: Times, parameter: str = "times") -> NDArray[np.int64]:
    """Return times as microseconds since 1970, in their order; raises UsageError.

    Arrays, Series and the like of times are converted as a whole, anything else one by one.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise UsageError(parameter, values, "several times, as a list, an array or a Series")
    series = _series(values)
    if series is None:
        found = [moment(value, parameter) for value in values]
        return np.array(found, np.int64)
    if series.null_count():
        raise UsageError(parameter, "one that is null", "times, each of them known")
    whole = series.cast(pl.Datetime("us", "UTC")).to_physical().to_numpy()
    for bound in (whole.min(initial=LAST), whole.max(initial=_FIRST)):
        _within(int(bound), bound, parameter)
    return whole


def _series(values: Any) -> pl.Series | None:  # noqa: ANN401 - anything that has times
    """Return what is an array of times already as a Series; None if it is none."""
    if isinstance(values, pl.Series):
        series = values
    elif isinstance(values, pa.Array | pa.ChunkedArray):
        series = pl.Series(pl.from_arrow(values))
    elif isinstance(getattr(values, "dtype", None), np.dtype) and values.dtype.kind == "M":
        series = pl.Series(np.asarray(values, "datetime64[us]"))
    elif hasattr(values, "dtype") and hasattr(values, "to_numpy") and hasattr(values.dtype, "tz"):
        series = pl.Series(values.to_numpy("datetime64[us]"))  # pandas, with a zone
    else:
        return None
    return series if isinstance(series.dtype, pl.Datetime | pl.Date) else None


def span(value: Span, parameter: str, least: int = 1) -> int:
    """Return a span of time in microseconds; raises UsageError for what is none."""
    found = _span(value)
    if found is None or found < least:
        raise UsageError(parameter, value, _SPANS_THAT_WORK)
    return found


def _span(value: object) -> int | None:
    if isinstance(value, str):
        told = re.fullmatch(r"\s*(\d+)\s*(us|ms|s|m|h|d)\s*", value)
        return int(told[1]) * SPAN_UNITS[told[2]] if told else None
    if isinstance(value, np.timedelta64):
        return int(value.astype("timedelta64[us]").astype(np.int64))
    if isinstance(value, timedelta) and not _is_nat(value):
        return value // timedelta(microseconds=1)
    return None
