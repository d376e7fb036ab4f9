from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

import pipeline
from pipeline.errors import UsageError
from pipeline.plots.asked import asked_range
from pipeline.plots.heatmap import read_heatmap
from pipeline.sources.files import adopt
from tests.independent import in_microseconds
from tests.lakes import ingest
from tests.making import at, depth, trade, write_minute
from tests.worlds import END, NAMES, START

from .conftest import ODD, odd_time
from .looking import artist, hatched, microseconds, text_of, unknown_stretches

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pipeline.research import OpenLake
    from tests.worlds import World

_MARGIN = timedelta(minutes=1)
_RANGE = START - _MARGIN, END + _MARGIN
_MICROSECONDS = tuple(in_microseconds(time) for time in _RANGE)


def _mesh(axes: Axes) -> tuple[NDArray[np.int64], NDArray[np.float64], Any, float]:
    """Return where columns begin and end, edges of prices, amounts as (price, time), the least."""
    meshes: list[Any] = [one for one in axes.collections if isinstance(one, QuadMesh)]
    (mesh,) = meshes
    corners = mesh.get_coordinates()
    return microseconds(corners[0, :, 0]), corners[:, 0, 1], mesh.get_array(), mesh.norm.vmin


@pytest.mark.parametrize("name", NAMES)
def test_a_column_is_the_book_as_it_begins(world: World, lake: OpenLake, name: str) -> None:
    """Every amount at its price; nothing where no book is known, however short the stretch.

    No row is of two prices here. Amounts below the map's least have its colour, none another one.
    """
    axes = lake.plot.heatmap(name, *_RANGE, step="7s", depth=30)
    edges, prices, amounts, least = _mesh(axes)
    assert (edges[0], edges[-1]) == _MICROSECONDS
    assert max(np.diff(edges)) <= 7_000_000
    assert set(range(_MICROSECONDS[0], _MICROSECONDS[1], 7_000_000)) <= set(edges.tolist())
    known = 0
    for column, start in enumerate(edges[:-1].tolist()):
        book = world.reading.book_at(name, start)
        found = amounts[:, column]
        if book is None:
            assert found.mask.all()
            continue
        assert world.reading.standing_at(name, int(edges[column + 1]) - 1) is not None
        expected = np.zeros(len(prices) - 1)
        for price, amount in [*book[0], *book[1]]:
            expected[np.searchsorted(prices, price) - 1] += amount
        shown = np.where(found.filled(0) < least, 0, found.filled(0))
        assert np.allclose(shown, np.where(expected > 0, np.maximum(expected, least), 0))
        assert not found.mask.any(), "a book that is known whole says of each price what is there"
        known += 1
    assert known > 100


@pytest.mark.parametrize("name", NAMES)
def test_unknown_time_is_hatched_and_nothing_else(world: World, lake: OpenLake, name: str) -> None:
    """From microsecond to microsecond; the lines of best prices end there."""
    axes = lake.plot.heatmap(name, *_RANGE, step="11s")
    assert hatched(axes) == unknown_stretches(world.reading, name, *_MICROSECONDS)
    for side, label in enumerate(("_best bid", "_best ask")):
        values, places, _ = artist(axes, label).get_data()
        for value, start in zip(values, microseconds(places[:-1]).tolist(), strict=True):
            book = world.reading.book_at(name, start)
            best = book[side][0][0] if book and book[side] else None
            assert (None if np.isnan(value) else value) == best


def test_a_book_that_goes_deeper_is_not_said_to_be_empty_there(lake: OpenLake) -> None:
    """Beyond the levels that were asked for nothing is drawn, not the colour of nothing."""
    axes = lake.plot.heatmap(NAMES[0], START, END, depth=2)
    _, _, amounts, least = _mesh(axes)
    known = ~amounts.mask.all(axis=0)
    assert amounts.mask[:, known].any()
    whole = _mesh(lake.plot.heatmap(NAMES[0], START, END, depth=None))[2]
    assert not whole.mask[:, ~whole.mask.all(axis=0)].any()
    assert (whole.filled(1) < least).any()


@pytest.mark.parametrize("levels", [999, 1000, None])
def test_a_very_deep_book_is_drawn_as_deep_as_was_asked(tmp_path: Path, levels: int | None) -> None:
    """Of 1,002 levels a side all, if no depth is named; else nothing is drawn below it."""
    sides = [[[1002 - n, 1] for n in range(1002)], [[1003 + n, 1] for n in range(1002)]]
    write_minute(tmp_path / "slices", at(0), [depth(at(0), *sides), depth(at(0, 59), *sides)])
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices")
    ingest(tmp_path / "data", "coinflex", jobs=1)
    with pipeline.open(tmp_path / "data") as lake:
        asked = asked_range("BTC-USD", at(0), at(1), "1m", 1)
        found = read_heatmap(lake, asked, levels, trades=False)
    drawn = levels or 1002
    assert np.bincount(found.levels.is_bid).tolist() == [drawn] * 2
    assert found.deeper.tolist() == [[drawn < 1002] * 2]


def test_a_range_without_a_book_says_why(lake: OpenLake) -> None:
    """All of it is hatched, and the sentence of `explain` stands in it."""
    start, end = START - timedelta(hours=2), START - timedelta(hours=1)
    axes = lake.plot.heatmap(NAMES[0], start, end)
    assert hatched(axes) == [(in_microseconds(start), in_microseconds(end))]
    assert lake.explain(NAMES[0], start) in " ".join(text_of(axes).split())
    assert "book known 0 % of the time (else: not fetched)" in text_of(axes)
    assert "book unknown" in axes.get_legend_handles_labels()[1]


