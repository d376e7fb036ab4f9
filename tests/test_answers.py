"""What REST answered, in the lake: in tables of its own, and nowhere else."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import pipeline
from pipeline.lake import Lake
from pipeline.live_day import LiveDay
from pipeline.slices import Door, Request
from pipeline.verifying.comparing import compare_books
from pipeline.views import connect
from tests import answers
from tests.answers import HOST, OF_FEED, OF_REST, Print
from tests.lakes import EXCHANGE, TODAY, bring_in, ingest, minute_of, put, rows
from tests.making import DAY, at, trade

if TYPE_CHECKING:
    from pathlib import Path

MIDNIGHT = round(DAY.timestamp() * 1000)
_SIDEWAYS = """{"rest":"exchange-trades","query":{},"answer":{"data":[{"side":"up","matchPrice":1,
"matchQuantity":1,"matchedAt":1}]}}""".replace("\n", " ")
OF_LINES = ("depth_rows", "trades", "tickers", "gaps", "trade_gaps", "coverage")


def asked(
    data: Path | duckdb.DuckDBPyConnection, question: str, *values: Any
) -> list[tuple[Any, ...]]:
    """Return the rows that a question gives, to a data folder or a connection."""
    if isinstance(data, duckdb.DuckDBPyConnection):
        return data.execute(question, [*values]).fetchall()
    with connect(data, EXCHANGE) as connection:
        return asked(connection, question, *values)


def put_a_day(data: Path) -> None:
    """Record a feed with a hole of minutes, and what REST was asked in it and after."""
    for minute in (600, 601, 606, 607):
        put(data, at(minute), ["", *minute_of(at(minute))] if minute == 606 else
            minute_of(at(minute)), OF_FEED)  # fmt: skip
    put(data, at(600), [answers.markets(at(600, 1), ("A", "0.5", "0.001"), ("B", "1", "1"))],
        OF_REST)  # fmt: skip
    polls = [answers.depth(at(603, second), name, [[99, 1], [98, 2]], [[101, 3]])
             for second in range(5) for name in ("A", "C")]  # fmt: skip
    put(data, at(603), polls, OF_REST)
    made = [("buy", 100.5, 2.0, MIDNIGHT + 603 * 60_000), ("sell", 100.0, 1.0, MIDNIGHT - 1)]
    put(data, at(606), [answers.trades(at(606, 2), "A", made), answers.trades(at(606, 3), "B", [])],
        OF_REST)  # fmt: skip


def test_markets_are_as_the_exchange_defines_them(tmp_path: Path) -> None:
    """When they were known, with their tick size and smallest size, and as they were sent."""
    put(tmp_path, at(1), [answers.markets(at(1, 1), ("A", "0.5", "0.001"), ("B", "1", "1"))],
        OF_REST)  # fmt: skip
    put(tmp_path, at(9), [answers.markets(at(9, 1), ("A", "0.25", "0.001"))], OF_REST)
    bring_in(tmp_path)
    columns = "instrument, local_timestamp, tick_size, min_size, type, sent ->> '$.tickSize'"
    early, late = (at(minute, 1).replace(tzinfo=None) for minute in (1, 9))
    assert asked(tmp_path, f"select {columns} from markets order by date, answer, item") == [
        ("A", early, 0.5, 0.001, "SPOT", "0.5"),
        ("B", early, 1.0, 1.0, "SPOT", "1"),
        ("A", late, 0.25, 0.001, "SPOT", "0.25"),
    ]
    known = "select instrument, tick_size from markets_at(?) order by all"
    assert asked(tmp_path, known, early - timedelta(microseconds=1)) == []
    assert asked(tmp_path, known, early) == [("A", 0.5), ("B", 1.0)]
    assert asked(tmp_path, known, late + timedelta(days=2)) == [("A", 0.25)]


def test_polled_books_stand_apart(tmp_path: Path) -> None:
    """As what they are, with the level that was asked; never among messages, quotes or books."""
    put_a_day(tmp_path)
    bring_in(tmp_path)
    polled = asked(tmp_path, "from rest_depth order by instrument, answer")
    assert len(polled) == 10
    assert asked(
        tmp_path,
        "select level, bid_levels, ask_levels, book_bid_price, book_bid_amount, book_ask_price, "
        "book_ask_amount, timestamp = local_timestamp, origin from rest_depth('A', ?, ?) limit 1",
        at(603), at(604),
    ) == [(100, 2, 1, [99, 98], [1, 2], [101], [3], True, f"rest:{HOST}")]  # fmt: skip
    assert asked(tmp_path, "from rest_depth('A', ?, ?)", at(604), at(900)) == []
    assert asked(tmp_path, "select count(*) from book_at('A', ?)", at(603, 30)) == [(0,)]
    assert "C" not in {name for (name,) in asked(tmp_path, "select instrument from instruments")}


def test_a_range_has_the_rows_that_the_view_has(tmp_path: Path) -> None:
    """Same columns, same rows, by the clock that each goes by; and raw is still what it says."""
    put_a_day(tmp_path)
    bring_in(tmp_path)
    with connect(tmp_path, EXCHANGE) as lake:
        for view, time in (("rest_depth", "local_timestamp"), ("rest_trades", "timestamp")):
            for start, end in ((at(603, 1), at(603, 3)), (at(-1), at(1440)), (at(0), at(603))):
                one = lake.execute(f"from {view}('A', $1, $2) order by all", [start, end])
                columns, found = one.description, one.fetchall()
                whole = lake.execute(
                    f"""from {view} where instrument = 'A' and {time} >= utc($1)
                        and {time} < utc($2) order by all""",
                    [start, end],
                )
                assert (whole.description, whole.fetchall()) == (columns, found)
    comparison = compare_books(tmp_path, EXCHANGE)
    assert comparison.compared == comparison.equal > 0


def test_fetched_trades_are_filed_under_their_own_day(tmp_path: Path) -> None:
    """Not that on which they were fetched; they have no arrival, so no verb by arrival has them."""
    put_a_day(tmp_path)
    bring_in(tmp_path)
    found = asked(tmp_path, "select date, side, price, amount, origin from rest_trades order by 1")
    assert found == [
        (TODAY - timedelta(1), "sell", 100.0, 1.0, f"rest:{HOST}"),
        (TODAY, "buy", 100.5, 2.0, f"rest:{HOST}"),
    ]
    yesterday = asked(tmp_path, "select price from rest_trades('A', ?, ?)", at(-9), at(0))
    assert yesterday == [(100.0,)]
    assert asked(tmp_path, "select count(*) from trades where origin like 'rest%'") == [(0,)]
    gaps = asked(tmp_path, "select volume from ohlcv('A', ?, ?, '1 minute')", at(602), at(605))
    assert gaps == [(None,)] * 3


def test_the_feed_is_the_same_with_answers_and_without(tmp_path: Path) -> None:
    """To the row, with its place, its gaps and what stands: nobody but new tables hears of REST."""
    beside, alone = tmp_path / "beside", tmp_path / "alone"
    put_a_day(beside)
    for minute in (600, 601, 606, 607):
        name = f"{at(minute):%Y/%m/%d/%H/%M}.json.gz"
        lines = (beside / "raw" / EXCHANGE / OF_FEED.folder / name).read_bytes()
        path = alone / "raw" / EXCHANGE / OF_FEED.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lines)
    Door(alone, EXCHANGE).open(OF_FEED)
    for data in (beside, alone):
        ingest(data, EXCHANGE)
    for name in OF_LINES:
        one, other = (_frame(data, name) for data in (beside, alone))
        assert one.height > 0 or name == "tickers"
        assert_frame_equal(one, other)


def _frame(data: Path, view: str) -> pl.DataFrame:
    frame = pipeline.open(data).sql(f"from {view} order by all")
    assert isinstance(frame, pl.DataFrame)
    return frame.drop({"version", "bytes"} & {*frame.columns})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"table":"trade","data":[]}', "missing required field `rest`"),
        ('{"rest":"candles","query":{},"answer":{"data":[]}}', "'candles' is an endpoint"),
        ('{"rest":"depth","query":{},"answer":{"data":{"asks":[],"bids":[]}}}', "names a market"),
        ('{"rest":"depth","query":{"marketCode":"A"},"answer":{"data":{"asks":[[1]],"bids":[]}}}',
         "no price and amount"),
        (_SIDEWAYS, "neither buy nor sell"),
        ('{"rest":"markets","query":{},"answer":{"data":[{"marketCode":"A","tickSize":"x"}]}}',
         "tick_size is 'x', not a number"),
        ("{cut", "malformed"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_kept_and_told(tmp_path: Path, text: str, reason: str) -> None:
    """In quarantine, with the reason; the lines around it are read."""
    good = answers.depth(at(5, 2), "A", [[1, 1]], [])
    put(tmp_path, at(5), [f"{at(5, 1):%Y-%m-%dT%H:%M:%S}.0000000Z {text}", good], OF_REST)
    bring_in(tmp_path)
    ((line, told, raw),) = asked(tmp_path, "select line, reason, raw from quarantine")
    assert line == 1
    assert reason in told
    assert raw.endswith(text)
    assert asked(tmp_path, "select count(*) from rest_depth") == [(1,)]
    assert asked(tmp_path, "select lines, quarantined from ingests") == [(2, 1)]


def test_a_day_that_is_made_anew_has_its_trades_once(tmp_path: Path) -> None:
    """What was filed of it before goes, and what other days have filed beside it stays."""
    for day in (0, 1):
        time = at(1440 * day + 5)
        made: list[Print] = [("buy", 10.0 + day, 1.0, MIDNIGHT - 5_000)]
        put(tmp_path, time, [answers.trades(time, "A", made)], OF_REST)
    bring_in(tmp_path)
    before = rows(tmp_path)
    prices = "select price from rest_trades('A', ?, ?) order by all"
    assert asked(tmp_path, prices, at(-9), at(0)) == [(10.0,), (11.0,)]
    bring_in(tmp_path, rebuild=True)
    assert rows(tmp_path).keys() == before.keys()
    put(tmp_path, at(5), [answers.trades(at(5), "A", [])], OF_REST)
    bring_in(tmp_path)
    assert asked(tmp_path, prices, at(-9), at(0)) == [(11.0,)]


def test_a_day_with_answers_alone_comes_into_the_lake(tmp_path: Path) -> None:
    """Where no connection stood all day; it is up to date after that."""
    put(tmp_path, at(5), [answers.depth(at(5, 2), "A", [[1, 1]], [])], OF_REST)
    assert bring_in(tmp_path).written == [TODAY.isoformat()]
    assert bring_in(tmp_path).up_to_date == [TODAY.isoformat()]
    assert asked(tmp_path, "select bid_levels, ask_levels from rest_depth") == [(1, 0)]


def test_a_day_that_is_recorded_has_its_answers_too(tmp_path: Path) -> None:
    """When the minute is over, before and after the feed is back; and the same when it is whole."""
    live, whole = tmp_path / "live", tmp_path / "whole"
    bring_in(live)  # nothing yet
    for data in (live, whole):
        put_a_day(data)
    ingest(whole, EXCHANGE)
    questions = {
        "markets": "from markets order by answer, item",
        "rest_depth": "select * exclude version from rest_depth order by instrument, answer",
        "rest_trades": "from rest_trades order by all",
        "ingests": "from ingests order by slice",
        "trade_gaps": "select * exclude version from trade_gaps order by all",
    }
    with LiveDay(Lake(live, EXCHANGE), Door(live, EXCHANGE), HOST, TODAY) as day:
        day.answer()
        assert asked(live, "from markets") == []
        day.advance(600)
        assert len(asked(live, "from markets")) == 2
        late = answers.depth(at(608, 5), "A", [[7, 1]], [])
        for data in (live, whole):
            put(data, at(608), [late], OF_REST)
        day.answer()
        assert len(asked(live, "from rest_depth where 7 in book_bid_price")) == 1
        day.advance(607)
        day.finish()
    ingest(whole, EXCHANGE)
    for question in questions.values():
        assert asked(live, question) == asked(whole, question) != []
    ingest(live, EXCHANGE)
    assert not list((live / "lake").glob("rest_depth/*/*/*/data-*"))
    for question in questions.values():
        assert asked(live, question) == asked(whole, question)


# --- trades of both kinds, together --------------------------------------------------------------


def _market(rng: random.Random) -> list[Print]:
    """Return trades, oldest first: few prices and amounts, so that many are the same."""
    times = sorted(rng.randrange(2_000) for _ in range(rng.randrange(60)))
    return [
        (rng.choice(["buy", "sell"]), rng.choice([1.5, 2.0]), rng.choice([0.1, 3.0]),
         MIDNIGHT + 60_000 * 700 + time // 40 * 40)
        for time in times
    ]  # fmt: skip


def _pages(made: list[Print], rng: random.Random) -> list[list[Print]]:
    """Return the answers that a client gets which pages backwards: each begins where one ended.

    A page may end between two trades of a millisecond; the next one has all of those.
    """
    limit, found, end = rng.randrange(8, 20), [], MIDNIGHT * 2
    while True:
        page = [one for one in reversed(made) if one[3] <= end][:limit]
        found.append(page)
        if len(page) < limit:
            return found
        end = min(page[-1][3] + 1, end - 1)


def test_recorded_and_fetched_trades_are_one_market(tmp_path: Path) -> None:
    """Each trade once, whatever was recorded, fetched, or both: as a naive model counts them."""
    rng = random.Random(7)
    heard, told, expected = [], [], {}
    for number in range(16):
        name, made = f"M{number}", _market(rng)
        lost = {n for n in range(len(made)) if rng.random() < 0.5}
        for n, (side, price, amount, ms) in enumerate(made):
            if n not in lost:
                time = DAY + timedelta(milliseconds=ms - MIDNIGHT)
                heard.append((time, name, side, price, amount, n))
        pages = _pages(made, rng)
        told += [answers.trades(at(702, 1), name, page) for page in pages]
        recorded = Counter(one for n, one in enumerate(made) if n not in lost)
        fetched = Counter[Print]()
        for page in pages:
            fetched |= Counter(page)
        expected[name] = recorded | fetched
    lines = [
        trade(time, str(price), str(amount), instrument=name, side=side.upper(), id_=str(n))
        for time, name, side, price, amount, n in sorted(heard)
    ]
    put(tmp_path, at(700), lines, OF_FEED)
    put(tmp_path, at(702), told, OF_REST)
    bring_in(tmp_path)
    question = """select side, price, amount, epoch_ms(timestamp), local_timestamp is null, id
        from trades_by_exchange_time(?, ?, ?)"""
    lake = connect(tmp_path, EXCHANGE)
    for name, counted in expected.items():
        found = asked(lake, question, name, at(699), at(710))
        assert Counter(row[:4] for row in found) == counted, name
        assert [row[3] for row in found] == sorted(row[3] for row in found)
        ids = [row[5] for row in found if not row[4]]
        assert len(ids) == len({*ids}) == sum(1 for _, of, *_ in heard if of == name)


@pytest.mark.parametrize(
    ("request_of_feed", "prices"),
    [(OF_FEED, [1.0, 2.0]), (None, [2.0]), (Request(EXCHANGE, "tardis"), [1.0])],
)
def test_another_source_s_trades_are_not_mixed_in(
    tmp_path: Path, request_of_feed: Request | None, prices: list[float]
) -> None:
    """What was fetched counts beside its own feed, or alone; beside another it may be doubled."""
    if request_of_feed:
        put(tmp_path, at(5), [trade(at(5, 1), "1.0", "1", instrument="A")], request_of_feed)
    made: list[Print] = [("buy", 2.0, 1.0, MIDNIGHT + 300_500)]
    put(tmp_path, at(6), [answers.trades(at(6), "A", made)], OF_REST)
    bring_in(tmp_path)
    found = asked(tmp_path, "select price from trades_by_exchange_time('A', ?, ?)", at(0), at(9))
    assert sorted(price for (price,) in found) == prices
