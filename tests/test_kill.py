"""SIGKILL at points that are seen from outside: a request that arrived, a file that appeared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipeline.backfill import backfill
from pipeline.simulator import TardisSimulator
from pipeline.times import Range

from . import commands
from .conftest import clean_environment
from .lakes import leave_objects
from .world import (
    KEY,
    Counted,
    Seen,
    around_midnight,
    config_file,
    history,
    raw_minutes,
    served,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess
    from pathlib import Path

PERIOD = ("2020-08-01T23:54", "2020-08-02T00:06")
MINUTES = around_midnight(6)

Point = tuple[str, int]
POINTS: list[Point] = [  # one of each kind
    ("request", 3),  # the first minute; before it come the details and the last one
    ("request", 9),
    ("raw/coinflex/.drafts/*", 1),
    ("raw/coinflex/*/*/*/*/*/*.json.gz", 8),
    ("raw/coinflex/*/*/*/*/manifest.json", 1),
    ("lake/_drafts/coinflex/*", 1),
    ("lake/*/*/*/*/data.parquet", 7),
    ("lake/_catalogue/coinflex.parquet", 1),
    ("raw/coinflex/*/request.json", 1),
]


class World:
    """A service with a history of its own, and backfills of it that may be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.slices = history(folder / "slices", MINUTES)

    def run(self, data: Path) -> int:
        """Backfill without disturbance; returns how many minutes were asked for."""
        leave_objects(data)
        simulator = TardisSimulator(self.slices, key=KEY)
        with simulator.running() as url:
            backfill(settings(data, url, key=KEY), Range.parse(*PERIOD), jobs=1, progress=Counted)
        return sum(request.minute is not None for request in simulator.requests)

    def run_and_kill(self, data: Path, point: Point, jobs: int = 1) -> None:
        """Backfill in a process of its own, and kill it as soon as the point is reached.

        Returns when nobody holds its output any more: neither it nor a process that it started.
        """
        seen = Seen()
        simulator = TardisSimulator(self.slices, key=KEY)
        simulator.requests = seen
        with simulator.running() as url:
            command = ["backfill", "--from", PERIOD[0], "--to", PERIOD[1], "--jobs", str(jobs)]
            environment = clean_environment(
                COINFLEX_L2_TARDIS_URL=url,
                COINFLEX_L2_DATA=str(data),
                COINFLEX_L2_CONFIG=str(config_file(self.folder, in_flight=2)),
                TARDIS_API_KEY=KEY,
            )
            with commands.started((*command,), environment) as it:
                what, count = point
                if what == "request":
                    reached = seen.wait_for(count)
                else:
                    reached = _until(it.process, lambda: _count(data, what) >= count)
                words = it.kill(timeout=60)
        assert reached, words


def _until(process: BaseProcess, reached: Callable[[], bool]) -> bool:
    """Look again and again until it is so, or the process has ended."""
    while not (found := reached()) and process.exitcode is None:
        process.join(timeout=0.001)
    return found or reached()


def _count(data: Path, pattern: str) -> int:
    try:
        return len(list(data.glob(pattern)))
    except FileNotFoundError:  # a folder of drafts went while it was looked at
        return 0


def rows(data: Path) -> dict[str, pl.DataFrame]:
    """Return every file of the lake, the catalogue too: path → rows."""
    lake = data / "lake"
    found = sorted(path for path in lake.rglob("*.parquet") if "_empty" not in path.parts)
    return {
        str(path.relative_to(lake)): pl.read_parquet(path, hive_partitioning=False)
        for path in found
    }


def assert_same_rows(data: Path, expected: dict[str, pl.DataFrame]) -> None:
    """Check that a lake holds the same files with the same rows in the same order."""
    found = rows(data)
    assert list(found) == list(expected)
    assert [name for name in expected if not found[name].equals(expected[name])] == []


def assert_nothing_left_over(data: Path) -> None:
    """Check that no draft of a killed run is anywhere."""
    left = [p for p in data.rglob("*") if {".drafts", "_drafts"} & set(p.parts) and p.is_file()]
    assert left == []
    assert list(data.rglob("*.unconfirmed")) == []


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module", name="undisturbed")
def _undisturbed(world: World) -> dict[str, pl.DataFrame]:
    assert world.run(world.folder / "undisturbed") == len(MINUTES)
    found = rows(world.folder / "undisturbed")
    assert sum(frame.height for name, frame in found.items() if name.startswith("depth/")) > 100
    return found


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point[0]} {point[1]}")
def test_killed_anywhere(
    tmp_path: Path, world: World, undisturbed: dict[str, pl.DataFrame], point: Point
) -> None:
    """The next run ends in the same lake, row for row; whole minutes are not fetched again."""
    world.run_and_kill(tmp_path, point)
    there = raw_minutes(tmp_path)  # each of them can be read to its end
    assert there.items() <= served(world.slices, MINUTES).items()
    assert world.run(tmp_path) == len(MINUTES) - len(there)
    assert raw_minutes(tmp_path) == served(world.slices, MINUTES)
    assert_same_rows(tmp_path, undisturbed)
    assert_nothing_left_over(tmp_path)
    assert world.run(tmp_path) == 0


def test_killed_with_days_in_parallel(
    tmp_path: Path, world: World, undisturbed: dict[str, pl.DataFrame]
) -> None:
    """No worker outlives a killed run, so none can write what the next run has already replaced."""
    world.run_and_kill(tmp_path, ("lake/depth/*/*/*/data.parquet", 1), jobs=2)
    world.run(tmp_path)
    assert_same_rows(tmp_path, undisturbed)
    assert_nothing_left_over(tmp_path)


def test_killed_again_and_again(
    tmp_path: Path, world: World, undisturbed: dict[str, pl.DataFrame]
) -> None:
    """A run that resumes a killed one may be killed as well; the last one ends in the same lake."""
    for point in POINTS[1], POINTS[3], POINTS[5]:
        world.run_and_kill(tmp_path, point)
    world.run(tmp_path)
    assert_same_rows(tmp_path, undisturbed)
    assert_nothing_left_over(tmp_path)
