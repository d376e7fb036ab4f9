"""What a market is: its name, its steps, the price it begins at, and how much happens on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.simulator.market.numbers import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MarketSpec", "default_markets"]

_TYPES: Final = ("FUTURE", "SPOT", "REPO", "SPREAD")
_MAY_BE_NEGATIVE: Final = ("REPO", "SPREAD")
_FEWEST_TICKS: Final = 10
_MOST_ORDERS: Final = 100_000  # a second; time is counted in microseconds


@dataclass(frozen=True)
class MarketSpec:
    """A market to generate; sizes and the price are decimal text, as they go on the wire.

    `orders_per_second` is how many orders its members send, cancels included, on average. `levels`
    is how many prices a side has in each snapshot, None: as many as the feed says. The price of a
    FUTURE or SPOT market stays above zero, between half of `price` and twice of it; that of a REPO
    or SPREAD market wanders to both sides of zero. ValueError for what can be no market.
    """

    code: str
    tick_size: str = "0.1"
    lot_size: str = "0.001"
    price: str = "60000"
    type: str = "FUTURE"
    orders_per_second: float = 100.0
    levels: int | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", self.code):
            self._refuse("code", self.code, "letters, digits and hyphens, as in BTC-USD-SWAP-LIN")
        if self.type not in _TYPES:
            self._refuse("type", self.type, f"one of {', '.join(_TYPES)}")
        if not 0 < self.orders_per_second <= _MOST_ORDERS:
            self._refuse("orders_per_second", self.orders_per_second, "above 0, at most 100,000")
        if self.levels is not None and self.levels < 1:
            self._refuse("levels", self.levels, "1 or more, or None")
        Step(self.lot_size)
        ticks = Step(self.tick_size).count(self.price)
        if self.positive and ticks < _FEWEST_TICKS:
            self._refuse("price", self.price, f"{_FEWEST_TICKS} times {self.tick_size}, or more")

    @property
    def positive(self) -> bool:
        """Whether its prices stay above zero."""
        return self.type not in _MAY_BE_NEGATIVE

    def _refuse(self, name: str, given: object, would_work: str) -> None:
        raise ValueError(f"{self.code}: {name} was {given!r}; what would work: {would_work}")


# Names that CoinFLEX had; prices as of some day, activity as one likes it.
_NAMED: Final = (
    MarketSpec("BTC-USD-SWAP-LIN", "0.1", "0.001", "61800", orders_per_second=120),
    MarketSpec("ETH-USD-SWAP-LIN", "0.01", "0.001", "2681.6", orders_per_second=80),
    MarketSpec("BTC-flexUSD", "0.5", "0.001", "61790", "SPOT", 40),
    MarketSpec("FLEX-USD", "0.001", "0.1", "0.284", "SPOT", 20),
    MarketSpec("BTC-USD-SPR-QP-LIN", "0.5", "0.001", "83", "SPREAD", 20),
    MarketSpec("BTC-USD-REPO-LIN", "0.0001", "0.001", "0", "REPO", 20),
    MarketSpec("ETH-flexUSD", "0.1", "0.001", "2681", "SPOT", 40),
    MarketSpec("USDC-flexUSD", "0.0001", "0.1", "1", "SPOT", 20),
)


def default_markets(count: int) -> Sequence[MarketSpec]:
    """Return so many markets: the exchange's own names, then C09-USD-SWAP-LIN and so on."""
    if count < 1:
        raise ValueError(f"markets were {count}; what would work: 1 or more")
    further = range(len(_NAMED) + 1, count + 1)
    made = [
        MarketSpec(f"C{number:02}-USD-SWAP-LIN", "0.01", "0.01", f"{50 + number}")
        for number in further
    ]
    return [*_NAMED, *made][:count]
