"""The books that stand, feed by feed, and what each message did to its own.

Text of books is read by the compiled scan. A book that the general decoder had to read comes in as
an object, is compared by dicts, and stands there for the next one all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipeline.normalize.columns import LISTS, PAIRS, Columns
from pipeline.normalize.scan import (
    ASKS,
    BIDS,
    BOOK,
    BROKEN,
    DIFFERENCE,
    FEED,
    FIRST,
    MESSAGE,
    NO_ROOM,
    PADDING,
    STATUSES,
    UNAPPLIED,
    Output,
    Pool,
    SliceAt,
    levels_at_most,
    scan_books,
    side_at,
    text_at_least,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pipeline.normalize.coinflex import Book

__all__ = ["KEYFRAME_EVERY", "StandingBooks", "changes"]

Levels = dict[float, float]

# A keyframe costs a whole book (about 200 levels), a look-up the changes since the last one. How
# often was measured (docs/adr/0006); the first of each minute is one, too.
KEYFRAME_EVERY: Final = 512
_FIRST_ROOM: Final = 256  # bytes of a side's text, of a feed that says little
_KINDS: Final = {"book": BOOK, "difference": DIFFERENCE, "unapplied": UNAPPLIED}
_STATUS: Final = {status: number for number, status in enumerate(STATUSES)}


def changes(before: Levels, after: Levels, *, descending: bool) -> list[tuple[float, float]]:
    """Return the levels that differ, with their new amount (0 = gone), best first."""
    if not before:
        return list(after.items())
    stood = before.get
    changed = [level for level in after.items() if stood(level[0]) != level[1]]
    gone = before.keys() - after.keys()
    if gone:
        changed += [(price, 0.0) for price in gone]
        changed.sort(reverse=descending)
    return changed


class StandingBooks:
    """Books by the number of their feed, and the rows that were made of messages so far."""

    def __init__(self) -> None:
        self._feeds = np.zeros(0, FEED)
        self._pool = Pool(*(np.zeros(0, kind) for kind in ("f8", "f8", "i8", "u1")))
        self._used = np.zeros(2, np.int64)  # of the pool: levels, bytes of text
        lists = {name: np.empty(0) for name in LISTS}
        self._output = Output(np.empty(0, MESSAGE), **lists, used=np.zeros(5, np.int64))

    def know(self, count: int) -> None:
        """Have a place for feeds up to a number; nothing is known of new ones."""
        known = len(self._feeds)
        if count > known:
            self._feeds = np.concatenate([self._feeds, np.zeros(max(64, count, known), FEED)])
            self._feeds["reset"][known:] = FIRST

    def break_at(self, feeds: Iterable[int]) -> None:
        """Forget the books of some feeds: their next ones start anew."""
        for feed in feeds:
            if self._feeds["reset"][feed] != FIRST:  # of which nothing is known anyway
                self._feeds["reset"][feed] = BROKEN

    def begin_minute(self) -> None:
        """Have the next message of each feed stored whole: a minute can be read without others."""
        self._feeds["since"] = KEYFRAME_EVERY

    def take(
        self,
        text: NDArray[np.uint8],
        lines: NDArray[Any],
        order: NDArray[np.int64],
        at: SliceAt,
    ) -> int:
        """Take the books of lines[order]; return how many, up to one that needs the decoder."""
        taken = 0
        while taken < len(order):
            rest = order[taken:]
            size = int(lines["end"][rest[-1]] - lines["start"][rest[0]])
            self._reserve(len(rest), size)
            count, why = scan_books(
                text, lines, rest, at, self._feeds, self._pool, self._output, KEYFRAME_EVERY
            )
            taken += count
            if why == NO_ROOM:
                line = lines[order[taken]]
                sides = line["asks_end"] - line["asks"], line["bids_end"] - line["bids"]
                self._make_room(int(line["feed"]), int(max(sides)))
            elif why:
                break
        return taken

    def take_decoded(self, feed: int, book: Book, **place: int) -> None:
        """Take a message that the general decoder read.

        `place` are the fields of MESSAGE that say where it stands: arrival, line, item,
        local_timestamp, rank, and its action.
        """
        kind = _KINDS[book.kind]
        state = self._feeds[feed]
        before = self.last(feed)
        found = {
            "bid_change": changes(before[0], book.bids, descending=True),
            "ask_change": changes(before[1], book.asks, descending=False),
        }
        if kind == DIFFERENCE:
            found = {"bid_change": [*book.bids.items()], "ask_change": [*book.asks.items()]}
        elif kind == UNAPPLIED:
            found = {"bid_change": [], "ask_change": []}
        keyframe = kind == BOOK and (state["reset"] > 0 or state["since"] + 1 >= KEYFRAME_EVERY)
        if keyframe:
            found |= {"book_bid": [*book.bids.items()], "book_ask": [*book.asks.items()]}
        row = self._append(found)
        for name, value in place.items():
            row[name] = value
        for name in ("timestamp", "seq_num"):
            value = getattr(book, name)
            row[f"has_{name}"], row[name] = value is not None, value or 0
        row["feed"], row["kind"], row["keyframe"] = feed, kind, keyframe
        row["checksum"] = book.checksum or 0
        row["checksum_status"] = _STATUS[book.checksum_status]
        row["irregular"] = book.irregular
        row["bid_levels"], row["ask_levels"] = len(book.bids), len(book.asks)
        row["bid_price"], row["bid_amount"] = next(iter(book.bids.items()), (0.0, 0.0))
        row["ask_price"], row["ask_amount"] = next(iter(book.asks.items()), (0.0, 0.0))
        row["reset"] = state["reset"] if kind == BOOK else 0
        if kind == BOOK:
            self._stand(feed, book)
            state["since"] = 0 if keyframe else state["since"] + 1
        elif kind == UNAPPLIED:
            # What the book is after such a message is not known: it must not stand at all.
            state["reset"] = BROKEN

    def drain(self) -> Columns:
        """Return the rows made since the last time."""
        used = self._output.used
        ends = dict(zip(LISTS, np.repeat(used[1:], 2), strict=True))
        rows = self._output.rows[: used[0]].copy()
        found = {name: getattr(self._output, name)[:end].copy() for name, end in ends.items()}
        used[:] = 0
        return Columns(rows, found)

    def last(self, feed: int) -> tuple[Levels, Levels]:
        """Return the bids and asks that stand, best first; none where nothing is known."""
        state = self._feeds[feed]
        if state["reset"]:
            return {}, {}
        sides = []
        for side, count in ((BIDS, state["bids"]), (ASKS, state["asks"])):
            at = _place(state, side)
            prices = self._pool.price[at : at + count].tolist()
            amounts = self._pool.amount[at : at + count].tolist()
            sides.append(dict(zip(prices, amounts, strict=True)))
        return sides[0], sides[1]

    def _stand(self, feed: int, book: Book) -> None:
        """Let a book without a text stand."""
        most = max(len(book.bids), len(book.asks))
        room = int(self._feeds["room"][feed])
        if room == 0 or most >= levels_at_most(room):
            self._make_room(feed, text_at_least(most))
        state = self._feeds[feed]
        for number, side in ((ASKS, book.asks), (BIDS, book.bids)):
            at = _place(state, number)
            self._pool.price[at : at + len(side)] = list(side)
            self._pool.amount[at : at + len(side)] = list(side.values())
        state["bids"], state["asks"], state["reset"] = len(book.bids), len(book.asks), 0
        state["form"] = state["bids_text"] = state["asks_text"] = 0

    def _make_room(self, feed: int, need: int) -> None:
        """Move a feed's books to the pool's end, where sides may have texts of `need` bytes."""
        before = self._feeds[feed].copy()
        state = self._feeds[feed]
        state["levels"], state["texts"] = self._used
        state["room"] = max(_FIRST_ROOM, 2 * need)
        size, old_size = levels_at_most(int(state["room"])), levels_at_most(int(before["room"]))
        levels, texts = self._used.tolist()
        self._used += 4 * np.array([size, state["room"]])
        more_levels, more_texts = self._used.tolist()
        price, amount, start, text = self._pool
        self._pool = Pool(
            _longer(price, more_levels, levels), _longer(amount, more_levels, levels),
            _longer(start, more_levels, levels), _longer(text, more_texts + PADDING, texts),
        )  # fmt: skip
        if not before["room"]:
            return
        for side in range(4):  # of both books
            for array in self._pool[:3]:
                _move(array, before["levels"], state["levels"], side, old_size, size)
            _move(self._pool.text, before["texts"], state["texts"], side, before["room"],
                  state["room"])  # fmt: skip

    def _reserve(self, rows: int, text: int) -> None:
        """Have room in the output for the most that some lines may give: nothing checks it later.

        A change is a level of their text, or one that is gone, which stood before them or came in
        one of them: so twice the levels of the text, and those that stand. Keyframes take fewer.
        """
        standing = int(self._feeds["asks"].sum() + self._feeds["bids"].sum())
        self._output = _enlarged(self._output, rows, 2 * levels_at_most(text) + standing)

    def _append(self, found: dict[str, list[tuple[float, float]]]) -> Any:  # noqa: ANN401 - a row
        self._output = _enlarged(self._output, 1, sum(map(len, found.values())))
        output = self._output
        row = output.rows[output.used[0]]
        row["bid_changes"], row["ask_changes"] = len(found["bid_change"]), len(found["ask_change"])
        output.used[0] += 1
        for number, name in enumerate(PAIRS, 1):
            levels = found.get(name, [])
            begin = output.used[number]
            output.used[number] = end = begin + len(levels)
            if levels:
                prices, amounts = zip(*levels, strict=True)
                getattr(output, f"{name}_price")[begin:end] = prices
                getattr(output, f"{name}_amount")[begin:end] = amounts
        return row


def _place(state: Any, side: int) -> int:  # noqa: ANN401 - a record of FEED
    """Return where in the pool the levels of a standing side begin."""
    size = levels_at_most(int(state["room"]))
    return side_at(int(state["levels"]), size, int(state["turn"]), side)


def _enlarged(output: Output, rows: int, levels: int) -> Output:
    """Return the same output with room for some more rows and levels."""
    used = output.used
    levels += int(used[1:].max())
    lists = {
        name: _longer(getattr(output, name), levels, int(end))
        for name, end in zip(LISTS, np.repeat(used[1:], 2), strict=True)
    }
    return output._replace(rows=_longer(output.rows, int(used[0]) + rows, int(used[0])), **lists)


def _longer(array: NDArray[Any], need: int, used: int) -> NDArray[Any]:
    """Return an array with room for what is needed, which begins with what is used of this one."""
    if need <= len(array):
        return array
    # Twice as much, lest what is used be copied again and again; memory that is not touched costs
    # nothing.
    longer = np.empty(max(need, 2 * len(array)), array.dtype)
    longer[:used] = array[:used]
    return longer


def _move(array: NDArray[Any], old: int, new: int, side: int, count: int, apart: int) -> None:
    """Copy one side of a book to where sides lie further apart."""
    begin, to = old + side * count, new + side * apart
    array[to : to + count] = array[begin : begin + count]
