from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pipeline
from pipeline.errors import UsageError
from tests.independent import in_microseconds
from tests.making import at
from tests.worlds import END, NAMES, START

from .conftest import ODD, ODD_BOOKS, odd_time
from .looking import artist, text_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pipeline.research import OpenLake
    from tests.independent import Levels
    from tests.worlds import World

_LABELS = "bids", "asks"


def _steps(axes: Axes, label: str) -> list[tuple[float, float]]:
    """Return the corners of a side: price, and how much rests up to it. Nothing if it is absent."""
    if label not in axes.get_legend_handles_labels()[1]:
        return []
    line = artist(axes, label)
    assert line.get_drawstyle() == "steps-post"
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))


def _expected(levels: Levels) -> list[tuple[float, float]]:
    sums = accumulate(amount for _, amount in levels)
    corners = [(price, total) for (price, _), total in zip(levels, sums, strict=True)]
    return [(levels[0][0], 0.0), *corners] if levels else []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_drawn_is_the_book(world: World, lake: OpenLake, name: str) -> None:
    """At random times: sums from the best price outwards, or words where no book is known."""
    start, end = in_microseconds(START), in_microseconds(END)
    kinds = set()
    for _ in range(25):
        time = world.rng.randrange(start - 10**7, end + 10**7)
        axes = lake.plot.book(name, np.datetime64(time, "us"), depth=None)
        book = world.reading.book_at(name, time)
        for label, levels in zip(_LABELS, book or ([], []), strict=True):
            steps = _steps(axes, label)
            assert [price for price, _ in steps] == [price for price, _ in _expected(levels)]
            assert np.allclose(steps, _expected(levels), rtol=1e-12)
        if not book or not any(book):
            assert not axes.lines
            said = lake.explain(name, np.datetime64(time, "us"))
            assert " ".join(text_of(axes).split()).count(said) == 1
        kinds.add(None if book is None else bool(any(book)))
    assert {None, True} <= kinds


def test_depth_is_levels_a_side(odd: OpenLake) -> None:
    """The best ones."""
    axes = odd.plot.book(ODD, at(0, odd_time("negative")), depth=2)
    assert _steps(axes, "bids") == [(-2, 0), (-2, 1), (-3, 5)]
    assert _steps(axes, "asks") == [(-1, 0), (-1, 2), (0, 3)]
    assert "the best 2 levels a side" in text_of(axes)


def test_within_basis_points_of_the_mid(odd: OpenLake) -> None:
    """All levels up to there, and none beyond: the mid is 10.5."""
    time = at(0, odd_time("far away"))
    axes = odd.plot.book(ODD, time, depth=1, within=9_991)
    assert _steps(axes, "bids") == [(10, 0), (10, 1), (0.01, 501)]
    assert _steps(axes, "asks") == [(11, 0), (11, 2)]
    assert "within 9,991 bp of the mid" in text_of(axes)
    assert "no level lies within" in text_of(odd.plot.book(ODD, time, within=1))


def test_without_a_mid_above_zero_there_are_no_basis_points(odd: OpenLake) -> None:
    """The levels are shown all the same, and it is said."""
    axes = odd.plot.book(ODD, at(0, odd_time("negative")), within=10)
    assert len(_steps(axes, "asks")) == 4
    assert "no mid above 0" in text_of(axes)
    assert "spread 1 USD" in text_of(axes)
    assert " bp" not in text_of(axes).replace("bp of", "")


@pytest.mark.parametrize("name", ODD_BOOKS)
def test_odd_books_are_drawn_as_they_are(odd: OpenLake, name: str) -> None:
    """Crossed, locked, one-sided, empty, of one level: nothing is mended, and it is said."""
    axes = odd.plot.book(ODD, at(0, odd_time(name)), depth=None)
    for label, levels in zip(_LABELS, ODD_BOOKS[name], strict=True):
        assert _steps(axes, label) == _expected([(level[0], level[1]) for level in levels])
    said = {
        "crossed": "CROSSED, as received: best bid 10, best ask 9.5",
        "locked": "LOCKED, as received",
        "bids alone": "there are no asks",
        "asks alone": "there are no bids",
        "empty": "empty on both sides",
        "negative": "best bid −2, best ask −1, spread 1 USD",  # noqa: RUF001 - a minus sign
    }
    assert said.get(name, "best bid 10, best ask 11, spread 1 USD = 952 bp") in text_of(axes)
    axes.figure.draw_without_rendering()  # type: ignore[union-attr] # a figure of its own
    assert axes.get_xscale() == axes.get_yscale() == "linear"


def test_who_looks_sees_instrument_time_age_and_units(odd: OpenLake) -> None:
    """A name with dollar signs is a name, not mathematics."""
    axes = odd.plot.book(ODD, "2020-08-01T02:00:02.25+02:00")
    assert axes.get_title("left") == r"ODD\$A\$B-USD · order book"
    assert "2020-08-01 00:00:02.250000 UTC · the book is 1.25 s old" in text_of(axes)
    assert axes.get_xlabel() == "Price (USD)"
    assert axes.get_ylabel() == r"Cumulative amount (ODD\$A\$B)"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"depth": 0}, "depth"), ({"depth": 1001}, "depth"), ({"within": 0}, "within"),
     ({"instrument": "ODD"}, "instrument"), ({"time": 5}, "time")],
)  # fmt: skip
def test_what_cannot_be_asked(odd: OpenLake, arguments: dict[str, object], named: str) -> None:
    """Is refused by name, with what would work."""
    asked = {"instrument": ODD, "time": at(0, 2)} | arguments
    with pytest.raises(UsageError, match="what would work") as refused:
        odd.plot.book(**asked)  # type: ignore[arg-type]
    assert refused.value.parameter == named


def test_a_closed_lake_draws_nothing(world: World) -> None:
    """It says so, as for every question."""
    lake = pipeline.open(world.data)
    lake.close()
    with pytest.raises(UsageError, match="a closed one"):
        lake.plot.book(NAMES[0], START)
