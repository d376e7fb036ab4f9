"""A random market whose book changes a little with every message, as messages on the wire.

The two forms of the wire that matter: "2020" (`data` first, levels of four elements, numbers as
JavaScript prints them, no checksum) and "2022" (`table` first, levels of two elements, numbers as
doubles, checksum). Everything follows from the seed; no clock, and nothing drawn but `random()`,
whose sequence Python promises to keep.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

__all__ = ["INSTRUMENT", "Book", "Market", "message"]

INSTRUMENT: Final = "BTC-USD-SWAP-LIN"
_TICKS_PER_UNIT: Final = 10  # prices move in steps of 0.1
_LOTS_PER_UNIT: Final = 1000  # amounts have three decimals
_MIDDLE: Final = 112_345  # the price, in ticks, around which books begin
# Sequence numbers as of 2020: the second in which the engine started, and a counter.
_SEQUENCE_START: Final = 1_594_613_594_000_000_000
# What a call draws: below the first a level goes, below the second one comes.
_GOES: Final = 0.2
_COMES: Final = 0.4

_Side = tuple[list[int], list[str]]


@dataclass(frozen=True)
class Market:
    """What is generated, and how much of it changes.

    `period_ms` is the time between two messages; `calls` is the mean number of times that somebody
    changes the book in between, each of which changes one level or two.
    """

    name: str
    instrument: str = INSTRUMENT
    levels: int = 100
    period_ms: int = 50
    calls: float = 3.5
    form: str = "2020"
    seed: int = 1

    @property
    def messages_a_minute(self) -> int:
        """How many messages a minute has."""
        return 60_000 // self.period_ms


class Book:
    """Both sides as prices (in ticks) and as texts of levels, best first; as many as a market has.

    Deeper levels exist too, but an exchange does not send them: where one of those that are sent
    goes, the next deeper one appears, and where one comes, the deepest goes.
    """

    def __init__(self, market: Market, generator: random.Random) -> None:
        self._draw = generator.random
        self._level = _level_2020 if market.form == "2020" else _level_2022
        middle = _MIDDLE + int(200 * self._draw())
        self.asks = self._side(middle + 1, 1, market.levels)
        self.bids = self._side(middle, -1, market.levels)
        self._calls = market.calls

    def advance(self) -> None:
        """Let happen what happens between two messages."""
        for _ in range(int(2 * self._calls * self._draw() + 0.5)):
            if self._draw() < 0.5:
                self._call(self.asks, self.bids[0][0], 1)
            else:
                self._call(self.bids, self.asks[0][0], -1)

    def _call(self, side: _Side, opposite: int, away: int) -> None:
        """Change one side: mostly an amount, else a level goes or comes.

        More come near the best than go there, so that the sides stay close to each other.
        `opposite` is the other side's best price, which no price may reach.
        """
        prices, texts = side
        kind, near = self._draw(), self._draw()
        place = int(len(prices) * (near if kind < _GOES else near * near))
        better = prices[place - 1] if place else opposite
        room = (prices[place] - better) * away - 1
        if kind < _GOES:
            del prices[place], texts[place]
            place = len(prices)
            prices.append((prices[-1] if prices else better) + self._gap(away))
            texts.append("")
        elif kind < _COMES and room:
            prices.insert(place, better + away * (1 + int(room * self._draw())))
            texts.insert(place, "")
            del prices[-1], texts[-1]
        texts[place] = self._level(prices[place], self._amount())

    def _side(self, best: int, away: int, levels: int) -> _Side:
        prices = [best]
        while len(prices) < levels:
            prices.append(prices[-1] + self._gap(away))
        return prices, [self._level(price, self._amount()) for price in prices]

    def _gap(self, away: int) -> int:
        drawn = self._draw()
        return away * (1 + int(20 * drawn * drawn * drawn))

    def _amount(self) -> int:
        drawn = self._draw()
        return 1 + int(9_000 * drawn * drawn * drawn)


def message(market: Market, book: Book, number: int, timestamp: int) -> str:
    """Return the JSON of a book; `number` counts messages, `timestamp` is in milliseconds."""
    asks, bids = ",".join(book.asks[1]), ",".join(book.bids[1])
    sequence = _SEQUENCE_START + number
    if market.form == "2020":
        return (
            f'{{"data":[{{"instrumentId":"{market.instrument}","seqNum":{sequence},'
            f'"asks":[{asks}],"checksum":0,"bids":[{bids}],"timestamp":"{timestamp}"}}],'
            f'"action":"partial","table":"futures/depth"}}'
        )
    checksum = zlib.crc32(f"[{asks}][{bids}]".encode("ascii"))
    return (
        f'{{"table":"futures/depth","data":[{{"seqNum":{sequence},'
        f'"instrumentId":"{market.instrument}","asks":[{asks}],"checksum":{checksum},'
        f'"bids":[{bids}],"timestamp":"{timestamp}"}}],"action":"partial"}}'
    )


def _level_2020(ticks: int, lots: int) -> str:
    return f"[{_short(ticks, _TICKS_PER_UNIT)},{_short(lots, _LOTS_PER_UNIT)},0,0]"


def _level_2022(ticks: int, lots: int) -> str:
    return f"[{ticks / _TICKS_PER_UNIT!r},{lots / _LOTS_PER_UNIT!r}]"


def _short(value: int, unit: int) -> str:
    """Return a number of units as JavaScript prints it: without a point where it is whole."""
    whole, rest = divmod(value, unit)
    return repr(value / unit) if rest else str(whole)
