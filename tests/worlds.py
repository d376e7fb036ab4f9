"""Small random markets with everything that goes wrong in one, as slices on disk.

Twenty minutes around a midnight, two instruments. Planted, all by one seed: disconnects, minutes
never fetched, silent minutes, restarts of the engine, repeated numbers, crossed and one-sided and
empty books, messages in one microsecond, an exchange's clock that steps back or is not given,
messages of the full channel that are no whole book, and lines that arrive just after their day.
Trades are at, inside and beyond the best prices, some of one order, in a line or one after another.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.sources.files import adopt
from tests.independent import Reading, read
from tests.independent_trades import TradeReading, read_trades
from tests.lakes import ingest
from tests.making import write_minute

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("BTC-USD-SWAP-LIN", "FLEX-USD-SPR-QP-LIN")
START = datetime(2020, 8, 1, 23, 50, tzinfo=UTC)
END = datetime(2020, 8, 2, 0, 10, tzinfo=UTC)
_MINUTES = 20
_MIDNIGHT = datetime(2020, 8, 2, tzinfo=UTC)
MIDNIGHT_US = int(_MIDNIGHT.timestamp()) * 1_000_000
_JUST_AFTER = timedelta(milliseconds=500)  # arrives what its day's last slice holds


@dataclass
class World:
    """A data folder with a lake, what an independent reader says of its slices, and chance."""

    data: Path
    reading: Reading
    trades: TradeReading
    rng: random.Random


def make(folder: Path, seed: int, jobs: int = 1, *, clock_steps: bool = False) -> World:
    """Make a world's slices below a folder, and ingest them.

    With `clock_steps` the recorder's clock steps back within one minute of five.
    """
    rng = random.Random(seed)
    lacking = {START + timedelta(minutes=minute) for minute in rng.sample(range(_MINUTES), 2)}
    silent = {START + timedelta(minutes=minute) for minute in rng.sample(range(_MINUTES), 2)}
    markets = [_Market(name, rng) for name in NAMES]
    for number in range(_MINUTES):
        minute = START + timedelta(minutes=number)
        if minute not in lacking:
            lines = [] if minute in silent else _minute(minute, markets, rng, clock_steps)
            if minute == _MIDNIGHT - timedelta(minutes=1):
                lines += _just_after(markets, rng)
            write_minute(folder / "slices", minute, lines)
    adopt(folder / "data", "coinflex", folder / "slices")
    ingest(folder / "data", "coinflex", jobs=jobs)
    slices = folder / "slices", START, END, lacking
    return World(folder / "data", read(*slices), read_trades(*slices), rng)


def _minute(
    minute: datetime, markets: list[_Market], rng: random.Random, clock_steps: bool
) -> list[str]:
    """Return a minute's lines, two dozen of each market, in the order in which they came."""
    times = sorted(rng.randrange(500_000, 60_000_000) for _ in range(rng.randrange(5, 50)))
    if clock_steps and rng.random() < 0.2:
        since, step = rng.choice(times), rng.randrange(20_000_000)
        times = [max(time - step, 0) if time >= since else time for time in times]
    lines: list[str] = []
    for time in times:
        arrival = minute + timedelta(microseconds=time)
        together = rng.choice([1, 1, 1, 2])  # in one microsecond
        lines += [rng.choice(markets).line(arrival) for _ in range(together)]
        # Not before the first line of a day: what the day before knew of it, a day can't say.
        if rng.random() < 0.04:
            lines.append("")
    return lines


def _just_after(markets: list[_Market], rng: random.Random) -> list[str]:
    """Return lines of the day's last minute that arrived when it was over."""
    times = sorted(rng.random() * _JUST_AFTER for _ in range(rng.randrange(4)))
    return [rng.choice(markets).line(_MIDNIGHT + time) for time in times]


@dataclass
class _Market:
    """An instrument's book, which walks; around zero for the spread market."""

    name: str
    rng: random.Random
    middle: int = 0
    seq: int = 1_594_000_000_000_000_000
    amounts: dict[int, float] = field(default_factory=dict)
    order: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.middle = 100_000 if self.name.startswith("BTC") else 0

    def line(self, arrival: datetime) -> str:
        """Return a line of the market: mostly a book, sometimes a trade."""
        stamp = f"{arrival:%Y-%m-%dT%H:%M:%S.%f}0Z"
        if self.rng.random() < 0.3:
            return f"{stamp} {json.dumps(self._trades(arrival))}"
        return f"{stamp} {json.dumps(self._depth(arrival))}"

    def _depth(self, arrival: datetime) -> dict[str, Any]:
        rng = self.rng
        self.middle += rng.choice([-1, 0, 0, 0, 1])
        for _ in range(rng.randrange(4)):
            self.amounts[rng.randrange(-8, 9)] = rng.choice([0.0, 0.25, 1.5, 7.0, 0.1])
        levels = [[self._price(n), self.amounts.get(n, 2.0)] for n in range(-8, 9)]
        cut = 8 + rng.choice([0] * 9 + [1, -1])  # sometimes one side takes a level of the other
        bids = [level for level in reversed(levels[:cut]) if level[1]]
        asks = [level for level in levels[cut:] if level[1]]
        if rng.random() < 0.05:
            asks.insert(0, [bids[0][0] if bids else self._price(0), 1.0])  # locked
        if rng.random() < 0.05:
            bids, asks = rng.choice([([], asks), (bids, []), ([], [])])
        self.seq += rng.choice([1] * 20 + [0, 3, 10**12])
        data = {"instrumentId": self.name, "seqNum": self.seq, "asks": asks, "bids": bids}
        late = timedelta(milliseconds=rng.randrange(200) if rng.random() < 0.9 else 5000)
        if rng.random() < 0.97:
            data["timestamp"] = str(round((arrival - late).timestamp() * 1000))
        whole = 0.6 if _MIDNIGHT <= arrival < _MIDNIGHT + _JUST_AFTER else 0.98
        action = "partial" if rng.random() < whole else "increment"
        return {"table": "futures/depth", "data": [data], "action": action}

    def _price(self, tick: int) -> float:
        return round((self.middle + tick) / 10, 1)

    def _trades(self, arrival: datetime) -> dict[str, Any]:
        """Return a message with some trades, which may go on with the order of the one before."""
        rng = self.rng
        if not self.order or rng.random() < 0.6:
            self.order = {"side": rng.choice(["BUY", "SELL", "buy", "sell"])}
            if rng.random() < 0.95:
                self.order["timestamp"] = str(round(arrival.timestamp() * 1000))
        data = [self._trade() for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        return {"table": "trade", "data": data}

    def _trade(self) -> dict[str, Any]:
        rng = self.rng
        tick = rng.choice([-1, 0, -1, 0, -1.5, -0.25, -0.5, -0.75, 1])
        return {
            "quantity": f"{rng.randrange(1, 40) / 8:.9f}",
            "price": f"{round((self.middle + tick) / 10, 3):.9f}",
            "marketCode": self.name,
            "tradeId": str(rng.randrange(10**12)),
            **self.order,
        }
