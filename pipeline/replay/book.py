"""A whole book as sorted arrays, and what a row of `depth` does to it, in compiled code.

A side's prices lie best first. A change finds its place by halving; what lies behind it moves by
one, which for some hundred levels costs less than any tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ASKS", "BIDS", "Books", "Lists", "Rows", "advance", "begin_with"]

BIDS, ASKS = 0, 1

_NOWHERE = 2**31


class Lists(NamedTuple):
    """Lists of levels, one a row: row i has those from begins[i] up to begins[i + 1]."""

    begins: NDArray[np.int32]
    price: NDArray[np.float64]
    amount: NDArray[np.float64]


class Rows(NamedTuple):
    """Consecutive rows of `depth` in line order. Only keyframes have lists of whole books."""

    is_book: NDArray[np.bool_]
    reset: NDArray[np.bool_]
    bid_change: Lists
    ask_change: Lists
    book_bid: Lists
    book_ask: Lists


class Books(NamedTuple):
    """The book that stands: by side, how many levels it has, and their prices, best first.

    There is room for all levels that the rows to come may bring; nothing checks it later.
    """

    levels: NDArray[np.int64]  # (2,)
    price: NDArray[np.float64]  # (2, room)
    amount: NDArray[np.float64]  # (2, room)

    @property
    def room(self) -> int:
        """How many levels a side may have."""
        return int(self.price.shape[1])

    @classmethod
    def of(cls, room: int) -> Books:
        """Return an empty book."""
        return cls(np.zeros(2, np.int64), np.empty((2, room)), np.empty((2, room)))

    def with_room_for(self, more: int) -> Books:
        """Return the book with room for so many levels more a side: this one, if it has it."""
        need = int(self.levels.max()) + more
        if need <= self.room:
            return self
        books = Books.of(need)
        books.levels[:] = self.levels
        for old, new in zip(self[1:], books[1:], strict=True):
            new[:, : old.shape[1]] = old
        return books


@compiled
def begin_with(rows: Rows, row: int, books: Books) -> None:
    """Take the whole book of a keyframe; of a row that is none, no level."""
    books.levels[BIDS] = _whole(rows.book_bid, row, books.price[BIDS], books.amount[BIDS])
    books.levels[ASKS] = _whole(rows.book_ask, row, books.price[ASKS], books.amount[ASKS])


@compiled
def advance(rows: Rows, row: int, books: Books) -> int:
    """Take the next row; return the best level that may be another now, on either side.

    A row that is no book leaves none.
    """
    if rows.reset[row] or not rows.is_book[row]:
        books.levels[:] = 0
    books.levels[BIDS], bids = _changed(
        rows.bid_change, row, -1.0, books.levels[BIDS], books.price[BIDS], books.amount[BIDS]
    )
    books.levels[ASKS], asks = _changed(
        rows.ask_change, row, 1.0, books.levels[ASKS], books.price[ASKS], books.amount[ASKS]
    )
    best: int = min(bids, asks)
    return 0 if rows.reset[row] else best


@compiled
def _whole(lists: Lists, row: int, price: NDArray[np.float64], amount: NDArray[np.float64]) -> int:
    begin = lists.begins[row]
    levels: int = lists.begins[row + 1] - begin
    for level in range(levels):
        price[level] = lists.price[begin + level]
        amount[level] = lists.amount[begin + level]
    return levels


@compiled
def _changed(
    changes: Lists,
    row: int,
    sign: float,
    levels: int,
    price: NDArray[np.float64],
    amount: NDArray[np.float64],
) -> tuple[int, int]:
    """Apply a row's changes to a side; return its levels, and the best place that one fell on.

    `sign` makes prices grow from the best one on: 1 for asks, -1 for bids.
    """
    best = _NOWHERE
    for change in range(changes.begins[row], changes.begins[row + 1]):
        of, new = changes.price[change], changes.amount[change]
        place = _place(price, levels, sign, of)
        stands = place < levels and price[place] == of
        best = min(best, place)
        if new == 0:
            if stands:
                levels -= 1
                _closed(price, amount, place, levels)
        else:
            if not stands:
                _opened(price, amount, place, levels)
                levels += 1
                price[place] = of
            amount[place] = new
    return levels, best


@compiled
def _place(price: NDArray[np.float64], levels: int, sign: float, of: float) -> int:
    """Return the level of a price, or the one before which it belongs."""
    low, high = 0, levels
    while low < high:
        middle = (low + high) // 2
        if sign * price[middle] < sign * of:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _opened(
    price: NDArray[np.float64], amount: NDArray[np.float64], place: int, levels: int
) -> None:
    """Move the levels from a place on by one, away from the best."""
    for level in range(levels, place, -1):
        price[level] = price[level - 1]
        amount[level] = amount[level - 1]


@compiled
def _closed(
    price: NDArray[np.float64], amount: NDArray[np.float64], place: int, levels: int
) -> None:
    """Move the levels after a place by one, so that `levels` are left."""
    for level in range(place, levels):
        price[level] = price[level + 1]
        amount[level] = amount[level + 1]
