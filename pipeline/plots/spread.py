"""The spread over time: its average by how long each book stood, its narrowest and widest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from pipeline.plots.asked import span_in_words, units_of
from pipeline.plots.figures import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    dates,
    head,
    number,
    plain,
    price_axis,
    range_text,
    say,
    shade_unknown,
    short,
    time_axis,
)
from pipeline.plots.stretches import causes_of_gaps, known_stretches, pieces_of
from pipeline.query import rows_of
from pipeline.research.times import naive

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pipeline.plots.asked import Asked, Units
    from pipeline.plots.stretches import Pieces
    from pipeline.research.questions import Questions

__all__ = ["Spreads", "draw_spread", "read_spread"]

# Where the widest spread is so many times the average, a linear axis would show nothing else.
_FAR: Final = 12.0

_SPREADS: Final = """
select quoted_seconds, spread, spread_bp, mid, narrowest_spread, widest_spread
from quote_averages($1, $2, $3, $4)
order by t
"""


class Spreads(NamedTuple):
    """Spreads by step of a range, NaN where none is known; and the pieces in which books are."""

    asked: Asked
    pieces: Pieces
    quoted_seconds: NDArray[np.float64]
    average: NDArray[np.float64]
    average_bp: NDArray[np.float64]
    mid: NDArray[np.float64]
    narrowest: NDArray[np.float64]
    widest: NDArray[np.float64]
    causes: list[str]
    why: str
    units: Units

    def mean(self, values: NDArray[np.float64]) -> float | None:
        """Return the mean over the range by time; None where a step that is quoted has none."""
        quoted = self.quoted_seconds > 0
        if not quoted.any() or np.isnan(values[quoted]).any():
            return None
        return float(np.average(values[quoted], weights=self.quoted_seconds[quoted]))


def read_spread(lake: Questions, asked: Asked) -> Spreads:
    """Return the spreads of a range, step by step."""
    pieces = pieces_of(asked, known_stretches(lake, asked))
    with lake.cursor() as cursor:
        rows = rows_of(cursor, _SPREADS, [*asked.parameters(), asked.interval()])
    quoted, *prices = np.array(rows, np.float64).T  # NULL is NaN
    average, average_bp, mid, narrowest, widest = prices
    return Spreads(
        asked, pieces, quoted, average, average_bp, mid, narrowest, widest,
        causes_of_gaps(lake, asked) if not pieces.known.all() else [],
        "" if pieces.known.any() else lake.explain(asked.instrument, naive(asked.start)),
        units_of(lake, asked.instrument),
    )  # fmt: skip


def draw_spread(axes: Axes, found: Spreads) -> None:
    """Draw the spread; unknown time is hatched, and the line ends there."""
    asked, pieces = found.asked, found.pieces
    has_spread = not np.isnan(found.average).all()
    if has_spread:
        _draw_lines(axes, found)
        _scale(axes, found)
        _basis_points(axes, found)
    else:
        price_axis(axes.yaxis, "Spread", found.units.counter)
        axes.set_yticks([])
    shade_unknown(axes, pieces.unknown())
    if not pieces.known.any():
        say(axes, found.why)
    elif not has_spread:
        say(axes, "the books of this range are known, but none has both sides: there is no spread")
    time_axis(axes, asked.start, asked.end)
    axes.grid(visible=True, axis="y", alpha=0.3, linewidth=0.7)
    axes.set_axisbelow(True)
    head(axes, f"{plain(asked.instrument)} · spread", _about(found), legend=True)


def _about(found: Spreads) -> list[str]:
    asked = found.asked
    lines = [range_text(found.pieces, found.causes)]
    mean, mean_bp = found.mean(found.average), found.mean(found.average_bp)
    if mean is not None:
        in_points = "" if mean_bp is None else f" = {short(mean_bp)} bp"
        lines.append(f"mean by time {short(mean)} {plain(found.units.counter)}{in_points}, "
                     f"in steps of {span_in_words(asked.step)}")  # fmt: skip
    return lines


def in_pieces(found: Spreads, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is said of each step for the pieces in it in which a book is known, else NaN."""
    return np.where(found.pieces.known, values[found.pieces.steps], np.nan)


def _draw_lines(axes: Axes, found: Spreads) -> None:
    edges = dates(found.pieces.edges)
    average, narrowest, widest = (
        in_pieces(found, values) for values in (found.average, found.narrowest, found.widest)
    )
    axes.stairs(
        widest, edges, baseline=narrowest, fill=True, color=SKY, alpha=0.35, linewidth=0,
        label="narrowest to widest",
    )  # fmt: skip
    axes.stairs(average, edges, baseline=None, color=BLUE, linewidth=1.8, label="average by time")
    _shade_one_sided(axes, found)


def _scale(axes: Axes, found: Spreads) -> None:
    """Begin the axis at zero; or let it be logarithmic, where some spreads are far wider."""
    unit = found.units.counter
    narrowest, widest = float(np.nanmin(found.narrowest)), float(np.nanmax(found.widest))
    if narrowest > 0 and widest > _FAR * float(np.nanmedian(found.average)):
        axes.set_yscale("log")
        axes.set_ylim(narrowest / 1.5, widest * 1.3)
        price_axis(axes.yaxis, "Spread", f"{unit}, logarithmic scale", is_log=True)
        return
    axes.set_ylim(min(0.0, narrowest * 1.08), max(0.0, widest * 1.08) or 1.0)
    price_axis(axes.yaxis, "Spread", unit)
    if narrowest < 0:
        axes.axhline(0, color=GREY, linewidth=1, linestyle="--", label="below: crossed")


def _shade_one_sided(axes: Axes, found: Spreads) -> None:
    """Shade the steps in which books are known, and none has both sides."""
    lacking = found.pieces.known & np.isnan(found.average[found.pieces.steps])
    if lacking.any():
        axes.stairs(
            lacking.astype(float), dates(found.pieces.edges), fill=True, color=ORANGE, alpha=0.25,
            transform=axes.get_xaxis_transform(), linewidth=0, label="a side is empty",
        )  # fmt: skip


def _basis_points(axes: Axes, found: Spreads) -> None:
    """Add an axis of basis points of the mean mid, where there always is a mid above zero."""
    mid = found.mean(found.mid)
    always = (found.mid[found.quoted_seconds > 0] > 0).all()
    if mid is None or not always:
        return
    one = mid / 10_000

    def in_points(price: Any) -> Any:  # noqa: ANN401 - an array or a number
        return price / one

    def in_price(points: Any) -> Any:  # noqa: ANN401 - likewise
        return points * one

    second = axes.secondary_yaxis("right", functions=(in_points, in_price))
    is_log = axes.get_yscale() == "log"
    price_axis(second.yaxis, "Spread", f"bp of the mean mid, {number(mid, 7)}", is_log=is_log)
    second.tick_params(labelsize=9)
