"""The smallest days on which filling the gaps of history once went wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import pipeline
from pipeline.slices import Request
from tests.lakes import EXCHANGE, ingest, put
from tests.making import at, depth, line, trade
from tests.two_recorders import HOST

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ingest import IngestReport

BOOK = [[100, 1]], [[101, 1]]
LIVE = Request(EXCHANGE, "live", ("depth", "trade", "ticker"), None, HOST)
DEPTH_ALONE = Request(EXCHANGE, "tardis", ("futures/depth",))


def book(minute: int, second: float, number: int, instrument: str = "A") -> str:
    """Return the line of a book; only its number matters."""
    return depth(at(minute, second), *BOOK, seq=number, instrument=instrument)


def brought_in(data: Path) -> IngestReport:
    """Ingest a data folder whose recordings do not contradict each other."""
    report = ingest(data, EXCHANGE, jobs=1)
    assert not report.conflicts
    return report


def asked(data: Path, question: str) -> list[tuple[Any, ...]]:
    """Return the rows of a question."""
    return pipeline.open(data).sql(question).rows()


def seconds(column: str) -> str:
    """Return the SQL of a time as seconds of the day."""
    return f"(epoch_us({column}) - epoch_us(timestamp '2020-08-01')) / 1e6"


def test_what_live_heard_long_before_ends_no_book_of_history(tmp_path: Path) -> None:
    """Where live begins to count, its last line may be of hours ago, if there is one."""
    for minute in (600, 601):
        put(tmp_path, at(minute), [book(minute, 10, minute)])
    put(tmp_path, at(600), [book(600, 10.1, 600)], LIVE)
    put(
        tmp_path, at(602), ["", book(602, 30, 602)], LIVE
    )  # it was lost in a minute that is not read
    put(tmp_path, at(603), [book(603, 10, 603)])
    put(tmp_path, at(604), [], LIVE)
    put(tmp_path, at(605), [book(605, 10, 605)])
    brought_in(tmp_path)
    begins, ends = seconds("local_timestamp"), seconds("valid_until")
    found = asked(tmp_path, f"select seq_num, {ends} - {begins} from depth_messages order by all")
    known = [(number, round(stood, 3)) for number, stood in found]
    assert known == [(600, 60), (601, 0), (602, 0), (603, 0), (605, 50)]
    stretches = asked(
        tmp_path, f"select {seconds('start')}, {seconds('stop')}, cause from gaps order by all"
    )
    assert [(round(start, 3), round(stop, 3), why) for start, stop, why in stretches] == [
        (0, 36010, "not_fetched"),
        (36070, 36150, "changeover"),
        (36150, 36190, "changeover"),
        (36190, 36310, "changeover"),
        (36360, 86400, "end_of_coverage"),
    ]


def test_trades_are_unknown_where_live_was_deaf_before_it_counted(tmp_path: Path) -> None:
    """It lost its connection while it did not count, and says nothing of that where it does."""
    put(tmp_path, at(0), [book(0, 1, 1), book(0, 50, 2)], DEPTH_ALONE)
    put(tmp_path, at(0), [book(0, 1.1, 1), trade(at(0, 2), "100", "1", instrument="A"), ""], LIVE)
    put(tmp_path, at(1), [], LIVE)
    put(tmp_path, at(2), [book(2, 20, 3), trade(at(2, 30), "100", "1", instrument="A")], LIVE)
    brought_in(tmp_path)
    stretches = asked(
        tmp_path,
        f"select {seconds('start')}, {seconds('stop')}, cause from trade_gaps order by all",
    )
    assert stretches == [
        (0, 60, "not_fetched"),
        (60, 140, "disconnect"),
        (180, 86400, "end_of_coverage"),
    ]


OF_A = Request(EXCHANGE, "tardis", None, ("A",))
OF_A_AND_B = Request(EXCHANGE, "tardis", None, ("A", "B"))
TRADES_ALONE = Request(EXCHANGE, "tardis", ("trade",))
LIVE_OF_A_AND_C = Request(EXCHANGE, "live", ("depth", "trade"), ("A", "C"), HOST)


def made(second: float, of: float, id_: str | None, instrument: str = "A", minute: int = 0) -> str:
    """Return the line of a trade that was made at a second of the day, and arrived at another."""
    stamp, text = trade(at(minute, second), "100", "1", instrument=instrument).split(" ", 1)
    message = json.loads(text)
    item = message["data"][0]
    item |= {"timestamp": str(round(at(0, of).timestamp() * 1000)), "tradeId": id_}
    if id_ is None:
        del item["tradeId"]
    return f"{stamp} {json.dumps(message, separators=(',', ':'))}"


def trades(data: Path) -> list[tuple[Any, ...]]:
    """Return when trades arrived, their instrument and what they are from."""
    what = f"{seconds('local_timestamp')}, instrument, origin[:4]"
    return asked(data, f"select {what} from trades order by all")


def test_a_trade_that_history_has_but_does_not_count_is_taken_from_live(tmp_path: Path) -> None:
    """Tardis sent it unasked, and of its instrument what was recorded live counts."""
    lines = [book(0, 1, 1), made(2, 2, "c", "C"), book(0, 3, 2)]
    put(tmp_path, at(0), [*lines, "", book(0, 30, 5)], OF_A)
    lines = [book(0, 1.1, 1), made(2.1, 2, "c", "C"), book(0, 3.1, 2), book(0, 9, 3)]
    put(tmp_path, at(0), lines, LIVE_OF_A_AND_C)
    brought_in(tmp_path)
    assert trades(tmp_path) == [(2.1, "C", "live")]


def test_a_trade_in_a_line_that_is_cut_from_history_is_taken_from_live(tmp_path: Path) -> None:
    """By a clock that ran away the line may be of any time, so it does not count in a hole."""
    off = [made(0.5, 20, "1", minute=1), made(0.6, 40, "2", minute=1)]
    lines = [book(0, 1, 1), "", off[0], book(0, 30, 9), off[1], book(0, 31, 10)]
    put(tmp_path, at(0), [*lines, book(0, 45, 11), "", book(0, 55, 15)])
    lines = [book(0, 1.1, 1), made(20.1, 20, "1"), made(40.1, 40, "2"), book(0, 50, 12)]
    put(tmp_path, at(0), lines, LIVE)
    brought_in(tmp_path)
    assert trades(tmp_path) == [(20.1, "A", "live"), (60.6, "A", "tard")]


def test_trades_without_an_id_are_counted_once_where_requests_overlap(tmp_path: Path) -> None:
    """Two like each other were made, history heard the first, twice."""
    put(tmp_path, at(0), [book(0, 1, 1), made(2, 2, None), "", book(0, 30, 5)], OF_A_AND_B)
    put(tmp_path, at(0), [made(2, 2, None), "", made(31, 31, None)], TRADES_ALONE)
    put(tmp_path, at(0), [book(0, 1.1, 1), made(2.1, 2, None), made(2.2, 2, None)], LIVE)
    brought_in(tmp_path)
    assert trades(tmp_path) == [(2, "A", "tard"), (2.2, "A", "live"), (31, "A", "tard")]


def test_what_began_in_a_minute_that_live_lacks_is_filled(tmp_path: Path) -> None:
    """The empty line stands where live has nothing, but history was deaf long before and after."""
    put(tmp_path, at(0), [book(0, 1, 1)])
    put(tmp_path, at(1), [])
    put(tmp_path, at(2), [""])
    put(tmp_path, at(3), [])
    put(tmp_path, at(4), [book(4, 30, 50)])
    for minute in (0, 1, 3, 4):
        put(tmp_path, at(minute), [book(minute, 10, 10 * minute + 2)], LIVE)
    brought_in(tmp_path)
    found = asked(tmp_path, "select seq_num, origin[:4] from depth_messages order by all")
    assert [number for number, of in found if of == "live"] == [2, 12, 32, 42]
    [row] = asked(tmp_path, "select minutes_fetched from coverage")
    assert row == (5,)
    causes = asked(tmp_path, "select cause from gaps where is_unknown order by start")
    assert [cause for (cause,) in causes] == [
        "disconnect", "disconnect", "changeover", "end_of_coverage",
    ]  # fmt: skip


def test_a_minute_that_was_fetched_while_deaf_is_a_disconnect(tmp_path: Path) -> None:
    """Also where live is lacking: so the next day does not begin as if trades were known."""
    for minute in (1438, 1439):
        put(tmp_path, at(minute), [book(1438, 1, 1), ""] if minute == 1438 else [])
    put(tmp_path, at(1438), [book(1438, 10, 2)], LIVE)
    put(tmp_path, at(1440), [book(1440, 20, 9)])
    brought_in(tmp_path)
    lacking = asked(
        tmp_path,
        f"select {seconds('start')} - 86400, {seconds('stop')} - 86400, cause "
        "from trade_gaps('A', '2020-08-01 23:59', '2020-08-02 00:01') order by all",
    )
    assert lacking == [(-60, 0, "disconnect"), (0, 20, "disconnect")]


def test_no_line_is_read_twice_where_two_requests_go_deaf_at_once(tmp_path: Path) -> None:
    """Both have the same last line, and the same empty one behind it."""
    lost = ["", "2020-08-01T00:00:03.0000000Z what is this?"]
    for request in (OF_A_AND_B, DEPTH_ALONE):
        lines = [book(0, 1, 1), book(0, 3, 2), *lost, book(0, 30, 5)]
        put(tmp_path, at(0), lines, request)
    put(tmp_path, at(0), [book(0, 1.1, 1), book(0, 10, 3)], LIVE)
    brought_in(tmp_path)
    read = asked(tmp_path, "select origin[:4], lines, disconnects, quarantined from ingests")
    assert sorted(read) == [("live", 2, 0, 0), ("tard", 4, 1, 1), ("tard", 4, 1, 1)]
    assert len(asked(tmp_path, "select * from quarantine")) == 2
    assert asked(tmp_path, "select disconnects, depth_messages from coverage") == [(1, 4)]


def test_what_comes_twice_at_a_border_is_no_restart(tmp_path: Path) -> None:
    """A slower recorder tells numbers again that a quicker one had; an engine's restart is one."""
    put(tmp_path, at(0), [book(0, 1, 9001), book(0, 2, 9002), book(0, 3, 9003), ""])
    put(tmp_path, at(1), [book(1, 40, 9008), book(1, 41, 9009)])
    put(tmp_path, at(2), ["", book(2, 40, 12), book(2, 41, 11)])
    lines = [book(0, 1.3, 9001), book(0, 3.1, 9002), book(0, 3.3, 9003), book(0, 9, 9005)]
    put(tmp_path, at(0), lines, LIVE)
    put(tmp_path, at(1), [book(1, 30, 9007), book(1, 40.1, 9008)], LIVE)
    put(tmp_path, at(2), [book(2, 10, 11)], LIVE)
    brought_in(tmp_path)
    found = asked(
        tmp_path,
        "select seq_num, seq_step, missed, missed_in_gap, epoch from depth_messages "
        "order by message",
    )
    assert found == [
        (9001, None, None, None, 0),
        (9002, 1, 0, None, 0),
        (9003, 1, 0, None, 0),
        (9002, -1, None, 0, 0),
        (9003, 1, 0, None, 0),
        (9005, 2, 1, None, 0),
        (9007, 2, 1, None, 0),
        (9008, 1, None, 0, 0),
        (9009, 1, 0, None, 0),
        (11, -8998, None, None, 1),
        (12, 1, None, 0, 1),
        (11, -1, None, None, 2),
    ]


