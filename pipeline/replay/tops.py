"""Rows in order → the top levels of each message that changed them, or of chosen messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.compiled import compiled
from pipeline.replay.book import ASKS, BIDS, advance, begin_with

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.replay.book import Books, Rows

__all__ = ["Tops", "begin_at", "changed_tops", "chosen_tops"]


class Tops(NamedTuple):
    """The top levels of some books, best first; by book and side, how many there are.

    Beyond them lies what happened to lie there.
    """

    levels: NDArray[np.int64]  # (books, 2)
    price: NDArray[np.float64]  # (books, 2, depth)
    amount: NDArray[np.float64]  # (books, 2, depth)

    @classmethod
    def of(cls, books: int, depth: int) -> Tops:
        """Return room for the tops of some books, with no level each."""
        shape = (books, 2, depth)
        return cls(np.zeros((books, 2), np.int64), np.empty(shape), np.empty(shape))

    @property
    def depth(self) -> int:
        """How many levels a side there may be."""
        return int(self.price.shape[2])

    def first(self, count: int) -> Tops:
        """Return the first few."""
        return Tops(self.levels[:count], self.price[:count], self.amount[:count])


@compiled
def begin_at(rows: Rows, row: int, books: Books, last: Tops) -> None:
    """Begin a replay with a keyframe (or with a row that is no book): its book, and its top."""
    begin_with(rows, row, books)
    _note(books, last, 0)


@compiled
def changed_tops(
    rows: Rows,
    span: tuple[int, int],
    known: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
    books: Books,
    last: Tops,
    found: Tops,
    at: NDArray[np.int64],
) -> int:
    """Replay the rows of a span; find the tops of wanted ones that differ from the row before.

    A row for which no book was `known` just before differs always. `books` is the book before the
    span, `last` its top; both are left as they are after it. What is found stands in `found`, with
    its rows in `at`; returns how many.
    """
    count = 0
    for row in range(span[0], span[1]):
        best = advance(rows, row, books)
        if not rows.is_book[row]:
            continue
        if known[row] and (best >= last.price.shape[2] or _is_top(books, last)):
            continue
        _note(books, last, 0)
        if wanted[row]:
            _note(books, found, count)
            at[count] = row
            count += 1
    return count


@compiled
def chosen_tops(
    rows: Rows,
    keyframes: NDArray[np.int64],
    at: NDArray[np.int64],
    books: Books,
    found: Tops,
) -> None:
    """Find the tops of chosen rows, which never run back; of row -1 no level.

    `keyframes` says of each row where the keyframe at or before it stands.
    """
    here = -1
    for number in range(len(at)):
        row = at[number]
        if row < 0:
            found.levels[number, :] = 0
            continue
        if here < keyframes[row]:
            here = keyframes[row]
            begin_with(rows, here, books)
        while here < row:
            here += 1
            advance(rows, here, books)
        _note(books, found, number)


@compiled
def _note(books: Books, tops: Tops, number: int) -> None:
    """Write down the top of a book."""
    for side in (BIDS, ASKS):
        levels = min(books.levels[side], tops.price.shape[2])
        tops.levels[number, side] = levels
        for level in range(levels):
            tops.price[number, side, level] = books.price[side, level]
            tops.amount[number, side, level] = books.amount[side, level]


@compiled
def _is_top(books: Books, last: Tops) -> bool:
    """Say whether a book has the top that was noted last."""
    for side in (BIDS, ASKS):
        levels = last.levels[0, side]
        if levels != min(books.levels[side], last.price.shape[2]):
            return False
        for level in range(levels):
            if (
                books.price[side, level] != last.price[0, side, level]
                or books.amount[side, level] != last.amount[0, side, level]
            ):
                return False
    return True
