"""Where answers are meant to differ from those of Tardis's own client, and that it is just that.

Each difference has a test of its name, which says what each of the two does. All others are errors:
see test_tardis_dev.py.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pipeline.simulator.tardis import TardisSimulator
from pipeline.times import Range
from tests.campaign.asked import same
from tests.making import at, depth, write_minute
from tests.node import market
from tests.node.client import DEPTHS, ON_CHANGE, STEPS, Said, Told, replayed
from tests.node.ours import Asked, Ours
from tests.world import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_BIDS, _MORE_BIDS, _ASKS = [[10, 1], [9, 2]], [[10, 3]], [[11, 3]]


class _Both(NamedTuple):
    ours: Ours
    theirs: dict[str, Told]


@contextmanager
def _both(slices: Path, fetched: Sequence[Range], replay: Sequence[Range]) -> Iterator[_Both]:
    """Yield a lake of some ranges, and what the client tells of some."""
    with TardisSimulator(slices, key=KEY).running() as url:
        theirs = replayed(url, replay, slices.parent / "cache")
        with Ours.fetched(url, fetched, slices.parent / "data") as ours:
            yield _Both(ours, theirs)


def _amounts(snapshots: Sequence[Said]) -> list[tuple[int, ...]]:
    """Return the second of the minute in which each arrived, and its bids' amounts."""
    return [
        (said.arrival // 1_000_000 % 60, *(int(amount) for _, amount in said.book[0]))
        for said in snapshots
    ]


def test_a_minute_that_was_never_fetched_is_a_break(tmp_path: Path) -> None:
    """The client would fetch it. What it tells of the ranges beside it, one by one, is our answer.

    It begins anew with each, as we do after a minute of which we know nothing; midnight, which lies
    in the second range, is no break.
    """
    slices = market.make(tmp_path / "slices", 1)
    before = Range.parse("2020-08-01T23:54", "2020-08-01T23:56")
    after = Range.parse("2020-08-01T23:58", "2020-08-02T00:02")
    with _both(slices, [before, after], [before, after]) as (ours, theirs):
        for name, told in theirs.items():
            asked = Asked(name, before.start, after.end)
            for n, step in zip(DEPTHS, STEPS, strict=True):
                same(ours.on_change(asked, n), told.on_change[n])
                same(ours.on_grid(asked, n, step), told.snapshots[n, step])


# The others are small: each has an instrument and a minute of its own, or two.
_EMPTY, _GOING_ON, _TIMELESS, _NOT_WHOLE = "A-USD", "B-USD", "C-USD", "D-USD"
_WHOLE = Range.parse("2020-08-01T00:00", "2020-08-01T00:05")
_FIRST = Range(_WHOLE.start, at(2))
_SECOND = Range(at(2), _WHOLE.end)
_LINES = {
    0: [
        depth(at(0, 1), [], [], instrument=_EMPTY),
        depth(at(0, 2), [], [], instrument=_EMPTY),
        depth(at(0, 3), _BIDS, _ASKS, instrument=_EMPTY),
        "",
        depth(at(0, 4), [], [], instrument=_EMPTY),
        depth(at(0, 5), _BIDS, _ASKS, instrument=_EMPTY),
        depth(at(0, 6), [], [], instrument=_EMPTY),
    ],
    1: [depth(at(1, 1), _BIDS, _ASKS, instrument=_GOING_ON)],
    2: [
        depth(at(2, 1), _BIDS, _ASKS, instrument=_GOING_ON),
        depth(at(2, 2), _MORE_BIDS, _ASKS, instrument=_GOING_ON),
    ],
    3: [
        depth(at(3, 1), _BIDS, _ASKS, instrument=_TIMELESS),
        depth(at(3, 1.5), _MORE_BIDS, _ASKS, instrument=_TIMELESS),
        depth(at(3, 1.7), _BIDS, _ASKS, instrument=_TIMELESS).replace('"timestamp"', '"other"'),
        depth(at(3, 3), [[10, 4]], _ASKS, instrument=_TIMELESS),
        depth(at(3, 4), [[10, 5]], _ASKS, instrument=_TIMELESS),
    ],
    4: [
        depth(at(4, 1), _BIDS, _ASKS, instrument=_NOT_WHOLE),
        depth(at(4, 2), [[9, 0]], [], instrument=_NOT_WHOLE, action="increment"),
        depth(at(4, 3), _MORE_BIDS, _ASKS, instrument=_NOT_WHOLE),
        depth(at(4, 4), [[8, 2]], _ASKS, instrument=_NOT_WHOLE, action=None),
    ],
}


@pytest.fixture(name="both", scope="module")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Both]:
    """Give both the small ones; the client in two ranges."""
    folder = tmp_path_factory.mktemp("small")
    for minute, lines in _LINES.items():
        write_minute(folder / "slices", at(minute), lines)
    with _both(folder / "slices", [_WHOLE], [_FIRST, _SECOND]) as both:
        yield both


