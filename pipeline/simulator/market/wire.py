"""A market's books, trades and tickers as JSON, in the forms that the exchange had.

    "us-v1"     CoinFLEX US: table depth without action, levels of four, signed checksum
    "2020"      futures/depth, data first, levels of four, checksum 0: not given
    "2022-10"   futures/depth, levels of two, numbers as doubles, unsigned checksum

A checksum is the CRC-32 of asks, then bids, each as compact JSON of [price,quantity] with numbers
as doubles. Real messages of 2022-10 were verified so; of us-v1 it is not known what was hashed.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from pipeline.simulator.market.numbers import Step, decimal_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.simulator.market.instruments import MarketSpec
    from pipeline.simulator.market.last_day import Figures
    from pipeline.simulator.market.matching import Fill, HalfBook, OrderBook

__all__ = ["Era", "Wire", "check_era", "first_sequence"]

Era: TypeAlias = Literal["us-v1", "2020", "2022-10"]

_SIGN_BIT: Final = 1 << 31


@dataclass(frozen=True)
class _Form:
    """Templates of one era; `levels` is the number of elements, `decimals` the fewest of a text.

    `checksum` is "none", "signed" or "unsigned".
    """

    depth: bytes
    trade: bytes
    ticker: bytes
    levels: int
    checksum: str
    decimals: int
    sides: tuple[bytes, bytes]


_US_V1: Final = _Form(
    depth=(
        b'{"table":"depth","data":[{"instrumentId":"%(code)b","seqNum":%(sequence)d,'
        b'"timestamp":"%(timestamp)d","checksum":%(checksum)d,'
        b'"asks":[%(asks)b],"bids":[%(bids)b]}]}'
    ),
    trade=(
        b'{"table":"trade","data":[{"side":"%(side)b","tradeId":"%(id)d","price":"%(price)b",'
        b'"quantity":"%(quantity)b","marketCode":"%(code)b","timestamp":"%(timestamp)d"}]}'
    ),
    ticker=(
        b'{"table":"ticker","data":[{"last":"%(last)b","lastQty":"%(lastQty)b",'
        b'"open24h":"%(open24h)b","high24h":"%(high24h)b","low24h":"%(low24h)b",'
        b'"volume24h":"%(volume24h)b","currencyVolume24h":"%(currencyVolume24h)b",'
        b'"openInterest":"0","markPrice":"%(markPrice)b","marketCode":"%(code)b",'
        b'"timestamp":"%(timestamp)d"}]}'
    ),
    levels=4,
    checksum="signed",
    decimals=0,
    sides=(b"buy", b"sell"),
)
_OF_2020: Final = _Form(
    depth=(
        b'{"data":[{"instrumentId":"%(code)b","seqNum":%(sequence)d,"asks":[%(asks)b],'
        b'"checksum":%(checksum)d,"bids":[%(bids)b],"timestamp":"%(timestamp)d"}],'
        b'"action":"partial","table":"futures/depth"}'
    ),
    trade=(
        b'{"data":[{"side":"%(side)b","quantity":"%(quantity)b","price":"%(price)b",'
        b'"marketCode":"%(code)b","tradeId":"%(id)d","timestamp":"%(timestamp)d"}],'
        b'"table":"trade"}'
    ),
    ticker=(
        b'{"data":[{"currencyVolume24h":"%(currencyVolume24h)b","high24h":"%(high24h)b",'
        b'"last":"%(last)b","lastQty":"%(lastQty)b","low24h":"%(low24h)b",'
        b'"markPrice":"%(markPrice)b","marketCode":"%(code)b","open24h":"%(open24h)b",'
        b'"openInterest":"0","timestamp":"%(timestamp)d","volume24h":"%(volume24h)b"}],'
        b'"table":"ticker"}'
    ),
    levels=4,
    checksum="none",
    decimals=9,
    sides=(b"BUY", b"SELL"),
)
_OF_2022: Final = _Form(
    depth=(
        b'{"table":"futures/depth","data":[{"seqNum":%(sequence)d,"instrumentId":"%(code)b",'
        b'"asks":[%(asks)b],"checksum":%(checksum)d,"bids":[%(bids)b],'
        b'"timestamp":"%(timestamp)d"}],"action":"partial"}'
    ),
    trade=(
        b'{"table":"trade","data":[{"side":"%(side)b","quantity":"%(quantity)b",'
        b'"price":"%(price)b","marketCode":"%(code)b","tradeId":"%(id)d",'
        b'"timestamp":"%(timestamp)d"}]}'
    ),
    ticker=(
        b'{"table":"ticker","data":[{"last":"%(last)b","open24h":"%(open24h)b",'
        b'"high24h":"%(high24h)b","low24h":"%(low24h)b","volume24h":"%(volume24h)b",'
        b'"currencyVolume24h":"%(currencyVolume24h)b","openInterest":"0",'
        b'"marketCode":"%(code)b","timestamp":"%(timestamp)d","lastQty":"%(lastQty)b",'
        b'"markPrice":"%(markPrice)b","lastMarkPrice":"%(lastMarkPrice)b"}]}'
    ),
    levels=2,
    checksum="unsigned",
    decimals=0,
    sides=(b"BUY", b"SELL"),
)
_FORMS: Final[dict[str, _Form]] = {"us-v1": _US_V1, "2020": _OF_2020, "2022-10": _OF_2022}


def check_era(era: str) -> None:
    """Raise ValueError for what is no era, with those that are."""
    if era not in _FORMS:
        raise ValueError(f"era was {era!r}; what would work: one of {', '.join(get_args(Era))}")


def first_sequence(era: Era, started: int) -> int:
    """Return the sequence number before an engine's first; it started at a second since 1970."""
    return 2 * 10**15 + started * 10**5 if era == "2022-10" else started * 10**9


