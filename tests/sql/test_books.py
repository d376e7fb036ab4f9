"""Books in SQL: given lines → expected rows, by the rules that researchers expect."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipeline.views import connect
from tests.lakes import bring_in, put
from tests.making import at, depth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_NAME = "BTC-USD"
_HOUR = "'BTC-USD', '2020-08-01', '2020-08-01 01:00'"
_BIDS, _ASKS = [[10, 1], [9, 2]], [[11, 3], [12, 4]]


def _lake(data: Path, minutes: Mapping[int, Sequence[str]]) -> duckdb.DuckDBPyConnection:
    """Return a connection to a lake of some minutes of 2020-08-01 and after."""
    for minute, lines in minutes.items():
        put(data, at(minute), lines)
    bring_in(data)
    return connect(data)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """Return rows in which a time is the seconds since midnight of 2020-08-01."""
    midnight = datetime(2020, 8, 1)  # noqa: DTZ001 - as SQL has it

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return (value - midnight).total_seconds()
        return value.total_seconds() if isinstance(value, timedelta) else value

    return [tuple(map(plain, row)) for row in connection.execute(query).fetchall()]


def test_every_message_is_the_whole_book(tmp_path: Path) -> None:
    """A one-sided snapshot clears the other side; 0 removes; of a repeated price the last wins."""
    lines = [
        depth(at(0, 1), _BIDS, _ASKS),
        depth(at(0, 2), [], [[11, 3]]),
        depth(at(0, 3), [[10, 1], [9, 0], [10, 5]], []),
        depth(at(0, 4), [], []),
    ]
    with _lake(tmp_path, {0: lines}) as connection:
        found = _rows(
            connection,
            "select t, side, level, price, amount from books("
            "'BTC-USD', '2020-08-01 00:00:00.5', '2020-08-01 00:00:05', interval 1 second)",
        )
    assert found == [
        (0.5, None, None, None, None),  # before the first snapshot
        (1.5, "bid", 0, 10, 1), (1.5, "bid", 1, 9, 2),
        (1.5, "ask", 0, 11, 3), (1.5, "ask", 1, 12, 4),
        (2.5, "ask", 0, 11, 3),
        (3.5, "bid", 0, 10, 5),
        (4.5, None, None, None, None),  # known, and empty: its times are there
    ]  # fmt: skip


def test_a_grid_is_filled_and_never_over_a_hole(tmp_path: Path) -> None:
    """Each time has a row; where nothing is known it has no age, and an old book only its age."""
    lines = [depth(at(0, 1), _BIDS, _ASKS), "", depth(at(0, 5), _BIDS, _ASKS)]
    query = f"select t, local_timestamp, age, bid_price from quote_grid({_HOUR}, '2 seconds'"
    with _lake(tmp_path, {0: lines, 1: []}) as connection:
        whole = _rows(connection, f"{query}) where t < '2020-08-01 00:02:02'")
        young = _rows(connection, f"{query}, max_age := interval 3 second) where age is not null")
    assert whole[:5] == [
        (0, None, None, None), (2, None, None, None), (4, None, None, None),
        (6, 5, 1, 10), (8, 5, 3, 10),
    ]  # fmt: skip
    # A minute that was fetched and is empty is no hole; the one after it was not fetched.
    assert whole[-2:] == [(118, 5, 113, 10), (120, None, None, None)]
    assert young == [(6, 5, 1, 10), (8, 5, 3, 10)]


def test_snapshots_on_change_are_of_the_best_levels(tmp_path: Path) -> None:
    """What changes below the depth is no row, an amount at it is; missing levels are NULL."""
    lines = [
        depth(at(0, 1), _BIDS, _ASKS),
        depth(at(0, 2), [*_BIDS, [8, 1]], _ASKS),
        depth(at(0, 3), [[10, 1], [9, 7]], _ASKS),
        depth(at(0, 4), [[10, 1]], [[11, 3], [12, 4], [13, 1]]),
        depth(at(0, 5), [[10, 1]], [[11, 3], [12, 4]]),
    ]
    with _lake(tmp_path, {0: lines}) as connection:
        lists = _rows(
            connection,
            f"select local_timestamp, bid_px, bid_sz from book_snapshots({_HOUR}, depth := 2)",
        )
        wide = _rows(
            connection,
            f"select bid_px_00, bid_sz_01, bid_px_04, ask_px_02 from book_snapshot_5({_HOUR})",
        )
        names = connection.execute(f"describe from book_snapshot_25({_HOUR})").fetchall()
    assert lists == [(1, [10, 9], [1, 2]), (3, [10, 9], [1, 7]), (4, [10], [1])]
    assert wide == [
        (10, 2, None, None), (10, 2, None, None), (10, 7, None, None), (10, None, None, 13),
        (10, None, None, None),
    ]  # fmt: skip
    assert [name for name, *_ in names][:6] == [
        "timestamp", "local_timestamp", "bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00",
    ]  # fmt: skip
    assert len(names) == 2 + 4 * 25


def test_a_snapshot_stands_after_a_gap_and_not_at_midnight(tmp_path: Path) -> None:
    """The same book again is a row where it was unknown meanwhile, whatever the day's file says."""
    last, first = 1439, 1440
    minutes = {
        last: [depth(at(last, 1), _BIDS, _ASKS), "", depth(at(last, 5), _BIDS, _ASKS)],
        first: [depth(at(first, 1), _BIDS, _ASKS), depth(at(first, 2), _BIDS, [])],
        first + 2: [depth(at(first + 2, 1), _BIDS, [])],
    }
    with _lake(tmp_path, minutes) as connection:
        found = _rows(
            connection,
            "select local_timestamp from book_snapshots('BTC-USD', '2020-08-01', '2020-08-03')",
        )
        of_the_day = _rows(
            connection,
            "select local_timestamp from book_snapshots('BTC-USD', '2020-08-02', '2020-08-03')",
        )
    assert found == [(60 * last + 1,), (60 * last + 5,), (60 * first + 2,), (60 * (first + 2) + 1,)]
    assert of_the_day == found[2:]