def test_no_book_is_carried_to_a_day_that_another_recorder_begins(tmp_path: Path) -> None:
    """Though its first book is of the same one as the last of the day before."""
    put(tmp_path, at(1439), [book(1439, 59, 100)])
    put(tmp_path, at(1440), [book(1440, 1, 1, "B")], LIVE)
    put(tmp_path, at(1441), [book(1441, 5, 101)])
    brought_in(tmp_path)
    assert asked(tmp_path, "from book_at('A', '2020-08-02 00:00:00.5')") == []
    assert pipeline.open(tmp_path).book_at("A", "2020-08-02 00:00:00.5").height == 0


def test_a_changeover_to_the_end_of_a_day_goes_on_in_the_next(tmp_path: Path) -> None:
    """History has nothing to say yet: nobody knows whether it is connected."""
    put(tmp_path, at(1437), [book(1437, 1, 1)])
    put(tmp_path, at(1438), [book(1438, 1, 2)], LIVE)
    put(tmp_path, at(1439), [])
    put(tmp_path, at(1440), [book(1440, 20, 5)])
    brought_in(tmp_path)
    lacking = asked(
        tmp_path,
        f"select {seconds('start')} - 86400, {seconds('stop')} - 86400, cause "
        "from trade_gaps('A', '2020-08-01 23:59:30', '2020-08-02 00:01') order by all",
    )
    assert [(round(start), stop, cause) for start, stop, cause in lacking] == [
        (-119, 0, "changeover"),
        (0, 20, "changeover"),
    ]