def test_an_empty_book_is_known_on_change(both: _Both) -> None:
    """A first book without levels, after a break too, is a row of ours; the client says nothing.

    To it nothing has changed; to whoever reads the rows, before it no book was known. Of a book
    that becomes empty both tell.
    """
    asked, told = Asked(_EMPTY, *_WHOLE), both.theirs[_EMPTY]
    assert _amounts(told.snapshots[5, ON_CHANGE]) == [(3, 1, 2), (5, 1, 2), (6,)]
    assert _amounts(told.silent) == [(1,), (4,)]
    expected = [(1,), (3, 1, 2), (4,), (5, 1, 2), (6,)]
    assert _amounts(both.ours.on_change(asked, 5)) == expected
    assert _amounts(both.ours.on_change_in_python(asked, 5)) == expected
    same(both.ours.on_grid(asked, 5, 1000), told.snapshots[5, 1000])


def test_a_range_on_change_goes_on_from_the_book_before_it(both: _Both) -> None:
    """So that two ranges, one after the other, have the rows of both; the client begins anew."""
    first, second = Asked(_GOING_ON, *_FIRST), Asked(_GOING_ON, *_SECOND)
    ours, told = both.ours, both.theirs[_GOING_ON].snapshots
    assert _amounts(told[5, ON_CHANGE]) == [(1, 1, 2), (1, 1, 2), (2, 3)]
    for ask in (ours.on_change, ours.on_change_in_python):
        assert _amounts(ask(first, 5)) == [(1, 1, 2)]
        assert _amounts(ask(second, 5)) == [(2, 3)]
    # Tardis's grid is that of a replay of the range.
    same(ours.on_grid(first, 5, 1000) + ours.on_grid(second, 5, 1000), told[5, 1000])


def test_a_message_without_a_time_has_no_place_on_a_grid(both: _Both) -> None:
    """Ours leaves it out; the client, whose clock is then no number, loses the row after it."""
    asked, told = Asked(_TIMELESS, *_WHOLE), both.theirs[_TIMELESS]
    assert _amounts(told.snapshots[5, 1000]) == [(1, 1, 2), (4, 4)]
    assert _amounts(both.ours.on_grid(asked, 5, 1000)) == [(1, 1, 2), (3, 3), (4, 4)]
    # On change its own time is unknown to both.
    assert told.on_change[5][2].timestamp is None
    same(both.ours.on_change(asked, 5), told.on_change[5])


def test_a_message_that_is_no_whole_book_ends_the_one_before(both: _Both) -> None:
    """The channel has none by its definition: what one would mean is not known, and no book is.

    The client takes it for a difference; one without any action too, which to us is a whole book,
    as other forms of the feed have it.
    """
    asked, told = Asked(_NOT_WHOLE, *_WHOLE), both.theirs[_NOT_WHOLE]
    assert _amounts(told.snapshots[5, ON_CHANGE]) == [(1, 1, 2), (2, 1), (3, 3), (4, 3, 2)]
    expected = [(1, 1, 2), (3, 3), (4, 2)]
    assert _amounts(both.ours.on_change(asked, 5)) == expected
    assert _amounts(both.ours.on_change_in_python(asked, 5)) == expected
