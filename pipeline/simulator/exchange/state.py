"""The exchange as REST shows it: the last book and ticker, and the trades, of what was played.

Playing only keeps the messages; they are read when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec

if TYPE_CHECKING:
    from pipeline.simulator.feed import Event

__all__ = ["BookShown", "State", "TradeShown"]

# Of a market's trades so many are kept at most.
_TRADES_KEPT: Final = 200_000
_UNREAD: Final = 20_000
_time: Final = itemgetter(0)
_T = TypeVar("_T")


class _Book(msgspec.Struct):
    asks: list[tuple[msgspec.Raw, ...]] = msgspec.field(default_factory=list)
    bids: list[tuple[msgspec.Raw, ...]] = msgspec.field(default_factory=list)
    timestamp: int | str = 0


class _Books(msgspec.Struct):
    data: list[_Book] | _Book


class _Trade(msgspec.Struct):
    price: float | str
    quantity: float | str
    side: str
    timestamp: int | str


class _Trades(msgspec.Struct):
    data: list[_Trade] | _Trade


class _Tickers(msgspec.Struct):
    data: list[dict[str, str | float | None]] | dict[str, str | float | None]


_decode_books: Final = msgspec.json.Decoder(_Books).decode
_decode_trades: Final = msgspec.json.Decoder(_Trades).decode
_decode_tickers: Final = msgspec.json.Decoder(_Tickers).decode


class BookShown(NamedTuple):
    """A book's best levels, each `[price,quantity]` as it was printed; the time as milliseconds."""

    timestamp: int
    asks: list[list[msgspec.Raw]]
    bids: list[list[msgspec.Raw]]


class TradeShown(NamedTuple):
    """A trade as REST knows it: without an id. Times are milliseconds UTC."""

    timestamp: int
    market: str
    price: str
    quantity: str
    side: str


class State:
    """What was played so far."""

    def __init__(self) -> None:
        self._books: dict[str, bytes] = {}
        self._tickers: dict[str, bytes] = {}
        self._unread: dict[str, list[bytes]] = {}
        self._trades: dict[str, list[TradeShown]] = {}

    def play(self, event: Event) -> None:
        """Take in one event."""
        if event.channel == "depth":
            self._books[event.market] = event.payload
        elif event.channel == "ticker":
            self._tickers[event.market] = event.payload
        elif event.channel == "trade":
            unread = self._unread.setdefault(event.market, [])
            unread.append(event.payload)
            if len(unread) >= _UNREAD:
                self._read(event.market)

    def now(self) -> int:
        """Return the exchange's time: the latest of all that was played, in milliseconds UTC."""
        for market in [*self._unread]:
            self._read(market)
        books = (int(self._read_book(market).timestamp) for market in self._books)
        trades = (rows[-1].timestamp for rows in self._trades.values() if rows)
        return max([*books, *trades], default=0)

    def book(self, market: str, levels: int) -> BookShown:
        """Return the last book of a market; an empty one if none was played."""
        book = self._read_book(market)
        asks, bids = ([[*level[:2]] for level in side[:levels]] for side in (book.asks, book.bids))
        return BookShown(int(book.timestamp), asks, bids)

    def ticker(self, market: str) -> dict[str, str | float | None]:
        """Return the fields of a market's last ticker; none if there was none."""
        try:
            return _one(_decode_tickers(self._tickers[market]).data)
        except (KeyError, IndexError, msgspec.MsgspecError):
            return {}

    def trades(self, markets: list[str], start: int, end: int, limit: int) -> list[TradeShown]:
        """Return trades of [start, end], both inclusive in milliseconds, the newest first."""
        found: list[TradeShown] = []
        for market in markets:
            self._read(market)
            rows = self._trades.get(market, [])
            first = bisect_left(rows, start, key=_time)
            last = bisect_right(rows, end, lo=first, key=_time)
            found += rows[max(first, last - limit) : last][::-1]
        # Stable: of one millisecond the last played stays first.
        return sorted(found, key=_time, reverse=True)[:limit]

    def _read_book(self, market: str) -> _Book:
        """Return the last book; an empty one if there is none, or it can't be read."""
        try:
            return _one(_decode_books(self._books[market]).data)
        except (KeyError, IndexError, msgspec.MsgspecError):
            return _Book()

    def _read(self, market: str) -> None:
        """Take in the trades that were played since; what can't be read is no trade for REST."""
        rows = self._trades.setdefault(market, [])
        for payload in self._unread.pop(market, []):
            with suppress(msgspec.MsgspecError, ValueError):
                data = _decode_trades(payload).data
                rows += [_shown(market, t) for t in (data if isinstance(data, list) else [data])]
        rows.sort(key=_time)
        del rows[:-_TRADES_KEPT]


def _shown(market: str, trade: _Trade) -> TradeShown:
    price, quantity = str(trade.price), str(trade.quantity)
    return TradeShown(int(trade.timestamp), market, price, quantity, trade.side.upper())


def _one(data: list[_T] | _T) -> _T:
    return data[0] if isinstance(data, list) else data
