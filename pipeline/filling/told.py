"""What a slice tells that another recording of the same minute tells too.

Only the exchange's own numbers and contents say that two recordings are of one feed: clocks differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from pipeline.channels import canonical_channel
from pipeline.normalize.coinflex import Books, Control, Refused, Trades, decode
from pipeline.normalize.coverage import Feed
from pipeline.normalize.scan import (
    DEPTH,
    DISCONNECT,
    HAS_SEQ_NUM,
    HAS_TIMESTAMP,
    HAS_TRADE_ID,
    OTHER,
    TABLES,
    TRADE,
    beginning,
)
from pipeline.scanning import scanned
from pipeline.stamp import split_line

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.normalize.coinflex import Book, Message
    from pipeline.scanning import Scanned
    from pipeline.slices import DayOfSlices

__all__ = ["DATA", "EMPTY", "Around", "Key", "Minute", "Told", "ToldTrade", "told_by", "told_of"]

# What a line is to whoever asks whether its recorder heard: a line says something of a market, or
# it is an acknowledgement or can't be read, or it is a disconnect.
DATA, SILENT, EMPTY = range(3)

# What the exchange knows a message by: its feed, and a book's seq_num (its time, where it has none)
# or a trade's id.
Key: TypeAlias = tuple[Feed, str, int | str]


class ToldTrade(NamedTuple):
    """A trade: where it stands, its id, and all else that is said of it."""

    line: int
    item: int
    feed: Feed
    id: str | None
    content: tuple[int | None, str, float, float]


@dataclass
class Told:
    """A slice's lines: their clocks (100 ns into the minute, -1: none), and what they are.

    By key: with which content a message stands in which line. A content is known by a hash.
    `has_answers`: one of them says of a subscription whether it was granted.
    """

    clocks: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    contents: dict[Key, dict[int, int]] = field(default_factory=dict)
    trades: list[ToldTrade] = field(default_factory=list)
    has_answers: bool = False

    @property
    def feeds(self) -> set[Feed]:
        """The feeds of which it has messages."""
        return {key[0] for key in self.contents} | {trade.feed for trade in self.trades}

    def note(self, key: Key, content: Hashable, line: int) -> None:
        """Take note of a message that has a key."""
        self.contents.setdefault(key, {})[hash(content)] = line

    def take_trade(self, trade: ToldTrade) -> None:
        """Take a trade."""
        self.trades.append(trade)
        if trade.id is not None:
            self.note((trade.feed, "id", trade.id), trade.content, trade.line)


# What the slices of a minute tell, by rank; and some minutes, by number.
Minute: TypeAlias = dict[int, Told]
Around: TypeAlias = dict[int, Minute]


def told_by(path: Path, day: date, minute: int, *, exactly: bool = False) -> Told:
    """Read a slice of a minute of a day; raises SliceCorrupt.

    Contents of books are told apart by their text; `exactly`: by their levels, which takes longer.
    """
    told = Told(np.zeros(0, np.int64), np.zeros(0, np.uint8))
    clocks: list[NDArray[np.int64]] = []
    kinds: list[NDArray[np.uint8]] = []
    for found in scanned(path, beginning(day, minute)):
        clocks.append(found.lines["time"].copy())
        kinds.append(_kinds(found.lines))
        by_scan = np.flatnonzero(found.lines["kind"] != OTHER)
        decoded = np.flatnonzero(found.lines["kind"] == OTHER)
        if exactly:
            decoded, by_scan = np.flatnonzero(found.lines["kind"] != DISCONNECT), decoded[:0]
        _take_scanned(told, found, by_scan)
        _take_decoded(told, found, decoded, kinds[-1])
    told.clocks = np.concatenate([told.clocks, *clocks])
    told.kinds = np.concatenate([told.kinds, *kinds])
    return told


def told_of(held: Sequence[DayOfSlices], minute: int, *, exactly: bool = False) -> Minute:
    """Return what a minute's slices tell, by rank; raises SliceCorrupt."""
    return {
        rank: told_by(day.path(minute), day.day, minute, exactly=exactly)
        for rank, day in enumerate(held)
        if minute in day.slices
    }


