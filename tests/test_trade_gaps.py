"""Where trades may be lacking: given lines → the stretches in which their feed is unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq
import pytest

from pipeline.lake import Lake
from pipeline.slices import Door, Request
from pipeline.views import connect
from tests.lakes import EVERYTHING, EXCHANGE, TODAY, bring_in
from tests.making import at, depth, line, trade, write_minute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_NAME = "BTC-USD"
_DEPTH_ALONE = Request(EXCHANGE, "tardis", channels=("futures/depth",))
_TRADES_ALONE = Request(EXCHANGE, "tardis", channels=("trade",), symbols=(_NAME,))
_WELCOME = {"event": "Welcome", "nonce": "1", "timestamp": "1"}
_ACKNOWLEDGED = {"event": "subscribe", "channel": f"trade:{_NAME}", "success": True}
_MIDNIGHT = datetime(2020, 8, 1, tzinfo=UTC)

Row = tuple[float, float, str]


def _second(time: datetime) -> float:
    return (time.replace(tzinfo=UTC) - _MIDNIGHT) / timedelta(seconds=1)


def _bring(data: Path, minutes: Mapping[int, Sequence[str]], request: Request = EVERYTHING) -> None:
    door = Door(data, EXCHANGE)
    door.open(request)
    for minute, lines in minutes.items():
        write_minute(data / "raw" / EXCHANGE / request.folder, at(minute), lines)


def _gaps(data: Path, instrument: str = _NAME, until: int = 2) -> list[Row]:
    """Return the rows of trade_gaps: start and stop in seconds since midnight, cause."""
    bring_in(data)
    with connect(data) as connection:
        rows = connection.execute(
            "from trade_gaps(?, '2020-08-01', '2020-08-01'::date + ?::int)", [instrument, until]
        ).fetchall()
        view = connection.execute(
            "from trade_gaps where instrument = ? order by start", [instrument]
        ).fetchall()
    assert rows == view
    return [(_second(start), _second(stop), cause) for _, _, start, stop, cause, _ in rows]


def _book(minute: int, second: float, instrument: str = "OTHER") -> str:
    return depth(at(minute, second), [[1, 1]], [[2, 1]], instrument=instrument)


def _trade(minute: int, second: float) -> str:
    return trade(at(minute, second), "1", "1")


def _day(minute: int, second: float = 0) -> float:
    return 60 * minute + second


_END = 86_400.0


def _answer(minute: int, second: float, *, granted: bool, channel: str = "trade") -> str:
    said = {"event": "subscribe", "channel": f"{channel}:{_NAME}", "success": granted}
    return line(at(minute, second), said)


def test_trades_are_recorded_from_when_their_subscription_was_granted(tmp_path: Path) -> None:
    """Though lines of other feeds came before; an answer about another channel says nothing."""
    lines = [_trade(0, 1), "", _book(0, 5), _answer(0, 6, granted=True, channel="depth"),
             _book(0, 7), _answer(0, 8, granted=True), _trade(0, 9)]  # fmt: skip
    _bring(tmp_path, {0: lines, 1: [_book(1, 1)]})
    assert _gaps(tmp_path, until=1) == [
        (1.000001, 8, "disconnect"), (_day(2), _END, "end_of_coverage"),
    ]  # fmt: skip


def test_trades_that_were_refused_are_not_recorded(tmp_path: Path) -> None:
    """Whatever else the connection brings, and the next one; until they are granted."""
    lines = [_trade(0, 1), "", _book(0, 2), _answer(0, 3, granted=False), _book(0, 4), "",
             _book(0, 5)]  # fmt: skip
    _bring(tmp_path, {0: lines, 1: [_book(1, 1), _answer(1, 2, granted=True), _trade(1, 3)]})
    assert _gaps(tmp_path, until=1) == [
        (1.000001, _day(1, 2), "disconnect"), (_day(2), _END, "end_of_coverage"),
    ]  # fmt: skip


def test_a_market_that_was_subscribed_to_later_was_not_recorded_before(tmp_path: Path) -> None:
    """That nobody had asked for its trades until then is no sign that there were none."""
    _bring(
        tmp_path, {0: [_book(0, 2)], 1: [_book(1, 1), _answer(1, 2, granted=True), _trade(1, 3)]}
    )
    assert _gaps(tmp_path, until=1)[0] == (0, _day(1, 2), "not_fetched")


def test_from_just_after_the_last_line_until_the_next_one(tmp_path: Path) -> None:
    """Of whatever instrument and channel, as long as it has data: what tells of connecting is none.

    Though no trade comes for long after it: that is what the row is there to tell.
    """
    lines = [_trade(0, 1), _book(0, 2), "", line(at(0, 3), _WELCOME), line(at(0, 4), _ACKNOWLEDGED),
             "not a line", _book(0, 5), _trade(0, 50)]  # fmt: skip
    _bring(tmp_path, {0: lines, 1: []})
    assert _gaps(tmp_path) == [
        (2.000001, 5, "disconnect"), (_day(2), _END, "end_of_coverage"),
    ]  # fmt: skip


def test_a_disconnect_lasts_into_later_minutes(tmp_path: Path) -> None:
    """Minutes that were fetched and are empty show no connection, nor does a lacking one."""
    minutes = {0: [_trade(0, 1), ""], 1: [], 3: [_trade(3, 7)], 4: [_trade(4, 1)]}
    _bring(tmp_path, minutes)
    assert _gaps(tmp_path) == [
        (1.000001, _day(3, 7), "disconnect"), (_day(5), _END, "end_of_coverage"),
    ]  # fmt: skip


def test_minutes_never_fetched_are_gaps_and_empty_ones_are_none(tmp_path: Path) -> None:
    """A run of them is one; what was fetched is known from its first moment."""
    minutes = {1: [_trade(1, 30)], 2: [], 5: [_trade(5, 30)], 7: []}
    _bring(tmp_path, minutes)
    assert _gaps(tmp_path) == [
        (0, _day(1), "not_fetched"),
        (_day(3), _day(5), "not_fetched"),
        (_day(6), _day(7), "not_fetched"),
        (_day(8), _END, "end_of_coverage"),
    ]


def test_a_disconnect_after_a_lacking_minute_takes_nothing_from_before_it(tmp_path: Path) -> None:
    """The minute before the lacking one had no disconnect, so its end is known."""
    _bring(tmp_path, {0: [_trade(0, 1)], 2: ["", _trade(2, 5)]})
    assert _gaps(tmp_path)[:2] == [
        (_day(1), _day(2), "not_fetched"), (_day(2), _day(2, 5), "disconnect"),
    ]  # fmt: skip


def test_a_day_without_a_gap_has_a_row_in_its_file_and_none_in_sql(tmp_path: Path) -> None:
    """Which is how it differs from a day that is not in the lake."""
    _bring(tmp_path, {minute: [] for minute in range(1440)} | {0: [_trade(0, 1.5)]})
    assert _gaps(tmp_path) == []
    stored = pl.from_arrow(
        pq.ParquetFile(Lake(tmp_path, EXCHANGE).partition("trade_gaps", _NAME, TODAY)).read()
    )
    assert isinstance(stored, pl.DataFrame)
    midnight = datetime(2020, 8, 1)  # noqa: DTZ001 - as files have it
    until = midnight + timedelta(seconds=1.5)
    row = (midnight, until, "midnight", 1, "tardis:coinflex", "tardis:coinflex")
    assert stored.drop("version").rows() == [row]
    with connect(tmp_path) as connection:
        known = connection.execute(
            "from trade_feed(?, '2020-07-31', '2020-08-03')", [_NAME]
        ).fetchall()
        counted = connection.execute("select trade_gaps from coverage").fetchall()
    assert known == [(midnight.date(), midnight, midnight + timedelta(days=1))]
    assert counted == [(0,)]


def test_what_was_not_asked_for_is_unknown(tmp_path: Path) -> None:
    """A request for depth says nothing of trades: they may be lacking where it alone has slices."""
    _bring(tmp_path, {m: [_book(m, 5, _NAME)] for m in range(10)}, _DEPTH_ALONE)
    assert _gaps(tmp_path) == [(0, _END, "not_fetched")]
    _bring(tmp_path, {4: [_trade(4, 30)], 5: []}, _TRADES_ALONE)
    assert _gaps(tmp_path) == [
        (0, _day(4), "not_fetched"), (_day(6), _END, "end_of_coverage"),
    ]  # fmt: skip


def test_only_slices_that_count_for_trades_tell_of_their_connection(tmp_path: Path) -> None:
    """Disconnects and lines of the request for depth are of another recording."""
    books = {0: [_book(0, 1), "", _book(0, 2)], 1: [_book(1, 30)], 2: [_book(2, 1)], 3: []}
    _bring(tmp_path, books, _DEPTH_ALONE)
    _bring(tmp_path, {0: [_trade(0, 20), ""], 1: [], 2: [_trade(2, 40)]}, _TRADES_ALONE)
    assert _gaps(tmp_path) == [
        (20.000001, _day(2, 40), "disconnect"), (_day(3), _END, "end_of_coverage"),
    ]  # fmt: skip
    assert _gaps(tmp_path, "OTHER") == [(0, _END, "not_fetched")]


def test_a_feed_that_nobody_asked_for_is_covered_once_it_was_delivered(tmp_path: Path) -> None:
    """From the minute of its first line on."""
    request = Request(EXCHANGE, "tardis", symbols=("BTC-USD-SWAP-LIN",))
    _bring(tmp_path, {0: [], 1: [], 2: [], 3: [_trade(3, 30)], 4: []}, request)
    assert _gaps(tmp_path) == [(0, _day(3), "not_fetched"), (_day(5), _END, "end_of_coverage")]


def test_a_day_that_ends_in_a_disconnect_goes_on_in_the_next(tmp_path: Path) -> None:
    """Until its first line with data, whatever lacks coverage before that."""
    last, first = 1439, 1440
    _bring(tmp_path, {last: [_trade(last, 1), ""]})
    later = {first: [], first + 2: [line(at(first + 2, 1), _WELCOME), _trade(first + 2, 30), ""],
             first + 3: [_trade(first + 3, 1)]}  # fmt: skip
    _bring(tmp_path, later)
    assert _gaps(tmp_path) == [
        (0, _day(last), "not_fetched"),
        (_day(last, 1.000001), _END, "disconnect"),
        (_END, _day(first + 2, 30), "disconnect"),
        (_day(first + 2, 30.000001), _day(first + 3, 1), "disconnect"),
        (_day(first + 4), 2 * _END, "end_of_coverage"),
    ]


@pytest.mark.parametrize("before", [[], ["", _trade(1439, 40)], None], ids=["quiet", "back", "no"])
def test_a_day_is_known_from_its_midnight_otherwise(
    tmp_path: Path, before: list[str] | None
) -> None:
    """The day before ended in silence, was connected again, or was never fetched to its end."""
    last, first = 1439, 1440
    _bring(tmp_path, {last - 1: [_trade(last - 1, 1)]})
    if before is not None:
        _bring(tmp_path, {last: before})
    _bring(tmp_path, {first: [], first + 1: [_trade(first + 1, 30)]})
    assert [row for row in _gaps(tmp_path) if row[0] >= _END] == [
        (_day(first + 2), 2 * _END, "end_of_coverage")
    ]


def test_a_clock_that_ran_away_ends_no_gap(tmp_path: Path) -> None:
    """A line that arrived outside its minute, by its own word, says little of when."""
    outliers = [trade(datetime(2099, 1, 1, tzinfo=UTC), "1", "1"), _trade(1, 59)]
    lines = [_trade(2, 1), "", *outliers, _trade(2, 40)]
    _bring(tmp_path, {0: [], 1: [], 2: lines})
    assert _gaps(tmp_path)[:-1] == [(_day(2, 1.000001), _day(2, 40), "disconnect")]


def test_a_clock_that_steps_back_makes_no_stretch_of_nothing(tmp_path: Path) -> None:
    """The line after the disconnect arrived before the one before it, by the clock."""
    _bring(tmp_path, {0: [_trade(0, 10), "", _trade(0, 9)]})
    assert _gaps(tmp_path) == [(_day(1), _END, "end_of_coverage")]


def test_parts_of_a_day_are_put_together(tmp_path: Path) -> None:
    """A disconnect in one part, and the line that ends it in another; read by one and by two."""
    minutes = {minute: list[str]() for minute in range(57, 123)}
    minutes |= {59: [_trade(59, 10), ""], 119: ["", _trade(119, 7)], 122: ["", _book(122, 3)]}
    _bring(tmp_path, minutes)
    expected = [
        (0, _day(57), "not_fetched"),
        (_day(59, 10.000001), _day(119, 7), "disconnect"),
        (_day(119, 7.000001), _day(122, 3), "disconnect"),
        (_day(123), _END, "end_of_coverage"),
    ]
    assert _gaps(tmp_path) == expected
    bring_in(tmp_path, rebuild=True, jobs=2)
    assert _gaps(tmp_path) == expected
