"""The smallest days on which filling the gaps of history once went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pipeline
from pipeline.slices import Request
from tests.lakes import EXCHANGE, ingest, put
from tests.making import at, depth, trade
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
    """Where live begins to count, its last line may be of hours ago, or there may be none at all."""
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
