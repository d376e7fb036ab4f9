"""What rows say of their books against the replay: whatever is changed shows, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.replay import BEST, LEVELS, ORDER, WHOLE, Books, Stated, wrong_rows
from tests.replay.rows import ROWS, Row, rows_of, simple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.replay.rows import Top

FIRST = 7  # the message that the first row is


class Day(NamedTuple):
    """Rows of which each rests on a keyframe, and what they truly say."""

    rows: list[Row]
    keyframes: list[int]
    books: list[Top | None]


@st.composite
def days(draw: st.DrawFn) -> Day:
    """Draw rows, with keyframes wherever there may be one, and where there must be."""
    rows = draw(st.lists(ROWS, min_size=1, max_size=20))
    books = simple(rows, 99)
    keyframe, keyframes = -1, []
    for number, (row, book) in enumerate(zip(rows, books, strict=True)):
        if book is None:
            keyframe = -1
        elif keyframe < 0 or row.reset or draw(st.booleans()):
            keyframe = FIRST + number
            rows[number] = replace(row, whole=book)
        keyframes.append(keyframe)
    return Day(rows, keyframes, books)


def stated(day: Day) -> Stated:
    """Return what the rows of a day say."""
    best = [
        [book[side][0] if book and book[side] else (np.nan, np.nan) for book in day.books]
        for side in (0, 1)
    ]
    return Stated(
        np.arange(len(day.rows)) + FIRST,
        np.array(day.keyframes, np.int64),
        np.array([[len(book[side]) if book else -1 for book in day.books] for side in (0, 1)]),
        np.array([[price for price, _ in side] for side in best]),
        np.array([[amount for _, amount in side] for side in best]),
        np.array([
            bool(book and book[0] and book[1]) and book[0][0][0] >= book[1][0][0]  # type: ignore[index]
            for book in day.books
        ]),
    )  # fmt: skip


def wrong(rows: Sequence[Row], said: Stated) -> list[int]:
    """Return by row what is wrong with it."""
    found = np.zeros(len(rows), np.uint8)
    books = Books.of(2 * sum(len(row.bids or []) + len(row.asks) for row in rows) + 1)
    wrong_rows(rows_of(rows), said, FIRST, -1, books, found)
    return [int(flags) for flags in found]


@settings(max_examples=200, deadline=None)
@given(day=days())
def test_what_is_right_is_not_called_wrong(day: Day) -> None:
    """Whatever the changes, and wherever keyframes stand."""
    assert wrong(day.rows, stated(day)) == [0] * len(day.rows)


@settings(max_examples=200, deadline=None)
@given(day=days(), data=st.data())
def test_whatever_a_row_says_else_shows_at_that_row(day: Day, data: st.DataObject) -> None:
    """And at no other, as what it is."""
    said = stated(day)
    row = data.draw(st.integers(0, len(day.rows) - 1), "row")
    side = data.draw(st.integers(0, 1), "side")
    of_book = [(said.levels, LEVELS), (said.price, BEST), (said.amount, BEST)]
    what, flag = data.draw(
        st.sampled_from([(said.message, ORDER), *(of_book if day.books[row] else [])]), "what"
    )
    place = row if what is said.message else (side, row)
    what[place] = 1.5 if np.isnan(what[place]) else what[place] + 1
    expected = [0] * len(day.rows)
    expected[row] = flag
    assert wrong(day.rows, said) == expected


@settings(max_examples=200, deadline=None)
@given(day=days(), data=st.data())
def test_another_keyframe_shows_once(day: Day, data: st.DataObject) -> None:
    """At itself; then the changes lead on from it, and to the next one that is right."""
    said, rows = stated(day), list(day.rows)
    row = data.draw(st.sampled_from(range(len(rows))), "row")
    book = rows[row].whole
    assume(book is not None)
    assert book is not None
    bids = [*book[0], (-99.0, 1.0)]  # behind all others, so that no best price is another
    rows[row] = replace(rows[row], whole=(bids, book[1]))
    found = wrong(rows, said)
    assert found[:row] == [0] * row
    assert found[row] & WHOLE


@settings(max_examples=200, deadline=None)
@given(day=days(), data=st.data())
def test_a_row_that_rests_on_another_keyframe_shows(day: Day, data: st.DataObject) -> None:
    """One that is not the last before it, or none where the book starts anew."""
    said = stated(day)
    row = data.draw(st.sampled_from(range(len(day.rows))), "row")
    assume(day.books[row] is not None)
    said.keyframe[row] = data.draw(
        st.integers(-1, 30).filter(lambda number: number != said.keyframe[row]), "keyframe"
    )
    assert any(flags & (ORDER | WHOLE) for flags in wrong(day.rows, said)[row:])
