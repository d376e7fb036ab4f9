"""Books of the order flow in Python: those of an independent reader, unknown where it says so."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import pipeline
from pipeline.errors import LakeDamaged, UsageError
from pipeline.sources.files import adopt
from tests.holed import BTC, ETH, MIDNIGHT
from tests.independent import in_microseconds
from tests.independent_books import on_change
from tests.lakes import ingest
from tests.making import at, depth, write_minute

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.research import OpenLake
    from tests.holed import Read
    from tests.independent import Book

_FROM, _TO = MIDNIGHT - timedelta(minutes=4), MIDNIGHT + timedelta(minutes=4)


def _books(frame: pl.DataFrame) -> dict[int, Book | None]:
    """Return books in long form by time in microseconds; None where none is known."""
    found: dict[int, Book | None] = {}
    for row in frame.with_columns(pl.col("t").to_physical()).rows(named=True):
        if row["local_timestamp"] is None:
            found[row["t"]] = None
            continue
        book = found.setdefault(row["t"], ([], []))
        assert book is not None
        if row["side"] is not None:
            side = book[row["side"] == "ask"]
            assert row["level"] == len(side), "levels count from 0 at the best price"
            side.append((row["price"], row["amount"]))
    return found


@pytest.mark.parametrize("instrument", [BTC, ETH])
def test_books_at_many_times_are_those_of_the_order_flow(holed: Read, instrument: str) -> None:
    """Dense around holes, midnight and the ends, all levels of each."""
    reading, rng = holed.reading, random.Random(1)
    arrivals = [message.arrival for message in reading.depth[instrument]]
    edges = [*reading.holes, in_microseconds(MIDNIGHT), *rng.sample(arrivals, 30), arrivals[0]]
    times = {edge + shift for edge in edges for shift in (-1, 0, 1)}
    times |= {rng.randrange(arrivals[0] - 10**7, arrivals[-1] + 10**8) for _ in range(150)}
    with pipeline.open(holed.data) as lake:
        found = _books(lake.books_at(instrument, np.array([*times], "datetime64[us]"), None))
    assert list(found) == sorted(times)
    assert found == {time: reading.book_at(instrument, time) for time in times}
    assert list(found.values()).count(None) > 20


@pytest.mark.parametrize("instrument", [BTC, ETH])
@pytest.mark.parametrize("levels", [1, 25])
def test_snapshots_on_change_are_those_of_the_order_flow(
    holed: Read, instrument: str, levels: int
) -> None:
    """Across disconnects, a lacking minute and midnight."""
    with pipeline.open(holed.data) as lake:
        frame = lake.snapshots(instrument, _FROM, _TO, levels)
    bounds = in_microseconds(_FROM), in_microseconds(_TO)
    expected = [
        (message.timestamp, message.arrival, *_wide(message.book, levels))
        for message in on_change(holed.reading, instrument, *bounds, levels)
    ]
    assert frame.with_columns(pl.col(pl.Datetime).to_physical()).rows() == expected
    assert len(expected) > 500


def _wide(book: Book, levels: int) -> list[float | None]:
    sides = [side[:levels] + [(None, None)] * (levels - len(side)) for side in book]
    return [value for pair in zip(*sides, strict=True) for level in pair for value in level]


def test_a_book_at_a_time_is_that_of_many_times(holed: Read) -> None:
    """One by SQL, the other by the replay."""
    with pipeline.open(holed.data) as lake:
        for shift in (-130_000_000, -50, 0, 50, 130_000_000):
            time = MIDNIGHT + timedelta(microseconds=shift)
            one = lake.book_at(BTC, time, 7)
            many = lake.books_at(BTC, [time], 7).select("side", "level", "price", "amount")
            assert one.equals(many.drop_nulls())


@pytest.fixture
def small(tmp_path: Path) -> OpenLake:
    """Return a lake of five books: two levels, one side, no side; then a gap."""
    lines = [
        depth(at(0, 1), [[10, 1], [9, 2]], [[11, 3], [12, 4]]),
        depth(at(0, 2), [], [[11, 3]]),
        depth(at(0, 3), [], []),
        "",
        depth(at(0, 5), [[-1, 1]], [[0, 5]]),
    ]
    write_minute(tmp_path / "slices", at(0), lines)
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices")
    ingest(tmp_path / "data", "coinflex")
    return pipeline.open(tmp_path / "data")


def _plain(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Return rows with times as seconds of the day, and spans as seconds."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return (value - at(0)).total_seconds()
        return value.total_seconds() if isinstance(value, timedelta) else value

    return [tuple(map(plain, row)) for row in frame.rows()]


_LONG = [
    (0.5, None, None, None, None, None, None, None),
    (1.5, 1, 1, 0.5, "bid", 0, 10, 1), (1.5, 1, 1, 0.5, "bid", 1, 9, 2),
    (1.5, 1, 1, 0.5, "ask", 0, 11, 3), (1.5, 1, 1, 0.5, "ask", 1, 12, 4),
    (2.5, 2, 2, 0.5, "ask", 0, 11, 3),
    (3.0, 3, 3, 0.0, None, None, None, None),
    (4.5, None, None, None, None, None, None, None),
    (5.5, 5, 5, 0.5, "bid", 0, -1, 1), (5.5, 5, 5, 0.5, "ask", 0, 0, 5),
]  # fmt: skip


def test_the_long_form(small: OpenLake) -> None:
    """Unknown is a row of NULLs, known and empty one with its times, one-sided the side it has."""
    times = [at(0, second) for second in (5.5, 0.5, 1.5, 2.5, 3.0, 4.5, 1.5)]
    found = small.books_at("BTC-USD", times)
    assert dict(found.schema) == {
        "t": pl.Datetime("us", "UTC"), "timestamp": pl.Datetime("us", "UTC"),
        "local_timestamp": pl.Datetime("us", "UTC"), "age": pl.Duration("us"), "side": pl.String(),
        "level": pl.Int32(), "price": pl.Float64(), "amount": pl.Float64(),
    }  # fmt: skip
    assert _plain(found) == _LONG


def test_the_long_form_is_that_of_sql(small: OpenLake) -> None:
    """Names, types but for the zone, and rows."""
    query = (
        "from books('BTC-USD', '2020-08-01 00:00:00.5', '2020-08-01 00:00:06', interval 1 second)"
    )
    in_sql = small.sql(query)
    in_python = small.books("BTC-USD", at(0, 0.5), at(0, 6), "1s")
    assert in_python.equals(in_sql)
    assert in_python.schema == in_sql.schema


def test_the_wide_form_on_change(small: OpenLake) -> None:
    """A level that is not there is NULL; so are all of an empty book, of which there is a row."""
    found = small.snapshots("BTC-USD", at(0), at(1), 2)
    nothing = (None, None)
    assert found.columns == [
        "timestamp", "local_timestamp", "bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00",
        "bid_px_01", "bid_sz_01", "ask_px_01", "ask_sz_01",
    ]  # fmt: skip
    assert _plain(found) == [
        (1, 1, 10, 1, 11, 3, 9, 2, 12, 4),
        (2, 2, *nothing, 11, 3, *nothing, *nothing),
        (3, 3, *nothing * 4),
        (5, 5, -1, 1, 0, 5, *nothing, *nothing),
    ]
    assert found.equals(small.sql("from book_snapshot_5('BTC-USD', '2020-08-01', '2020-08-02')")[
        :, :10])  # fmt: skip


def test_the_wide_form_on_a_grid(small: OpenLake) -> None:
    """Unknown is NULL in all but t; known and empty has its times. Too old is unknown."""
    found = small.snapshots("BTC-USD", at(0, 0.5), at(0, 6), 1, timedelta(seconds=1))
    assert found.columns[:4] == ["t", "timestamp", "local_timestamp", "age"]
    assert _plain(found) == [
        (0.5, *(None,) * 7),
        (1.5, 1, 1, 0.5, 10, 1, 11, 3),
        (2.5, 2, 2, 0.5, None, None, 11, 3),
        (3.5, *(None,) * 7),
        (4.5, *(None,) * 7),
        (5.5, 5, 5, 0.5, -1, 1, 0, 5),
    ]
    aged = small.snapshots("BTC-USD", at(0, 5), at(0, 8), 1, "1s", "1s")
    assert [row[2] for row in _plain(aged)] == [5, 5, None]


@pytest.mark.parametrize("levels", [0, -1, 1.5, True, "5", 1001])
def test_a_depth_that_is_none_is_refused(small: OpenLake, levels: Any) -> None:
    """In each question that has one."""
    span = "BTC-USD", at(0), at(1)
    with pytest.raises(UsageError, match=r"depth was .*1 to 1000, or None"):
        small.book_at("BTC-USD", at(0), levels)
    with pytest.raises(UsageError, match=r"depth was .*1 to 1000, or None"):
        small.books_at("BTC-USD", [at(0)], levels)
    with pytest.raises(UsageError, match=r"depth was .*1 to 1000, or None"):
        small.books(*span, "1s", levels)
    with pytest.raises(UsageError, match=r"depth was .*1 to 1000$"):
        small.snapshots(*span, levels)


def test_an_age_has_no_meaning_on_change(small: OpenLake) -> None:
    """A maximum that would do nothing is refused."""
    with pytest.raises(UsageError, match="max_age was '1s'"):
        small.snapshots("BTC-USD", at(0), at(1), max_age="1s")


def test_no_times_have_no_books(small: OpenLake) -> None:
    """The columns are there all the same."""
    assert small.books_at("BTC-USD", []).shape == (0, 8)
    assert small.books("BTC-USD", at(1), at(1), "1s").shape == (0, 8)


def test_a_day_of_another_century_is_unknown(small: OpenLake) -> None:
    """As at any other time that the lake has nothing of."""
    times = ["0001-01-01", "1969-12-31T23:59:59", "9999-12-31T23:59:59.999999"]
    found = small.books_at("BTC-USD", times)
    assert found["t"].to_list() == [
        datetime.fromisoformat(time).replace(tzinfo=UTC) for time in times
    ]
    assert found.drop("t").null_count().row(0) == (3,) * 7


@pytest.mark.parametrize("kept", [0, 100, -100])
def test_a_damaged_partition_is_named_with_the_way_out(tmp_path: Path, kept: int) -> None:
    """Nothing, its beginning, or all but its end is there: never a book, and no foreign error."""
    write_minute(tmp_path / "slices", at(0), [depth(at(0, n), [[n, 1]], []) for n in range(1, 9)])
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices")
    ingest(tmp_path / "data", "coinflex", jobs=1)
    (path,) = (tmp_path / "data/lake/depth").rglob("instrument=*/date=2020*/data.parquet")
    path.write_bytes(path.read_bytes()[:kept])
    with pipeline.open(tmp_path / "data") as lake:
        with pytest.raises(LakeDamaged, match="coinflex-l2 ingest --rebuild") as raised:
            lake.snapshots("BTC-USD", "2020-08-01", "2020-08-02")
        assert raised.value.path == str(path)
        with pytest.raises(LakeDamaged):
            lake.books("BTC-USD", "2020-08-01", "2020-08-02", "1h")
