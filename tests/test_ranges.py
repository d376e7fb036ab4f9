"""Macros for a range of time: what the view has of it, from the days that it needs and no other."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.sources.files import adopt
from pipeline.views import connect, write_database
from tests.lakes import ingest, partitions
from tests.making import at, depth, line, trade, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

# Names that are difficult in a path, in SQL, and as a folder.
_PLAIN, _QUOTED, _LONG = "BTC-USD", "it's/a [b]*", "x" * 300
_NAMES = (_PLAIN, _QUOTED, _LONG)
_BY_ARRIVAL = ("depth_messages", "depth_changes", "depth_rows", "quotes", "trades", "tickers")
_DAYS = 4


def _ticker(time: datetime, name: str) -> str:
    data = {"last": "1.5", "marketCode": name, "timestamp": "1596240000000"}
    return line(time, {"table": "ticker", "data": [data]})


def _lines(times: list[datetime]) -> list[str]:
    """Return a book, a trade and a ticker update of each instrument at each time."""
    found = []
    for number, time in enumerate(times):
        for name in _NAMES:
            found.append(depth(time, [[number + 1, 1]], [[number + 2, 1]], instrument=name))
            found.append(trade(time, str(number + 1), "1", instrument=name, id_=str(time)))
            found.append(_ticker(time, name))
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with four days: around each midnight and noon, and just outside a day.

    The last minute of a day has a line that arrived 0.3 s after midnight, the first one of a day a
    line that arrived 0.2 s before it. Within each noon the connection was lost.
    """
    folder = tmp_path_factory.mktemp("ranges")
    for day in range(_DAYS):
        midnight = at(1440 * day)
        spread = [midnight + timedelta(seconds=second) for second in (0, 0.1, 30, 59.999999)]
        before = [midnight - timedelta(seconds=0.2)] if day else []
        write_minute(folder / "slices", midnight, _lines([*before, *spread]))
        noon = midnight + timedelta(hours=12)
        twice = [noon + timedelta(seconds=second) for second in (10, 40)]
        write_minute(folder / "slices", noon, [*_lines(twice[:1]), "", *_lines(twice[1:])])
        last = midnight + timedelta(minutes=1439)
        late = [last + timedelta(seconds=second) for second in (0, 59.999999, 60.3)]
        write_minute(folder / "slices", last, _lines(late))
    adopt(folder / "data", "coinflex", folder / "slices")
    ingest(folder / "data", "coinflex", jobs=1)
    return folder / "data"


