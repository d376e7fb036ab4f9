"""A limit order book with price-time priority, in whole ticks and whole lots.

A taker meets the best price first, and at one price the order that came first. It trades at the
price of the order that rests. What is left of a limit order rests, of a market order it is gone.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fill", "HalfBook", "OrderBook", "Side"]

Side: TypeAlias = Literal["BUY", "SELL"]


class Fill(NamedTuple):
    """What a taker and one resting order traded: `side` is the taker's, `price` the maker's.

    `maker` and `taker` are the numbers of their orders.
    """

    side: Side
    price: int
    lots: int
    maker: int
    taker: int


class HalfBook:
    """The orders that rest on one side: a queue for each price, in order of arrival."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._prices: list[int] = []  # ascending, whichever side
        self._best_at, self._worst_at = (-1, 0) if side == "BUY" else (0, -1)
        self._queues: dict[int, dict[int, int]] = {}  # price → order → lots, as they arrived
        self._changed: set[int] = set()

    def __len__(self) -> int:
        """Return the number of levels."""
        return len(self._prices)

    @property
    def best(self) -> int | None:
        """The price a taker meets first; None where nothing rests."""
        return self._prices[self._best_at] if self._prices else None

    @property
    def worst(self) -> int | None:
        """The price a taker meets last; None where nothing rests."""
        return self._prices[self._worst_at] if self._prices else None

    def prices(self) -> Iterator[int]:
        """Return the prices, best first."""
        return reversed(self._prices) if self._side == "BUY" else iter(self._prices)

    def price(self, rank: int) -> int:
        """Return the price of a level, 0 being the best; IndexError where there is none."""
        return self._prices[-1 - rank if self._side == "BUY" else rank]

    def lots(self, price: int) -> int:
        """Return how much rests at a price, 0 where nothing does."""
        return sum(self._queues.get(price, {}).values())

    def orders(self, price: int) -> list[int]:
        """Return the orders that rest at a price, in order of arrival."""
        return [*self._queues.get(price, ())]

    def levels(self) -> list[tuple[int, int]]:
        """Return price and lots of each level, best first."""
        return [(price, self.lots(price)) for price in self.prices()]

    def take_changed(self) -> set[int]:
        """Return the prices at which something came, traded or went since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def reaches(self, limit: int) -> bool:
        """Tell whether the best order would trade with one of the other side at this limit."""
        if not self._prices:
            return False
        best = self._prices[self._best_at]
        return best >= limit if self._side == "BUY" else best <= limit

    def first(self) -> tuple[int, int, int]:
        """Return price, number and lots of the order that is next to trade."""
        price = self._prices[self._best_at]
        order, lots = next(iter(self._queues[price].items()))
        return price, order, lots

    def add(self, price: int, order: int, lots: int) -> None:
        """Let an order rest behind those of its price."""
        queue = self._queues.get(price)
        if queue is None:
            queue = self._queues[price] = {}
            insort(self._prices, price)
        queue[order] = lots
        self._changed.add(price)

    def reduce(self, price: int, order: int, lots: int) -> None:
        """Take lots from an order, which keeps its place; without any left it is gone."""
        queue = self._queues[price]
        queue[order] -= lots
        if not queue[order]:
            del queue[order]
        if not queue:
            del self._queues[price]
            del self._prices[bisect_left(self._prices, price)]
        self._changed.add(price)

    def standing(self, price: int, order: int) -> int:
        """Return what is left of an order."""
        return self._queues[price][order]


class OrderBook:
    """Two sides that are never crossed, because whatever crosses is matched.

    Prices are in ticks and may be zero or negative; amounts are in lots, 1 or more. Whoever sends
    an order numbers it; ValueError for lots below 1 and for the number of an order that rests.
    """

    def __init__(self) -> None:
        self.bids = HalfBook("BUY")
        self.asks = HalfBook("SELL")
        self._resting: dict[int, tuple[HalfBook, int]] = {}

    def limit(self, order: int, side: Side, price: int, lots: int) -> list[Fill]:
        """Trade up to a price, and let the rest stand there; return the trades in their order."""
        self._check(order, lots)
        own, other = (self.bids, self.asks) if side == "BUY" else (self.asks, self.bids)
        fills: list[Fill] = []
        while lots and other.reaches(price):
            fills.append(self._trade(order, side, other, lots))
            lots -= fills[-1].lots
        if lots:
            own.add(price, order, lots)
            self._resting[order] = own, price
        return fills

    def market(self, order: int, side: Side, lots: int) -> list[Fill]:
        """Trade at any price; what the other side lacks is dropped."""
        self._check(order, lots)
        other = self.asks if side == "BUY" else self.bids
        fills: list[Fill] = []
        while lots and other:
            fills.append(self._trade(order, side, other, lots))
            lots -= fills[-1].lots
        return fills

    def cancel(self, order: int) -> int:
        """Remove an order; return the lots that were left of it, 0 if it does not rest."""
        half, price = self._resting.pop(order, (None, 0))
        if half is None:
            return 0
        left = half.standing(price, order)
        half.reduce(price, order, left)
        return left

    def _trade(self, taker: int, side: Side, other: HalfBook, lots: int) -> Fill:
        """Trade with the one order that is next."""
        price, maker, standing = other.first()
        traded = min(lots, standing)
        other.reduce(price, maker, traded)
        if traded == standing:
            del self._resting[maker]
        return Fill(side, price, traded, maker, taker)

    def _check(self, order: int, lots: int) -> None:
        if lots < 1:
            raise ValueError(f"order {order} is of {lots} lots; what would work: 1 or more")
        if order in self._resting:
            raise ValueError(f"order {order} rests in the book already; number each order anew")
