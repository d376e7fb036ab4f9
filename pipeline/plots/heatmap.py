"""Liquidity over time: how much rests at each price, the best prices on it, and trades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from matplotlib import colormaps, patheffects
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from pipeline.plots.asked import span_in_words, units_of
from pipeline.plots.figures import (
    dates,
    head,
    number,
    plain,
    price_axis,
    range_text,
    say,
    shade_lacking,
    shade_unknown,
    time_axis,
)
from pipeline.plots.prices import rows_between, tick_of
from pipeline.plots.stretches import causes_of_gaps, known_stretches, pieces_of, trades_lacking
from pipeline.plots.trades import draw_trades, read_trades
from pipeline.research.books import DEEPEST
from pipeline.research.times import naive

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pipeline.plots.asked import Asked, Units
    from pipeline.plots.prices import Rows
    from pipeline.plots.stretches import Pieces
    from pipeline.plots.trades import Marks
    from pipeline.research.questions import Questions

__all__ = [
    "NOTHING",
    "Levels",
    "Liquidity",
    "amounts_of",
    "best_prices",
    "draw_heatmap",
    "price_rows",
    "read_heatmap",
    "shades_of",
]

_MAP: Final = "viridis"
# From which to which of the amounts the colours go; a few are far from all others.
_SHADES: Final = (0.01, 0.995)
NOTHING: Final = "#1c0b26"  # below the map's darkest


class Levels(NamedTuple):
    """Price levels of the books of some pieces: which piece, is it a bid, its place, numbers."""

    piece: NDArray[np.int64]
    is_bid: NDArray[np.bool_]
    level: NDArray[np.int64]
    price: NDArray[np.float64]
    amount: NDArray[np.float64]

    def only(self, keep: NDArray[np.bool_]) -> Levels:
        """Return some of them."""
        return Levels(
            self.piece[keep],
            self.is_bid[keep],
            self.level[keep],
            self.price[keep],
            self.amount[keep],
        )


class Liquidity(NamedTuple):
    """Books of a range: one for each piece in which a book is known, as it begins."""

    asked: Asked
    depth: int | None
    pieces: Pieces
    levels: Levels
    deeper: NDArray[np.bool_]  # (piece, bid or ask): there are levels below those
    trades: list[Marks]
    lacking: list[tuple[int, int]]  # where no trade means nothing
    causes: list[str]
    why: str
    units: Units


def read_heatmap(lake: Questions, asked: Asked, depth: int | None, *, trades: bool) -> Liquidity:
    """Return the books that stood as each piece of a range began."""
    pieces = pieces_of(asked, known_stretches(lake, asked))
    begin = pieces.starts[pieces.known]
    # One level more says whether the book goes on; where none can be asked for, all of them.
    more = None if depth is None or depth == DEEPEST else depth + 1
    frame = lake.books_at(asked.instrument, begin.astype("datetime64[us]"), more)
    known = frame.drop_nulls("local_timestamp")["t"].unique().to_physical().to_numpy()
    pieces = pieces._replace(known=np.isin(pieces.starts, known))
    frame = frame.drop_nulls("price")
    found = Levels(
        np.searchsorted(pieces.starts, frame["t"].to_physical().to_numpy()),
        (frame["side"] == "bid").to_numpy(),
        frame["level"].to_numpy().astype(np.int64),
        frame["price"].to_numpy(),
        frame["amount"].to_numpy(),
    )
    beyond = np.zeros(len(found.level), bool) if depth is None else found.level >= depth
    deeper = np.zeros((len(pieces.known), 2), bool)
    deeper[found.piece[beyond], np.where(found.is_bid[beyond], 0, 1)] = True
    return Liquidity(
        asked, depth, pieces, found.only(~beyond), deeper,
        read_trades(lake, asked) if trades else [],
        trades_lacking(lake, asked) if trades else [],
        causes_of_gaps(lake, asked) if not pieces.known.all() else [],
        "" if pieces.known.any() else lake.explain(asked.instrument, naive(asked.start)),
        units_of(lake, asked.instrument),
    )  # fmt: skip


def draw_heatmap(axes: Axes, found: Liquidity) -> None:
    """Draw what rests at each price over time; unknown time is hatched."""
    asked, pieces = found.asked, found.pieces
    rows = price_rows(found)
    if rows is not None:
        _draw_amounts(axes, found, rows)
        _draw_best(axes, found)
    shade_unknown(axes, pieces.unknown())
    shade_lacking(axes, found.lacking)
    draw_trades(axes, found.trades)
    if not pieces.known.any():
        say(axes, found.why)
    elif not len(found.levels.price):
        say(axes, "the books of this range are known, and empty on both sides")
    price_axis(axes.yaxis, "Price", found.units.counter)
    time_axis(axes, asked.start, asked.end)
    if rows is None:
        axes.set_yticks([])
    else:
        axes.set_ylim(rows.edges[0], rows.edges[-1])
    head(axes, f"{plain(asked.instrument)} · liquidity", _about(found, rows), legend=True)


def _about(found: Liquidity, rows: Rows | None) -> list[str]:
    asked = found.asked
    which = "all levels" if found.depth is None else f"the best {found.depth} levels a side"
    bins = (
        "" if rows is None else f" · price bins of {number(rows.size)} {plain(found.units.counter)}"
    )
    return [
        range_text(found.pieces, found.causes),
        f"the book every {span_in_words(asked.step)}, {which}{bins}",
    ]


def best_prices(found: Liquidity, *, is_bid: bool) -> NDArray[np.float64]:
    """Return a side's best price in each piece, NaN where it is not known or there is none."""
    best = np.full(len(found.pieces.known), np.nan)
    top = found.levels.only((found.levels.level == 0) & (found.levels.is_bid == is_bid))
    best[top.piece] = top.price
    return best


