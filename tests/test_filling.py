"""History leads, and what was recorded live fills its gaps: never among its lines, nor twice.

`python -m tests.test_filling --rounds 500` for more worlds.
"""

from __future__ import annotations

import argparse
import gzip
import re
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pipeline
from pipeline.status import status_of
from tests.lakes import EXCHANGE, ingest, put
from tests.making import DAY, at, depth, line, trade
from tests.two_recorders import (
    HISTORIES,
    HOST,
    LIVE,
    NAMES,
    SLOWEST,
    World,
    changed,
    moment,
    of_world,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.research import OpenLake
    from pipeline.slices import Request
    from tests.two_recorders import Event

Rows = list[tuple[Any, ...]]


def asked(data: Path, question: str) -> Rows:
    """Return the rows of a question."""
    return pipeline.open(data).sql(question).rows()


def rows_by_instrument(lake: OpenLake, question: str) -> dict[str, Rows]:
    """Return rows whose first column is an instrument, by that."""
    found: dict[str, Rows] = {name: [] for name in NAMES}
    for name, *row in lake.sql(question).rows():
        found[name].append(tuple(row))
    return found


def compare(world: World, data: Path) -> int:
    """Hold a world's lake against what is true; return how many rows were filled in."""
    lake = pipeline.open(data)
    depth = rows_by_instrument(
        lake, "select instrument, local_timestamp, seq_num, origin from depth_messages order by all"
    )
    trades = rows_by_instrument(
        lake,
        """select instrument, local_timestamp, replace(id, instrument, '')::int, origin
        from trades order by all""",
    )
    for channel, found in (("depth", depth), ("trade", trades)):
        given = {name: [(of_world(row[0]), *row[1:]) for row in found[name]] for name in NAMES}
        assert given == world.counting(channel), channel
    _no_book_outlives_the_exchange(world, lake)
    _no_trade_is_lost_in_silence(world, lake, trades)
    return sum(row[2].startswith("live") for of in (depth, trades) for n in NAMES for row in of[n])


def _no_book_outlives_the_exchange(world: World, lake: OpenLake) -> None:
    books = lake.sql(
        """select instrument, seq_num, local_timestamp, valid_until
        from depth_messages where valid_until > local_timestamp order by all"""
    )
    for name, number, begin, end in books.rows():
        replaced = world.replaced(name, number)
        if replaced is not None:
            what = f"{name} {number} of {begin} stands until {end}"
            assert of_world(end) <= replaced + SLOWEST, what


def _no_trade_is_lost_in_silence(world: World, lake: OpenLake, trades: dict[str, Rows]) -> None:
    gaps = rows_by_instrument(lake, "select instrument, start, stop from trade_gaps order by all")
    known = lake.sql("select distinct instrument from coverage")["instrument"].to_list()
    there = {name: {row[1] for row in trades[name]} for name in NAMES}
    for event in world.events:
        name = event.instrument
        if event.channel == "trade" and name in known and event.number not in there[name]:
            stretches = [(of_world(start), of_world(stop)) for start, stop in gaps[name]]
            assert any(
                start <= event.time + SLOWEST and event.time <= stop for start, stop in stretches
            ), f"trade {event.number} of {name} at {moment(event.time)}"


@pytest.mark.parametrize("seed", range(4))
def test_what_history_lacks_is_filled(seed: int, tmp_path: Path) -> None:
    """Each row once, each by its own clock; no book stands too long, no trade is lost unsaid."""
    world = World.of(seed)
    world.write(tmp_path)
    report = ingest(tmp_path, EXCHANGE)
    assert not report.conflicts
    compare(world, tmp_path)


def with_overlap() -> World:
    """Return a world of which history and what was recorded live have much in common."""
    return World.of(3, HISTORIES[0], LIVE[0])


def test_numbers_may_be_spelled_otherwise(tmp_path: Path) -> None:
    """1 is 1.0: it is what a line says that must be the same, not how."""

    def point(_: Event, data: dict[str, Any]) -> None:
        for side in ("asks", "bids"):
            data[side] = [[float(price), float(size)] for price, size in data[side]]

    world = with_overlap()
    world.live = changed(world.live, "depth", point)
    world.write(tmp_path)
    assert not ingest(tmp_path, EXCHANGE).conflicts
    assert compare(world, tmp_path)


def _another_level(event: Event, data: dict[str, Any]) -> None:
    if event.number % 1000 == 200:
        data["asks"][2][1] += 1


def _other_numbers(_: Event, data: dict[str, Any]) -> None:
    data["seqNum"] += 5000


def _another_price(event: Event, data: dict[str, Any]) -> None:
    if event.number % 10 == 0:
        data["price"] = "7"


def _other_ids(_: Event, data: dict[str, Any]) -> None:
    data["tradeId"] += "x"


@pytest.mark.parametrize(
    ("channel", "change", "reason"),
    [
        ("depth", _another_level, r"depth of [ABC] with seq_num \d200 is another one in tardis-"),
        ("depth", _other_numbers, r"nothing of depth of [ABC] is in history too"),
        ("trade", _another_price, r"trade of [ABC] with id [ABC]\d+0 is another one in tardis-"),
        ("trade", _other_ids, r"nothing of trade of [ABC] is in history too"),
    ],
)
def test_of_another_feed_nothing_is_filled_in(
    channel: str, change: Callable[[Event, dict[str, Any]], None], reason: str, tmp_path: Path
) -> None:
    """Once the same number has another content, or no number is ever the same: it is reported."""
    world = with_overlap()
    world.live = changed(world.live, channel, change)
    world.write(tmp_path)
    report = ingest(tmp_path, EXCHANGE)
    [said] = report.conflicts.values()
    assert re.search(reason, said)
    [(slice_, line, quarantined, raw)] = asked(
        tmp_path, "select slice, line, reason, raw from quarantine"
    )
    assert said == f"{slice_} line {line}: {quarantined}"
    assert raw == read_lines_of(tmp_path, slice_)[line - 1]
    again = ingest(tmp_path, EXCHANGE)
    assert (again.written, again.conflicts) == ([], report.conflicts)
    assert status_of(tmp_path, EXCHANGE)["days_in_conflict"] == list(report.conflicts)
    world.live = replace(world.live, lines=[])
    assert compare(world, tmp_path) == 0


def read_lines_of(data: Path, slice_: str) -> list[str]:
    """Return the lines of a slice."""
    with gzip.open(data / "raw" / EXCHANGE / slice_, "rt") as file:
        return file.read().split("\n")


def test_an_empty_minute_of_history_is_a_hole_where_live_heard_something(tmp_path: Path) -> None:
    """What has no data is answered with an empty slice, whether nothing came or nobody heard it."""
    book = [[100, 1]], [[101, 1]]
    for minute, second in ((600, 50), (601, 30), (602, 10)):
        lines = [
            depth(at(minute, second), *book, seq=minute),
            trade(at(minute, second + 1), "9", "1", id_=str(minute)),
        ]
        put(tmp_path, at(minute), lines, LIVE[0])
        put(tmp_path, at(minute), lines if minute != 601 else [])
    ingest(tmp_path, EXCHANGE)
    origins = asked(tmp_path, "select origin from depth_messages order by message")
    history = "tardis:coinflex"
    assert [origin for (origin,) in origins] == [history, f"live:{HOST}", history]
    ids = asked(tmp_path, "select id from trades order by arrival")
    assert ids == [("600",), ("601",), ("602",)]
    gaps = asked(
        tmp_path,
        """select start, stop, cause from trade_gaps
        where start > '2020-08-01 10:00' and stop < '2020-08-01 10:03' order by all""",
    )
    assert [(of_world(start), of_world(stop), cause) for start, stop, cause in gaps] == [
        (51_000_001, 90_000_000, "disconnect"),
        (91_000_001, 130_000_000, "changeover"),
    ]


def test_an_empty_minute_of_history_is_none_where_nobody_heard_anything(tmp_path: Path) -> None:
    """Then nothing came."""
    book = [[100, 1]], [[101, 1]]
    for minute in (600, 601, 602):
        lines = [depth(at(minute, 10), *book, seq=minute)] if minute != 601 else []
        put(tmp_path, at(minute), lines, LIVE[0])
        put(tmp_path, at(minute), lines)
    ingest(tmp_path, EXCHANGE)
    assert asked(tmp_path, "select distinct origin from depth_messages") == [("tardis:coinflex",)]
    start = "start > '2020-08-01 10:00' and stop < '2020-08-01 10:03'"
    assert asked(tmp_path, f"from gaps where is_unknown and {start}") == []


def test_a_feed_that_live_was_refused_is_not_filled(tmp_path: Path) -> None:
    """Though the answer stands in a slice of which nothing else is needed."""
    book = [[100, 1]], [[101, 1]]

    def answer(channel: str, *, granted: bool) -> str:
        said = {"event": "subscribe", "channel": f"{channel}:BTC-USD", "success": granted}
        return line(at(600, 1), said)

    answers = [answer("depth", granted=True), answer("trade", granted=False)]
    put(tmp_path, at(600), [*answers, depth(at(600, 2), *book, seq=1)], LIVE[0])
    put(tmp_path, at(600), [depth(at(600, 2.5), *book, seq=1)])
    put(tmp_path, at(601), [depth(at(601, 30), *book, seq=2)], LIVE[0])
    lines = [depth(at(601, 10), *book, seq=1), "", depth(at(601, 50), *book, seq=2)]
    put(tmp_path, at(601), lines)
    ingest(tmp_path, EXCHANGE)
    of_this = "where start > '2020-08-01 10:01' and stop < '2020-08-01 10:02'"
    gaps = asked(tmp_path, f"select start, stop, cause from gaps {of_this} order by all")
    assert [of_world(time) / 1e6 for row in gaps for time in row[:2]] == pytest.approx(
        [70.000001, 90, 90.000001, 110]
    )
    assert [row[2] for row in gaps] == ["disconnect", "changeover"]
    lacking = asked(tmp_path, f"select start, stop, cause from trade_gaps {of_this} order by all")
    assert [(of_world(start), of_world(stop), cause) for start, stop, cause in lacking] == [
        (70_000_001, 110_000_000, "disconnect")
    ]


NIGHT = timedelta(days=1)
# What a verb says of the book just after midnight, of a day whose first message comes later.
CARRIED = {
    "book_at": "select count(*) from book_at('BTC-USD', '2020-08-02 00:00:05')",
    "books_at": "with moments as (select timestamp '2020-08-02 00:00:05' as t) "
    "select count(price) from books_at('BTC-USD', 'moments')",
    "books": "select count(*) from books('BTC-USD', '2020-08-02', '2020-08-02 00:00:09', "
    "interval 1 second) where price is not null",
    "quote_grid": "select count(bid_price) from quote_grid('BTC-USD', '2020-08-02', "
    "'2020-08-02 00:00:09', interval 1 second)",
    "standing_books": "select count(*) from standing_books('BTC-USD', '2020-08-02', "
    "'2020-08-02 00:00:09')",
    "trades_with_quotes": "select count(bid_price) from trades_with_quotes('BTC-USD', "
    "'2020-08-02', '2020-08-03')",
    # The same book comes again, and is a change of what was unknown.
    "book_snapshots": "select 1 - count(*) from book_snapshots('BTC-USD', '2020-08-02', "
    "'2020-08-03')",
}


@pytest.mark.parametrize(("before", "is_known"), [(LIVE[0], True), (HISTORIES[0][0], False)])
def test_what_one_recorder_had_at_midnight_another_may_not_know(
    before: Request, is_known: bool, tmp_path: Path
) -> None:
    """A book may have been replaced in the moment that neither has; a trade made."""
    book = [[100, 1]], [[101, 1]]
    put(tmp_path, at(1439), [depth(at(1439, 30), *book, seq=1)], before)
    lines = [
        trade(at(0, 7, DAY + NIGHT), "100", "1"),
        depth(at(0, 10, DAY + NIGHT), *book, seq=1),
    ]
    put(tmp_path, at(0, 0, DAY + NIGHT), lines, LIVE[0])
    ingest(tmp_path, EXCHANGE)
    known = {name: asked(tmp_path, question) != [(0,)] for name, question in CARRIED.items()}
    assert known == dict.fromkeys(CARRIED, is_known)
    lake = pipeline.open(tmp_path)
    assert (lake.book_at("BTC-USD", "2020-08-02 00:00:05").height > 0) is is_known
    grid = lake.books("BTC-USD", "2020-08-02", "2020-08-02 00:00:09", "1s")
    assert (grid["local_timestamp"].null_count() == 0) is is_known
    assert lake.snapshots("BTC-USD", "2020-08-02", "2020-08-03").height == (not is_known)
    lacking = asked(
        tmp_path,
        """select cause, stop from trade_gaps('BTC-USD', '2020-08-02', '2020-08-02 00:00:20')
        where stop > '2020-08-02' order by all""",
    )
    came = datetime(2020, 8, 2, 0, 0, 7, tzinfo=UTC)
    assert lacking == ([] if is_known else [("changeover", came)])


def campaign(rounds: int, seed: int) -> None:
    """Hold many worlds' lakes against what is true; ends with 1 if one is wrong."""
    filled = wrong = 0
    for number in range(seed, seed + rounds):
        with tempfile.TemporaryDirectory() as folder:
            world = World.of(number)
            world.write(Path(folder))
            report = ingest(Path(folder), EXCHANGE, jobs=1)
            try:
                assert not report.conflicts
                filled += compare(world, Path(folder))
            except AssertionError as error:
                wrong += 1
                print(f"seed {number}: {str(error)[:400]}")
    print(f"{rounds} worlds, {filled:,} rows filled in, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.test_filling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    campaign(options.rounds, options.seed)
