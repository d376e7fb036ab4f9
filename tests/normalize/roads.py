"""Two roads from lines to rows: the compiled scan, and the general decoder with dicts alone."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.normalize import part as part_reader
from pipeline.normalize import standing
from pipeline.normalize.coinflex import Books, Refused, Trade, Trades, decode
from pipeline.normalize.columns import LISTS, Columns, lengths
from pipeline.normalize.part import Part, PartReader
from pipeline.normalize.scan import (
    BOOK,
    DIFFERENCE,
    PADDING,
    STATUSES,
    UNAPPLIED,
    beginning,
)
from pipeline.normalize.slice_reader import SliceReader
from pipeline.normalize.stretches import Taken
from pipeline.slices import Request
from pipeline.stamp import split_line
from pipeline.times import MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from numpy.typing import NDArray

    from pipeline.normalize.coinflex import Book

__all__ = ["BEGIN", "Simple", "assert_same", "padded", "scanned", "take_small_steps"]

Found = dict[tuple[str, str], list[tuple[Any, ...]]]  # by channel and instrument

EVERY = 7  # a keyframe, so that there are many
MINUTE = 23 * 60 + 54
BEGIN = 1596240000_000000 + MINUTE * MINUTE_US


def take_small_steps(patch: pytest.MonkeyPatch) -> None:
    """Have many keyframes, books that outgrow their room, and batches that end within a block."""
    patch.setattr(standing, "KEYFRAME_EVERY", EVERY)
    patch.setattr(standing, "_FIRST_ROOM", 8)
    patch.setattr(part_reader, "_LINES_AT_ONCE", 37)


# --- the two roads -------------------------------------------------------------------------------


def padded(content: bytes) -> NDArray[np.uint8]:
    """Return bytes as the scan takes them, with something worse than zeros behind them."""
    behind = (b'],[1,2]],"asks":[[1,2]],"\n' * PADDING)[:PADDING]
    return np.frombuffer(bytearray(content + behind), np.uint8)


def scanned(blocks: Sequence[bytes], begin: int = BEGIN) -> Part:
    """Return what the scan, and the decoder behind it, make of a minute's blocks of lines."""
    minute = begin // MINUTE_US % 1440
    reader = PartReader([Request("coinflex", "tardis")], begin - minute * MINUTE_US, minute)
    reader.begin_minute((0,))
    reader.hear((0,))
    day = datetime.fromtimestamp(begin / 1e6, UTC).date()
    slice_ = SliceReader(reader, 0, beginning(day, minute), Taken())
    for block in blocks:
        slice_.read(padded(block), len(block))
    reader.end_stretch([(0, slice_.line_before)])
    return reader.finish()


class Simple:
    """The same by the general decoder and dicts alone: one line at a time."""

    def __init__(self) -> None:
        self.rows: Found = defaultdict(list)
        self.trades: Found = defaultdict(list)
        self.quarantine: list[int] = []
        self._books: dict[tuple[str, str], tuple[dict[float, float], dict[float, float]]] = {}
        self._fresh: dict[tuple[str, str], int] = {}
        self._since: dict[tuple[str, str], int] = {}

    def take(self, content: bytes) -> Simple:
        """Take all lines of a minute."""
        for line, raw in enumerate(content.removesuffix(b"\n").split(b"\n"), 1):
            if not raw.strip():
                self._fresh |= dict.fromkeys(self.rows, 2)
                continue
            try:
                time, payload = split_line(raw)
                message = decode(payload)
            except (ValueError, Refused):
                self.quarantine.append(line)
                continue
            if isinstance(message, Books):
                for item, book in enumerate(message.items):
                    place = (line, item, time, message.action)
                    self._take_book((message.channel, book.instrument), place, book)
            elif isinstance(message, Trades):
                for item, trade in enumerate(message.items):
                    feed = "trade", trade.instrument
                    self.trades[feed].append(_trade(line, item, time, trade))
        return self

    def _take_book(self, feed: tuple[str, str], place: tuple[Any, ...], book: Book) -> None:
        fresh = self._fresh.get(feed, 1)
        bids, asks = ({}, {}) if fresh else self._books[feed]
        reset, keyframe = 0, None
        changed: tuple[list[Any], list[Any]] = [], []
        if book.kind == "book":
            changed = _changed(bids, book.bids, -1), _changed(asks, book.asks, 1)
            since = 0 if fresh else self._since[feed] + 1
            if fresh or since == EVERY:
                since, keyframe = 0, (list(book.bids.items()), list(book.asks.items()))
            reset, self._fresh[feed], self._since[feed] = fresh, 0, since
            self._books[feed] = book.bids, book.asks
        elif book.kind == "difference":
            changed = list(book.bids.items()), list(book.asks.items())
        else:
            self._fresh[feed] = 2
        best = [next(iter(side.items()), None) for side in (book.bids, book.asks)]
        said = (book.timestamp, book.seq_num, book.checksum, book.checksum_status, book.irregular)
        levels = len(book.bids), len(book.asks)
        self.rows[feed].append((*place, book.kind, *said, levels, best, reset, changed, keyframe))


