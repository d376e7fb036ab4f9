"""Times and spans of time, in whatever form people have them → microseconds, UTC.

A time without an offset or a zone is UTC. What is finer than a microsecond is cut off. A number is
refused: seconds, milliseconds and microseconds can't be told from each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.times import SPAN_UNITS, as_utc, parse_time, to_us

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LAST",
    "Span",
    "Time",
    "Times",
    "moment",
    "moments",
    "naive",
    "span",
    "start_and_end",
]

# pandas.Timestamp is a datetime, pandas.Timedelta a timedelta.
Time: TypeAlias = "str | date | datetime | np.datetime64"
Times: TypeAlias = "Iterable[Time] | NDArray[np.datetime64] | pl.Series"
Span: TypeAlias = "str | timedelta | np.timedelta64"

_TIMES_THAT_WORK: Final = (
    "a time as text (2020-08-01T23:54:00.5, UTC unless it has an offset), date, datetime, "
    "pandas.Timestamp or numpy.datetime64; of a number, say the unit: "
    "numpy.datetime64(1596240000000, 'ms')"
)
_SPANS_THAT_WORK: Final = (
    "as text (500ms, 1s, 5m, 1h, 1d) or timedelta, up to 9,999 years, none of months"
)
_FIRST: Final = to_us(datetime.min.replace(tzinfo=UTC))
LAST: Final = to_us(datetime.max.replace(tzinfo=UTC))
_LONGEST: Final = LAST - _FIRST


def moment(value: object, parameter: str) -> int:
    """Return a time as microseconds since 1970; raises UsageError for what is none."""
    if isinstance(value, str):
        return to_us(parse_time(value, parameter))
    if isinstance(value, np.datetime64):
        return int(_of_numpy(np.array([value]), parameter)[0])
    if isinstance(value, datetime) and not _is_nat(value):
        with suppress(OverflowError):  # its offset leads out of the calendar
            return to_us(as_utc(value))
    if isinstance(value, date) and not isinstance(value, datetime):
        return to_us(datetime(value.year, value.month, value.day, tzinfo=UTC))
    raise UsageError(parameter, value, _TIMES_THAT_WORK)


def _is_nat(value: object) -> bool:
    """Say whether a value is pandas's NaT, which is a datetime and a timedelta too."""
    return value != value  # noqa: PLR0124 - it alone is not itself


def start_and_end(start: Time, end: Time) -> tuple[int, int]:
    """Return [start, end), which may be empty; raises UsageError for what ends before it starts."""
    first, last = moment(start, "start"), moment(end, "end")
    if last < first:
        raise UsageError("end", str(naive(last)), f"a time after {naive(first)}, the start")
    return first, last


def naive(moment: int) -> datetime:
    """Return microseconds since 1970 as DuckDB takes them: UTC without a zone."""
    return datetime(1970, 1, 1) + timedelta(microseconds=moment)  # noqa: DTZ001 - see above


def moments(values: Times, parameter: str = "times") -> NDArray[np.int64]:
    """Return times as microseconds since 1970, in their order; raises UsageError.

    Arrays, Series and the like of times are converted as a whole, anything else one by one.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise UsageError(parameter, values, "several times, as a list, an array or a Series")
    given: Any = values
    if isinstance(values, pa.Array | pa.ChunkedArray):
        given = values.to_numpy(zero_copy_only=False)
    kind: Any = getattr(given, "dtype", None)
    if isinstance(given, pl.Series) and isinstance(kind, pl.Datetime | pl.Date):
        return _of_polars(given, parameter)
    if isinstance(kind, np.dtype) and kind.kind == "M":
        return _of_numpy(np.asarray(given), parameter)
    if hasattr(kind, "tz") and hasattr(kind, "unit"):  # pandas, with a zone
        return _of_numpy(given.to_numpy(f"datetime64[{kind.unit}]"), parameter)
    return np.array([moment(value, parameter) for value in given], np.int64)


def _of_numpy(times: NDArray[np.datetime64], parameter: str) -> NDArray[np.int64]:
    found = times.astype("datetime64[us]")
    numbers = found.astype(np.int64)
    wrong = times[~_is_same(found, times) | (numbers < _FIRST) | (numbers > LAST)]
    if len(wrong):
        raise UsageError(parameter, wrong[0], f"{_TIMES_THAT_WORK}; in the years 1 to 9999")
    return numbers


def _is_same(found: Any, given: Any) -> Any:  # noqa: ANN401 - one value, or an array
    """Say whether times or spans of NumPy came through: it says nothing of numbers too large.

    NaT did not. Of what is finer than a microsecond there is only something to be cut off.
    """
    if np.datetime_data(given.dtype)[0] in {"ns", "ps", "fs", "as"}:
        return ~np.isnat(given)
    return found.astype(given.dtype) == given


def _of_polars(times: pl.Series, parameter: str) -> NDArray[np.int64]:
    if times.null_count():
        raise UsageError(parameter, "one that is null", "times, each of them known")
    found = times.to_physical().to_numpy()
    unit = "D" if times.dtype == pl.Date else getattr(times.dtype, "time_unit", "us")
    return _of_numpy(found.astype(f"datetime64[{unit}]"), parameter)


def span(value: Span, parameter: str, least: int = 1) -> int:
    """Return a span of time in microseconds; raises UsageError for what is none."""
    found = _span(value)
    if found is None or not least <= found <= _LONGEST:
        sign = "above 0" if least else "of 0 or more"
        raise UsageError(parameter, value, f"a time span {sign}, {_SPANS_THAT_WORK}")
    return found


def _span(value: object) -> int | None:
    if isinstance(value, str):
        told = re.fullmatch(r"\s*(\d+)\s*(us|ms|s|m|h|d)\s*", value)
        return int(told[1]) * SPAN_UNITS[told[2]] if told else None
    if isinstance(value, np.timedelta64):
        # Months have no one length, for which NumPy takes an average; a bare number has no unit.
        if np.datetime_data(value.dtype)[0] in {"Y", "M", "generic"}:
            return None
        found = value.astype("timedelta64[us]")
        return int(found.astype(np.int64)) if _is_same(found, value) else None
    if isinstance(value, timedelta) and not _is_nat(value):
        return value // timedelta(microseconds=1)
    return None
