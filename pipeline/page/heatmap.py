"""A heatmap as a chart of the page: amounts as dots, the best prices as lines, unknown time bare.

All of it goes by columns of dots, of which there are few however long the day or many its gaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb

from pipeline.page.charts import Axis, axis, chart, path, rect, ticks
from pipeline.page.markup import Markup, element
from pipeline.page.numbers import number
from pipeline.page.png import data_uri, png
from pipeline.plots.heatmap import NOTHING, amounts_of, best_prices, shades_of
from pipeline.plots.stretches import runs
from pipeline.research.times import naive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.plots.asked import Asked
    from pipeline.plots.heatmap import Liquidity
    from pipeline.plots.prices import Rows
    from pipeline.plots.stretches import Pieces

__all__ = ["heatmap"]

_COLUMNS: Final = 800
_TALL: Final = 1000
_COLOURS: Final = 120
_MAP: Final = "viridis"
_NONE, _FIRST = 1, 2  # colours: that nothing rests there, and the first of those of amounts
_SECOND: Final = 1_000_000
_ROUND_SECONDS: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600,
)  # fmt: skip


def heatmap(found: Liquidity, rows: Rows, what: str) -> Markup:
    """Return the picture; `what` says of which day of which instrument."""
    low, high = float(rows.edges[0]), float(rows.edges[-1])
    piece = _pieces_of_columns(found.pieces)
    known = found.pieces.known[piece]
    best = [best_prices(found, is_bid=is_bid) for is_bid in (True, False)]
    dots = _colours(amounts_of(found, rows))[::-1, piece]
    picture = element(
        "image", href=data_uri(png(np.ascontiguousarray(dots), _palette())), width=_COLUMNS,
        height=_TALL, preserveAspectRatio="none", class_="dots",
    )  # fmt: skip
    ground = [rect(first, 0, last - first, _TALL, "known") for first, last in runs(known)]
    lines = [
        path(_line((high - prices[piece]) * (_TALL / (high - low))), look)
        for look in ("best under", "best") for prices in best
    ]  # fmt: skip
    return chart(
        f"Liquidity heatmap, {what}: {_said(best, rows)}", _COLUMNS, _TALL,
        [*ground, picture, *lines, path(_slits(found.pieces, known), "slit")],
        look="tall", x=_times(found.asked), y=axis(low, high),
    )  # fmt: skip


def _pieces_of_columns(pieces: Pieces) -> NDArray[np.int64]:
    """Return the piece in the middle of each column of dots."""
    start, end = int(pieces.edges[0]), int(pieces.edges[-1])
    middles = start + (np.arange(_COLUMNS) + 0.5) * ((end - start) / _COLUMNS)
    return np.searchsorted(pieces.edges, middles, side="right") - 1


def _colours(amounts: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the number of each amount's colour; 0 where none is known."""
    low, high = shades_of(amounts)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(np.log(amounts / low) / np.log(high / low), 0, 1)
    colour = np.where(amounts == 0, _NONE, _FIRST + np.rint(share * (_COLOURS - 1)))
    return np.where(np.isnan(amounts), 0, colour).astype(np.uint8)


def _palette() -> list[tuple[int, int, int]]:
    shades = colormaps[_MAP](np.linspace(0, 1, _COLOURS))[:, :3]
    return [_bytes((0.0, 0.0, 0.0)), _bytes(to_rgb(NOTHING)), *map(_bytes, shades)]


def _bytes(colour: Any) -> tuple[int, int, int]:  # noqa: ANN401 - three numbers, of whatever kind
    red, green, blue = (round(255 * float(part)) for part in colour)
    return red, green, blue


def _line(heights: NDArray[np.float64]) -> str:
    """Return a side's best price as a line of steps, interrupted where there is none."""
    parts: list[str] = []
    for first, last in runs(~np.isnan(heights)):
        parts.append(f"M{first} {heights[first]:.5g}")
        turns = [place for place in range(first + 1, last) if heights[place] != heights[place - 1]]
        parts += [f"H{place}V{heights[place]:.5g}" for place in turns]
        parts.append(f"H{last}")
    return "".join(parts)


def _slits(pieces: Pieces, known: NDArray[np.bool_]) -> str:
    """Return lines where no book is known for less than a column, which no column shows."""
    start, end = int(pieces.edges[0]), int(pieces.edges[-1])
    found = set()
    for since, until in pieces.unknown():
        first, last = ((edge - start) * _COLUMNS / (end - start) for edge in (since, until))
        if known[int(first) : int(last) + 1].all():
            found.add(round((first + last) / 2))
    return "".join(f"M{place} 0V{_TALL}" for place in sorted(found))


def _times(asked: Asked) -> Axis:
    """Return the axis of time: round times of the day."""
    start, length = asked.start / _SECOND, (asked.end - asked.start) / _SECOND
    found = ticks(start, start + length, _ROUND_SECONDS)
    form = "%H:%M" if all(time % 60 == 0 for time in found) else "%H:%M:%S"
    return Axis(
        [((time - start) / length, naive(int(time * _SECOND)).strftime(form)) for time in found]
    )


def _said(best: list[NDArray[np.float64]], rows: Rows) -> str:
    """Return in words where the best prices were."""
    parts = [
        f"best {side} from {number(float(np.nanmin(prices)))} to {number(float(np.nanmax(prices)))}"
        for side, prices in zip(("bid", "ask"), best, strict=True) if not np.isnan(prices).all()
    ]  # fmt: skip
    shown_from, shown_to = (number(float(f"{edge:.7g}")) for edge in rows.edges[[0, -1]])
    return ", ".join([*parts, f"prices from {shown_from} to {shown_to}"])
