"""Trades in SQL: given lines → expected rows, by the rules that researchers expect."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipeline.views import connect
from tests.making import at, depth, line, trade
from tests.sql.asking import lake_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_NAME = "BTC-USD"
_HOUR = "'BTC-USD', '2020-08-01', '2020-08-01 01:00'"
_TWO_DAYS = "'BTC-USD', '2020-08-01', '2020-08-03'"
_QUOTED = "local_timestamp, quote_local_timestamp, quote_age, bid_price, ask_price"


def _lake(data: Path, minutes: Mapping[int, Sequence[str]]) -> duckdb.DuckDBPyConnection:
    """Return a connection to a lake of some minutes of 2020-08-01 and after."""
    return connect(lake_of(data, *((at(minute), [*lines]) for minute, lines in minutes.items())))


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Return rows in which a time is the seconds since midnight of 2020-08-01."""
    midnight = datetime(2020, 8, 1)  # noqa: DTZ001 - as SQL has it

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return (value - midnight).total_seconds()
        return value.total_seconds() if isinstance(value, timedelta) else value

    return [tuple(map(plain, row)) for row in connection.execute(query, parameters).fetchall()]


def _book(second: float, bid: float | None, ask: float | None, minute: int = 0, **more: Any) -> str:
    bids, asks = ([] if price is None else [[price, 1]] for price in (bid, ask))
    return depth(at(minute, second), bids, asks, **more)


def _print(
    second: float, price: float, amount: float = 1, side: str = "BUY", minute: int = 0
) -> str:
    return trade(at(minute, second), str(price), str(amount), side=side)


def _message(second: float, *prints: tuple[str, float, float], sent: float | None = None) -> str:
    """Return one message of several trades: side, price, amount; all of one exchange time."""
    stamp = {} if sent is None else {"timestamp": str(1_596_240_000_000 + round(sent * 1000))}
    data = [
        {"side": side, "price": str(price), "quantity": str(amount), "marketCode": _NAME, **stamp}
        for side, price, amount in prints
    ]
    return line(at(0, second), json.dumps({"table": "trade", "data": data}))


# --- candles -----------------------------------------------------------------------------------


def test_a_candle_is_of_the_trades_of_its_step(tmp_path: Path) -> None:
    """First and last in line order, also within a microsecond; sides by the taker's."""
    lines = [
        _print(1, 10, 2), _print(1, 12, 1, "SELL"), _print(1, 9, 1),
        _print(9.999999, 11, 4, "SELL"),
        _print(10, 5, 8),
    ]  # fmt: skip
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(lake, f"from ohlcv({_HOUR}, interval 10 second) limit 2")
    assert found == [
        (0, 10, 12, 9, 11, 8, 85, 85 / 8, 4, 3, 5, 10),
        (10, 5, 5, 5, 5, 8, 40, 5, 1, 8, 0, 10),
    ]


def test_no_trade_is_0_only_where_trades_were_recorded(tmp_path: Path) -> None:
    """In an empty minute that was fetched; not in a disconnect, nor in a minute never fetched."""
    lines = [_print(1, 10), "", _book(50, 1, 2, instrument="OTHER"), _print(55, 11, 3)]
    query = "select t, volume, trades, vwap, buy_volume, close, observed_seconds from ohlcv("
    with _lake(tmp_path, {0: lines, 1: [], 3: []}) as lake:
        found = _rows(lake, f"{query}{_HOUR}, interval 20 second) limit 11")
        other_days = _rows(lake, f"{query}'BTC-USD', '2020-07-31', '2020-08-01', '1 day')")
        nobody = _rows(lake, f"{query}'NONE', '2020-08-01', '2020-08-02', '1 day')")
    none, seen = (None,) * 5, (0, 0, None, 0, None, 20)
    assert found == [
        (0, 1, 1, 10, 1, 10, 1.000001),
        (20, *none, 0),
        (40, 3, 1, 11, 3, 11, 10),
        *((second, *seen) for second in (60, 80, 100)),
        *((second, *none, 0) for second in (120, 140, 160)),
        *((second, *seen) for second in (180, 200)),
    ]
    assert other_days == [(-86_400, *none, 0)]
    assert nobody == [(0, *none, 0)]