def _kinds(lines: NDArray[np.void]) -> NDArray[np.uint8]:
    kinds = np.full(len(lines), DATA, np.uint8)
    kinds[lines["kind"] == DISCONNECT] = EMPTY
    return kinds


def _take_scanned(told: Told, found: Scanned, index: NDArray[np.int64]) -> None:
    """Take lines that the scan knows."""
    text, lines, names, first = found
    feeds = [
        Feed(canonical_channel(TABLES[names.tables[number]]), names.text(number))
        for number in range(int(names.used[0]))
    ]
    for number, *line in _fields(lines, index[lines["kind"][index] == DEPTH], _OF_A_BOOK):
        feed, seen, seq_num, timestamp, asks, asks_end, bids, bids_end = line
        if seen & HAS_SEQ_NUM:
            key = feeds[feed], "seq_num", seq_num
        elif seen & HAS_TIMESTAMP:
            key = feeds[feed], "timestamp", timestamp * 1000
        else:
            continue
        sides = text[asks:asks_end].tobytes(), text[bids:bids_end].tobytes()
        told.note(key, sides, first + number)
    for number, *line in _fields(lines, index[lines["kind"][index] == TRADE], _OF_A_TRADE):
        feed, seen, timestamp, sell, price, amount, begin, end = line
        time = timestamp * 1000 if seen & HAS_TIMESTAMP else None
        name = text[begin:end].tobytes().decode() if seen & HAS_TRADE_ID else None
        of = time, "sell" if sell else "buy", price, amount
        told.take_trade(ToldTrade(first + number, 0, feeds[feed], name, of))


_OF_A_BOOK: Final = (
    "feed", "seen", "seq_num", "timestamp", "asks", "asks_end", "bids", "bids_end",
)  # fmt: skip
_OF_A_TRADE: Final = ("feed", "seen", "timestamp", "sell", "price", "amount", "id", "id_end")


def _fields(
    lines: NDArray[np.void], index: NDArray[np.int64], names: tuple[str, ...]
) -> Iterator[tuple[Any, ...]]:
    """Yield the index of some lines, each with some of its fields."""
    taken = lines[index]
    return zip(index.tolist(), *(taken[name].tolist() for name in names), strict=True)


def _take_decoded(
    told: Told, found: Scanned, index: NDArray[np.int64], kinds: NDArray[np.uint8]
) -> None:
    """Take lines that only the general decoder knows, and say what they are."""
    text, lines, _, first = found
    for at in index.tolist():
        raw = text[lines["start"][at] : lines["end"][at]].tobytes()
        if not raw.strip():
            kinds[at] = EMPTY
            continue
        message = _message(raw)
        if message is None or isinstance(message, Control):
            kinds[at] = SILENT
            told.has_answers |= message is not None and message.subscription is not None
        elif isinstance(message, Books):
            for book in message.items:
                _take_book(told, Feed(message.channel, book.instrument), book, first + at)
        elif isinstance(message, Trades):
            for item, trade in enumerate(message.items):
                feed = Feed("trade", trade.instrument)
                of = trade.timestamp, trade.side, trade.price, trade.amount
                told.take_trade(ToldTrade(first + at, item, feed, trade.id, of))


def _message(raw: bytes) -> Message | None:
    try:
        return decode(split_line(raw)[1])
    except (ValueError, Refused):
        return None


def _take_book(told: Told, feed: Feed, book: Book, line: int) -> None:
    content = book.kind, tuple(book.asks.items()), tuple(book.bids.items())
    if book.seq_num is not None:
        told.note((feed, "seq_num", book.seq_num), content, line)
    elif book.timestamp is not None:
        told.note((feed, "timestamp", book.timestamp), content, line)
