"""A day that is brought in while it is recorded is the day that is brought in when it is over."""

from __future__ import annotations

import random
import shutil
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

import pipeline
from pipeline import durable
from pipeline.lake import Lake
from pipeline.live_day import LiveDay
from pipeline.schemas import TABLES as TABLES_OF
from pipeline.slices import Door, Request
from tests.lakes import EXCHANGE, TODAY, ingest, leave_objects, minute_of, put
from tests.making import at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST: Final = "api.example.com"
LIVE: Final = Request(EXCHANGE, "live", ("depth", "trade", "ticker"), None, HOST)
TOMORROW: Final = TODAY + timedelta(days=1)
MINUTES: Final = 16  # so that there are several parts
SEED: Final = 3  # of all that can happen to a minute, something
BEGINS: Final = 595  # the minute of the day with which a recording begins: 09:55

TABLES: Final = {
    "depth": "select * exclude version from depth_rows order by instrument, message",
    "trades": "select * exclude version from trades order by instrument, arrival, item",
    "tickers": "select * exclude version from tickers order by instrument, arrival, item",
    "gaps": "select * exclude version from gaps order by instrument, start",
    "trade_gaps": "select * exclude version from trade_gaps order by instrument, start",
    "ingests": "from ingests order by slice",
    "quarantine": "from quarantine order by slice, line",
    "coverage": "select * exclude (bytes, condition, reasons) from coverage order by instrument",
}
# The files that are looked at after each minute: of a table and an instrument.
IN_PARTS: Final = [(table, name) for table in ("trades", "depth", "trade_gaps") for name in "ABC"]


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


class Recorded(NamedTuple):
    """A data folder with a recording, its minutes, and one with the day brought in whole."""

    data: Path
    minutes: list[int]
    whole: Path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Return a recording of which nothing is in the lake yet."""
    data, whole = (tmp_path_factory.mktemp(name) for name in ("live", "whole"))
    leave_objects(data)
    minutes = recording(data, SEED)
    shutil.copytree(data, whole, dirs_exist_ok=True)
    ingest(whole, EXCHANGE)
    return Recorded(data, minutes, whole)


class Followed(NamedTuple):
    """A recording that was brought in minute after minute, with what there was after each."""

    data: Path
    whole: Path
    after: dict[int, dict[tuple[str, str], pl.DataFrame]]


@pytest.fixture(scope="module")
def followed(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Bring in a recording, and then the day."""
    data = shutil.copytree(recorded.data, tmp_path_factory.mktemp("followed") / "data")
    after = {
        minute: {key: in_parts(data, *key) for key in IN_PARTS}
        for minute in advancing(data, recorded.minutes)
    }
    return Followed(data, recorded.whole, after)


def advancing(data: Path, minutes: list[int]) -> Iterator[int]:
    """Bring in minute after minute, as they are over; then the day."""
    with LiveDay(Lake(data, EXCHANGE), Door(data, EXCHANGE), HOST, TODAY) as day:
        for minute in minutes:
            day.advance(minute)
            yield minute
        day.finish()


def test_the_day_is_the_same_when_it_is_over(followed: Followed, tmp_path: Path) -> None:
    """Row for row, keyframes and gaps too; and so it is after the ingest that follows."""
    data = shutil.copytree(followed.data, tmp_path / "data")
    expected = rows(followed.whole)
    assert expected["depth"].height > 0
    for found in (rows(data), _ingested(data)):
        for name, frame in found.items():
            assert_frame_equal(frame, expected[name])


def _ingested(data: Path) -> dict[str, pl.DataFrame]:
    report = ingest(data, EXCHANGE)
    assert report.written == [TODAY.isoformat()]
    assert not list((data / "lake").glob("*/*/*/*/data-*"))
    return rows(data)


def test_every_minute_is_there_when_it_is_over(recorded: Recorded, followed: Followed) -> None:
    """All that came in it, as it will be in the end; but for the last book of each feed."""
    expected = {key: in_parts(followed.whole, *key) for key in IN_PARTS}
    assert expected["depth", "A"].height > 0
    assert list(followed.after) == recorded.minutes
    for minute, now in followed.after.items():
        until = (minute + 1) * 1_000_000_000
        for name in "ABC":
            trades, depth = (
                expected[table, name].filter(pl.col("arrival") < until)
                for table in ("trades", "depth")
            )
            assert_frame_equal(now["trades", name], trades)
            found = now["depth", name]
            assert found.height >= depth.height - 1
            assert_frame_equal(found, depth.head(found.height))


def test_what_is_lacking_after_a_minute_is_what_lacks_if_none_follows(followed: Followed) -> None:
    """A day of which no more was recorded says so, of how it ended too, before it is made whole."""
    after_last = followed.after[BEGINS + MINUTES - 1]
    for name in "ABC":
        expected = in_parts(followed.whole, "trade_gaps", name)
        assert expected.height > 1
        assert_frame_equal(after_last["trade_gaps", name], expected)


def test_what_is_not_known_yet_has_no_book(recorded: Recorded, tmp_path: Path) -> None:
    """Where there is a book it is that of the whole day; gaps say where there is none yet."""
    data = shutil.copytree(recorded.data, tmp_path / "data")
    final, rng = pipeline.open(recorded.whole), random.Random(1)
    for minute in advancing(data, recorded.minutes[3::6]):
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
                    """select 1 from gaps
                    where is_unknown and instrument = ? and start <= ? and ? < stop""",
                    [name, time.replace(tzinfo=None), time.replace(tzinfo=None)],
                )
                assert gap.height == 1


def test_a_day_that_others_still_bring_in_is_left_to_them(tmp_path: Path) -> None:
    """A recording that follows another clears what a kill left, not what is being written."""
    lake, door = Lake(tmp_path, EXCHANGE), Door(tmp_path, EXCHANGE)
    put(tmp_path, at(0), minute_of(at(0)), LIVE)
    draft = durable.new_draft(lake.live_drafts(TODAY))
    draft.write_bytes(b"half")
    with lake.holding_day(TODAY), LiveDay(lake, door, HOST, TOMORROW):
        assert draft.exists()
    with LiveDay(lake, door, HOST, TOMORROW):
        assert not draft.exists()


def test_what_a_kill_left_half_written_goes_when_the_day_is_made_whole(tmp_path: Path) -> None:
    """Nobody else would look for it: the next recording may never come."""
    lake = Lake(tmp_path, EXCHANGE)
    put(tmp_path, at(0), minute_of(at(0)), LIVE)
    draft = durable.new_draft(lake.live_drafts(TODAY))
    draft.write_bytes(b"half")
    ingest(tmp_path, EXCHANGE)
    assert not draft.exists()


def _time(minute: float) -> datetime:
    return at(0) + timedelta(minutes=minute)