class _SideText:
    """The levels of one side as text, best first; only those that changed are printed anew."""

    def __init__(self, half: HalfBook, level: Callable[[int, int], bytes]) -> None:
        self._half = half
        self._level = level
        self._texts: dict[int, bytes] = {}
        self.text = b""

    def update(self, changed: Iterable[int]) -> None:
        """Print the levels at these prices, and put the side together."""
        for price in changed:
            lots = self._half.lots(price)
            if lots:
                self._texts[price] = self._level(price, lots)
            else:
                self._texts.pop(price, None)
        self.text = b",".join(map(self._texts.__getitem__, self._half.prices()))


class Wire:
    """One market's messages in the form of an era; `checksums` false: 0, which is not given.

    `depth` tells the book as it is, and has to be the only one that takes its changes.
    """

    def __init__(self, spec: MarketSpec, era: Era, book: OrderBook, *, checksums: bool) -> None:
        self._form = _FORMS[era]
        self._tick, self._lot = Step(spec.tick_size), Step(spec.lot_size)
        self._code = spec.code.encode("ascii")
        self._halves = book.asks, book.bids
        level = self._doubles if self._form.levels == 2 else self._shorts  # noqa: PLR2004 - pairs
        self._sent = [_SideText(half, level) for half in self._halves]
        self._hashed = self._sent
        self._summed = checksums and self._form.checksum != "none"
        if self._summed and level != self._doubles:
            self._hashed = [_SideText(half, self._doubles) for half in self._halves]

    def depth(self, sequence: int, timestamp: int) -> bytes:
        """Return the whole book; `timestamp` is in milliseconds."""
        for place, half in enumerate(self._halves):
            if changed := half.take_changed():
                self._sent[place].update(changed)
                if self._hashed is not self._sent:
                    self._hashed[place].update(changed)
        return self._form.depth % {
            b"code": self._code,
            b"sequence": sequence,
            b"timestamp": timestamp,
            b"checksum": self._checksum() if self._summed else 0,
            b"asks": self._sent[0].text,
            b"bids": self._sent[1].text,
        }

    def trade(self, fill: Fill, number: int, timestamp: int) -> bytes:
        """Return one trade; `number` is its id."""
        buy, sell = self._form.sides
        return self._form.trade % {
            b"side": buy if fill.side == "BUY" else sell,
            b"id": number,
            b"price": self._number(fill.price, self._tick),
            b"quantity": self._number(fill.lots, self._lot),
            b"code": self._code,
            b"timestamp": timestamp,
        }

    def ticker(self, day: Figures, mark: int, timestamp: int) -> bytes:
        """Return a ticker; `mark` is the mark price in ticks."""
        units, digits = self._tick.units * self._lot.units, self._tick.digits + self._lot.digits
        turnover = decimal_text(day.turnover * units, digits, 2 * self._form.decimals)
        mark_price = self._tick.short(mark).encode("ascii")
        return self._form.ticker % {
            b"code": self._code,
            b"timestamp": timestamp,
            b"last": self._number(day.last, self._tick),
            b"lastQty": self._number(day.last_lots, self._lot),
            b"open24h": self._number(day.open, self._tick),
            b"high24h": self._number(day.high, self._tick),
            b"low24h": self._number(day.low, self._tick),
            b"volume24h": turnover.encode("ascii"),
            b"currencyVolume24h": self._number(day.lots, self._lot),
            b"markPrice": mark_price,
            b"lastMarkPrice": mark_price,
        }

    def _number(self, count: int, step: Step) -> bytes:
        text = decimal_text(count * step.units, step.digits, self._form.decimals)
        return text.encode("ascii")

    def _checksum(self) -> int:
        asks, bids = self._hashed
        value = zlib.crc32(b"[%b][%b]" % (asks.text, bids.text))
        signed = self._form.checksum == "signed" and value & _SIGN_BIT
        return value - 2 * _SIGN_BIT if signed else value

    def _shorts(self, price: int, lots: int) -> bytes:
        return f"[{self._tick.short(price)},{self._lot.short(lots)},0,0]".encode("ascii")

    def _doubles(self, price: int, lots: int) -> bytes:
        return f"[{self._tick.double(price)},{self._lot.double(lots)}]".encode("ascii")