def _changed(before: dict[float, float], after: dict[float, float], sign: int) -> list[Any]:
    gone = {price: 0.0 for price in before if price not in after}
    new = {price: after[price] for price in after if before.get(price) != after[price]}
    return sorted((gone | new).items(), key=lambda level: sign * level[0])


def _trade(line: int, item: int, time: int, trade: Trade) -> tuple[Any, ...]:
    return (line, item, time, trade.timestamp, trade.price, trade.amount, trade.side, trade.id)


# --- the scan's columns as plain values ----------------------------------------------------------


def _lists(columns: Columns, name: str) -> list[Any]:
    ends = np.cumsum(lengths(columns.rows, name))
    return [part.tolist() for part in np.split(columns.lists[name], ends[:-1])]


def _rows(part: Part, columns: Columns) -> list[tuple[Any, ...]]:
    lists = {name: _lists(columns, name) for name in LISTS}
    kinds = {BOOK: "book", DIFFERENCE: "difference", UNAPPLIED: "unapplied"}

    def levels(index: int, name: str) -> list[Any]:
        return list(zip(lists[f"{name}_price"][index], lists[f"{name}_amount"][index], strict=True))

    def best(row: Any, side: str) -> tuple[float, float] | None:
        return (row[f"{side}_price"], row[f"{side}_amount"]) if row[f"{side}_levels"] else None

    found = []
    for index, row in enumerate(columns.rows):
        keyframe = levels(index, "book_bid"), levels(index, "book_ask")
        changed = levels(index, "bid_change"), levels(index, "ask_change")
        found.append((
            row["line"], row["item"], row["local_timestamp"], list(part.actions)[row["action"]],
            kinds[row["kind"]],
            row["timestamp"] if row["has_timestamp"] else None,
            row["seq_num"] if row["has_seq_num"] else None,
            row["checksum"] or None, STATUSES[row["checksum_status"]], bool(row["irregular"]),
            (row["bid_levels"], row["ask_levels"]), [best(row, "bid"), best(row, "ask")],
            row["reset"], changed, keyframe if row["keyframe"] else None,
        ))  # fmt: skip
    return found


def _trades(columns: Columns) -> list[tuple[Any, ...]]:
    ends = np.cumsum(columns.rows["id_bytes"])
    ids = [part.tobytes().decode() for part in np.split(columns.lists["id"], ends[:-1])]
    return [
        (row["line"], row["item"], row["local_timestamp"],
         row["timestamp"] if row["has_timestamp"] else None, row["price"], row["amount"],
         "sell" if row["sell"] else "buy", id_ if row["has_id"] else None)
        for row, id_ in zip(columns.rows, ids, strict=True)
    ]  # fmt: skip


def assert_same(part: Part, simple: Simple, content: bytes) -> None:
    """Check that both roads say the same of a minute; names the first line that differs."""
    raw = content.split(b"\n")
    rows: Found = {(*part.feeds[n],): _rows(part, own) for n, own in part.messages.items()}
    trades: Found = {(*part.feeds[n],): _trades(own) for n, own in part.trades.items()}
    assert sorted(line for _, _, line, *_ in part.quarantine) == simple.quarantine
    for found, expected in ((rows, simple.rows), (trades, simple.trades)):
        assert found.keys() == expected.keys()
        for feed in found:
            for one, other in zip(found[feed], expected[feed], strict=False):
                assert one == other, raw[other[0] - 1]
            assert len(found[feed]) == len(expected[feed])
