"""Rows in order → which of them say other than the book that the changes lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.compiled import compiled
from pipeline.replay.book import ASKS, BIDS, advance, begin_with

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.replay.book import Books, Lists, Rows

__all__ = ["BEST", "LEVELS", "ORDER", "WHOLE", "Stated", "wrong_rows"]

# What is wrong with a row: it is not in its place, or rests on another keyframe than stands before
# it; it counts other levels; it has another best bid or ask, or calls the book crossed when it is
# not; its whole book is another one. Flags, which add up.
ORDER: Final = 1
LEVELS: Final = 2
BEST: Final = 4
WHOLE: Final = 8


class Stated(NamedTuple):
    """What rows say of themselves and of their books; a number that is NULL is -1, a price NaN."""

    message: NDArray[np.int64]
    keyframe: NDArray[np.int64]
    levels: NDArray[np.int64]  # (2, rows), by side
    price: NDArray[np.float64]  # (2, rows), the best
    amount: NDArray[np.float64]  # (2, rows)
    crossed: NDArray[np.bool_]


@compiled
def wrong_rows(
    rows: Rows,
    stated: Stated,
    first: int,
    keyframe: int,
    books: Books,
    wrong: NDArray[np.uint8],
) -> int:
    """Replay rows, of which the first is message `first` of its day; say in `wrong` what is wrong.

    `books` is the book before them, and is left as the one after them. `keyframe` is the message
    whose whole book the next one may rest on, -1 if it may rest on none; returned is the same of
    the message that follows. A whole book that is another one is taken for right from there on, so
    that a mistake shows once.
    """
    for row in range(len(wrong)):
        message = first + row
        advance(rows, row, books)
        if rows.reset[row] or not rows.is_book[row]:
            keyframe = -1
        wrong[row] = 0
        if rows.is_book[row]:
            if stated.keyframe[row] == message:
                keyframe = message
                wrong[row] = _taken_whole(rows, row, books)
            wrong[row] |= _of_book(stated, row, books)
            wrong[row] |= ORDER * (keyframe == -1)  # it may rest on none
        if stated.message[row] != message or stated.keyframe[row] != keyframe:
            wrong[row] |= ORDER
    return keyframe


@compiled
def _taken_whole(rows: Rows, row: int, books: Books) -> int:
    """Hold a row's whole book against the one that stands, level for level, then go on with it."""
    if _is_side(rows.book_bid, row, books, BIDS) and _is_side(rows.book_ask, row, books, ASKS):
        return 0
    begin_with(rows, row, books)
    return WHOLE


@compiled
def _of_book(stated: Stated, row: int, books: Books) -> int:
    """Hold what a row says of its book against the one that stands."""
    wrong = 0
    for side in (BIDS, ASKS):
        if stated.levels[side, row] != books.levels[side]:
            wrong |= LEVELS
        if not _is_best(stated, side, row, books):
            wrong |= BEST
    if stated.crossed[row] != _is_crossed(books):
        wrong |= BEST
    return wrong


@compiled
def _is_side(lists: Lists, row: int, books: Books, side: int) -> bool:
    begin, levels = lists.begins[row], books.levels[side]
    if lists.begins[row + 1] - begin != levels:
        return False
    for level in range(levels):
        if (
            lists.price[begin + level] != books.price[side, level]
            or lists.amount[begin + level] != books.amount[side, level]
        ):
            return False
    return True


@compiled
def _is_best(stated: Stated, side: int, row: int, books: Books) -> bool:
    price, amount = stated.price[side, row], stated.amount[side, row]
    if books.levels[side] == 0:
        is_none: bool = price != price and amount != amount  # noqa: PLR0124 - only NaN
        return is_none
    is_best: bool = price == books.price[side, 0] and amount == books.amount[side, 0]
    return is_best


@compiled
def _is_crossed(books: Books) -> bool:
    if books.levels[BIDS] == 0 or books.levels[ASKS] == 0:
        return False
    is_crossed: bool = books.price[BIDS, 0] >= books.price[ASKS, 0]
    return is_crossed
