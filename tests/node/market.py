"""A small made market, in which all that Tardis's own client has a rule for goes wrong.

Twenty minutes around a midnight, two instruments, one of them around a price of zero. Planted, all
by one seed: disconnects (two in a row, at the start and the end of a minute and of the day),
minutes without a line and without a file, one-sided, empty and crossed books, first of all after a
disconnect, books that change below the best levels or not at all, prices repeated, out of order or
of no amount, messages in one microsecond, and an exchange's clock that steps back and that stands.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.making import depth, line, trade, write_minute

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("BTC-USD-SWAP-LIN", "BTC-USD-SPR-QP-LIN")
START = datetime(2020, 8, 1, 23, 50, tzinfo=UTC)
END = datetime(2020, 8, 2, 0, 10, tzinfo=UTC)

_SIDE = 30  # levels at most, more than any snapshot has
_EMPTY, _LACKING = 3, 7  # minutes
_BROKEN_AT_ONCE = (5, 10)  # minutes that begin with a disconnect; the second one a day
_ACKNOWLEDGED = {"event": "subscribe", "channel": "futures/depth:BTC-USD", "success": True}

_Levels = list[list[float]]


def make(folder: Path, seed: int) -> Path:
    """Write the slices into a folder, and return it."""
    rng = random.Random(seed)
    markets = [_Market(name, rng) for name in NAMES]
    for number in range((END - START) // timedelta(minutes=1)):
        lines = [] if number == _EMPTY else _minute(number, markets, rng)
        if number != _LACKING:
            write_minute(folder, START + timedelta(minutes=number), lines)
    return folder


def _minute(number: int, markets: list[_Market], rng: random.Random) -> list[str]:
    begin = START + timedelta(minutes=number)
    lines = ["", ""] if number in _BROKEN_AT_ONCE else []
    lines.append(line(begin, _ACKNOWLEDGED))
    for time in sorted(rng.choices(range(60_000_000), k=100)):
        arrival = begin + timedelta(microseconds=time)
        together = rng.choice([1, 1, 1, 2])  # in one microsecond
        lines += [rng.choice(markets).line(arrival) for _ in range(together)]
        if rng.random() < 0.04:
            lines += [""] * rng.choice([1, 2])
            for market in markets:
                market.begins = True
    return [*lines, ""] if rng.random() < 0.2 else lines


@dataclass
class _Market:
    """An instrument's book, by ticks from its middle."""

    name: str
    rng: random.Random
    middle: int = 0
    sent: int = 0
    begins: bool = True
    amounts: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.middle = 0 if "SPR" in self.name else 100_000

    def line(self, arrival: datetime) -> str:
        """Return a line of the market: mostly a book, sometimes a trade or a truncated book."""
        kind = self.rng.random()
        if kind < 0.05:
            return trade(arrival, "10.5", "1", instrument=self.name)
        bids, asks = self._sides()
        if kind < 0.1:
            return depth(arrival, bids[:5], asks[:5], instrument=self.name, table="depthL5")
        if self.rng.random() < (0.3 if self.begins else 0.05):
            bids, asks = self.rng.choice([([], asks), (bids, []), ([], []), ([], [])])
        self.begins = False
        bids, asks = self._spoiled(bids), self._spoiled(asks)
        return depth(arrival, bids, asks, instrument=self.name, timestamp=self._time(arrival))

    def _sides(self) -> tuple[_Levels, _Levels]:
        rng = self.rng
        self.middle += rng.choice([-1, *[0] * 8, 1])
        # Of one level in a side: among the best, below five, or below 25.
        for first in rng.choice([[], [1], [1, 6], [6], [26]]):
            place = rng.choice([-1, 1]) * rng.randrange(first, _SIDE + 1)
            self.amounts[place] = rng.choice([0.0, 0.25, 1.5, 7.0, 0.1])
        overlap = 2 if rng.random() < 0.05 else 0  # crossed
        bids = [self._level(-n + overlap) for n in range(1, _SIDE + 1)]
        asks = [self._level(n) for n in range(1, _SIDE + 1)]
        return [level for level in bids if level[1]], [level for level in asks if level[1]]

    def _level(self, place: int) -> list[float]:
        return [round((self.middle + place) / 10, 1), self.amounts.get(place, 2.0)]

    def _spoiled(self, levels: _Levels) -> _Levels:
        """Return levels among which some are repeated, out of order, or of no amount."""
        rng = self.rng
        if levels and rng.random() < 0.2:
            for _ in range(rng.randrange(1, 4)):
                price, _ = rng.choice(levels)
                levels.insert(rng.randrange(len(levels) + 1), [price, rng.choice([0, 0.0, 3, 0.5])])
        return levels

    def _time(self, arrival: datetime) -> str:
        """Return the exchange's time in milliseconds, which now and then steps back or stands."""
        late = timedelta(milliseconds=self.rng.choice([1, 20, 99, 100, 101, 180, 5000]))
        if self.rng.random() < 0.9:
            self.sent = round((arrival - late).timestamp() * 1000)
        return str(self.sent or round(arrival.timestamp() * 1000))
