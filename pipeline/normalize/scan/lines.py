r"""A slice's bytes → its lines: what each is, and what its small fields say, in compiled code.

Only what is certain is taken. The grammar, with no white space but the one blank after the time,
each key at most once, keys in any order:

    line     = minute ":" second "." 7DIGIT "Z " message LF     minute: the slice's own
             | LF                                               a disconnect
    second   = 00 to 59
    message  = "{" member *( "," member ) "}"                   table and data are needed
    member   = "table":  a name of TABLES, quoted
             | "action": "partial"                              of a book
             | "data":   object | "[" object "]"
    object   = "{" field *( "," field ) "}"
    field    = "instrumentId": name | "marketCode": name        one of them, not both
             | "timestamp": whole                               milliseconds, to the year 9999
             | "seqNum": whole                                  of a book
             | "checksum": ["-"] integer                        of a book
             | "asks": side | "bids": side                      of a book: both needed
             | "side": "BUY" | "SELL" | "buy" | "sell"          of a trade: needed
             | "price": value | "quantity": value               of a trade: both needed
             | "tradeId": text                                  of a trade
    name     = text of 1 to 64 characters                       of 4,096 feeds: see names.py
    side     = "[]" | "[" … "]]"                                the rest is books.py's to check
    text     = printable ASCII without " and \, quoted
    whole    = integer | integer, quoted
    integer  = JSON's, from 0 to 2^63 - 1                       no sign, fraction or exponent
    value    = number | number, quoted                          number: see text.py

Any other line is OTHER, for the general decoder (coinflex.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.compiled import compiled
from pipeline.normalize.scan.names import numbered
from pipeline.normalize.scan.records import DEPTH, DISCONNECT, OTHER, TRADE, Record
from pipeline.normalize.scan.text import (
    digits,
    integer,
    line_end,
    side_end,
    text_end,
    value,
    whole,
    word,
    words,
)

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.normalize.scan.names import Names
    from pipeline.normalize.scan.text import Words

__all__ = [
    "HAS_ACTION",
    "HAS_SEQ_NUM",
    "HAS_TIMESTAMP",
    "HAS_TRADE_ID",
    "LAST_TIMESTAMP",
    "TABLES",
    "beginning",
    "scan_lines",
]

_LF, _BLANK, _QUOTE, _COMMA, _MINUS, _POINT, _Z = b'\n ",-.Z'
_OPEN, _CLOSE, _BEGIN, _END = b"[]{}"

# Without the quote that all begin with, and in an order in which the wire often has them, for the
# one after the last one found is tried first.
_KEYS: Final = words(
    [
        b'table":', b'action":', b'data":', b'side":', b'quantity":', b'price":', b'marketCode":',
        b'tradeId":', b'instrumentId":', b'seqNum":', b'asks":', b'checksum":', b'bids":',
        b'timestamp":',
    ]
)  # fmt: skip
(
    _TABLE, _ACTION, _DATA, _SIDE, _QUANTITY, _PRICE, _MARKET_CODE, _TRADE_ID, _INSTRUMENT_ID,
    _SEQ_NUM, _ASKS, _CHECKSUM, _BIDS, _TIMESTAMP, _KEY_COUNT,
) = range(15)  # fmt: skip

# As the wire spells them, both names of the full channel too: channels.py has one for each.
TABLES: Final = (
    "futures/depth", "depth", "depthL5", "depthL10", "depthL25", "depthUpdate", "trade",
)  # fmt: skip
_TABLES: Final = words([f'"{name}"'.encode() for name in TABLES])
_TRADE_TABLE: Final = TABLES.index("trade")
_ACTIONS: Final = words([b'"partial"'])
_SIDES: Final = words([b'"BUY"', b'"buy"', b'"SELL"', b'"sell"'])
_FIRST_SELL: Final = 2

_LENGTH_AFTER_MINUTE: Final = len(b"15.0881763Z ")
LAST_TIMESTAMP: Final = 253_402_300_799_999  # milliseconds: the end of the year 9999


def _bits(*keys: int) -> int:
    return sum(1 << key for key in keys)


HAS_ACTION: Final = _bits(_ACTION)
HAS_SEQ_NUM: Final = _bits(_SEQ_NUM)
HAS_TIMESTAMP: Final = _bits(_TIMESTAMP)
HAS_TRADE_ID: Final = _bits(_TRADE_ID)
_NAMES: Final = _bits(_INSTRUMENT_ID, _MARKET_CODE)
_BOOK_NEEDS: Final = _bits(_TABLE, _DATA, _ASKS, _BIDS)
_BOOK_MAY: Final = _BOOK_NEEDS | _NAMES | _bits(_ACTION, _SEQ_NUM, _CHECKSUM, _TIMESTAMP)
_TRADE_NEEDS: Final = _bits(_TABLE, _DATA, _SIDE, _QUANTITY, _PRICE)
_TRADE_MAY: Final = _TRADE_NEEDS | _NAMES | _bits(_TIMESTAMP, _TRADE_ID)


# --- a block of lines ----------------------------------------------------------------------------


def beginning(day: date, minute: int) -> Words:
    """Return what every line of a slice begins with: 2020-08-01T23:54: for minute 1434 of a day."""
    return words([f"{day}T{minute // 60:02}:{minute % 60:02}:".encode()])


@compiled
def scan_lines(
    text: NDArray[np.uint8],
    at: int,
    stop: int,
    minute: Words,
    found: NDArray[Any],
    names: Names,
) -> tuple[int, int]:
    """Read whole lines of text[at:stop] into `found` until one of them is at its end.

    `minute` is the one word that a line of the slice begins with, see `beginning`. Returns how many
    lines were found, and the place after the last one.
    """
    count = 0
    while at < stop and count < len(found):
        line = found[count]
        count += 1
        line.start = at
        line.kind, line.end = _line(text, at, minute, line, names)
        if line.end < 0:
            line.end = line_end(text, at)
        at = line.end + 1
    return count, at


@compiled
def _line(  # noqa: PLR0911 - a way out for each rule of the grammar
    text: NDArray[np.uint8],
    at: int,
    minute: Words,
    line: Record,
    names: Names,
) -> tuple[int, int]:
    """Return what a line is, and the place of its LF: -1 where that is still to be looked for."""
    line.time = -1
    if text[at] == _LF:
        return DISCONNECT, at
    line.seen = line.checksum = 0
    line.time = _clock(text, at, minute)
    if line.time < 0:
        return OTHER, -1
    end = _message(text, at + minute.lengths[0] + _LENGTH_AFTER_MINUTE, line)
    if end < 0 or text[end] != _LF:
        return OTHER, -1
    if (line.seen & _NAMES) == 0 or (line.seen & _NAMES) == _NAMES:
        return OTHER, end
    trade = line.table == _TRADE_TABLE
    needs, may = (_TRADE_NEEDS, _TRADE_MAY) if trade else (_BOOK_NEEDS, _BOOK_MAY)
    if (line.seen & needs) != needs or (line.seen & ~may) != 0:
        return OTHER, end
    line.feed = numbered(text, line.name, line.name_end, line.table, names)
    if line.feed < 0:
        return OTHER, end
    return TRADE if trade else DEPTH, end


@compiled
def _clock(text: NDArray[np.uint8], at: int, minute: Words) -> int:
    """Return when a line arrived, in 100 ns since the minute began; -1 if not in this minute."""
    if word(text, at, minute, 0, 1) < 0:
        return -1
    at += minute.lengths[0]
    seconds, fraction = digits(text, at, 2), digits(text, at + 3, 7)
    if not 0 <= seconds < 60 or fraction < 0:  # noqa: PLR2004 - seconds of a minute
        return -1
    if text[at + 2] != _POINT or text[at + 10] != _Z or text[at + 11] != _BLANK:
        return -1
    return seconds * 10_000_000 + fraction


# --- a message -----------------------------------------------------------------------------------


@compiled
def _message(text: NDArray[np.uint8], at: int, line: Record) -> int:
    """Read a message into a line's record; return the place after it."""
    if text[at] != _BEGIN:
        return -1
    key = _TABLE - 1
    while True:
        at, key = _key(text, at + 1, _TABLE, key + 1, _SIDE, line)
        if at < 0:
            return -1
        if key == _TABLE:
            line.table, at = _choice(text, at, _TABLES)
        elif key == _ACTION:
            _, at = _choice(text, at, _ACTIONS)
        elif key == _DATA and text[at] == _OPEN:
            at = _object(text, at + 1, line)
            at = at + 1 if at >= 0 and text[at] == _CLOSE else -1
        else:
            at = _object(text, at, line)
        if at < 0:
            return -1
        if text[at] != _COMMA:
            return at + 1 if text[at] == _END else -1


