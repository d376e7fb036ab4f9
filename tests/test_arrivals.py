"""A day is read while it arrives. Whatever is not waited for long enough here would hang."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.arrivals import Abandoned, Arrivals
from pipeline.catalogue import Catalogue
from pipeline.day_sources import sources_of
from pipeline.lake import Lake
from pipeline.reading import parts_of
from pipeline.slices import DayOfSlices, Door
from tests.lakes import ingest

from .lakes import EVERYTHING, EXCHANGE, bring_in, contents, minute_of, put
from .making import at, write_minute
from .world import NEXT_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from pathlib import Path

MINUTES = (0, 1, 62, 1439)
DAYS = (at(0), NEXT_DAY)


class Coming:
    """Two days that arrive at a test's command."""

    def __init__(self, data: Path) -> None:
        self.data = data
        door = Door(data, EXCHANGE)
        door.open(EVERYTHING)
        self.slices = {day.date(): door.day(EVERYTHING, day.date()) for day in DAYS}
        self.arrivals = Arrivals(self.slices, dict.fromkeys(self.slices, range(1440)))
        self.ingested = threading.Event()

    def settle(self, day: datetime, minutes: Iterable[int]) -> None:
        """Let minutes arrive; those without data are settled all the same."""
        slices: DayOfSlices = self.slices[day.date()]
        for minute in minutes:
            if minute in MINUTES:
                start = at(minute, day=day)
                lines = minute_of(start, base=100 + start.hour)
                slices.commit(minute, write_minute(self.data / "elsewhere", start, lines))
            self.arrivals.settle(day.date(), minute)

    def ingest(self) -> None:
        """Ingest both days while they arrive."""

        def progress(_day: date, _done: int, _total: int) -> None:
            self.ingested.set()

        ingest(self.data, EXCHANGE, days=self.slices, arrivals=self.arrivals, progress=progress)


def test_a_day_is_in_the_lake_before_the_next_one_is_there(tmp_path: Path) -> None:
    """And what comes of it is what comes of slices that were there from the beginning."""
    coming = Coming(tmp_path / "coming")
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(coming.ingest)
        coming.settle(DAYS[0], range(1440))
        assert coming.ingested.wait(60)
        coming.settle(DAYS[1], range(1440))
        done.result(60)
    for day in DAYS:
        for minute in MINUTES:
            start = at(minute, day=day)
            put(tmp_path / "there", start, minute_of(start, base=100 + start.hour))
    bring_in(tmp_path / "there")
    assert contents(coming.data) == contents(tmp_path / "there")


def test_a_part_is_read_before_the_rest_of_its_day_is_there(tmp_path: Path) -> None:
    """The first hour needs the first hour alone."""
    coming = Coming(tmp_path)
    coming.settle(DAYS[0], range(60))
    sources = sources_of(Door(tmp_path, EXCHANGE), DAYS[0].date(), coming.arrivals)
    part = next(parts_of(sources))
    assert [bool(minute.slices) for minute in part.minutes] == [True, True] + [False] * 58


def test_a_download_that_ends_early_leaves_the_days_that_are_whole(tmp_path: Path) -> None:
    """The day that was on its way is not in the lake, nor are drafts of it; nobody waits on."""
    coming = Coming(tmp_path)
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(coming.ingest)
        coming.settle(DAYS[0], range(1440))
        coming.settle(DAYS[1], range(61))
        assert coming.ingested.wait(60)
        coming.arrivals.abandon()
        with pytest.raises(Abandoned):
            done.result(60)
    assert set(Catalogue(Lake(tmp_path, EXCHANGE)).days) == {DAYS[0].date().isoformat()}
    assert [
        path for path in tmp_path.rglob("*") if "_drafts" in path.parts and path.is_file()
    ] == []


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_a_download_that_fails_stops_older_days_too(tmp_path: Path, jobs: int) -> None:
    """They may be many, and nobody who pressed Ctrl-C waits for them: by threads, by processes."""
    older = [DAYS[0] - timedelta(days=days) for days in range(1, 4)]
    for day in older:
        put(tmp_path, at(5, day=day), minute_of(at(5, day=day)))
    coming = Coming(tmp_path)
    days = [day.date() for day in (*older, *DAYS)]
    with pytest.raises(Abandoned):
        ingest(
            tmp_path,
            EXCHANGE,
            days=days,
            jobs=jobs,
            arrivals=coming.arrivals,
            progress=lambda *_: coming.arrivals.abandon(),
        )
    assert len(Catalogue(Lake(tmp_path, EXCHANGE)).days) == 1
    assert multiprocessing.active_children() == []


def test_processes_that_are_at_work_end_with_the_download(tmp_path: Path) -> None:
    """Nobody waits until the day that each of them is busy with is done."""
    older = [DAYS[0] - timedelta(days=days) for days in range(1, 4)]
    for day in older:
        put(tmp_path, at(5, day=day), minute_of(at(5, day=day)))
    coming = Coming(tmp_path)
    days = [day.date() for day in (*older, *DAYS)]
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(
            ingest, tmp_path, EXCHANGE, days=days, jobs=2, arrivals=coming.arrivals
        )
        while not (multiprocessing.active_children() or done.done()):
            time.sleep(0.001)
        coming.arrivals.abandon()  # they have yet to import what they need
        with pytest.raises(Abandoned):
            done.result(60)
    assert Catalogue(Lake(tmp_path, EXCHANGE)).is_empty
    assert multiprocessing.active_children() == []


def test_a_minute_that_never_comes_is_a_hole(tmp_path: Path) -> None:
    """Settled without a slice: not fetched, like any other lacking minute."""
    coming = Coming(tmp_path)
    sources = sources_of(Door(tmp_path, EXCHANGE), DAYS[0].date(), coming.arrivals)
    coming.arrivals.settle(DAYS[0].date(), 7)
    assert sources.ranks(7) == ()
