"""What is captured can be asked for moments after its minute, and days are made whole behind it."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

import polars as pl
from polars.testing import assert_frame_equal

import pipeline
from pipeline.catalogue import Catalogue
from pipeline.ingest import ingest
from pipeline.lake import Lake
from pipeline.recording.arrival_clock import ArrivalClock
from pipeline.simulator.exchange import ExchangeSimulator
from pipeline.simulator.market import GeneratedFeed
from tests.capturing import capturing, live_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EXCHANGE: Final = "coinflex"
MARKETS: Final = [market.code for market in GeneratedFeed(1).markets]


def fast(start: datetime, speed: int) -> ArrivalClock:
    """Return a clock that begins at a time, and goes so many times as fast as others."""
    base, began = round(start.timestamp()) * 1_000_000_000, time.monotonic_ns()
    return ArrivalClock(lambda: base + speed * (time.monotonic_ns() - began))


@contextmanager
def capture_of_a_market(data: Path, clock: ArrivalClock) -> Iterator[None]:
    """Capture a made market into raw and the lake while the block runs."""
    exchange = ExchangeSimulator(GeneratedFeed(1, levels=10), keep="counts")
    with exchange.running() as urls:
        settings = live_settings(data, urls)
        with capturing(settings, instruments=MARKETS, clock=clock, raw_only=False):
            yield


def wait_until(reached: Callable[[], bool], deadline: float = 90) -> None:
    """Look again and again until it is so."""
    until = time.monotonic() + deadline
    while not reached():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def depth_of(data: Path, day: date) -> pl.DataFrame:
    """Return all rows of a day's depth, in order, but for their version."""
    question = (
        "select * exclude version from depth_rows where date = ? order by instrument, message"
    )
    rows = pipeline.open(data).sql(question, [day])
    assert isinstance(rows, pl.DataFrame)
    return rows


def made_from_raw(data: Path, to: Path) -> Path:
    """Return a data folder whose lake was made of the same slices, when all was over."""
    shutil.copytree(data / "raw", to / "raw")
    ingest(to, EXCHANGE)
    return to


def test_a_minute_can_be_asked_for_when_it_is_over(tmp_path: Path) -> None:
    """While the capture goes on; when it has ended the next ingest has at most the end to add."""
    data, lake = tmp_path / "live", Lake(tmp_path / "live", EXCHANGE)
    day = date(2020, 8, 5)
    with capture_of_a_market(data, fast(datetime(2020, 8, 5, 12, tzinfo=UTC), 20)):
        wait_until(lambda: not Catalogue(lake).recorded.is_empty())
        first = depth_of(data, day)
        wait_until(lambda: depth_of(data, day).height > first.height)
        markets = pipeline.open(data).sql("select instrument from markets")
    whole = depth_of(made_from_raw(data, tmp_path / "whole"), day)
    assert set(first["instrument"]) == set(MARKETS)
    for found in (first, depth_of(data, day)):
        assert_begins_with(whole, found)
    assert isinstance(markets, pl.DataFrame)
    assert set(markets["instrument"]) == set(MARKETS)
    assert lake.days_in_parts() == [day]
    ingest(data, EXCHANGE)
    assert_frame_equal(depth_of(data, day), whole)


def assert_begins_with(whole: pl.DataFrame, found: pl.DataFrame) -> None:
    """See that rows are the first of each instrument: an ending capture waits some seconds."""
    for name in MARKETS:
        rows = found.filter(instrument=name)
        assert_frame_equal(rows, whole.filter(instrument=name).head(rows.height))


def test_days_that_are_over_are_made_whole_at_midnight(tmp_path: Path) -> None:
    """Also at the end of a month: the same rows in one file, while the new day goes on in parts."""
    data, lake = tmp_path / "live", Lake(tmp_path / "live", EXCHANGE)
    last, first = date(2020, 8, 31), date(2020, 9, 1)
    with capture_of_a_market(data, fast(datetime(2020, 8, 31, 23, 56, tzinfo=UTC), 40)):
        wait_until(lambda: last in lake.days_in_parts())
        wait_until(lambda: lake.days_in_parts() == [first])
    whole = made_from_raw(data, tmp_path / "whole")
    assert depth_of(whole, last).height > 0
    assert_frame_equal(depth_of(data, last), depth_of(whole, last))
    assert_begins_with(depth_of(whole, first), depth_of(data, first))
    files = sorted(path.name for path in (data / "lake" / "depth").rglob(f"date={last}/*"))
    assert files == ["data.parquet"] * len(MARKETS)
