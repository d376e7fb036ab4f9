"""Rows of a heatmap: bins of price, of whole ticks, over the range that is worth seeing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Rows", "rows_between", "tick_of"]

_MOST_ROWS: Final = 320
_BILLION: Final = 1_000_000_000
_LARGEST: Final = 9e9  # whose billionths an int64 holds


class Rows(NamedTuple):
    """Bins of price between edges, low to high, each of so many of the prices' steps.

    An edge lies half a step from any price, so that none is on it.
    """

    edges: NDArray[np.float64]
    size: float

    def of(self, prices: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the row of each price, and whether it has one."""
        row = np.searchsorted(self.edges, prices, side="right") - 1
        return row, (row >= 0) & (row < len(self.edges) - 1)


def rows_between(low: float, high: float, tick: float) -> Rows:
    """Return rows from below a price to above another, of as few ticks as there is room for.

    Prices may be so far apart that no number holds how many ticks: they are of larger ones then.
    """
    reach = high / 2 - low / 2  # the whole of it may be beyond what a number holds
    tick = max(tick, reach / _LARGEST)
    ticks = _round_up(2 * (reach / tick) / _MOST_ROWS)
    first, last = (round(price / tick) // ticks for price in (low, high))
    with np.errstate(over="ignore"):  # the outermost edges are infinite then
        edges = (np.arange(first - 1, last + 3, dtype=np.float64) * ticks - 0.5) * tick
    return Rows(edges, float(f"{ticks * tick:.10g}"))


def tick_of(prices: NDArray[np.float64]) -> float:
    """Return the largest step of which all prices are multiples, as decimals: what a bin is of."""
    known = np.unique(prices[np.isfinite(prices) & (np.abs(prices) < _LARGEST)])
    whole = np.rint(known * _BILLION).astype(np.int64)
    step = int(np.gcd.reduce(np.abs(whole))) if len(whole) else 0
    if len(np.unique(whole)) > 1:
        return step / _BILLION
    # One price alone tells no step; a thousandth of it is fine enough to see it.
    return max(float(np.abs(prices).max(initial=0)) / 1_000, 1 / _BILLION)


def _round_up(least: float) -> int:
    """Return the next of 1, 2, 5, 10, 20, 50 and so on."""
    power = 1
    while power * 10 < least:
        power *= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
