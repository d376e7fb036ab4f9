"""A day that is brought in while it is recorded is the day that is brought in when it is over."""

from __future__ import annotations

import random
import shutil
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

import pipeline
from pipeline.lake import Lake
from pipeline.live_day import LiveDay
from pipeline.schemas import TABLES as TABLES_OF
from pipeline.slices import Door, Request
from tests.lakes import EXCHANGE, TODAY, ingest, minute_of, put
from tests.making import at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST: Final = "api.example.com"
LIVE: Final = Request(EXCHANGE, "live", ("depth", "trade", "ticker"), None, HOST)
TOMORROW: Final = TODAY + timedelta(days=1)
MINUTES: Final = 16  # so that there are several parts
BEGINS: Final = 595  # the minute of the day with which a recording begins: 09:55

TABLES: Final = {
    "depth": "select * exclude version from depth_rows order by instrument, message",
    "trades": "select * exclude version from trades order by instrument, arrival, item",
    "tickers": "select * exclude version from tickers order by instrument, arrival, item",
    "gaps": "select * exclude version from gaps order by instrument, start",
    "trade_gaps": "select * exclude version from trade_gaps order by instrument, start",
    "ingests": "from ingests order by slice",
    "quarantine": "from quarantine order by slice, line",
    "coverage": "select * exclude bytes from coverage order by instrument",
}


def recording(data: Path, seed: int) -> list[int]:
    """Record a stretch of a day: quiet minutes, markets that come and go, losses, minutes lacking.

    Returns the minutes, one after the other, as they are over.
    """
    rng = random.Random(seed)
    minutes = range(BEGINS, BEGINS + MINUTES)
    for minute in minutes:
        start = at(minute)
        names = rng.sample(["A", "B", "C"], rng.randrange(4))
        lines = minute_of(start, names, rng.randrange(1, 7)) if names else []
        if rng.random() < 0.2:
            lines.insert(rng.randrange(len(lines) + 1), "")
        if rng.random() < 0.1:
            lines.append(f"{start:%Y-%m-%dT%H:%M}:59.0000000Z {{cut")
        if minute == BEGINS:
            lines.insert(0, "")
        if rng.random() > 0.1:
            put(data, start, lines, LIVE)
    return list(minutes)


def rows(data: Path) -> dict[str, pl.DataFrame]:
    """Return all rows of all tables, in order."""
    lake = pipeline.open(data)
    frames = {name: lake.sql(question) for name, question in TABLES.items()}
    assert all(isinstance(frame, pl.DataFrame) for frame in frames.values())
    return frames


def in_parts(data: Path, table: str, instrument: str) -> pl.DataFrame:
    """Return the rows of a table and an instrument as they lie in the lake, part after part."""
    folder = data / "lake" / table / f"exchange={EXCHANGE}" / f"instrument={instrument}"
    paths = sorted(folder.glob("*/*.parquet"))
    schema = {name: kind for name, kind in TABLES_OF[table].schema.items() if name != "version"}
    frames = [pl.DataFrame(pq.ParquetFile(path).read()) for path in paths]
    return pl.concat([pl.DataFrame(schema=schema), *(frame.select(*schema) for frame in frames)])


@pytest.fixture(params=range(2))
def told(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[int], Path]:
    """Return a data folder with a recording, its minutes, and one with the day brought in whole."""
    data, whole = tmp_path / "live", tmp_path / "whole"
    minutes = recording(data, request.param)
    shutil.copytree(data, whole)
    ingest(whole, EXCHANGE)
    return data, minutes, whole


def advancing(data: Path, minutes: list[int]) -> Iterator[int]:
    """Bring in minute after minute, as they are over; then the day."""
    with LiveDay(Lake(data, EXCHANGE), Door(data, EXCHANGE), HOST, TODAY) as day:
        for minute in minutes:
            day.advance(minute)
            yield minute
        day.finish()


def test_the_day_is_the_same_when_it_is_over(told: tuple[Path, list[int], Path]) -> None:
    """Row for row, keyframes and gaps too; and so it is after the ingest that follows."""
    data, minutes, whole = told
    assert list(advancing(data, minutes)) == minutes
    expected = rows(whole)
    assert expected["depth"].height > 0
    for found in (rows(data), _ingested(data)):
        for name, frame in found.items():
            assert_frame_equal(frame, expected[name])


def _ingested(data: Path) -> dict[str, pl.DataFrame]:
    report = ingest(data, EXCHANGE)
    assert report.written == [TODAY.isoformat()]
    assert not list((data / "lake").glob("*/*/*/*/data-*"))
    return rows(data)


def test_every_minute_is_there_when_it_is_over(told: tuple[Path, list[int], Path]) -> None:
    """All that came in it, as it will be in the end; but for the last book of each feed."""
    data, minutes, whole = told
    expected = {
        (table, name): in_parts(whole, table, name)
        for table in ("trades", "depth")
        for name in "ABC"
    }
    assert expected["depth", "A"].height > 0
    for minute in advancing(data, minutes):
        until = (minute + 1) * 1_000_000_000
        for name in "ABC":
            trades, depth = (
                expected[table, name].filter(pl.col("arrival") < until)
                for table in ("trades", "depth")
            )
            assert_frame_equal(in_parts(data, "trades", name), trades)
            found = in_parts(data, "depth", name)
            assert found.height >= depth.height - 1
            assert_frame_equal(found, depth.head(found.height))


def test_what_is_not_known_yet_has_no_book(told: tuple[Path, list[int], Path]) -> None:
    """Where there is a book it is that of the whole day; gaps say where there is none yet."""
    data, minutes, whole = told
    final, rng = pipeline.open(whole), random.Random(1)
    for minute in advancing(data, minutes[3::6]):
        lake = pipeline.open(data)
        for name in lake.instruments()["instrument"].to_list():
            times = sorted(_time(rng.uniform(BEGINS, minute + 3)) for _ in range(20))
            now = lake.books_at(name, times, depth=3)
            then = final.books_at(name, times, depth=3)
            known = now.filter(pl.col("local_timestamp").is_not_null())
            assert_frame_equal(known, then.join(known.select("t").unique(), on="t", how="semi"))
            assert lake.sql("from check_catalogue(?, ?, ?)", [name, TODAY, TOMORROW]).height == 0
            unknown = now.filter(pl.col("local_timestamp").is_null())["t"].to_list()
            for time in unknown:
                gap = lake.sql(
                    "select 1 from gaps where instrument = ? and start <= ? and ? < stop",
                    [name, time.replace(tzinfo=None), time.replace(tzinfo=None)],
                )
                assert gap.height == 1


def _time(minute: float) -> datetime:
    return at(0) + timedelta(minutes=minute)