def test_a_day_that_began_in_a_disconnect_is_observed_from_its_first_line(tmp_path: Path) -> None:
    """Though the day itself can't know of it."""
    last, first = 1439, 1440
    minutes = {last: [_print(1, 10, minute=last), ""], first: [_print(30, 11, minute=first)]}
    query = f"select volume, observed_seconds from ohlcv({_TWO_DAYS}, interval 1 minute)"
    with _lake(tmp_path, minutes) as lake:
        found = _rows(lake, f"{query} where observed_seconds > 0")
    assert found == [(1, 1.000001), (1, 30)]


def test_the_last_step_ends_with_the_range(tmp_path: Path) -> None:
    """What was traded behind it is not in it, nor are its seconds."""
    lines = [_print(1, 10), _print(7, 11), _print(9, 12)]
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(
            lake,
            "select t, close, trades, observed_seconds from ohlcv("
            "'BTC-USD', '2020-08-01 00:00:01', '2020-08-01 00:00:09', interval 5 second)",
        )
    assert found == [(1, 10, 1, 5), (6, 11, 1, 3)]


def test_prices_below_zero_have_candles(tmp_path: Path) -> None:
    """As REPO and spread markets have them; the notional is below zero too."""
    with _lake(tmp_path, {0: [_print(1, -0.5, 2), _print(2, 0.25, 2)]}) as lake:
        found = _rows(lake, f"select open, high, low, notional, vwap from ohlcv({_HOUR}, '1 hour')")
    assert found == [(-0.5, 0.25, -0.5, -0.5, -0.125)]


@pytest.mark.parametrize("step", ["interval 0 second", "interval 1 month", "null", "'nonsense'"])
@pytest.mark.parametrize("macro", ["ohlcv", "trade_costs"])
def test_a_step_of_no_one_length_is_refused(tmp_path: Path, macro: str, step: str) -> None:
    """Months differ, and no length leads nowhere."""
    lake = _lake(tmp_path, {0: [_print(1, 10)]})
    with lake, pytest.raises(duckdb.Error, match=r"what would work|Could not convert"):
        lake.execute(f"from {macro}({_HOUR}, {step})").fetchall()


# --- what stood before -------------------------------------------------------------------------


def test_a_trade_has_the_quote_above_it_in_the_file(tmp_path: Path) -> None:
    """Of one microsecond, the message above it counts, and the one below it does not."""
    lines = [_book(1, 10, 12), _print(2, 11), _book(2, 20, 22), _print(2, 21), _book(2, 30, 32),
             _message(3, ("BUY", 31, 1), ("BUY", 32, 1))]  # fmt: skip
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(lake, f"select {_QUOTED}, price from trades_with_quotes({_HOUR})")
    assert found == [
        (2, 1, 1, 10, 12, 11),
        (2, 2, 0, 20, 22, 21),
        (3, 2, 1, 30, 32, 31), (3, 2, 1, 30, 32, 32),
    ]  # fmt: skip


def test_no_quote_outlives_a_hole(tmp_path: Path) -> None:
    """Before the first book, behind a disconnect, an odd action or a lacking minute: unknown."""
    lines = [
        _print(1, 1), _book(2, 10, 12), _print(3, 2), "", _print(4, 3), _book(5, 10, 12),
        _book(6, 11, 12, action="increment"), _print(7, 4), _book(8, 10, 12), _print(9, 5),
    ]  # fmt: skip
    minutes = {0: lines, 1: [_print(1, 6, minute=1)], 3: [_print(1, 7, minute=3)]}
    with _lake(tmp_path, minutes) as lake:
        found = _rows(lake, f"select price, bid_price, quote_age from trades_with_quotes({_HOUR})")
        young = _rows(
            lake,
            "select price, bid_price from "
            f"trades_with_quotes({_HOUR}, max_age := interval 1 second)",
        )
    assert found == [
        (1, None, None), (2, 10, 1), (3, None, None), (4, None, None), (5, 10, 1), (6, 10, 53),
        (7, None, None),
    ]  # fmt: skip
    assert [row for row in young if row[1]] == [(2, 10), (5, 10)]


