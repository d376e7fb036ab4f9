"""Asks the lake all the while it changes, and holds each answer against those before.

What was answered once stays: rows only come, behind those that were there, and none is there twice.
A day that is made whole has the rows that it had in parts, in the same order.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

import polars as pl
from polars.testing import assert_frame_equal

import pipeline
from pipeline.errors import LakeEmpty
from pipeline.lake import Lake
from tests.lakes import EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.research import OpenLake

__all__ = ["Reader", "Tables", "check_alone", "check_follows", "same_tables", "tables_of"]

Tables: TypeAlias = dict[str, pl.DataFrame]
State: TypeAlias = Literal["in parts", "whole", "changing"]

# Rows that only come, each instrument's behind those that were there; what no two share.
_IN_ORDER: Final = {
    "depth": ("* exclude version from depth_rows", "message", ("message", "seq_num")),
    "trades": ("* exclude version from trades", "arrival, item", ("id",)),
    "tickers": ("* exclude version from tickers", "arrival, item", ("arrival",)),
    "markets": ("* from markets", "answer, item", ("answer",)),
    "rest_depth": ("* exclude version from rest_depth", "answer", ("answer",)),
}
# Rows that only come, among others: trades of REST are filed under days that were long over.
_ADDED: Final = {
    "ingests": "slice",
    "quarantine": "slice, line",
    "rest_trades": "all",
}
# What is said of a day anew each time, and is final when the day is. What the view `trade_gaps`
# says depends on how the day before ended, too.
_SAID: Final = {
    "gaps": "* exclude version from gaps",
    "trade_gaps": "* exclude version from lake_rows(all_files('trade_gaps'))",
    "coverage": "* exclude (bytes, condition, reasons) from coverage",
}
_ALL: Final = (*_IN_ORDER, *_ADDED, *_SAID)
_OF_FEED: Final = ("depth", "trades", "tickers", "quarantine")
# What REST answered in a day's last minute comes in when the day is made whole, if not before.
_OF_REST: Final = ("markets", "rest_depth", "rest_trades", "ingests")
_TIMES_A_TURN: Final = 4
_PATIENCE: Final = 120.0
_PAUSE: Final = 0.05


def _questions() -> dict[str, str]:
    asked = {
        name: f"select {what} where date >= ? order by date, instrument, {by}"
        for name, (what, by, _) in _IN_ORDER.items()
    }
    asked |= {
        name: f"select * from {name} where date >= ? order by {by}" for name, by in _ADDED.items()
    }
    return asked | {
        name: f"select {what} where date >= ? order by all" for name, what in _SAID.items()
    }


def tables_of(lake: OpenLake, since: date) -> Tables:
    """Return all rows of all tables from a day on, in order."""
    frames = {}
    for name, question in _QUESTIONS.items():
        frame = lake.sql(question, [since])
        assert isinstance(frame, pl.DataFrame)
        frames[name] = frame
    return frames


def same_tables(one: Tables, other: Tables, without: Sequence[str] = ()) -> None:
    """Raise AssertionError where tables differ, in any row, column, or their order."""
    for name in _ALL:
        if name not in without:
            assert_frame_equal(one[name], other[name], check_exact=True)


class Reader:
    """Asks in a thread of its own while the block runs; `check` raises what it found wrong."""

    def __init__(
        self, data: Path, now: Callable[[], datetime], markets: Sequence[str], seed: int
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.seen: dict[date, Tables] = {}  # the last answer of each day
        self.made_whole: dict[date, bool] = {}  # and whether all of it was there before
        self.books: list[tuple[str, pl.DataFrame]] = []
        self._data = data
        self._lake = Lake(data, EXCHANGE)
        self._now = now
        self._markets = markets
        self._chance = random.Random(seed)
        self._before: dict[date, Tables] = {}
        self._turns = threading.Condition()
        self._stopping = False
        self._is_asked = False
        self._error: str | None = None
        self._thread = threading.Thread(target=self._run, name="reader")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join()
        self.check()

    def check(self) -> None:
        """Raise AssertionError if an answer was wrong."""
        assert self._error is None, self._error

    def ask_anew(self) -> None:
        """Return when everything was asked for once more, all of it after this."""
        with self._turns:
            # One may be under way; it began before.
            wanted = self.counts["begun"] + 1
            self._is_asked = True
            self._turns.notify_all()
            assert self._turns.wait_for(
                lambda: self._error or self.counts["turns"] >= wanted, _PATIENCE
            )
        self.check()

    def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    self._open_and_ask()
                except LakeEmpty:
                    time.sleep(_PAUSE)
        except BaseException:  # noqa: BLE001 - raised where it is looked for
            self._error = traceback.format_exc()
        with self._turns:
            self._turns.notify_all()

    def _open_and_ask(self) -> None:
        """Ask some times over one connection, and once more over another one."""
        with pipeline.open(self._data) as lake:
            for _ in range(5):
                began = time.monotonic()
                self._turn(lake)
                if self._stopping:
                    return
                self._leave_time_to_others(time.monotonic() - began)

    def _leave_time_to_others(self, seconds: float) -> None:
        with self._turns:
            self._turns.wait_for(lambda: self._is_asked or self._stopping, seconds)
            self._is_asked = False

    def _turn(self, lake: OpenLake) -> None:
        with self._turns:
            self.counts["begun"] += 1
        # Of each day until it is whole, and of the day before, should its rows yet change.
        unfinished = {*self._lake.days_in_parts(), *self.seen} - self.made_whole.keys()
        since = min([self._now().date() - timedelta(1), *unfinished])
        days = [since + timedelta(number) for number in range(10)]
        before = {day: self._state(day) for day in days}
        tables = tables_of(lake, since)
        for day in days:
            of_day = {name: frame.filter(date=day) for name, frame in tables.items()}
            if not of_day["ingests"].is_empty():
                state = before[day] if before[day] == self._state(day) else "changing"
                self._take(day, state, of_day)
        self._ask_for_books(lake)
        with self._turns:
            self.counts["turns"] += 1
            self._turns.notify_all()

    def _state(self, day: date) -> State:
        parts, names = self._lake.is_in_parts(day), {p.name for p in self._lake.partitions_of(day)}
        if parts and names and "data.parquet" not in names:
            return "in parts"
        return "whole" if names == {"data.parquet"} and not parts else "changing"

    def _take(self, day: date, state: State, tables: Tables) -> None:
        check_alone(tables)
        if day in self.seen:
            check_follows(self.seen[day], tables)
        if state == "in parts":
            self._before[day] = tables
        elif state == "whole" and day in self.made_whole:
            same_tables(self.seen[day], tables, without=["rest_trades"])
        elif state == "whole":
            self.made_whole[day] = self._is_as_before(day, tables)
        self.seen[day] = tables
        self.counts["answers"] += len(tables)

    def _is_as_before(self, day: date, tables: Tables) -> bool:
        """Compare a day with what it was in parts, if all of it was there; tell whether it was."""
        before = self._before.get(day)
        if before is None or any(before[name].height < tables[name].height for name in _OF_FEED):
            return False
        same_tables(before, tables, without=_OF_REST)
        return True

    def _ask_for_books(self, lake: OpenLake) -> None:
        """Keep what the lake says of some books; those that are known are final."""
        found = lake.sql("select max(local_timestamp) from tickers").item()
        if found is None:
            return
        for name in self._markets:
            spans = [timedelta(hours=self._chance.expovariate(0.2)) for _ in range(_TIMES_A_TURN)]
            times = sorted(found - span for span in spans)
            books = lake.books_at(name, times, depth=3)
            self.books.append((name, books.filter(pl.col("local_timestamp").is_not_null())))
            self.counts["books"] += _TIMES_A_TURN


def check_alone(tables: Tables) -> None:
    """Raise AssertionError if a row of a day is there twice."""
    for name, (_, _, unique) in _IN_ORDER.items():
        for column in unique:
            keys = tables[name].select("instrument", column)
            assert keys.is_duplicated().sum() == 0, f"{name}: {column} twice"
    for name in ("ingests", "quarantine"):
        assert tables[name].is_duplicated().sum() == 0, f"{name}: a row twice"


def check_follows(before: Tables, now: Tables) -> None:
    """Raise AssertionError unless all rows are there that were there, unchanged, in their order."""
    for name in _IN_ORDER:
        for (instrument,), rows in before[name].partition_by("instrument", as_dict=True).items():
            there = now[name].filter(instrument=instrument)
            assert there.height >= rows.height, f"{name} of {instrument}: fewer rows"
            assert_frame_equal(there.head(rows.height), rows, check_exact=True)
    for name in _ADDED:
        gone = before[name].join(now[name], on=before[name].columns, how="anti", nulls_equal=True)
        assert gone.is_empty(), f"{name}: {gone}"


_QUESTIONS: Final[Mapping[str, str]] = _questions()
