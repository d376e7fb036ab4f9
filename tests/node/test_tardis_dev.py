"""Answers are those of Tardis's own client for Node.js, where there is Node.js.

It and this project's lake get the same slices. In what they differ, and why, stands in
test_differences.py; nowhere else do they.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from pipeline.simulator.tardis import TardisSimulator
from pipeline.times import Range
from tests.campaign.asked import same
from tests.conftest import ROOT
from tests.node import market
from tests.node.client import DEPTHS, STEPS, Told, replayed, whole_book
from tests.node.ours import Asked, Ours
from tests.world import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.independent import Book

_SAMPLE = ROOT / "data" / "sample"
_SAMPLE_NAMES = ("BTC-USD-SWAP-LIN", "ETH-USD-SWAP-LIN")
_SAMPLE_RANGE = Range.parse("2020-08-01T23:58", "2020-08-01T23:59")


class _World(NamedTuple):
    ours: Ours
    theirs: dict[str, Told]
    wanted: Range

    def each(self) -> Iterator[tuple[Asked, Told]]:
        """Yield each instrument in the whole range, and what was told of it."""
        for name, told in self.theirs.items():
            yield Asked(name, *self.wanted), told


@pytest.fixture(scope="module", params=["sample", "made"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_World]:
    """Give the recorded order flow, then a made market in which everything goes wrong, to both."""
    folder = tmp_path_factory.mktemp(request.param)
    made = request.param == "made"
    slices = market.make(folder / "slices", 20200714) if made else _SAMPLE
    wanted = Range(market.START, market.END) if made else _SAMPLE_RANGE
    with TardisSimulator(slices, key=KEY).running() as url:
        theirs = replayed(url, [wanted], folder / "cache")
        assert set(theirs) == set(market.NAMES if made else _SAMPLE_NAMES)
        with Ours.fetched(url, [wanted], folder / "data") as ours:
            yield _World(ours, theirs, wanted)


def test_each_message_gives_the_book_of_its_book_change(world: _World) -> None:
    """Every level and both clocks, from depth_changes; none left out, none more."""
    for asked, told in world.each():
        expected = [said._replace(book=whole_book(said.book)) for said in told.messages]
        assert len(expected) > 500
        same(world.ours.by_changes(asked), expected)


def test_the_documented_rule_gives_the_book_of_each_book_change(world: _World) -> None:
    """From incremental_book_L2, by local_timestamp: the last book of those that share one."""
    for asked, told in world.each():
        expected = {said.arrival: whole_book(said.book) for said in told.messages}
        found = world.ours.by_tardis_rule(asked)
        assert found.keys() <= expected.keys()
        # A message that changed nothing has no rows.
        book: Book = ([], [])
        for arrival, wanted in expected.items():
            book = found.get(arrival, book)
            assert book == wanted, arrival


@pytest.mark.parametrize("depth", DEPTHS)
def test_snapshots_on_change_are_book_snapshots_of_interval_0(world: _World, depth: int) -> None:
    """In SQL and in Python."""
    for asked, told in world.each():
        expected = told.on_change[depth]
        assert len(expected) > 50
        same(world.ours.on_change(asked, depth), expected)
        same(world.ours.on_change_in_python(asked, depth), expected)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_snapshots_on_its_grid_are_book_snapshots_of_an_interval(
    world: _World, depth: int, step: int
) -> None:
    """Which of them there are, their stamps on both clocks, their books."""
    for asked, told in world.each():
        expected = told.snapshots[depth, step]
        assert len(expected) > 50
        same(world.ours.on_grid(asked, depth, step), expected)