def test_tardis_grid_is_not_a_filled_one(tmp_path: Path) -> None:
    """The first row has its own time; later ones the state before the first message of a step."""
    books = [(1.2, 1), (1.4, 2), (1.9, 2), (2.1, 3), (5.3, 3), (5.4, 4), (7.0, 4)]
    lines = [depth(at(0, second), [[10, amount]], _ASKS) for second, amount in books]
    with _lake(tmp_path, {0: lines}) as connection:
        found = _rows(
            connection,
            "select timestamp, local_timestamp, bid_sz from "
            f"tardis_book_snapshots({_HOUR}, interval 1 second)",
        )
    assert found == [(1.2, 1.2, [1]), (2, 2.1, [2]), (3, 5.3, [3]), (6, 7, [4])]


def test_differences_rebuild_every_book_by_the_documented_rule(tmp_path: Path) -> None:
    """After a gap the levels that are gone are removed first, so that the rule can fire at all."""
    lines = [
        depth(at(0, 1), _BIDS, _ASKS),
        depth(at(0, 2), [[10, 1]], _ASKS),
        "",
        depth(at(0, 5), [[8, 1]], [[11, 3]]),
        "",
        depth(at(0, 7), [[8, 1]], []),
    ]
    with _lake(tmp_path, {0: lines}) as connection:
        found = _rows(connection, f"from incremental_book_L2({_HOUR})")
        names = [name for name, *_ in connection.description or ()]
    assert names == [
        "exchange", "symbol", "timestamp", "local_timestamp",
        "is_snapshot", "side", "price", "amount",
    ]  # fmt: skip
    assert [(row[3], *row[4:]) for row in found] == [
        (1, True, "bid", 10, 1), (1, True, "bid", 9, 2),
        (1, True, "ask", 11, 3), (1, True, "ask", 12, 4),
        (2, False, "bid", 9, 0),
        (5, False, "bid", 10, 0), (5, False, "ask", 12, 0),
        (5, True, "bid", 8, 1), (5, True, "ask", 11, 3),
        (7, False, "ask", 11, 0), (7, True, "bid", 8, 1),
    ]  # fmt: skip
    assert {row[:2] for row in found} == {("coinflex", _NAME)}


def test_buckets_round_bids_down_and_asks_up(tmp_path: Path) -> None:
    """No bucket is better than what is in it, below zero too; counted in whole ticks."""
    bids = [[0.3, 1], [0.2, 1], [0.0, 2], [-0.1, 4]]
    asks = [[0.3, 1], [0.4, 1], [0.7, 2]]
    with _lake(tmp_path, {0: [depth(at(0, 1), bids, asks)]}) as connection:
        found = _rows(connection, "from bucketed_book('BTC-USD', '2020-08-01 00:00:02', 0.1, 3)")
    assert found == [
        ("bid", 0, 0.3, 1, 1), ("bid", 1, 0.0, 3, 2), ("bid", 2, -0.3, 4, 1),
        ("ask", 0, 0.3, 1, 1), ("ask", 1, 0.6, 1, 1), ("ask", 2, 0.9, 2, 1),
    ]  # fmt: skip


