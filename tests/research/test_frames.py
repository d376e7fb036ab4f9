"""What DuckDB gives comes out as frames: zoned times, durations, the kind that was asked for."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.research import OpenLake

_TIME = datetime(2020, 8, 1, 12, tzinfo=UTC)


def test_times_are_zoned_wherever_they_stand(lake: OpenLake) -> None:
    """In a column, a list, a structure, and where SQL gave them a zone already."""
    frame = lake.sql(
        """select t, [t] as list, {'t': t} as struct, t::timestamptz as zoned, t::date as date
        from (select timestamp '2020-08-01 12:00:00' as t)"""
    )
    zoned = pl.Datetime("us", "UTC")
    assert frame.schema == {
        "t": zoned, "list": pl.List(zoned), "struct": pl.Struct({"t": zoned}), "zoned": zoned,
        "date": pl.Date(),
    }  # fmt: skip
    assert frame.row(0) == (_TIME, [_TIME], {"t": _TIME}, _TIME, _TIME.date())


def test_an_interval_is_a_duration(lake: OpenLake) -> None:
    """NULL stays NULL; one with months is of no one length, and refused."""
    values = "('1 day'), ('-1 second'), ('0.000001 second'), (null)"
    frame = lake.sql(f"select a::interval as a from (values {values}) as v (a)")
    expected = [timedelta(days=1), timedelta(seconds=-1), timedelta(microseconds=1), None]
    assert frame["a"].to_list() == expected
    with pytest.raises(UsageError, match="months"):
        lake.sql("select interval 1 month as a")
    for nested in ("[interval 1 day]", "{'a': interval 1 day}"):
        with pytest.raises(UsageError, match="in a list or a struct"):
            lake.sql(f"select {nested} as a")


def test_the_kind_of_a_frame(lake: OpenLake) -> None:
    """Polars, pandas and Arrow have the same rows, their times in UTC."""
    query = "select timestamp '2020-08-01 12:00:00' as t, 1 as n, 'x' as s"
    polars, pandas, arrow = (
        lake.sql(query, frame=kind) for kind in ("polars", "pandas", "arrow")
    )  # fmt: skip
    assert isinstance(polars, pl.DataFrame)
    assert isinstance(pandas, pd.DataFrame)
    assert isinstance(arrow, pa.Table)
    assert polars.rows() == [(_TIME, 1, "x")]
    assert arrow.to_pylist() == [{"t": _TIME, "n": 1, "s": "x"}]
    assert pandas.loc[0].to_list() == [pd.Timestamp(_TIME), 1, "x"]
    assert str(pandas["t"].dtype) == "datetime64[us, UTC]"


def test_a_kind_that_is_none_is_refused(lake: OpenLake) -> None:
    """Before any work is done."""
    kind: Any = "duck"
    with pytest.raises(UsageError, match=r"frame was 'duck'.*polars"):
        lake.books_at("BTC-USD", ["2020-08-01"], frame=kind)
    with pytest.raises(UsageError, match=r"frame was 'duck'.*polars"):
        lake.coverage(frame=kind)


def test_pandas_is_not_needed_by_others(lake: OpenLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed, asking for it says so."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert lake.instruments().height == 2
    assert lake.instruments(frame="arrow").num_rows == 2
    for ask in (lake.instruments, lambda **how: lake.snapshots("BTC-USD", "2020", "2021", **how)):
        with pytest.raises(UsageError, match="pandas where it is installed"):
            ask(frame="pandas")


@pytest.mark.parametrize(("rows", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5])])
def test_batches_are_of_so_many_rows(lake: OpenLake, rows: int, sizes: list[int]) -> None:
    """The last one has what is left."""
    query = "select range as n from range(5) order by n"
    batches = list(lake.sql(query, batch_rows=rows))
    assert [batch.height for batch in batches] == sizes
    assert pl.concat(batches)["n"].to_list() == list(range(5))


def test_nothing_is_one_batch_without_a_row(lake: OpenLake) -> None:
    """So that its columns are known."""
    (batch,) = lake.sql("select 1 as n where false", batch_rows=10)
    assert (batch.columns, batch.height) == (["n"], 0)
    (batch,) = lake.snapshots("BTC-USD", "2021-01-01", "2021-01-02", 1, batch_rows=10)
    assert (batch.height, batch.columns[:3]) == (0, ["timestamp", "local_timestamp", "bid_px_00"])


@pytest.mark.parametrize("rows", [0, -1, 1.5, True, "10"])
def test_a_size_of_batches_that_is_none_is_refused(lake: OpenLake, rows: Any) -> None:
    """When it is asked, not when the first batch is taken."""
    with pytest.raises(UsageError, match="batch_rows was "):
        lake.sql("select 1", batch_rows=rows)
    with pytest.raises(UsageError, match="batch_rows was "):
        lake.snapshots("BTC-USD", "2020-08-01", "2020-08-02", batch_rows=rows)


def test_a_query_that_is_refused_is_so_before_the_first_batch(lake: OpenLake) -> None:
    """The iterator of its batches is never made."""
    with pytest.raises(UsageError, match="nonsense"):
        lake.sql("select nonsense", batch_rows=10)