def test_a_side_without_levels_is_null_and_the_quote_is_known(tmp_path: Path) -> None:
    """As its age says."""
    lines = [_book(1, 10, None), _print(2, 10), _book(3, None, None), _print(5, 10)]
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(lake, f"select {_QUOTED} from trades_with_quotes({_HOUR})")
    assert found == [(2, 1, 1, 10, None), (5, 3, 2, None, None)]


@pytest.mark.parametrize("lost", [False, True])
def test_a_quote_is_carried_over_midnight_if_nothing_broke(tmp_path: Path, *, lost: bool) -> None:
    """Until the day's first message, which is not there yet for a trade above it in the file."""
    last, first = 1439, 1440
    minutes = {
        last: [_book(50, 10, 12, last), *([""] if lost else [])],
        first: [_print(1, 1, minute=first), _print(2, 2, minute=first), _book(2, 20, 22, first),
                _print(2, 3, minute=first)],
    }  # fmt: skip
    day = "'BTC-USD', '2020-08-02', '2020-08-03'"
    with _lake(tmp_path, minutes) as lake:
        found = _rows(lake, f"select price, bid_price, quote_age from trades_with_quotes({day})")
        narrow = _rows(
            lake,
            "select price, bid_price from trades_with_quotes("
            "'BTC-USD', '2020-08-02 00:00:01', '2020-08-02 00:00:02')",
        )
    carried = [(1, None, None), (2, None, None)] if lost else [(1, 10, 11), (2, 10, 12)]
    assert found == [*carried, (3, 20, 0)]
    assert narrow == [carried[0][:2]]


def test_lines_that_arrived_just_after_their_day_follow_each_other(tmp_path: Path) -> None:
    """The last slice of a day holds them: midnight is no hole in it, a disconnect is one."""
    last, first = 1439, 1440
    late = [_print(0.1, 1, minute=first), _book(0.2, 11, 13, first), _print(0.3, 2, minute=first)]
    minutes = {last: [_book(50, 10, 12, last), *late], first: [_print(1, 3, minute=first)]}
    query = "select price, bid_price, quote_age from trades_with_quotes('BTC-USD', '2020-08-02"
    with _lake(tmp_path / "whole", minutes) as lake:
        found = _rows(lake, f"{query}', '2020-08-03')")
        narrow = _rows(lake, f"{query} 00:00:00.25', '2020-08-02 00:00:00.5')")
    minutes[last].insert(1, "")
    with _lake(tmp_path / "broken", minutes) as lake:
        broken = _rows(lake, f"{query}', '2020-08-03')")
        gaps = _rows(lake, f"select start, stop from trade_gaps({_TWO_DAYS}) limit 3 offset 1")
    # Of a day without a message it is not known how long the day before stands on.
    assert found == [(1, 10, 10.1), (2, 11, pytest.approx(0.1)), (3, None, None)]
    assert narrow == found[1:2]
    assert broken == [(1, None, None), *found[1:]]
    # Nor do they show that a connection stood at the next day's beginning.
    midnight = 86_400
    assert gaps == [
        (midnight - 10 + 1e-6, midnight),
        (midnight, midnight + 1),
        (midnight + 60, 2 * midnight),
    ]


def test_where_the_clock_steps_back_no_quote_is_of_the_future(tmp_path: Path) -> None:
    """By the clock the book arrived after the trade below it: its age would be below zero."""
    lines = [_book(1, 10, 12), _book(5, 20, 22), _print(4, 1), _print(6, 2)]
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(lake, f"select price, bid_price, quote_age from trades_with_quotes({_HOUR})")
    assert found == [(1, None, None), (2, 20, 1)]


# --- orders and costs --------------------------------------------------------------------------


