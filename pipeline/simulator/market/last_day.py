"""What a ticker says of the last 24 hours, from the trades of them.

The 24 hours are whole minutes: the one that runs and the 1,439 before it, by the exchange's clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = ["Figures", "LastDay"]

_MINUTE_MS: Final = 60_000
_MINUTES: Final = 1440


class Figures(NamedTuple):
    """Prices in ticks, amounts in lots, `turnover` in ticks times lots.

    `last` and `last_lots` are of the last trade, however long ago; where it was more than a day,
    the day has its price and no volume.
    """

    last: int
    last_lots: int
    open: int
    high: int
    low: int
    lots: int
    turnover: int


@dataclass(slots=True)
class _Minute:
    number: int
    open: int
    high: int
    low: int
    lots: int = 0
    turnover: int = 0


class LastDay:
    """The trades of one market, a summary a minute; times are milliseconds and never step back."""

    def __init__(self) -> None:
        self._minutes: deque[_Minute] = deque()
        self._last: tuple[int, int] | None = None

    def add(self, timestamp: int, price: int, lots: int) -> None:
        """Count a trade."""
        number = timestamp // _MINUTE_MS
        if not self._minutes or self._minutes[-1].number != number:
            self._minutes.append(_Minute(number, price, price, price))
            self._forget(number)
        minute = self._minutes[-1]
        minute.high = max(minute.high, price)
        minute.low = min(minute.low, price)
        minute.lots += lots
        minute.turnover += price * lots
        self._last = price, lots

    def figures(self, timestamp: int) -> Figures | None:
        """Return what is known at a time; None before the first trade of all."""
        if self._last is None:
            return None
        self._forget(timestamp // _MINUTE_MS)
        minutes = self._minutes or [_Minute(0, *[self._last[0]] * 3)]
        return Figures(
            *self._last,
            open=minutes[0].open,
            high=max(minute.high for minute in minutes),
            low=min(minute.low for minute in minutes),
            lots=sum(minute.lots for minute in minutes),
            turnover=sum(minute.turnover for minute in minutes),
        )

    def _forget(self, number: int) -> None:
        while self._minutes and self._minutes[0].number <= number - _MINUTES:
            self._minutes.popleft()
