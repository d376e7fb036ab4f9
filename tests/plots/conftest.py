"""Lakes that are drawn: a random market with all its holes, and books of every odd shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline.sources.files import adopt
from tests import worlds
from tests.lakes import ingest
from tests.making import at, depth, trade, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.research import OpenLake
    from tests.worlds import World

ODD = "ODD$A$B-USD"  # a name that matplotlib would take for mathematics
# One after another, five seconds each, from second 1 on.
ODD_BOOKS: dict[str, tuple[list[list[float]], list[list[float]]]] = {
    "crossed": ([[10, 1], [9, 2]], [[9.5, 3], [11, 1]]),
    "locked": ([[10, 1]], [[10, 2]]),
    "bids alone": ([[10, 1]], []),
    "asks alone": ([], [[11, 2]]),
    "empty": ([], []),
    "one level a side": ([[10, 1]], [[11, 2]]),
    "negative": ([[-2, 1], [-3, 4]], [[-1, 2], [0, 1], [1, 3]]),
    "far away": ([[10, 1], [0.01, 500]], [[11, 2], [1000000, 7]]),
}


def odd_time(name: str) -> int:
    """Return the second of the day in which a book stands."""
    return 2 + 5 * list(ODD_BOOKS).index(name)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a random market, and what an independent reader says of it."""
    return worlds.make(tmp_path_factory.mktemp("drawn"), seed=7)


@pytest.fixture(scope="session")
def odd_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a minute of odd books and one trade."""
    folder = tmp_path_factory.mktemp("odd")
    lines = [
        depth(at(0, odd_time(name) - 1), *sides, instrument=ODD)
        for name, sides in ODD_BOOKS.items()
    ]
    lines.append(trade(at(0, 50), "10.5", "3", instrument=ODD))
    write_minute(folder / "slices", at(0), lines)
    adopt(folder / "data", "coinflex", folder / "slices")
    ingest(folder / "data", "coinflex", jobs=1)
    return folder / "data"


@pytest.fixture(scope="module")
def lake(world: World) -> Iterator[OpenLake]:
    """Return the random market, open."""
    with pipeline.open(world.data) as opened:
        yield opened


@pytest.fixture(scope="module")
def odd(odd_data: Path) -> Iterator[OpenLake]:
    """Return the odd books, open."""
    with pipeline.open(odd_data) as opened:
        yield opened
