"""CSV files of the stand-in, made of its slices as Tardis makes them of its own.

    incremental_book_L2   a row per level of each full-depth message; those of snapshots say so
    trades                a row per trade
    quotes                a row whenever best bid or ask changed

Times are microseconds UTC; a file is split by the UTC day of local_timestamp and ordered by it.
"""

from __future__ import annotations

import csv
import io
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from isal import igzip

from pipeline.channels import FULL_DEPTH, canonical_channel
from pipeline.stamp import split_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["KINDS", "csv_file", "file_symbol"]


class _Item(msgspec.Struct, rename="camel"):
    """As much of a message's item as the files have."""

    instrument_id: str | None = None
    market_code: str | None = None
    timestamp: int | str | None = None
    asks: list[list[float]] = []
    bids: list[list[float]] = []
    trade_id: int | str | None = None
    side: str = ""
    price: float | str = ""
    quantity: float | str = ""


class _Message(msgspec.Struct):
    table: str | None = None
    action: str | None = None
    data: list[_Item] | _Item = msgspec.field(default_factory=list)


_Row: TypeAlias = tuple[Any, ...]
_Said: TypeAlias = tuple[int, _Message, str, _Item]

_decode: Final = msgspec.json.Decoder(_Message).decode


def file_symbol(symbol: str) -> str:
    """Return how a symbol stands in a file's name."""
    return symbol.upper().replace("/", "-").replace(":", "-")


def csv_file(exchange: str, kind: str, symbol: str, lines: Iterable[bytes]) -> bytes | None:
    """Return the gzip of a file of a day's lines; None if they have nothing of the symbol.

    `symbol` is spelled as a file's name has it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header, rows_of = KINDS[kind]
    writer.writerow(["exchange", "symbol", "timestamp", "local_timestamp", *header])
    rows = sorted(rows_of(_items(symbol, lines)), key=itemgetter(2))
    writer.writerows([exchange, *map(_cell, row)] for row in rows)
    return igzip.compress(text.getvalue().encode(), mtime=0) if rows else None


def _items(symbol: str, lines: Iterable[bytes]) -> Iterator[_Said]:
    """Yield the arrival, message, instrument and item of each that a file is made of, in order."""
    for line in lines:
        try:
            arrival, payload = split_line(line)
            message = _decode(payload)
        except (ValueError, msgspec.MsgspecError):
            continue
        for item in message.data if isinstance(message.data, list) else [message.data]:
            name = item.instrument_id or item.market_code or ""
            if file_symbol(name) == symbol:
                yield arrival, message, name, item


def _levels(items: Iterable[_Said]) -> Iterator[_Row]:
    for arrival, message, name, item in _books(items):
        is_snapshot = "true" if message.action in (None, "partial") else "false"
        for side, levels in (("bid", item.bids), ("ask", item.asks)):
            for price, amount, *_ in levels:
                yield name, _time(item), arrival, is_snapshot, side, price, amount


def _quotes(items: Iterable[_Said]) -> Iterator[_Row]:
    before: list[object] = []
    for arrival, _, name, item in _books(items):
        bid, ask = ((side[0] if side else [None, None])[:2] for side in (item.bids, item.asks))
        if [bid, ask] != before:
            before = [bid, ask]
            yield name, _time(item), arrival, ask[1], ask[0], bid[0], bid[1]


def _trades(items: Iterable[_Said]) -> Iterator[_Row]:
    for arrival, message, name, item in items:
        if message.table == "trade":
            numbers = float(item.price), float(item.quantity)
            yield name, _time(item), arrival, item.trade_id, item.side.lower(), *numbers


def _books(items: Iterable[_Said]) -> Iterator[_Said]:
    return (item for item in items if canonical_channel(item[1].table or "") == FULL_DEPTH)


def _time(item: _Item) -> int | None:
    return None if item.timestamp is None else int(item.timestamp) * 1000


def _cell(value: Any) -> object:  # noqa: ANN401 - whatever a row has
    """Return a number as JavaScript prints it, without a fraction that is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# By type: the columns after the first four, and what makes its rows.
KINDS: Final[dict[str, tuple[list[str], Callable[[Iterable[_Said]], Iterator[_Row]]]]] = {
    "incremental_book_L2": (["is_snapshot", "side", "price", "amount"], _levels),
    "quotes": (["ask_amount", "ask_price", "bid_price", "bid_amount"], _quotes),
    "trades": (["id", "side", "price", "amount"], _trades),
}