def test_few_trades_are_marked_one_by_one(world: World, lake: OpenLake) -> None:
    """By side in colour and in shape; where no book is known too."""
    axes = lake.plot.heatmap(NAMES[0], *_RANGE)
    marks = {}
    for side in ("buy", "sell"):
        marks[side] = artist(axes, f"taker {side}s")
        prices = sorted(
            float(item["price"]) for item in world.reading.trades[NAMES[0]]
            if item["side"].lower() == side
        )  # fmt: skip
        assert sorted(marks[side].get_offsets()[:, 1]) == prices
    colours = [tuple(one.get_facecolor()[0]) for one in marks.values()]
    shapes = [one.get_paths()[0].vertices.tolist() for one in marks.values()]
    assert colours[0] != colours[1]
    assert shapes[0] != shapes[1]
    without = lake.plot.heatmap(NAMES[0], *_RANGE, trades=False)
    assert not [one for one in without.collections if str(one.get_label()).startswith("taker")]


def test_time_in_which_trades_may_be_lacking_is_hatched_at_the_bottom(
    world: World, lake: OpenLake
) -> None:
    """So that a time without a mark is not taken for one without a trade."""
    axes = lake.plot.heatmap(NAMES[0], *_RANGE)
    found, (upto, end) = [], _MICROSECONDS
    for start, stop in world.trades.known(NAMES[0]):
        if max(start, _MICROSECONDS[0]) > upto:
            found.append((upto, start))
        upto = max(upto, stop)
    assert hatched(axes, "trades may be lacking") == [*found, (upto, end)]
    assert hatched(lake.plot.heatmap(NAMES[0], *_RANGE, trades=False), "trades may") == []


def test_many_trades_are_summed_by_time_and_side(tmp_path: Path) -> None:
    """At their mean price by amount; the legend says over how long."""
    lines = [depth(at(0), [[10, 1]], [[20, 1]])]
    lines += [
        trade(at(0, n / 10), str(10 + n % 2), str(1 + n % 2 * 2), id_=str(n)) for n in range(600)
    ]
    write_minute(tmp_path / "slices", at(0), lines)
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices")
    ingest(tmp_path / "data", "coinflex", jobs=1)
    with pipeline.open(tmp_path / "data") as lake:
        marks = artist(lake.plot.heatmap("BTC-USD", at(0), at(1)), "taker buys, in 600 ms")
    assert len(marks.get_offsets()) == 100
    assert np.allclose(marks.get_offsets()[:, 1], (3 * 10 * 1 + 3 * 11 * 3) / 12)


def test_what_is_far_away_does_not_press_all_else_together(odd: OpenLake) -> None:
    """The axis of prices is around the best ones; crossed, empty and negative books are drawn."""
    axes = odd.plot.heatmap(ODD, at(0), at(1))
    low, high = axes.get_ylim()
    assert -10 < low < -2
    assert 11 < high < 30
    edges, prices, amounts, _ = _mesh(axes)
    crossed = int(np.searchsorted(edges, in_microseconds(at(0, odd_time("crossed"))))) - 1
    shown = {
        price: float(amounts[np.searchsorted(prices, price) - 1, crossed]) for price in (10, 9.5)
    }
    assert shown == {10: 1, 9.5: 3}


def test_who_looks_sees_range_units_and_what_colour_means(odd: OpenLake) -> None:
    """On the axes, at the scale of colours, in the legend."""
    axes = odd.plot.heatmap(ODD, at(0, 2), at(0, 4), depth=7)
    assert axes.get_xlabel() == "Time of arrival, 2020-08-01 (UTC)"
    assert axes.get_ylabel() == "Price (USD)"
    assert "2020-08-01 00:00:02 to 2020-08-01 00:00:04 UTC" in text_of(axes)
    assert "the book every 2 ms, the best 7 levels a side · price bins of 0.5 USD" in text_of(axes)
    _, bar = axes.figure.axes
    assert bar.get_ylabel() == r"Amount resting (ODD\$A\$B); darkest: none"


@pytest.mark.parametrize(
    ("start", "end"),
    [(at(0, 2), at(0, 2.000001)), (at(0, 21.5), at(0, 22.5)), (at(0, 11.5), at(0, 12)),
     (at(-1440), at(1440))],
)  # fmt: skip
def test_any_range_can_be_drawn(odd: OpenLake, start: object, end: object) -> None:
    """A microsecond, books that are empty or of one side, days of which most are not there."""
    axes = odd.plot.heatmap(ODD, start, end)  # type: ignore[arg-type]
    axes.figure.draw_without_rendering()  # type: ignore[union-attr] # a figure of its own


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"end": at(0)}, "end"), ({"step": "1us"}, "step"), ({"step": "1x"}, "step"),
     ({"depth": True}, "depth"), ({"instrument": "ODD"}, "instrument")],
)  # fmt: skip
def test_what_cannot_be_asked(odd: OpenLake, arguments: dict[str, object], named: str) -> None:
    """An empty range, columns without number, and the like."""
    asked = {"instrument": ODD, "start": at(0), "end": at(1)} | arguments
    with pytest.raises(UsageError, match="what would work") as refused:
        odd.plot.heatmap(**asked)  # type: ignore[arg-type]
    assert refused.value.parameter == named
