"""CoinFLEX's messages: one line's JSON → a typed message, the same from every variant.

What varies between the eras, and ends here: the order of keys, `data` as a list or an object,
`instrumentId` or `marketCode`, levels of two or four elements, integers or floats, numbers as
text or not, `futures/depth` or `depth`, a checksum that is absent, 0, signed or unsigned.

A line that is not what it claims to be is Refused as a whole, with the reason; nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import Final, TypeAlias, TypeVar

import msgspec

from pipeline.channels import BOOK_CHANNELS, DEPTH_CHANNELS, DIFFERENCE_CHANNELS, canonical_channel
from pipeline.normalize.checksum import verdict
from pipeline.normalize.numbers import Refused, number, time_us, whole
from pipeline.stamp import LONGEST_MESSAGE

__all__ = [
    "Book",
    "Books",
    "Control",
    "Foreign",
    "Message",
    "Refused",
    "Ticker",
    "Tickers",
    "Trade",
    "Trades",
    "book_side",
    "decode",
]

_T = TypeVar("_T")
_FORMS: Final[tuple[set[int], ...]] = ({2}, {4}, {2, 4}, set())
_price_and_amount: Final = itemgetter(0, 1)
_beyond: Final = itemgetter(slice(2, None))


@dataclass(slots=True)
class Book:
    """One depth object. Sides map price → amount, best first, the last of repeated prices.

    `kind` says what it is to the book: "book" replaces it, "difference" holds absolute amounts
    for some levels (0 = removed), "unapplied" is a full-depth message whose action is not known.
    Times are microseconds UTC on the exchange's clock.
    """

    instrument: str
    kind: str
    timestamp: int | None
    seq_num: int | None
    checksum: int | None
    checksum_status: str
    irregular: bool
    bids: dict[float, float]
    asks: dict[float, float]


@dataclass(slots=True)
class Trade:
    """One trade; `side` is the taker's, buy or sell."""

    instrument: str
    timestamp: int | None
    id: str | None
    side: str
    price: float
    amount: float


@dataclass(slots=True)
class Ticker:
    """One ticker update; values in the order of the columns of `tickers`, NULL where absent."""

    instrument: str
    timestamp: int | None
    values: tuple[float | None, ...]


@dataclass(slots=True)
class Books:
    """A depth message: its canonical channel, its action as sent, its objects."""

    channel: str
    action: str | None
    items: list[Book]


@dataclass(slots=True)
class Trades:
    """A trade message."""

    items: list[Trade]


@dataclass(slots=True)
class Tickers:
    """A ticker message."""

    items: list[Ticker]


@dataclass(slots=True)
class Control:
    """Not data: an acknowledgement, a welcome, an error of the connection.

    `subscription` is the canonical channel and the instrument that it is about, if it is about one;
    `granted` says whether that stands.
    """

    subscription: tuple[str, str] | None = None
    granted: bool = True


@dataclass(slots=True)
class Foreign:
    """A table that this project does not read."""

    table: str


Message: TypeAlias = Books | Trades | Tickers | Control | Foreign


class _Envelope(msgspec.Struct):
    table: str | None = None
    event: str | None = None
    nonce: msgspec.Raw = msgspec.Raw(b"")
    action: str | None = None
    channel: str | None = None
    success: bool | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


class _Named(msgspec.Struct, rename="camel"):
    instrument_id: str | None = None
    market_code: str | None = None
    timestamp: int | str | None = None

    def instrument(self) -> str:
        name = self.instrument_id or self.market_code
        if not name:
            raise Refused("neither instrumentId nor marketCode")
        return name


class _Depth(_Named, kw_only=True):
    asks: msgspec.Raw
    bids: msgspec.Raw
    seq_num: int | str | None = None
    checksum: int | str | None = None


class _Trade(_Named, kw_only=True):
    side: str
    price: float | str
    quantity: float | str
    trade_id: str | int | None = None


class _Ticker(_Named, kw_only=True):
    last: float | str | None = None
    last_qty: float | str | None = None
    open24h: float | str | None = None
    high24h: float | str | None = None
    low24h: float | str | None = None
    volume24h: float | str | None = None
    # Named in full: the rename makes a capital of the h.
    currency_volume24h: float | str | None = msgspec.field(name="currencyVolume24h", default=None)
    open_interest: float | str | None = None
    mark_price: float | str | None = None
    last_mark_price: float | str | None = None