def answer(minute: int, second: float, channel: str, *, granted: bool = True) -> str:
    """Return the line that answers a subscription."""
    message = {"event": "subscribe", "channel": channel, "success": granted}
    return line(at(minute, second), message)


@pytest.mark.parametrize("loses", [False, True])
def test_a_refused_subscription_counts_where_live_does(loses: bool, tmp_path: Path) -> None:
    """Also where it was refused while history counted; and there what live lacks is no matter."""
    lost = [""] if loses else []
    put(tmp_path, at(0), [book(0, 1, 1), *lost, book(0, 40, 3)])
    refused = [answer(0, 0.5, "depth:A"), answer(0, 0.6, "trade:A", granted=False)]
    put(tmp_path, at(0), [*refused, book(0, 1.1, 1), book(0, 20, 2)], LIVE)
    put(tmp_path, at(1), [book(1, 1, 4)], LIVE)
    put(tmp_path, at(2), [book(2, 1, 5)])
    brought_in(tmp_path)
    lacking = asked(
        tmp_path,
        f"select {seconds('start')}, {seconds('stop')}, cause from trade_gaps order by all",
    )
    assert [(round(start), stop, cause) for start, stop, cause in lacking] == [
        *([(1, 40, "disconnect")] if loses else []),
        (40, 121, "changeover"),
        (180, 86400, "end_of_coverage"),
    ]