def test_prints_of_one_side_and_time_are_one_order(tmp_path: Path) -> None:
    """In one message or several; another side, time or print between them begins anew."""
    lines = [
        _book(1, 10, 12),
        _message(2, ("BUY", 12, 1), ("BUY", 13, 3), sent=1.9),
        _book(2.1, 11, 14),
        _message(2.2, ("buy", 14, 4), sent=1.9),  # the spelling is no difference
        _message(2.3, ("SELL", 11, 1), sent=1.9),
        _message(2.4, ("BUY", 14, 1), sent=1.9),
        _message(2.5, ("BUY", 14, 1), sent=2.4),
        _message(3.5, ("BUY", 14, 1), sent=2.4),  # a second later
        _message(4, ("BUY", 14, 1), ("BUY", 14, 1)),  # without a time
    ]
    columns = (
        "local_timestamp, last_local_timestamp, timestamp, side, prints, amount, notional, "
        "first_price, last_price, vwap, bid_price"
    )
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(lake, f"select {columns} from taker_orders({_HOUR})")
        cut = _rows(
            lake,
            "select local_timestamp, prints from taker_orders("
            "'BTC-USD', '2020-08-01 00:00:02', '2020-08-01 00:00:02.1')",
        )
        begun = _rows(
            lake,
            "select local_timestamp, prints from taker_orders("
            "'BTC-USD', '2020-08-01 00:00:02.1', '2020-08-01 00:00:02.4')",
        )
    assert found == [
        (2, 2.2, 1.9, "buy", 3, 8, 107, 12, 14, 107 / 8, 10),
        (2.3, 2.3, 1.9, "sell", 1, 1, 11, 11, 11, 11, 11),
        (2.4, 2.4, 1.9, "buy", 1, 1, 14, 14, 14, 14, 11),
        (2.5, 2.5, 2.4, "buy", 1, 1, 14, 14, 14, 14, 11),
        (3.5, 3.5, 2.4, "buy", 1, 1, 14, 14, 14, 14, 11),
        (4, 4, None, "buy", 1, 1, 14, 14, 14, 14, 11),
        (4, 4, None, "buy", 1, 1, 14, 14, 14, 14, 11),
    ]
    # Whole, though it ends behind the range; not at all, where it began before.
    assert cut == [(2, 3)]
    assert begun == [(2.3, 1)]


def test_what_takers_paid(tmp_path: Path) -> None:
    """Twice the distance from the mid before, and from the mid some time after; for both sides."""
    lines = [_book(1, 99, 101), _print(2, 101), _book(3, 101, 103), _print(4, 100, side="SELL"),
             _book(4.5, 99, 101)]  # fmt: skip
    columns = (
        "mid, mid_after, effective_spread, realized_spread, price_impact, effective_spread_bp, "
        "realized_spread_bp, price_impact_bp, side_quoted, sign_agrees"
    )
    query = f"select {columns} from trade_costs({_HOUR}, interval 2 second"
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(lake, f"{query})")
        young = _rows(lake, f"{query}, max_age := interval 1 second)")
    basis = 10_000 / 102
    assert found == [
        (100, 102, 2, -2, 4, 200, -200, 400, "buy", True),
        (102, 100, 4, 0, 4, pytest.approx(4 * basis), 0, pytest.approx(4 * basis), "sell", True),
    ]
    assert young[1] == (
        102,
        None,
        4,
        None,
        None,
        pytest.approx(4 * basis),
        None,
        None,
        "sell",
        True,
    )


def test_costs_are_unknown_where_a_mid_is(tmp_path: Path) -> None:
    """Behind a hole; and in basis points where the mid is not above zero, as spreads may be."""
    lines = [_book(1, -2, -1), _print(2, -1), "", _print(4, 1), _book(5, 1, 3)]
    columns = "mid, mid_after, effective_spread, effective_spread_bp, realized_spread, sign_agrees"
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(lake, f"select {columns} from trade_costs({_HOUR}, interval 1 second)")
    assert found == [(-1.5, None, 1, None, None, True), (None, 2, None, None, -2, None)]


