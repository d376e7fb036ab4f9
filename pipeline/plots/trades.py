"""Trades as marks: single ones where they are few, sums by time and side where they are many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pipeline.plots.asked import span_in_words
from pipeline.plots.figures import BLUE, VERMILLION, dates
from pipeline.query import rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pipeline.plots.asked import Asked
    from pipeline.research.questions import Questions

__all__ = ["Marks", "draw_trades", "read_trades"]

# More single marks than these would cover each other, and the book.
_SINGLE: Final = 300
_BINS: Final = 100
_SMALLEST, _LARGEST = 16.0, 80.0  # square points

_ONE_BY_ONE: Final = """
select epoch_us(local_timestamp), side, price, amount
from trades($1, $2, $3)
limit $4
"""
# At their mean price, by amount.
_IN_BINS: Final = """
select
  epoch_us($2) + bin * $4 + $4 // 2, side,
  sum(price * amount) / sum(amount), sum(amount)
from (
  select (epoch_us(local_timestamp) - epoch_us($2)) // $4 as bin, side, price, amount
  from trades($1, $2, $3)
  where amount > 0
) as binned
group by bin, side
order by bin, side
"""


class Marks(NamedTuple):
    """Trades of one side: times in microseconds, prices, amounts; `width` of the sums, if any."""

    side: str
    time: NDArray[np.int64]
    price: NDArray[np.float64]
    amount: NDArray[np.float64]
    width: int | None


def read_trades(lake: Questions, asked: Asked) -> list[Marks]:
    """Return the trades that arrived in a range, by the taker's side."""
    width = None
    with lake.cursor() as cursor:
        rows = rows_of(cursor, _ONE_BY_ONE, [*asked.parameters(), _SINGLE + 1])
        if len(rows) > _SINGLE:
            width = max(1, -(-(asked.end - asked.start) // _BINS))
            rows = rows_of(cursor, _IN_BINS, [*asked.parameters(), width])
    found = []
    for side in ("buy", "sell"):
        columns = list(zip(*(row for row in rows if row[1] == side), strict=True))
        if columns:
            time, _, price, amount = columns
            marks = np.array(time, np.int64), np.array(price, float), np.array(amount, float)
            found.append(Marks(side, *marks, width))
    return found


def draw_trades(axes: Axes, trades: list[Marks]) -> None:
    """Mark trades; the area of a mark is its amount."""
    most = max((float(marks.amount.max()) for marks in trades), default=0.0)
    for marks in trades:
        colour, shape = (BLUE, "^") if marks.side == "buy" else (VERMILLION, "v")
        sums = "" if marks.width is None else f", in {span_in_words(marks.width)}"
        share = np.clip(marks.amount, 0, None) / most if most > 0 else np.zeros(len(marks.time))
        axes.scatter(
            dates(marks.time), marks.price, s=_SMALLEST + (_LARGEST - _SMALLEST) * share,
            c=colour, marker=shape, edgecolors="white", linewidths=0.5, zorder=4,
            label=f"taker {marks.side}s{sums}",
        )  # fmt: skip
