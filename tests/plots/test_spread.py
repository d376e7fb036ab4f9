from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pipeline
from pipeline.errors import UsageError
from pipeline.sources.files import adopt
from tests.independent import in_microseconds
from tests.independent_books import stretches
from tests.independent_measures import middle
from tests.lakes import ingest
from tests.making import at, depth, write_minute
from tests.worlds import END, NAMES, START

from .conftest import ODD, odd_time
from .looking import artist, hatched, microseconds, text_of, unknown_stretches

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.research import OpenLake
    from tests.independent import Reading
    from tests.worlds import World

_MARGIN = timedelta(minutes=1)
_RANGE = START - _MARGIN, END + _MARGIN
_MICROSECONDS = tuple(in_microseconds(time) for time in _RANGE)
_STEP = 7_000_000


def _spreads(reading: Reading, name: str, start: int, end: int) -> list[tuple[int, float]]:
    """Return for how long each spread stood in a range, one book after another."""
    found = []
    for stretch in stretches(reading, name, start, end):
        bids, asks = stretch.message.book
        if bids and asks:
            stood = min(stretch.end, end) - max(stretch.start, start)
            found.append((stood, asks[0][0] - bids[0][0]))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_line_is_the_average_by_time(world: World, lake: OpenLake, name: str) -> None:
    """In each step, of the books in it; the band is from the narrowest to the widest of these.

    Where no book is known there is neither, from microsecond to microsecond, and it is hatched.
    """
    axes = lake.plot.spread(name, *_RANGE, step="7s")
    line, band = artist(axes, "average by time"), artist(axes, "narrowest to widest")
    average, places, _ = line.get_data()
    widest, _, narrowest = band.get_data()
    edges = microseconds(places).tolist()
    drawn = 0
    for place, (start, end) in enumerate(pairwise(edges)):
        shown = average[place], narrowest[place], widest[place]
        step = (start - _MICROSECONDS[0]) // _STEP * _STEP + _MICROSECONDS[0]
        spreads = _spreads(world.reading, name, step, min(step + _STEP, _MICROSECONDS[1]))
        if world.reading.standing_at(name, start) is None or not spreads:
            assert np.isnan(shown).all()
            continue
        assert world.reading.standing_at(name, end - 1) is not None
        stood, spread = zip(*spreads, strict=True)
        expected = np.average(spread, weights=stood), min(spread), max(spread)
        assert np.allclose(shown, expected, rtol=1e-9, atol=1e-12)
        drawn += 1
    assert drawn > 100
    assert hatched(axes) == unknown_stretches(world.reading, name, *_MICROSECONDS)


def test_basis_points_stand_on_the_right(world: World, lake: OpenLake) -> None:
    """Of the mean mid, which the axis names."""
    axes = lake.plot.spread(NAMES[0], *_RANGE)
    (second,) = axes.child_axes
    axes.figure.draw_without_rendering()  # type: ignore[union-attr] # a figure of its own
    standing = [
        one for one in stretches(world.reading, NAMES[0], *_MICROSECONDS) if all(one.message.book)
    ]
    stood = [one.end - one.start for one in standing]
    mean = np.average([middle(one.message.book) for one in standing], weights=stood)
    assert np.allclose(np.array(second.get_ylim()) * mean / 10_000, axes.get_ylim())
    assert second.get_ylabel() == f"Spread (bp of the mean mid, {mean:,.7g})"


def test_without_a_mid_above_zero_there_are_none(lake: OpenLake, odd: OpenLake) -> None:
    """A market around zero has spreads, and no basis points."""
    for axes in (lake.plot.spread(NAMES[1], *_RANGE), odd.plot.spread(ODD, at(0), at(1))):
        assert not axes.child_axes
        assert " bp" not in text_of(axes)


def test_crossed_books_have_a_spread_below_zero(odd: OpenLake) -> None:
    """The axis goes there, with a line at zero; steps of one-sided books are shaded."""
    axes = odd.plot.spread(ODD, at(0), at(1), step="1s")
    assert axes.get_ylim()[0] < -0.5
    assert artist(axes, "below: crossed").get_ydata() == [0, 0]
    lacking, places, _ = artist(axes, "a side is empty").get_data()
    times = {time for time, one in zip(microseconds(places), lacking, strict=False) if one}
    names = "bids alone", "asks alone", "empty"
    seconds = [odd_time(name) - 1 + n for name in names for n in range(5)]
    assert times == {in_microseconds(at(0, second)) for second in seconds}


def test_books_without_a_spread_are_not_unknown(odd: OpenLake) -> None:
    """They are known, and one side of them is empty."""
    axes = odd.plot.spread(ODD, at(0, odd_time("bids alone")), at(0, odd_time("empty")))
    assert hatched(axes) == []
    assert "none has both sides" in text_of(axes)
    assert "book known 100 % of the time" in text_of(axes)


def test_a_range_without_a_book_says_why(lake: OpenLake) -> None:
    """All of it is hatched, and the sentence of `explain` stands in it."""
    start, end = START - timedelta(hours=2), START - timedelta(hours=1)
    axes = lake.plot.spread(NAMES[0], start, end)
    assert hatched(axes) == [(in_microseconds(start), in_microseconds(end))]
    assert lake.explain(NAMES[0], start) in " ".join(text_of(axes).split())


def test_who_looks_sees_range_and_units(odd: OpenLake) -> None:
    """On the axes and above them."""
    axes = odd.plot.spread(ODD, at(0, odd_time("far away")), at(0, 46), step="500ms")
    assert axes.get_xlabel() == "Time of arrival, 2020-08-01 (UTC)"
    assert axes.get_ylabel() == "Spread (USD)"
    assert "mean by time 1 USD = 952 bp, in steps of 500 ms" in text_of(axes)


def test_a_moment_s_wide_spread_does_not_hide_all_others(tmp_path: Path) -> None:
    """Then the axis is logarithmic, says so, and shows all of them."""
    lines = [depth(at(0, n), [[100, 1]], [[101 + 49 * (n == 30), 1]]) for n in range(60)]
    write_minute(tmp_path / "slices", at(0), lines)
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices")
    ingest(tmp_path / "data", "coinflex", jobs=1)
    with pipeline.open(tmp_path / "data") as lake:
        axes = lake.plot.spread("BTC-USD", at(0), at(1))
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "Spread (USD, logarithmic scale)"
    low, high = axes.get_ylim()
    assert 0 < low < 1
    assert high > 50


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"end": at(0)}, "end"), ({"step": "1us"}, "step"), ({"instrument": "ODD"}, "instrument")],
)
def test_what_cannot_be_asked(odd: OpenLake, arguments: dict[str, object], named: str) -> None:
    """An empty range, steps without number, a name that is not there."""
    asked = {"instrument": ODD, "start": at(0), "end": at(1)} | arguments
    with pytest.raises(UsageError, match="what would work") as refused:
        odd.plot.spread(**asked)  # type: ignore[arg-type]
    assert refused.value.parameter == named
