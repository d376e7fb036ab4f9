"""The scan: bytes of a slice → columns, in compiled code.

    records.py   what a line, a message and a feed are, field by field
    text.py      bytes, words, exact numbers
    names.py     names of feeds → numbers
    lines.py     a block of bytes → its lines, and what their small fields say
    books.py     a book's text → what it changed against the book before
    checksum.py  what the checksum says of that text

It takes only lines that it knows for certain, and leaves every other one to the general decoder
(coinflex.py), which gives the same rows for those that it takes; tests hold both to that.
"""

from pipeline.normalize.scan.books import (
    ASKS,
    BIDS,
    NO_ROOM,
    NOT_TAKEN,
    Output,
    Pool,
    SliceAt,
    levels_at_most,
    scan_books,
    side_at,
    text_at_least,
)
from pipeline.normalize.scan.checksum import STATUSES
from pipeline.normalize.scan.lines import (
    HAS_SEQ_NUM,
    HAS_TIMESTAMP,
    HAS_TRADE_ID,
    LAST_TIMESTAMP,
    TABLES,
    beginning,
    scan_lines,
)
from pipeline.normalize.scan.names import Names
from pipeline.normalize.scan.records import (
    BOOK,
    BROKEN,
    DEPTH,
    DIFFERENCE,
    DISCONNECT,
    FEED,
    FIRST,
    LINE,
    MESSAGE,
    OTHER,
    TRADE,
    UNAPPLIED,
)
from pipeline.normalize.scan.text import PADDING, Words, gathered

__all__ = [
    "ASKS",
    "BIDS",
    "BOOK",
    "BROKEN",
    "DEPTH",
    "DIFFERENCE",
    "DISCONNECT",
    "FEED",
    "FIRST",
    "HAS_SEQ_NUM",
    "HAS_TIMESTAMP",
    "HAS_TRADE_ID",
    "LAST_TIMESTAMP",
    "LINE",
    "MESSAGE",
    "NOT_TAKEN",
    "NO_ROOM",
    "OTHER",
    "PADDING",
    "STATUSES",
    "TABLES",
    "TRADE",
    "UNAPPLIED",
    "Names",
    "Output",
    "Pool",
    "SliceAt",
    "Words",
    "beginning",
    "gathered",
    "levels_at_most",
    "scan_books",
    "scan_lines",
    "side_at",
    "text_at_least",
]