@pytest.mark.parametrize(
    ("price", "bid", "ask", "side"),
    [
        (12, 10, 12, "buy"), (13, 10, 12, "buy"), (10, 10, 12, "sell"), (9, 10, 12, "sell"),
        (11.5, 10, 12, "buy"), (10.5, 10, 12, "sell"), (11, 10, 12, None),
        (-1, -3, -1, "buy"), (-2.5, -3, -1, "sell"),
        (11, 11, 11, None), (12, 11, 11, "buy"),  # locked
        (11, 12, 10, None), (13, 12, 10, "buy"), (9, 12, 10, "sell"),  # crossed
        (12, "null", 12, "buy"), (11, "null", 12, None), (10, 10, "null", "sell"),
        (11, 10, "null", None), (11, "null", "null", None),
    ],
)  # fmt: skip
def test_the_side_that_a_quote_tells(
    sample_lake: Path, price: float, bid: float | str, ask: float | str, side: str | None
) -> None:
    """At or beyond the best price of one side, else by the mid; nothing where both or none say."""
    with connect(sample_lake) as lake:
        query = f"select side_by_quote({price}::double, {bid}::double, {ask}::double)"
        assert lake.execute(query).fetchall() == [(side,)]


# --- several instruments -----------------------------------------------------------------------


def test_several_instruments_on_one_grid(tmp_path: Path) -> None:
    """Each has a row at each time, by whatever name; one that is named twice counts once."""
    odd = "it's {0} $1"
    lines = [_book(1, 10, 12), _book(1.5, 1, 2, instrument=odd), _book(2, 10, None)]
    grid = "'2020-08-01 00:00:01', '2020-08-01 00:00:04', interval 1 second"
    columns = "instrument, t, age, bid_price, ask_price, mid"
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(
            lake,
            f"select {columns} from panel([$1, 'NONE', $2, $1], {grid}, max_age := $3)",
            [odd, _NAME, timedelta(seconds=1)],
        )
        with pytest.raises(duckdb.Error, match="no instrument in the list; what would work"):
            lake.execute(f"from panel([], {grid})")
    unknown = (None,) * 4
    assert found == [
        (_NAME, 1, 0, 10, 12, 11), ("NONE", 1, *unknown), (odd, 1, *unknown),
        (_NAME, 2, 0, 10, None, None), ("NONE", 2, *unknown), (odd, 2, 0.5, 1, 2, 1.5),
        (_NAME, 3, 1, 10, None, None), ("NONE", 3, *unknown), (odd, 3, *unknown),
    ]  # fmt: skip


def test_the_basis_is_known_where_both_mids_are(tmp_path: Path) -> None:
    """And in basis points where the spot's is above zero."""
    swap = "BTC-USD-SWAP-LIN"
    lines = [
        _book(1, 10, 12), _book(2, 101, 103, instrument=swap), _book(3, 99, 101),
        _book(4, -2, -1), _book(5, None, -1), "",
    ]  # fmt: skip
    with _lake(tmp_path, {0: lines}) as lake:
        found = _rows(
            lake,
            "select t, perpetual_mid, spot_mid, basis, basis_bp, perpetual_age from basis("
            f"'{swap}', 'BTC-USD', '2020-08-01 00:00:01', '2020-08-01 00:00:07', '1 second')",
        )
    assert found == [
        (1, None, 11, None, None, None),
        (2, 102, 11, 91, pytest.approx(910_000 / 11), 0),
        (3, 102, 100, 2, 200, 1),
        (4, 102, -1.5, 103.5, None, 2),
        (5, 102, None, None, None, 3),
        (6, None, None, None, None, None),
    ]


def test_a_quote_is_the_same_whatever_the_range(tmp_path: Path) -> None:
    """By a clock that jumps ahead the message before a trade may seem to arrive long after it."""
    lines = [
        _book(1, 1, 2),
        _book(0, 10, 11, minute=5),
        _print(2, 10.5),
        _book(3, 20, 21),
    ]
    query = "select bid_price from trades_with_quotes('BTC-USD', '2020-08-01', $1)"
    with _lake(tmp_path, {0: lines}) as connection:
        found = [
            _rows(connection, query, [end]) for end in ("2020-08-01 00:01", "2020-08-01 01:00")
        ]
    # What stood before the trade had not arrived by the trade's own clock, so nothing is known.
    assert found == [[(None,)], [(None,)]]