@pytest.fixture(scope="module")
def connection(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection to that lake."""
    with connect(data) as opened:
        yield opened


_RANGES = [
    ("2020-08-02", "2020-08-03"),
    ("2020-08-01", "2020-08-05"),
    ("2020-07-01", "2020-12-31"),
    ("1970-01-01", "9999-12-31"),
    ("2020-08-02 00:00:00.1", "2020-08-02 00:00:30"),
    ("2020-08-02 00:00:00.1", "2020-08-02 00:00:30.000001"),
    ("2020-08-02 23:59:59.999999", "2020-08-03 00:00:00"),
    ("2020-08-02 23:59:59.9", "2020-08-03 00:00:00.1"),
    ("2020-08-03 00:00:00.2", "2020-08-03 00:00:00.4"),
    ("2020-08-02 23:59:59.7", "2020-08-02 23:59:59.9"),
    ("2020-08-02 12:00:10", "2020-08-02 12:00:40"),
    ("2020-08-02 12:00:10.000002", "2020-08-02 12:00:39"),
    ("2020-08-02 00:01", "2020-08-02 23:59"),
    ("2020-08-02T02:00:00+02:00", "2020-08-02T12:00:00-12:00"),
    ("2020-08-02", "2020-08-02"),
    ("2020-08-03", "2020-08-02"),
    ("2020-09-01", "2020-09-02"),
]


# What a name is has nothing to do with what a range is: others have a whole one and one of a day.
_ASKED = [(_PLAIN, *one) for one in _RANGES]
_ASKED += [(name, *one) for name in _NAMES if name != _PLAIN for one in (_RANGES[1], _RANGES[7])]


@pytest.mark.parametrize(("name", "start", "end"), _ASKED)
def test_a_range_has_the_rows_that_the_view_has(
    connection: duckdb.DuckDBPyConnection, name: str, start: str, end: str
) -> None:
    """Same columns, same rows: what arrived in [start, end), and the gaps that overlap it."""
    within = "local_timestamp >= utc($start) and local_timestamp < utc($end)"
    wanted = dict.fromkeys(_BY_ARRIVAL, within)
    wanted |= dict.fromkeys(("gaps", "trade_gaps"), "start < utc($end) and stop > utc($start)")
    asked = {"instrument": name, "start": start, "end": end}
    for view, condition in wanted.items():
        one = connection.execute(f"from {view}($instrument, $start, $end)", asked)
        columns, rows = one.description, one.fetchall()
        whole = connection.execute(
            f"from {view} where instrument = $instrument and {condition}", asked
        )
        assert whole.description == columns, view
        assert sorted(map(repr, rows)) == sorted(map(repr, whole.fetchall())), view


@pytest.mark.parametrize("right", ["quotes", "depth_messages", "tickers", "gaps", "trade_gaps"])
@pytest.mark.parametrize("left", ["trades", "quotes", "gaps"])
def test_ranges_are_joined(connection: duckdb.DuckDBPyConnection, left: str, right: str) -> None:
    """As views are: each trade beside what stood then is the first thing that one asks."""
    time = {"gaps": "start", "trade_gaps": "start"}
    one, other = time.get(left, "local_timestamp"), time.get(right, "local_timestamp")
    asked = [_PLAIN, "1970-01-01", "9999-12-31"]
    found = []
    for of in ("($1, $2, $3)", ""):
        query = f"""select l.{one}, r.{other} from {left}{of} as l asof join {right}{of} as r
            on l.instrument = r.instrument and l.{one} >= r.{other}
            where l.instrument = $1 and $2 < $3 order by all"""
        found.append(connection.execute(query, asked).fetchall())
    assert found[0] == found[1] != []


def test_the_ranges_are_not_all_empty(connection: duckdb.DuckDBPyConnection) -> None:
    """A day has its own 4 + 2 + 2 arrivals, and one from each day next to it that fell into it."""
    for view in ("quotes", "trades", "tickers", "depth_messages", "depth_rows"):
        query = f"select count(*) from {view}('BTC-USD', '2020-08-02', '2020-08-03')"
        assert connection.execute(query).fetchall() == [(4 + 2 + 2 + 1 + 1,)], view
    gaps = connection.execute("select count(*) from gaps('BTC-USD', '2020-08-02', '2020-08-03')")
    assert gaps.fetchall() != [(0,)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("date '2020-08-02'", "date '2020-08-03'"),
        ("timestamp '2020-08-02'", "timestamp '2020-08-03'"),
        ("timestamptz '2020-08-02 02:00:00+02'", "'2020-08-03'"),
    ],
)
def test_a_range_is_given_in_any_form_of_time(
    connection: duckdb.DuckDBPyConnection, start: str, end: str
) -> None:
    """Text, dates and timestamps, as book_at takes them; an offset is converted."""
    query = "select count(*) from trades('BTC-USD', {}, {})"
    expected = connection.execute(query.format("'2020-08-02'", "'2020-08-03'")).fetchall()
    assert connection.execute(query.format(start, end)).fetchall() == expected


def test_views_and_macros_of_one_name_are_in_the_database_file(data: Path) -> None:
    """Any client from 2.0 on can say `trades` and `trades(…)`."""
    import duckdb  # noqa: PLC0415 - as that client would

    with duckdb.connect(str(write_database(data, "coinflex")), read_only=True) as client:
        for view in (*_BY_ARRIVAL, "gaps", "trade_gaps"):
            some = f"select count(*) from {view}('BTC-USD', '2020-08-01', '2020-08-06')"
            every = f"select count(*) from {view} where instrument = 'BTC-USD'"
            assert client.execute(some).fetchall() == client.execute(every).fetchall(), view


@pytest.fixture
def spoiled(data: Path, tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection to the lake in which only 2020-08-02 of BTC-USD can be read at all."""
    for path in (data / "lake").rglob("*"):
        copy = tmp_path / "data" / path.relative_to(data)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, copy)
    for path in partitions(tmp_path / "data"):
        if f"instrument={_PLAIN}/date=2020-08-02" not in str(path):
            path.unlink()
            path.write_bytes(b"no Parquet")
    return connect(tmp_path / "data")


def test_other_partitions_are_not_opened(spoiled: duckdb.DuckDBPyConnection) -> None:
    """Whatever else is in the lake, damaged files too, costs a question about one day nothing."""
    day = [_PLAIN, "2020-08-02 00:01", "2020-08-02 23:59"]
    for view in _BY_ARRIVAL:
        assert spoiled.execute(f"select count(*) from {view}(?, ?, ?)", day).fetchone() != (0,)
    assert spoiled.execute("select count(*) from gaps(?, ?, ?)", day).fetchone() != (0,)
    for time in ("00:00:00.1", "00:00:30", "12:00:40", "23:59:59.999999"):
        book = spoiled.execute(f"from book_at('{_PLAIN}', '2020-08-02 {time}')").fetchall()
        assert len(book) == 2, time


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2020-08-02 00:01", "2020-08-02 23:59", [2]),
        ("2020-08-02", "2020-08-03", [1, 2, 3]),
        ("2020-08-02 12:00", "2020-08-04 12:00", [2, 3, 4]),
        ("2020-08-02 23:59:30", "2020-08-02 23:59:40", [2, 3]),
        ("2020-08-02 00:00:59", "2020-08-02 00:02", [1, 2]),
    ],
)
def test_the_days_that_a_range_needs(
    connection: duckdb.DuckDBPyConnection, start: str, end: str, days: list[int]
) -> None:
    """Those that it touches, and beyond a midnight that is less than a minute away."""
    row = connection.execute("select days_around(?, ?)", [start, end]).fetchone()
    assert row is not None
    assert [day.date() for day in row[0]] == [date(2020, 8, day) for day in days]