def test_the_exchanges_clock_has_its_own_books(tmp_path: Path) -> None:
    """Known from one message's timestamp to the next one's, and not before a gap."""
    sent = [(1, 1.0), (2, 1.8), (3, 2.9), (4, 2.5)]  # arrival, exchange time; the last one back
    lines = [
        depth(
            at(0, arrival),
            [[10, arrival]],
            [],
            timestamp=str(1_596_240_000_000 + round(time * 1000)),
        )
        for arrival, time in sent
    ]
    times = {0.9: None, 1.0: 1, 1.7: 1, 1.8: 2, 2.6: 2, 2.89: 2, 2.9: None}
    with _lake(tmp_path, {0: lines}) as connection:
        for time, amount in times.items():
            query = (
                f"select amount from book_at_exchange_time('BTC-USD', '2020-08-01 00:00:0{time}')"
            )
            assert _rows(connection, query) == ([(amount,)] if amount else []), time


@pytest.mark.parametrize(
    "step", ["interval 0 second", "interval '-1 second'", "null", "'nonsense'"]
)
def test_a_step_that_leads_nowhere_is_refused(tmp_path: Path, step: str) -> None:
    """Rather than answered with nothing, or for ever."""
    lake = _lake(tmp_path, {0: [depth(at(0, 1), _BIDS, _ASKS)]})
    with lake, pytest.raises(duckdb.Error, match=r"what would work|Could not convert"):
        lake.execute(f"from books({_HOUR}, {step})").fetchall()


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ("book_at(null, '2020-08-01')", "an instrument"),
        ("book_at('BTC-USD', null)", "a time"),
        ("books(null, '2020-08-01', '2020-08-02', interval 1 hour)", "an instrument"),
        ("panel(['BTC-USD'], '2020-08-01', null, interval 1 hour)", "an instrument or a time"),
    ],
)  # fmt: skip
def test_what_is_null_is_refused_by_name(tmp_path: Path, question: str, what: str) -> None:
    """In words about the question, not about how it is answered."""
    lake = _lake(tmp_path, {0: [depth(at(0, 1), _BIDS, _ASKS)]})
    with lake, pytest.raises(duckdb.Error, match=f"{what} was NULL; what would work: "):
        lake.execute(f"from {question}").fetchall()


def test_a_message_that_is_no_book_ends_the_one_before_midnight_too(tmp_path: Path) -> None:
    """It stands last in its day's file and arrived after it: until the next book none is known."""
    last, first = 1439, 1440
    odd = depth(at(first, 0.5), [[10, 7]], [], action="increment")
    minutes = {
        last: [depth(at(last, 1), _BIDS, _ASKS), odd],
        first: [depth(at(first, 2), _BIDS, _ASKS)],
    }
    two_days = "'BTC-USD', '2020-08-01', '2020-08-03'"
    with _lake(tmp_path, minutes) as connection:
        standing = _rows(connection, f"select starts, ends from standing_books({two_days})")
        at_times = [
            _rows(connection, f"select price from book_at('BTC-USD', '2020-08-02 00:00:0{second}')")
            for second in (0.4, 0.6, 2.5)
        ]
        changed = _rows(connection, f"select local_timestamp from book_snapshots({two_days})")
    assert standing[:2] == [(60 * last + 1, 60 * first), (60 * first, 60 * first + 0.5)]
    assert standing[2][0] == 60 * first + 2
    assert [len(levels) for levels in at_times] == [4, 0, 4]
    assert changed == [(60 * last + 1,), (60 * first + 2,)]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from books({hour}, '10 seconds', depth := 0)", "the number of levels was 0"),
        ("from fill_costs({hour}, '1 minute', -5)", "quantity was -5"),
        ("from fill_costs_notional({hour}, '1 minute', 0)", "notional was 0"),
        ("from fill_costs({hour}, '1 minute', null)", "quantity was NULL"),
        ("from fill_costs({hour}, '1 minute', 'nan')", "quantity was nan"),
        ("from book_measures({hour}, '1 minute', levels := 0)", "levels was 0"),
        ("from book_measures({hour}, '10 seconds', levels := 1.5)", "levels was 1.5"),
        ("from book_measures({hour}, '10 seconds', within := null)", "within was NULL"),
        ("from depth_averages({hour}, '1 minute', levels := 0)", "the number of levels was 0"),
        ("from bucketed_books({hour}, '10 seconds', 0, 1)", "tick_size was 0"),
        ("from bucketed_books({hour}, '10 seconds', 0.5, 2.5)", "ticks was 2.5"),
    ],
)
def test_a_senseless_size_is_refused(tmp_path: Path, query: str, said: str) -> None:
    """An order of less than nothing has no price, and no such book is known."""
    with (
        _lake(tmp_path, {0: [depth(at(0, 1), _BIDS, _ASKS)]}) as connection,
        pytest.raises(duckdb.Error, match=f"{said}; what would work: a (whole )?number above zero"),
    ):
        connection.execute(query.format(hour=_HOUR)).fetchall()