def test_minutes_that_are_not_read_for_a_conflict_are_not_counted(tmp_path: Path) -> None:
    """A report says how many were used."""
    put(tmp_path, at(0), [book(0, 1, 1), ""])
    put(tmp_path, at(0), [depth(at(0, 1), [[5, 1]], [[6, 1]], instrument="A", seq=1)], LIVE)
    put(tmp_path, at(1), [book(1, 1, 2)], LIVE)
    report = ingest(tmp_path, EXCHANGE, jobs=1)
    assert report.conflicts
    assert report.counts["minutes_fetched"] == 1


def test_a_day_is_made_anew_once_another_slice_contradicts_history(tmp_path: Path) -> None:
    """Though a wider one has all of its minute, so that it counts for nothing else."""
    put(tmp_path, at(0), [book(0, 1, 1), "", book(0, 30, 5)])
    put(tmp_path, at(0), [book(0, 1.1, 1), book(0, 10, 2)], LIVE)
    brought_in(tmp_path)
    lines = [depth(at(0, 1), [[5, 1]], [[6, 1]], instrument="A", seq=1)]
    put(tmp_path, at(0), lines, LIVE_OF_A_AND_C)
    report = ingest(tmp_path, EXCHANGE, jobs=1)
    assert report.written
    assert report.conflicts
