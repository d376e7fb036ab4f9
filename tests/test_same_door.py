"""The same market, downloaded as history or captured live, is the same lake."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import pipeline
from pipeline.backfill import backfill
from pipeline.simulator import TardisSimulator
from pipeline.simulator.exchange import ExchangeSimulator
from pipeline.simulator.exchange.recorded import RecordedFeed
from pipeline.times import Range
from pipeline.views import connect
from tests.capturing import capturing, live_settings
from tests.conftest import ROOT
from tests.lakes import ingest
from tests.world import settings

if TYPE_CHECKING:
    from pathlib import Path

PERIOD: Final = ("2020-08-01T23:58", "2020-08-02")
INSTRUMENTS: Final = ["BTC-USD-SWAP-LIN", "ETH-USD-SWAP-LIN"]

# When a line arrived, where it stands, and what follows from these.
_OF_ARRIVAL: Final = {
    "date", "arrival", "local_timestamp", "valid_until", "carry_until", "origin", "slice", "line",
    "version", "keyframe",
}  # fmt: skip
# Rows that must be the same, in the order of arrival. Where whole books are stored beside the
# changes is left to the size of slices, hence not among them.
QUESTIONS: Final = {
    "depth": "from depth_messages order by instrument, message",
    "changes": "from depth_changes order by instrument, message, side, price",
    "trades": "from trades order by instrument, arrival, item",
}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two minutes of the sample: 15,000 lines."""
    folder = tmp_path_factory.mktemp("market")
    for minute in ("58", "59"):
        path = folder / "2020/08/01/23" / f"{minute}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "data/sample/2020/08/01/23" / path.name, path)
    return folder


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, market: Path) -> Path:
    """Return a data folder with the market as Tardis serves it."""
    data = tmp_path_factory.mktemp("history")
    with TardisSimulator(market).running() as url:
        backfill(settings(data, url), Range.parse(*PERIOD))
    return data


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, market: Path) -> Path:
    """Return a data folder with the market as the exchange sends it."""
    data = tmp_path_factory.mktemp("live")
    exchange = ExchangeSimulator(RecordedFeed(market), speed=None, await_subscribers=4)
    with exchange.running() as urls:
        captured = live_settings(data, urls)
        with capturing(captured, instruments=INSTRUMENTS, channels=["depth", "trade"]) as capture:
            exchange.wait_for_end()
            capture.wait_for_frames(len(exchange.journal.sent))
    ingest(data, "coinflex")
    return data


@pytest.mark.parametrize("table", QUESTIONS)
def test_history_and_live_are_the_same_lake(history: Path, live: Path, table: str) -> None:
    """Row for row, but for when they arrived: nobody can tell, nor needs to."""
    one, other = (_rows(data, QUESTIONS[table]) for data in (history, live))
    assert one.height > 0
    assert_frame_equal(one, other)


def test_the_origin_of_a_row_can_be_asked_for(history: Path, live: Path) -> None:
    """Who wants to know finds it in the lineage."""
    question = "select distinct origin from depth_messages union select distinct origin from trades"
    origins = []
    for data in (history, live):
        with connect(data) as connection:
            origins.append(connection.execute(question).fetchall())
    assert origins == [[("tardis:coinflex",)], [("live:127.0.0.1",)]]


def _rows(data: Path, question: str) -> pl.DataFrame:
    rows = pipeline.open(data).sql(question)
    assert isinstance(rows, pl.DataFrame)
    return rows.drop(_OF_ARRIVAL & {*rows.columns})
