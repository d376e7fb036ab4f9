from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.image import imread

from pipeline.page.heatmap import _line, _slits
from pipeline.plots.stretches import Pieces
from tests.independent import in_microseconds
from tests.making import at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.independent import Reading

    from .looking import Reader

_NAME = "ETH-USD-SWAP-LIN"
_NOTHING = np.array([0x1C, 0x0B, 0x26])


def _picture(seen: Reader) -> tuple[NDArray[np.uint8], float, float]:
    """Return the heatmap's dots, and from which to which price they go, as the page says."""
    ((_, image),) = [one for one in seen.elements if one[0] == "image"]
    content = base64.b64decode((image["href"] or "").partition(",")[2])
    labels = [
        attributes.get("aria-label") or "" for tag, attributes in seen.elements if tag == "svg"
    ]
    (label,) = [label for label in labels if label.startswith("Liquidity heatmap")]
    found = re.search(r"prices from ([\d,.]+) to ([\d,.]+)$", label)
    assert found is not None
    low, high = (float(price.replace(",", "")) for price in found.groups())
    return np.rint(imread(io.BytesIO(content)) * 255).astype(np.uint8), low, high


def test_dots_are_where_an_independent_reading_has_amounts(
    sample_seen: Reader, sample_reading: Reading
) -> None:
    """Of four of the six minutes' columns: a colour where something rests, elsewhere none."""
    dots, low, high = _picture(sample_seen)
    rows, columns = dots.shape[:2]
    for column in (100, 300, 400, 799):
        second = int((column + 0.5) * 360 / columns)
        time = in_microseconds(at(23 * 60 + 54, second))
        bids, asks = sample_reading.book_at(_NAME, time) or ([], [])
        levels = [*bids[:25], *asks[:25]]
        expected = {int((high - price) / (high - low) * rows) for price, _ in levels}
        drawn = dots[:, column]
        is_drawn = (drawn[:, 3] > 0) & (drawn[:, :3] != _NOTHING).any(axis=1)
        assert set(np.flatnonzero(is_drawn)) == {row for row in expected if 0 <= row < rows}


def test_nothing_is_drawn_before_the_first_book(sample_seen: Reader) -> None:
    """It came after 15.394148 of 360 seconds: the column in which that is begins with it."""
    dots, *_ = _picture(sample_seen)
    bare = (dots[:, :, 3] == 0).all(axis=0)
    assert np.flatnonzero(~bare)[0] == round(15.394148 / 360 * dots.shape[1])


def test_a_gap_narrower_than_a_dot_is_seen() -> None:
    """A line is where it is; one that columns show has none."""
    edges = np.array([0, 400_000, 400_001, 600_000, 650_000, 800_000], np.int64)
    pieces = Pieces(edges, np.zeros(5, np.int64), np.array([True, False, True, False, True]))
    middles = (np.arange(800) + 0.5) * 1_000
    known = ~((middles >= 600_000) & (middles < 650_000))
    assert _slits(pieces, known) == "M400 0V1000"


def test_a_line_is_interrupted_where_there_is_no_price() -> None:
    """It turns where the price does, and is no longer than it needs to be."""
    heights = np.array([np.nan, 5, 5, 7, np.nan, 2])
    assert _line(heights) == "M1 5H3V7H4M5 2H6"
    assert _line(np.array([np.nan])) == ""
