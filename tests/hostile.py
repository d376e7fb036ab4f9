"""Messages that mean harm: names that no market has, and JSON that no exchange sends."""

from __future__ import annotations

import json
from typing import Final

__all__ = ["MESSAGES", "NAMES", "named"]

NAMES: Final = [
    "../../../outside", "/outside", ".", "..", "a\0b", "a\nb", "a\rb", "\t", "x" * 10_000,
    "\u202eevil", "\u2028", "\x1b[2J\x1b[31mred", "\x07", "\x7f", "\x9b31m", "\ufeff", "e\u0301",
    "a'b\"c", "a=b", "a%2Fb", "%", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "-x", "~",
    "instrument=y", "__HIVE_DEFAULT_PARTITION__", "a*b?[c]", "$x", "$\\frac{", "{x}", " lead",
    "trail ", "null", "\U0001f600",
]  # fmt: skip

_BOOK: Final = (
    b'{"table":"depth","data":[{"instrumentId":"A","seqNum":1,"timestamp":"1596326055000",'
    b'"asks":[[2,1]],"bids":[[1,1]]}]}'
)
_TRADE: Final = (
    b'{"table":"trade","data":[{"marketCode":"A","side":"BUY","price":"1","quantity":"1",'
    b'"timestamp":"1596326055000","tradeId":"1"}]}'
)
_TIME: Final = b'"1596326055000"'
_DEEP: Final = b"[" * 100_000


def _book(old: bytes, new: bytes) -> bytes:
    assert old in _BOOK
    return _BOOK.replace(old, new, 1)


# What it is → a message, and whether it must not be read.
MESSAGES: Final[dict[str, tuple[bytes, bool]]] = {
    "depth alone": (_DEEP, True),
    "depth for levels": (_book(b"[[2,1]]", _DEEP), True),
    "depth in what nobody reads": (_book(b'"seqNum"', b'"x":' + _DEEP + b',"seqNum"'), True),
    "depth of objects": (b'{"a":' * 50_000, True),
    "a price of 1e999": (_book(b"[2,1]", b"[1e999,1]"), True),
    "a price of 400 digits": (_book(b"[2,1]", b"[" + b"9" * 400 + b",1]"), True),
    "a price of 400 decimals": (_book(b"[2,1]", b"[2." + b"1" * 400 + b",1]"), False),
    "a price of 1e-999": (_book(b"[2,1]", b"[1e-999,1]"), False),
    "a price that is none": (_book(b"[2,1]", b"[NaN,1]"), True),
    "a seqNum of 100 bits": (_book(b'"seqNum":1', b'"seqNum":1' + b"0" * 30), True),
    "a seqNum of 5000 digits": (_book(b'"seqNum":1', b'"seqNum":"' + b"9" * 5000 + b'"'), True),
    "a checksum of 1e400": (_book(b'"seqNum":1', b'"checksum":1e400'), True),
    "a time of 400 digits": (_book(_TIME, b"9" * 400), True),
    "the last time there is": (_book(_TIME, b'"9223372036854775807"'), True),
    "the first time there is": (_book(_TIME, b'"-9223372036854775808"'), True),
    "two seqNums": (_book(b'"seqNum":1', b'"seqNum":7,"seqNum":1'), False),
    "two names": (_book(b'"A"', b'"B","instrumentId":"A"'), False),
    "two sides of one name": (_book(b'"asks"', b'"asks":[[3,1]],"asks"'), False),
    "two tables": (_book(b'"table"', b'"table":"trade","table"'), False),
    "bytes that are no UTF-8": (_book(b'"A"', b'"\xff\xfe"'), True),
    "an overlong slash": (_book(b'"A"', b'"\xc0\xaf"'), True),
    "half a pair in UTF-8": (_book(b'"A"', b'"\xed\xa0\x80"'), True),
    "half a pair, escaped": (_book(b'"A"', b'"\\ud800"'), True),
    "no name": (_book(b'"A"', b'""'), True),
    "zeros": (bytes(100), True),
    "two messages": (_BOOK + _BOOK, True),
    "half a message": (_BOOK[:-1], True),
    "null": (b"null", True),
    "a level of one": (_book(b"[2,1]", b"[2]"), True),
    "a level of thousands": (_book(b"[2,1]", b"[2" + b",1" * 10_000 + b"]"), True),
    "a trade at 1e999": (_TRADE.replace(b'"price":"1"', b'"price":"1e999"'), True),
    "a side that is markup": (_TRADE.replace(b"BUY", b"<script>alert(1)</script>"), True),
    "an id of 100 kB": (_TRADE.replace(b'"1"}', b'"' + b"9" * 100_000 + b'"}'), False),
    "an escape in an id": (_TRADE.replace(b'"tradeId":"1"', b'"tradeId":"\\u001b[2J"'), False),
    "a table that is a path": (_book(b'"depth"', b'"../../outside"'), False),
    "an event that is an escape": (b'{"event":"\\u001b[2J","success":false}', False),
    "a message of 8 MiB": (_book(b'"seqNum"', b'"x":"' + b"x" * (8 << 20) + b'","seqNum"'), True),
}  # fmt: skip


def named(name: str) -> list[bytes]:
    """Return a book, a trade and a ticker of a name."""
    book = {"instrumentId": name, "seqNum": 1, "asks": [[2, 1]], "bids": [[1, 1]]}
    price = {"side": "SELL", "price": "1", "quantity": "1"}
    tables: dict[str, dict[str, object]] = {
        "depth": book,
        "trade": {"marketCode": name, "tradeId": name, **price},
        "ticker": {"marketCode": name, "last": "1"},
    }
    return [
        json.dumps({"table": table, "data": [{**item, "timestamp": "1596326055000"}]}).encode()
        for table, item in tables.items()
    ]
