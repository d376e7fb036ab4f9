"""Every book and every trade of real order flow comes back, and nothing is known inside holes.

The lake and the SQL are held against tests/independent.py, which shares nothing with them.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.views import connect
from tests.holed import BTC, ETH, MIDNIGHT
from tests.independent import Book, Reading, in_microseconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from tests.holed import Read


@pytest.fixture(scope="module")
def whole(sample_lake: Path, sample_reading: Reading) -> tuple[duckdb.DuckDBPyConnection, Reading]:
    """Return the sample as it is, in a lake and in an independent reading."""
    return connect(sample_lake), sample_reading


@pytest.fixture(scope="module")
def holed(holed: Read) -> tuple[duckdb.DuckDBPyConnection, Reading, random.Random]:
    """Return the sample moved across midnight, with planted disconnects and a lacking minute."""
    return connect(holed.data), holed.reading, random.Random(1)


def _sql_book(connection: duckdb.DuckDBPyConnection, instrument: str, time: int) -> Book | None:
    moment = datetime(1970, 1, 1) + timedelta(microseconds=time)  # noqa: DTZ001 - as SQL has it
    rows = connection.execute(
        "select side, level, price, amount from book_at($1, $2) order by side, level",
        [instrument, moment],
    ).fetchall()
    sides: dict[str, list[tuple[float, float]]] = {"bid": [], "ask": []}
    for side, level, price, amount in rows:
        assert level == len(sides[side]), "levels count from 0 at the best price"
        sides[side].append((price, amount))
    return (sides["bid"], sides["ask"]) if rows else None


def _replayed(connection: duckdb.DuckDBPyConnection, instrument: str) -> Iterator[tuple[int, Book]]:
    """Yield each message and its book, from depth_changes alone, as the documentation says."""
    rows = connection.execute(
        """select m.message, m.reset, c.side, c.price, c.amount
        from depth_messages as m left join depth_changes as c using (instrument, date, message)
        where instrument = ? order by m.date, m.message""",
        [instrument],
    ).fetchall()
    sides: dict[str, dict[float, float]] = {}
    for ordinal, (message, reset, side, price, amount) in enumerate(rows):
        if ordinal == 0 or message != rows[ordinal - 1][0]:
            if ordinal:
                yield rows[ordinal - 1][0], _sorted(sides)
            if reset:
                sides = {"bid": {}, "ask": {}}
        if side and amount == 0:
            sides[side].pop(price, None)
        elif side:
            sides[side][price] = amount
    yield rows[-1][0], _sorted(sides)


def _sorted(sides: dict[str, dict[float, float]]) -> Book:
    return sorted(sides["bid"].items(), reverse=True), sorted(sides["ask"].items())


@pytest.mark.parametrize("instrument", [BTC, ETH])
def test_every_message_of_the_order_flow_comes_back_from_depth_changes(
    whole: tuple[duckdb.DuckDBPyConnection, Reading], instrument: str
) -> None:
    """Applied in order, from nothing at each reset, the changes give every message's own book."""
    connection, reading = whole
    books = [book for _, book in _replayed(connection, instrument)]
    assert len(books) == len(reading.depth[instrument]) > 6000
    assert books == [message.book for message in reading.depth[instrument]]


@pytest.mark.parametrize("instrument", [BTC, ETH])
def test_resets_at_holes_and_midnight_still_give_every_book(
    holed: tuple[duckdb.DuckDBPyConnection, Reading, random.Random], instrument: str
) -> None:
    """The changes give every message's own book across disconnects, lacking minutes, midnight."""
    connection, reading, _ = holed
    books = [book for _, book in _replayed(connection, instrument)]
    assert books == [message.book for message in reading.depth[instrument]]
    resets = connection.execute(
        "select count(*) from depth_messages where instrument = ? and reset", [instrument]
    ).fetchone()
    # 3 disconnects in each of 5 minutes, one lacking minute (after which the book starts anew),
    # and the first message of each of the 2 days, one of which is also the first of all.
    assert resets is not None
    assert 10 < resets[0] <= 5 * 3 + 1 + 2


@pytest.mark.parametrize("instrument", [BTC, ETH])
def test_trades_of_the_order_flow_are_equal_line_by_line(
    whole: tuple[duckdb.DuckDBPyConnection, Reading], instrument: str
) -> None:
    """Ids, sides, prices and amounts come back in line order."""
    connection, reading = whole
    rows = connection.execute(
        "select id, side, price, amount, epoch_ms(timestamp) from trades where instrument = ? "
        "order by date, arrival, item",
        [instrument],
    ).fetchall()
    expected = [
        (
            t["tradeId"],
            t["side"].lower(),
            float(t["price"]),
            float(t["quantity"]),
            int(t["timestamp"]),
        )
        for t in reading.trades[instrument]
    ]
    assert rows == expected
    assert len(rows) > 14_000