@compiled
def _object(text: NDArray[np.uint8], at: int, line: Record) -> int:
    """Read the object of a message into the line's record; return the place after it."""
    if text[at] != _BEGIN:
        return -1
    key = _SIDE - 1
    while True:
        at, key = _key(text, at + 1, _SIDE, key + 1, _KEY_COUNT, line)
        if at < 0:
            return -1
        at = _field(text, at, key, line)
        if at < 0:
            return -1
        if text[at] != _COMMA:
            return at + 1 if text[at] == _END else -1


@compiled
def _key(
    text: NDArray[np.uint8],
    at: int,
    first: int,
    likely: int,
    stop: int,
    line: Record,
) -> tuple[int, int]:
    """Return the place after a key, and which of _KEYS[first:stop] it is; none may come twice."""
    if text[at] != _QUOTE:
        return -1, -1
    key = word(text, at + 1, _KEYS, likely, stop)
    if key < 0:
        key = word(text, at + 1, _KEYS, first, likely)
    if key < 0 or (line.seen >> key) & 1:
        return -1, -1
    line.seen |= 1 << key
    return at + 1 + _KEYS.lengths[key], key


@compiled
def _choice(text: NDArray[np.uint8], at: int, among: Words) -> tuple[int, int]:
    """Return which of some words stands at a place, and the place after it."""
    chosen = word(text, at, among, 0, len(among.lengths))
    return chosen, at + among.lengths[chosen] if chosen >= 0 else -1


