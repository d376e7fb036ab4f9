"""Rows of the lake as frames: what SQL has of them, in line order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipeline.errors import QueryRefused, UsageError
from pipeline.views import connect

from .conftest import DAYS, NAME, OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import duckdb

    from pipeline.research import OpenLake

_ORDER = {
    "quotes": "date, message", "trades": "date, arrival, item", "tickers": "date, arrival, item",
    "depth_changes": "date, message, side desc, price desc", "gaps": "start, stop, cause",
    "trade_gaps": "start", "trades_with_quotes": "date, arrival, item",
}  # fmt: skip
_RANGES = [
    ("2020-08-01", "2020-08-05"),
    ("1970-01-01", "9999-12-31"),  # longer than a year: by the folder, not day by day
    ("2020-08-02T12:00:10", "2020-08-03T12:00:30"),
    ("2020-08-02", "2020-08-02"),
    ("2030-01-01", "2030-01-02"),
]


def _naive(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.with_columns(pl.col(pl.Datetime("us", "UTC")).dt.replace_time_zone(None)).rows()


@pytest.fixture(scope="module")
def connection(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection to the same days, for all that is asked in SQL."""
    with connect(data) as opened:
        yield opened


@pytest.mark.parametrize("macro", _ORDER)
@pytest.mark.parametrize(("start", "end"), _RANGES)
def test_a_range_has_the_rows_of_sql_in_line_order(
    lake: OpenLake, connection: duckdb.DuckDBPyConnection, macro: str, start: str, end: str
) -> None:
    """Of all its days, whole and in batches."""
    query = f"from {macro}(?, ?, ?) order by {_ORDER[macro]}"
    expected = connection.execute(query, [NAME, start, end])
    names, rows = [column[0] for column in expected.description or ()], expected.fetchall()
    ask: Callable[..., Any] = getattr(lake, macro)
    found = ask(NAME, start, end)
    assert found.columns == names
    assert _naive(found) == rows
    if macro in {"quotes", "trades", "depth_changes", "trades_with_quotes"}:
        assert pl.concat(list(ask(NAME, start, end, batch_rows=3))).equals(found)
    assert len(rows) > 10 or (start, end) not in _RANGES[:2], "this compares something"


@pytest.mark.parametrize("step", ["7s", timedelta(hours=1), timedelta(days=45)])
def test_candles_are_those_of_sql(lake: OpenLake, data: Path, step: str | timedelta) -> None:
    """A row per step, in order; those of which nobody knows too."""
    between = (NAME, "2020-08-01T11:59", "2020-08-04T12:01" if step != "7s" else "2020-08-01T12:02")
    with connect(data) as connection:
        length = timedelta(seconds=7) if step == "7s" else step
        rows = connection.execute("from ohlcv(?, ?, ?, ?) order by t", [*between, length])
        names, expected = [column[0] for column in rows.description or ()], rows.fetchall()
    found = lake.ohlcv(*between, step)
    assert found.columns == names
    assert _naive(found) == expected
    assert found["volume"].sum() in {5, 5 * DAYS}


def test_a_minute_without_trades_is_0_where_it_was_recorded(lake: OpenLake) -> None:
    """And NULL where it was not; with the seconds of it that were."""
    found = lake.ohlcv(NAME, "2020-08-01T11:59", "2020-08-01T12:02", "1m")
    assert found.select("volume", "trades", "close", "observed_seconds").rows() == [
        (None, None, None, 0),
        # The connection was lost just after 12:00:20, and seen again at 12:00:30.
        (5, 5, 4, 50.000001),
        (None, None, None, 0),
    ]
    by_second = lake.ohlcv(NAME, "2020-08-01T12:00:08", "2020-08-01T12:00:12", "1s")
    assert by_second["volume"].to_list() == [0, 0, 1, 0]


def test_an_old_quote_is_unknown(lake: OpenLake) -> None:
    """By the age that is given, as text or as a timedelta."""
    day = (NAME, "2020-08-01", "2020-08-02")
    assert lake.trades_with_quotes(*day)["bid_price"].to_list() == [10, 11, 12, 13, 14]
    for age in ("0s", timedelta(0)):
        assert lake.trades_with_quotes(*day, age)["quote_age"].to_list() == [timedelta(0)] * 5
    with pytest.raises(UsageError, match="max_age was 'old'"):
        lake.trades_with_quotes(*day, "old")
    with pytest.raises(UsageError, match="step was '0s'"):
        lake.ohlcv(*day, "0s")


def test_what_the_lake_has(lake: OpenLake) -> None:
    """A row an instrument and day, and a row an instrument."""
    coverage = lake.coverage()
    assert coverage["instrument"].to_list() == [NAME] * DAYS + [OTHER] * DAYS
    assert coverage["date"].is_sorted() is False
    assert lake.instruments()["days"].to_list() == [DAYS, DAYS]


def test_parameters_of_a_query(lake: OpenLake) -> None:
    """By place or by name; a time with a zone is that time."""
    time = datetime(2020, 8, 1, 12, tzinfo=UTC)
    by_place = lake.sql("select count(*) as n from trades(?, ?, '2030-01-01')", [NAME, time])
    by_name = lake.sql(
        "select count(*) as n from trades($name, $from, '2030-01-01')", {"name": NAME, "from": time}
    )
    assert by_place.item() == by_name.item() == 5 * DAYS


@pytest.mark.parametrize(
    "query",
    ["drop view trades", "create table t (a int)", "select 1; select 2", "", "set threads = 1",
     "copy (select 1) to 'x'", "attach 'x.db'"],
)  # fmt: skip
def test_a_query_only_reads(lake: OpenLake, query: str) -> None:
    """Since it may be asked twice."""
    with pytest.raises(UsageError, match="QUERY"):
        lake.sql(query)


@pytest.mark.parametrize("query", ["show tables", "describe trades", "explain from trades"])
def test_a_query_may_ask_about_the_lake(lake: OpenLake, query: str) -> None:
    """What is there, and how it is answered."""
    assert lake.sql(query).height > 0


def test_a_query_is_refused_in_duckdb_s_words(lake: OpenLake) -> None:
    """A column that is not there, a parameter that is lacking."""
    with pytest.raises(QueryRefused, match="nonsense"):
        lake.sql("select nonsense from trades")
    with pytest.raises(QueryRefused):
        lake.sql("select ?")


@pytest.mark.parametrize("method", [*_ORDER, "snapshots", "books", "ohlcv"])
def test_an_unknown_instrument_is_named_with_what_is_near(lake: OpenLake, method: str) -> None:
    """In every question by instrument, never an empty answer."""
    step = ["1s"] if method in {"books", "ohlcv"} else []
    with pytest.raises(
        UsageError, match="instrument was 'BTC-US'; what would work: one of BTC-USD"
    ):
        getattr(lake, method)("BTC-US", "2020-08-01", "2020-08-02", *step)
