"""An independent, simple reading of trades: line by line, what was known just before each.

Its rules: a trade's quote is the last whole book of its instrument above it in the file, if no
empty line, no minute that was not fetched and no other message of that channel lies between. Trades
are known to be all there in what was fetched, but for the time from an empty line (just after the
last line before it) until the next line.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.independent import Levels, book_of, in_microseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.independent import Reading

_MINUTE = timedelta(minutes=1)
_SECOND_US, _MINUTE_US, _DAY_US = 1_000_000, 60_000_000, 86_400_000_000

Span = tuple[int, int]


class Quote(NamedTuple):
    """A book's best levels, each price and amount: when it arrived, and the exchange's time."""

    arrival: int
    timestamp: int | None
    bids: Levels
    asks: Levels

    @property
    def best(self) -> tuple[float | None, ...]:
        """Bid price and amount, ask price and amount."""
        sides = (self.bids, self.asks)
        return tuple(value for side in sides for value in (side[0] if side else (None, None)))

    @property
    def mid(self) -> float | None:
        """The price in the middle, None if a side is empty."""
        return (self.bids[0][0] + self.asks[0][0]) / 2 if self.bids and self.asks else None


class Print(NamedTuple):
    """A trade, and what stood just before it. Times are microseconds."""

    arrival: int
    timestamp: int | None
    side: str
    price: float
    amount: float
    quote: Quote | None


@dataclass
class TradeReading:
    """Prints of each instrument in line order, and when the feed of all of them is known."""

    fetched: Span
    prints: dict[str, list[Print]] = field(default_factory=lambda: defaultdict(list))
    unknown: list[Span] = field(default_factory=list)
    days: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def known(self, instrument: str) -> list[Span]:
        """Return the stretches in which trades are known to be all there, cut at midnights."""
        edges = {*self.fetched, *(edge for span in self.unknown for edge in span)}
        edges |= {time // _DAY_US * _DAY_US for time in self.fetched}
        found: list[Span] = []
        for start, stop in pairwise(sorted(edges)):
            inside = self.fetched[0] <= start < self.fetched[1]
            unknown = any(begin <= start < end for begin, end in self.unknown)
            if not inside or unknown or start // _DAY_US not in self.days[instrument]:
                continue
            if found and found[-1][1] == start and start % _DAY_US:
                found[-1] = (found[-1][0], stop)
            else:
                found.append((start, stop))
        return found


def read_trades(
    folder: Path, start: datetime, end: datetime, lacking: Collection[datetime] = ()
) -> TradeReading:
    """Read [start, end): a minute without a file is empty, unless it is said to be lacking."""
    reading = TradeReading((in_microseconds(start), in_microseconds(end)))
    quotes: dict[str, Quote | None] = {}
    last = covered = in_microseconds(start)
    lost: int | None = None
    minute = start
    while minute < end:
        begin = in_microseconds(minute)
        if minute in lacking:
            quotes.clear()
            covered = begin + _MINUTE_US
            reading.unknown.append((begin, covered))
        for text in _lines(folder / f"{minute:%Y/%m/%d/%H/%M}.json.gz"):
            if not text:
                quotes.clear()
                lost = max(last + 1, covered) if lost is None else lost
                continue
            last = in_microseconds(datetime.fromisoformat(text[:26]).replace(tzinfo=UTC))
            # A line that arrived just after its minute tells of no connection in the next one.
            if lost is not None and last < begin + _MINUTE_US:
                reading.unknown.append((lost, last))
                lost = None
            _take(reading, quotes, last, json.loads(text[29:]), begin // _DAY_US)
        minute += _MINUTE
    if lost is not None:
        reading.unknown.append((lost, in_microseconds(end)))
    return reading


def _lines(path: Path) -> Iterator[str]:
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for text in file:
                yield text.strip()


def _take(
    reading: TradeReading,
    quotes: dict[str, Quote | None],
    arrival: int,
    message: dict[str, Any],
    day: int,
) -> None:
    for item in message["data"]:
        name = item.get("instrumentId") or item["marketCode"]
        timestamp = int(item["timestamp"]) * 1000 if "timestamp" in item else None
        reading.days[name].add(day)  # of the slice
        if message["table"] == "trade":
            numbers = float(item["price"]), float(item["quantity"])
            one = Print(arrival, timestamp, item["side"].lower(), *numbers, quotes.get(name))
            reading.prints[name].append(one)
        elif message["action"] == "partial":
            quotes[name] = Quote(arrival, timestamp, *book_of(item))
        else:
            quotes[name] = None


def candle(prints: list[Print], observed: int) -> tuple[Any, ...]:
    """Return what ohlcv says of the prints of a step, of which so many microseconds were seen."""
    prices = [one.price for one in prints]
    amounts = {
        side: fsum(one.amount for one in prints if one.side == side) for side in ("buy", "sell")
    }
    notional = fsum(one.price * one.amount for one in prints)
    volume = fsum(one.amount for one in prints)
    sums = (volume, notional, notional / volume if prints else None, len(prints),
            amounts["buy"], amounts["sell"])  # fmt: skip
    if not prints:
        sums = (0.0, 0.0, None, 0, 0.0, 0.0) if observed else (None,) * 6  # type: ignore[assignment]
    edges = (prices[0], max(prices), min(prices), prices[-1]) if prints else (None,) * 4
    return (*edges, *sums, observed / 1e6)


def orders(prints: list[Print]) -> list[list[Print]]:
    """Return prints that look like one taker order's, together."""
    found: list[list[Print]] = []
    for one in prints:
        before = found[-1][-1] if found else None
        if (
            before is not None
            and one.timestamp is not None
            and (before.side, before.timestamp) == (one.side, one.timestamp)
            and one.arrival - before.arrival < _SECOND_US
        ):
            found[-1].append(one)
        else:
            found.append([one])
    return found


def side_of(price: float, quote: Quote | None) -> str | None:
    """Return the taker's side as a quote tells it, None where it does not."""
    if quote is None:
        return None
    above = bool(quote.asks) and price >= quote.asks[0][0]
    below = bool(quote.bids) and price <= quote.bids[0][0]
    if above or below:
        return None if above and below else "buy" if above else "sell"
    if quote.mid is None or price == quote.mid:
        return None
    return "buy" if price > quote.mid else "sell"


def mid_at(reading: Reading, instrument: str, time: int, age: int | None) -> float | None:
    """Return the mid of the book that stands at a time, if it is young enough."""
    found = reading.standing_at(instrument, time)
    if found is None or (age is not None and time - found.arrival > age):
        return None
    return Quote(found.arrival, None, *found.book).mid