@compiled
def _field(  # noqa: C901, PLR0911 - one case a key, nothing deeper
    text: NDArray[np.uint8],
    at: int,
    key: int,
    line: Record,
) -> int:
    """Read the value of a key into the line's record; return the place after it."""
    if key == _ASKS:
        line.asks, line.asks_end = at, side_end(text, at)
        return line.asks_end  # type: ignore[no-any-return] # a record's
    if key == _BIDS:
        line.bids, line.bids_end = at, side_end(text, at)
        return line.bids_end  # type: ignore[no-any-return] # as above
    if key == _SEQ_NUM:
        line.seq_num, at = whole(text, at)
        return at
    if key == _TIMESTAMP:
        line.timestamp, at = whole(text, at)
        return at if line.timestamp <= LAST_TIMESTAMP else -1
    if key == _CHECKSUM:
        negative = text[at] == _MINUS
        said, at = integer(text, at + negative)
        line.checksum = -said if negative else said
        return at
    if key == _PRICE:
        line.price, at = value(text, at)
        return at
    if key == _QUANTITY:
        line.amount, at = value(text, at)
        return at
    if key == _SIDE:
        side, at = _choice(text, at, _SIDES)
        line.sell = side >= _FIRST_SELL
        return at
    if text[at] != _QUOTE:
        return -1
    begin, end = at + 1, text_end(text, at + 1)
    if key == _TRADE_ID:
        line.id, line.id_end = begin, end
        return end + 1 if end >= 0 else -1
    line.name, line.name_end = begin, end  # _INSTRUMENT_ID or _MARKET_CODE
    return end + 1 if end > begin else -1
