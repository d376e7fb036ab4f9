"""Who sends orders to a market: makers and takers around a price that wanders.

Nobody sees the fair price, but everybody acts on it. Makers quote on both sides of it, most of
them near it; they withdraw as often. Takers buy or sell at the market. Where the fair price has
moved through a quote, its maker withdraws it or somebody trades with it, so that trades follow the
fair price. Far from it as many levels are kept as the market has.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

from pipeline.simulator.market.matching import OrderBook
from pipeline.simulator.market.numbers import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.simulator.market.instruments import MarketSpec
    from pipeline.simulator.market.matching import Fill, HalfBook, Side

__all__ = ["OrderFlow"]

_FINE: Final = 1000  # the fair price moves in thousandths of a tick
# How far it moves with one order, at most: a 200,000th of the price, within limits in thousandths.
_PART_OF_PRICE: Final = 200_000
_LEAST_MOVE, _LARGEST_MOVE = 100, 10_000
_LEAST_REACH: Final = 1000  # ticks: how far a price that may be zero wanders, at least
# What a call draws: below the first a taker comes, below the second a maker, else one withdraws.
_TAKES: Final = 0.10
_QUOTES: Final = 0.68
_WITHDRAWS_IN_TIME: Final = 0.6
_TICKS_A_LEVEL: Final = 6  # on average, far from the fair price
_LARGEST_GAP: Final = 20
_LARGEST_ORDER: Final = 4000


class OrderFlow:
    """The orders of one market, and the book that they make; `levels` a side are kept.

    `draw` gives numbers in [0, 1), and is all that chance does here.
    """

    def __init__(self, spec: MarketSpec, levels: int, draw: Callable[[], float]) -> None:
        self.book = OrderBook()
        self._draw = draw
        self._levels = levels
        self._width = levels * _TICKS_A_LEVEL
        self._numbers = count(1)
        self._floor = 1 if spec.positive else None
        price = Step(spec.tick_size).count(spec.price)
        self._fine = price * _FINE
        move = abs(price) * _FINE // _PART_OF_PRICE
        self._move = min(max(move, _LEAST_MOVE), _LARGEST_MOVE)
        reach = max(abs(price), _LEAST_REACH) * _FINE
        self._lowest = self._fine // 2 if spec.positive else self._fine - reach
        self._highest = self._fine * 2 if spec.positive else self._fine + reach
        self.settle()

    @property
    def fair(self) -> int:
        """The fair price in ticks: nobody should sell at it or below, or buy above it."""
        return self._fine // _FINE

    def act(self) -> list[Fill]:
        """Let somebody send an order, and return what it traded."""
        moved = self._fine + int((2 * self._draw() - 1) * self._move)
        self._fine = min(max(moved, self._lowest), self._highest)
        fair = self.fair
        if self.book.asks.reaches(fair):
            return self._correct("BUY", self.book.asks, fair)
        if self.book.bids.reaches(fair + 1):
            return self._correct("SELL", self.book.bids, fair + 1)
        kind = self._draw()
        side: Side = "BUY" if self._draw() < 0.5 else "SELL"  # noqa: PLR2004 - a coin
        if kind < _TAKES:
            return self.book.market(next(self._numbers), side, self._lots())
        if kind < _QUOTES:
            return self._quote(side, fair)
        self._withdraw(self.book.bids if side == "BUY" else self.book.asks)
        return []

    def settle(self) -> None:
        """Keep the number of levels: the farthest go, or farther ones come.

        A side has fewer only where prices stay above zero and its farthest is near it.
        """
        bids, asks = self.book.bids, self.book.asks
        # An empty side begins anew at the fair price, or beside quotes that the price went through.
        self._settle("BUY", bids, min(self.fair, _or(asks.best, self.fair + 1) - 1), -1)
        self._settle("SELL", asks, max(self.fair, _or(bids.best, self.fair)) + 1, 1)

    def _correct(self, side: Side, stale: HalfBook, limit: int) -> list[Fill]:
        """Let a quote beyond the fair price be withdrawn, or let somebody trade with it."""
        if self._draw() < _WITHDRAWS_IN_TIME:
            self.book.cancel(stale.orders(stale.price(0))[-1])
            return []
        return self.book.limit(next(self._numbers), side, limit, self._lots())

    def _quote(self, side: Side, fair: int) -> list[Fill]:
        """Place an order; half of them stand within an eighth of the width, so depth thins out."""
        drawn = self._draw()
        away = int(self._width * drawn * drawn * drawn)
        price = fair - away if side == "BUY" else fair + 1 + away
        if self._floor is not None and price < self._floor:
            return []
        return self.book.limit(next(self._numbers), side, price, self._lots())

    def _withdraw(self, half: HalfBook) -> None:
        """Cancel the youngest order of a level, more often of one near the best."""
        if half:
            drawn = self._draw()
            self.book.cancel(half.orders(half.price(int(len(half) * drawn * drawn)))[-1])

    def _settle(self, side: Side, half: HalfBook, nearest: int, away: int) -> None:
        while len(half) > self._levels:
            for order in half.orders(half.price(self._levels)):
                self.book.cancel(order)
        while len(half) < self._levels:
            worst = half.worst
            price = nearest if worst is None else worst + away * self._gap()
            if self._floor is not None and price < self._floor:
                break
            self.book.limit(next(self._numbers), side, price, self._lots())

    def _gap(self) -> int:
        drawn = self._draw()
        return 1 + int(_LARGEST_GAP * drawn * drawn * drawn)

    def _lots(self) -> int:
        drawn = self._draw()
        return 1 + int(_LARGEST_ORDER * drawn * drawn * drawn)


def _or(price: int | None, default: int) -> int:
    return default if price is None else price