def test_the_index_says_what_each_message_says(
    whole: tuple[duckdb.DuckDBPyConnection, Reading],
) -> None:
    """Times, sequence numbers, level counts and best prices are those of the line."""
    connection, reading = whole
    for instrument, messages in reading.depth.items():
        rows = connection.execute(
            """select epoch_us(local_timestamp), epoch_ms(timestamp), seq_num, bid_levels,
            ask_levels, bid_price, bid_amount, ask_price, ask_amount, epoch_us(valid_until)
            from depth_messages where instrument = ? order by message""",
            [instrument],
        ).fetchall()
        expected = [
            (m.arrival, int(m.data["timestamp"]), int(m.data["seqNum"]), len(m.book[0]),
             len(m.book[1]), *m.book[0][0], *m.book[1][0], m.until)
            for m in messages
        ]  # fmt: skip
        assert rows == expected


def test_checksums_of_the_two_element_form_hold_on_every_message(
    whole: tuple[duckdb.DuckDBPyConnection, Reading],
) -> None:
    """2020's form gives no checksum; 2022's gives one, and it fits each of its books."""
    connection, reading = whole
    verdicts = connection.execute(
        "select instrument, checksum_status, count(*) from depth_messages group by all order by all"
    ).fetchall()
    assert verdicts == [
        (BTC, "absent", len(reading.depth[BTC])),
        (ETH, "ok", len(reading.depth[ETH])),
    ]


def test_book_at_equals_raw_at_random_times(
    whole: tuple[duckdb.DuckDBPyConnection, Reading],
) -> None:
    """At random times, and exactly at arrivals, SQL gives the book of the last message."""
    connection, reading = whole
    rng = random.Random(1)
    for instrument in (BTC, ETH):
        arrivals = [message.arrival for message in reading.depth[instrument]]
        times = [rng.randrange(arrivals[0], arrivals[-1]) for _ in range(50)]
        times += [time + shift for time in rng.sample(arrivals, 10) for shift in (-1, 0, 1)]
        for time in times:
            assert _sql_book(connection, instrument, time) == reading.book_at(instrument, time)


def test_book_at_knows_nothing_inside_holes_and_everything_around_them(
    holed: tuple[duckdb.DuckDBPyConnection, Reading, random.Random],
) -> None:
    """Dense around disconnects, lacking minutes, midnight and the ends of coverage."""
    connection, reading, rng = holed
    midnight = in_microseconds(MIDNIGHT)
    edges = [*reading.holes, midnight]
    unknown = known = 0
    for instrument in (BTC, ETH):
        first = reading.depth[instrument][0].arrival
        resumed = [
            following.arrival
            for message, following in zip(
                reading.depth[instrument], reading.depth[instrument][1:], strict=False
            )
            if message.until != following.arrival
        ]
        times = [edge + shift for edge in [*edges, *resumed, first] for shift in (-1, 0, 1)]
        times += [edge + rng.randrange(-200_000, 200_000) for edge in edges]
        times += [midnight + rng.randrange(-100_000_000, 100_000_000) for _ in range(30)]
        for time in times:
            expected = reading.book_at(instrument, time)
            assert _sql_book(connection, instrument, time) == expected, (instrument, time)
            unknown, known = unknown + (expected is None), known + (expected is not None)
    assert unknown > 50
    assert known > 50


def test_gaps_cover_exactly_what_is_unknown_after_the_first_snapshot(
    holed: tuple[duckdb.DuckDBPyConnection, Reading, random.Random],
) -> None:
    """Between first and last message, a time lies in a gap if and only if no book is known."""
    connection, reading, rng = holed
    for instrument in (BTC, ETH):
        gaps = connection.execute(
            "select epoch_us(start), epoch_us(stop) from gaps where instrument = ? order by start",
            [instrument],
        ).fetchall()
        messages = reading.depth[instrument]
        edges = [edge + shift for gap in gaps for edge in gap for shift in (-1, 0, 1)]
        spread = [rng.randrange(messages[0].arrival, messages[-1].arrival) for _ in range(500)]
        for time in edges + spread:
            if messages[0].arrival <= time <= messages[-1].arrival:
                in_gap = any(start <= time < stop for start, stop in gaps)
                assert in_gap == (reading.book_at(instrument, time) is None), (instrument, time)


def test_at_midnight_exactly_the_book_of_the_day_before_stands(
    holed: tuple[duckdb.DuckDBPyConnection, Reading, random.Random],
) -> None:
    """00:00:00.000 looks at the day before, and gives that day's last book."""
    connection, reading, _ = holed
    midnight = in_microseconds(MIDNIGHT)
    for instrument in (BTC, ETH):
        last = [m for m in reading.depth[instrument] if m.arrival <= midnight][-1]
        assert last.arrival < midnight
        assert last.until is not None
        assert last.until > midnight, "the recording has no hole at midnight"
        assert _sql_book(connection, instrument, midnight) == last.book