def _furthest(found: Liquidity, *, is_bid: bool) -> NDArray[np.float64]:
    """Return the price of a side's last level in each piece, NaN as above."""
    furthest = np.full(len(found.pieces.known), np.nan)
    side = found.levels.only(found.levels.is_bid == is_bid)
    (np.fmin if is_bid else np.fmax).at(furthest, side.piece, side.price)
    return furthest


def price_rows(found: Liquidity) -> Rows | None:
    """Return the bins of price: around the best prices and trades. None if there is no price.

    Beyond the best prices they go as far as a book usually does, so that one level far away does
    not press all others together.
    """
    ends = [
        float(price) for marks in found.trades for price in (marks.price.min(), marks.price.max())
    ]
    for is_bid, outwards in ((True, -1), (False, 1)):
        best, furthest = best_prices(found, is_bid=is_bid), _furthest(found, is_bid=is_bid)
        if not np.isnan(best).all():
            outermost = float(np.nanmin(best) if is_bid else np.nanmax(best))
            reach = float(np.nanmedian(abs(furthest - best)))
            ends += [float(np.nanmin(best)), float(np.nanmax(best)), outermost + outwards * reach]
    prices = found.levels.price if len(found.levels.price) else np.array(ends)
    return rows_between(min(ends), max(ends), tick_of(prices)) if ends else None


def amounts_of(found: Liquidity, rows: Rows) -> NDArray[np.float64]:
    """Return what rests in each row of prices and piece: (rows, pieces).

    0 where a book says that nothing does, NaN where none is known, or it was not asked so deep.
    """
    shape = len(rows.edges) - 1, len(found.pieces.known)
    amounts = np.zeros(shape)
    row, inside = rows.of(found.levels.price)
    shown = found.levels.only(inside)
    np.add.at(amounts, (row[inside], shown.piece), shown.amount)
    amounts[:, ~found.pieces.known] = np.nan
    for side, is_bid in enumerate((True, False)):
        furthest = _furthest(found, is_bid=is_bid)
        beyond = rows.edges[1:, None] <= furthest if is_bid else rows.edges[:-1, None] > furthest
        amounts[beyond & found.deeper[:, side]] = np.nan
    return amounts


def shades_of(amounts: NDArray[np.float64]) -> tuple[float, float]:
    """Return the amounts from which to which the colours go, by logarithm; the first is above 0."""
    resting = amounts[amounts > 0]
    low, high = np.quantile(resting, _SHADES).tolist() if resting.size else (0.1, 1.0)
    return low, high if high > low else low * 10


def _draw_amounts(axes: Axes, found: Liquidity, rows: Rows) -> None:
    amounts = amounts_of(found, rows)
    low, high = shades_of(amounts)
    norm = LogNorm(low, high)
    # Nothing is drawn as less than the least, since a logarithm has no place for it.
    drawn = np.where(amounts == 0, low / 10, np.maximum(amounts, low))
    mesh = axes.pcolormesh(
        dates(found.pieces.edges), rows.edges, np.ma.masked_invalid(drawn), norm=norm,
        cmap=colormaps[_MAP].with_extremes(under=NOTHING), shading="flat", rasterized=True,
    )  # fmt: skip
    bar = axes.figure.colorbar(mesh, ax=axes, extend="both", pad=0.015, fraction=0.05, aspect=30)
    if high < 100 * low:  # too few powers of ten to read amounts from
        bar.set_ticks(_round_between(low, high))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.set_label(f"Amount resting ({plain(found.units.base)}); darkest: none", fontsize=10)
    bar.ax.tick_params(labelsize=9)
    bar.outline.set_visible(False)


def _round_between(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10, 20 and so on, as far as they lie between."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    numbers = [
        float(f"{factor}e{power}") for power in range(first, last + 1) for factor in (1, 2, 5)
    ]
    return [number for number in numbers if low <= number <= high]


def _draw_best(axes: Axes, found: Liquidity) -> None:
    """Draw the best prices, white with a dark outline, so that they show on any colour."""
    look: dict[str, Any] = {
        "color": "white",
        "linewidth": 1.0,
        "path_effects": [
            patheffects.Stroke(linewidth=2.2, foreground="black", alpha=0.6),
            patheffects.Normal(),
        ],
    }
    for is_bid, name in ((True, "_best bid"), (False, "_best ask")):
        best = best_prices(found, is_bid=is_bid)
        axes.stairs(best, dates(found.pieces.edges), baseline=None, zorder=3, label=name, **look)
    # For the legend, which takes no outline from steps.
    axes.add_line(Line2D([], [], label="best bid and ask", **look))