_envelope: Final = msgspec.json.Decoder(_Envelope)
_depths: Final = msgspec.json.Decoder(list[_Depth] | _Depth)
_trades: Final = msgspec.json.Decoder(list[_Trade] | _Trade)
_tickers: Final = msgspec.json.Decoder(list[_Ticker] | _Ticker)
_levels: Final = msgspec.json.Decoder(list[list[float]])


def decode(payload: bytes) -> Message:
    """Return the message that a line holds; raises Refused with the reason if it holds none."""
    if len(payload) > LONGEST_MESSAGE:
        raise Refused(f"a message of more than {LONGEST_MESSAGE} bytes")
    try:
        payload.decode()  # msgspec does not look at the names of fields
        return _decode(_envelope.decode(payload))
    except Refused:
        raise
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused(str(error)) from error


def _decode(envelope: _Envelope) -> Message:
    if envelope.table is None:
        if envelope.event is None and not envelope.nonce:
            raise Refused("neither a table nor an event")
        return _control(envelope)
    channel = canonical_channel(envelope.table)
    if channel in DEPTH_CHANNELS:
        kind = _kind(channel, envelope.action)
        items = _listed(_depths.decode(envelope.data))
        return Books(channel, envelope.action, [_book(item, kind) for item in items])
    if channel == "trade":
        return Trades([_trade(item) for item in _listed(_trades.decode(envelope.data))])
    if channel == "ticker":
        return Tickers([_ticker(item) for item in _listed(_tickers.decode(envelope.data))])
    return Foreign(envelope.table)


def _control(envelope: _Envelope) -> Control:
    channel, _, instrument = (envelope.channel or "").partition(":")
    event = (envelope.event or "").lower()
    if not instrument or event not in ("subscribe", "unsubscribe"):
        return Control()
    granted = envelope.success is not False and event == "subscribe"
    return Control((canonical_channel(channel), instrument), granted)


def _listed(data: list[_T] | _T) -> list[_T]:
    return data if isinstance(data, list) else [data]


def _kind(channel: str, action: str | None) -> str:
    if channel in DIFFERENCE_CHANNELS:
        return "difference"
    whole = channel in BOOK_CHANNELS and action in (None, "partial")
    return "book" if whole else "unapplied"


def _book(item: _Depth, kind: str) -> Book:
    asks, bids = _levels.decode(item.asks), _levels.decode(item.bids)
    form = {*map(len, asks), *map(len, bids)}
    if form not in _FORMS:
        raise Refused("a level has neither two nor four elements")
    ask_side, odd_asks = book_side(asks, kind, descending=False)
    bid_side, odd_bids = book_side(bids, kind, descending=True)
    odd_rest = 4 in form and any(map(any, map(_beyond, asks + bids)))  # noqa: PLR2004 - as above
    checksum = whole(item.checksum, "checksum") or None
    return Book(
        instrument=item.instrument(),
        kind=kind,
        timestamp=time_us(item.timestamp),
        seq_num=whole(item.seq_num, "seqNum"),
        checksum=checksum,
        checksum_status=verdict(checksum, bytes(item.asks), bytes(item.bids), asks, bids, form),
        irregular=odd_asks or odd_bids or odd_rest,
        bids=bid_side,
        asks=ask_side,
    )


def book_side(
    levels: list[list[float]], kind: str, *, descending: bool
) -> tuple[dict[float, float], bool]:
    """Return one side as price → amount, best first, and whether it came in any other way."""
    side = dict(map(_price_and_amount, levels))
    odd = len(side) != len(levels)
    if kind == "book" and (min(side.values(), default=1.0) <= 0):
        # In a snapshot an amount of 0 removes what is not there; below 0 is kept as received.
        side, odd = {price: amount for price, amount in side.items() if amount != 0}, True
    ordered = sorted(side, reverse=descending)
    if ordered != list(side):
        side, odd = {price: side[price] for price in ordered}, True
    return side, odd


def _trade(item: _Trade) -> Trade:
    side = item.side.lower()
    if side not in {"buy", "sell"}:
        raise Refused(f"side is {item.side[:20]!r}, neither buy nor sell")
    return Trade(
        instrument=item.instrument(),
        timestamp=time_us(item.timestamp),
        id=None if item.trade_id is None else str(item.trade_id),
        side=side,
        price=number(item.price, "price"),
        amount=number(item.quantity, "quantity"),
    )


def _ticker(item: _Ticker) -> Ticker:
    fields = item.__struct_fields__[len(_Named.__struct_fields__) :]
    values = ((name, getattr(item, name)) for name in fields)
    return Ticker(
        instrument=item.instrument(),
        timestamp=time_us(item.timestamp),
        values=tuple(None if value is None else number(value, name) for name, value in values),
    )
