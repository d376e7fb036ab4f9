"""A feed from a folder of minute slices: what was recorded once, played as if it happened now.

The folder is what Tardis's would be (YYYY/MM/DD/HH/MM.json.gz). Data lines become events, by
their arrival times; welcomes, acknowledgements and what can't be read are left out, and an empty
line can be played as the loss of all connections.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

from pipeline.channels import canonical_channel
from pipeline.simulator.feed import DISCONNECT, Event, Market
from pipeline.slice_file import read_lines
from pipeline.times import to_us

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["RecordedFeed"]

_CHANNELS: Final = ("depth", "trade", "ticker")
# 28 characters of arrival time, in units of 100 ns, and a space stand before a line's JSON.
_MICROSECONDS_END: Final = 26
_STAMP_END: Final = 28
_JSON_AT: Final = 29
_TICKS: Final = 10_000_000
# So many messages of a market tell how its numbers look.
_LOOKED_AT: Final = 500


class _Item(msgspec.Struct):
    instrument: str | None = msgspec.field(name="instrumentId", default=None)
    market: str | None = msgspec.field(name="marketCode", default=None)


class _Message(msgspec.Struct):
    table: str | None = None
    data: list[_Item] | _Item | None = None


class _Numbers(msgspec.Struct):
    """The prices and quantities of a message, as text."""

    asks: list[list[msgspec.Raw]] = msgspec.field(default_factory=list)
    bids: list[list[msgspec.Raw]] = msgspec.field(default_factory=list)
    price: msgspec.Raw = msgspec.Raw(b"")
    quantity: msgspec.Raw = msgspec.Raw(b"")
    timestamp: msgspec.Raw = msgspec.Raw(b"")

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        for level in (*self.asks, *self.bids):
            yield bytes(level[0]), bytes(level[1])
        if self.price and self.quantity:
            yield bytes(self.price), bytes(self.quantity)


class _NumbersMessage(msgspec.Struct):
    data: list[_Numbers] | _Numbers


_decode: Final = msgspec.json.Decoder(_Message).decode
_decode_numbers: Final = msgspec.json.Decoder(_NumbersMessage).decode


class RecordedFeed:
    """The slices of a folder as a feed; an empty line is an event only with `disconnects`.

    Arrival times that run backwards are played at once, in the order of lines. Raises ValueError
    for a folder without data, SliceCorrupt for a slice that can't be read through.
    """

    def __init__(self, folder: Path, *, disconnects: bool = False) -> None:
        self._paths = sorted(folder.glob("[0-9][0-9][0-9][0-9]/??/??/??/??.json.gz"))
        self._disconnects = disconnects
        if next(self._data(), None) is None:
            raise ValueError(f"{folder} holds no data lines as YYYY/MM/DD/HH/MM.json.gz")

    @cached_property
    def markets(self) -> list[Market]:
        """The markets of the messages; the slices are read through when first asked for.

        Tick and minimal size are as fine as the numbers of a market's first messages.
        """
        seen: dict[str, list[bytes]] = {}
        for event in self._data():
            if event.channel != DISCONNECT:
                kept = seen.setdefault(event.market, [])
                if len(kept) < _LOOKED_AT:
                    kept.append(event.payload)
        return [_market(code, payloads) for code, payloads in sorted(seen.items())]

    def events(self) -> Iterator[Event]:
        """Yield the events; 0 is the arrival of the first."""
        latest = 0.0
        for event in self._data():
            latest = max(latest, event.at)
            yield event._replace(at=latest)

    def _data(self) -> Iterator[Event]:
        began: int | None = None
        at = 0.0
        for line in self._lines():
            if not line.strip():
                if self._disconnects and began is not None:
                    yield Event(at, DISCONNECT, "", b"")
                continue
            about = _about(line[_JSON_AT:])
            time = _time(line)
            if about is not None and time is not None:
                began = time if began is None else began
                at = (time - began) / _TICKS
                yield Event(at, *about, line[_JSON_AT:])

    def _lines(self) -> Iterator[bytes]:
        for path in self._paths:
            yield from read_lines(path)


def _about(payload: bytes) -> tuple[str, str] | None:
    """Return channel and market of a data message; None for anything else."""
    try:
        message = _decode(payload)
    except msgspec.DecodeError:
        return None
    items = message.data if isinstance(message.data, list) else [message.data]
    first = items[0] if items else None
    channel = canonical_channel(message.table or "")
    market = None if first is None else first.instrument or first.market
    return (channel, market) if channel in _CHANNELS and market else None


def _time(line: bytes) -> int | None:
    """Return a line's arrival time in units of 100 ns since 1970."""
    try:
        text = line[:_STAMP_END].decode("ascii")
        time = datetime.fromisoformat(text[:_MICROSECONDS_END]).replace(tzinfo=UTC)
        return to_us(time) * 10 + int(text[_MICROSECONDS_END])
    except (ValueError, IndexError):
        return None


def _market(code: str, payloads: Iterable[bytes]) -> Market:
    prices: list[bytes] = []
    sizes: list[bytes] = []
    listed = 0
    for payload in payloads:
        try:
            data = _decode_numbers(payload).data
        except msgspec.DecodeError:
            continue
        for item in data if isinstance(data, list) else [data]:
            listed = listed or _milliseconds(item.timestamp)
            for price, size in item.pairs():
                prices.append(price)
                sizes.append(size)
    return Market(code, _step(prices), _step(sizes), _type(code), listed)


def _milliseconds(text: msgspec.Raw) -> int:
    digits = bytes(text).strip(b'"')
    return int(digits) if digits.isdigit() else 0


def _step(numbers: Iterable[bytes]) -> str:
    """Return the smallest power of ten, 1 at most, that all numbers are multiples of."""
    finest = Decimal(1)
    for text in set(numbers):
        try:
            number = Decimal(text.strip(b'"').decode("ascii")).normalize()
        except (InvalidOperation, UnicodeDecodeError):
            continue
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int):
            finest = min(finest, Decimal(1).scaleb(exponent))
    return f"{finest:f}"


def _type(code: str) -> str:
    for part, name in (("-REPO-", "REPO"), ("-SPR-", "SPREAD")):
        if part in code:
            return name
    return "SPOT" if code.count("-") == 1 else "FUTURE"
