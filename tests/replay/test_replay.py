"""The compiled replay against a dict and a sort, on any sequence of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.replay import Books, Tops, begin_at, changed_tops, chosen_tops
from tests.replay.rows import ROWS, Row, rows_of, simple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.replay.rows import Top


def tops(found: Tops, count: int) -> list[Top]:
    """Return the tops that were found, as lists."""
    sides = [
        [
            list(zip(found.price[number, side, :levels].tolist(),
                     found.amount[number, side, :levels].tolist(), strict=True))
            for side, levels in enumerate(found.levels[number].tolist())
        ]
        for number in range(count)
    ]  # fmt: skip
    return [(bids, asks) for bids, asks in sides]


def replayed(
    rows: Sequence[Row], known: Sequence[bool], wanted: Sequence[bool], depth: int, cut: int = 0
) -> list[tuple[int, Top]]:
    """Return the wanted rows that changed the top, and their tops; replayed in two spans."""
    books, last = Books.of(1 + sum(len(row.bids or []) + len(row.asks) for row in rows)), None
    last = Tops.of(1, depth)
    answer = []
    for span in ((0, cut), (cut, len(rows))):
        found, at = Tops.of(len(rows), depth), np.zeros(len(rows), np.int64)
        count = changed_tops(
            rows_of(rows), span, np.array(known, np.bool_), np.array(wanted, np.bool_),
            books, last, found, at,
        )  # fmt: skip
        answer += list(zip(at[:count].tolist(), tops(found, count), strict=True))
    return answer


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(ROWS, max_size=20), depth=st.integers(1, 5), data=st.data())
def test_changes_are_those_of_a_dict_and_a_sort(
    rows: list[Row], depth: int, data: st.DataObject
) -> None:
    """Whatever the changes: repeated, of nothing, to the same, of prices at and below zero."""
    flags = st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))
    wanted = data.draw(flags, "wanted")
    known = [
        flag and number > 0 and rows[number - 1].bids is not None
        for number, flag in enumerate(data.draw(flags, "known"))
    ]
    cut = data.draw(st.integers(0, len(rows)), "cut")
    each = simple(rows, depth)
    expected = [
        (number, top)
        for number, top in enumerate(each)
        if top is not None and wanted[number]
        and not (known[number] and top == each[number - 1])
    ]  # fmt: skip
    assert replayed(rows, known, wanted, depth, cut) == expected


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=20), depth=st.integers(1, 5), data=st.data())
def test_chosen_rows_have_the_books_of_a_dict_and_a_sort(
    rows: list[Row], depth: int, data: st.DataObject
) -> None:
    """From the nearest keyframe, wherever keyframes stand; several times the same row, or none."""
    rows, whole = [Row([], [], reset=True), *rows], simple([Row([], [], reset=True), *rows], 99)
    is_keyframe = [
        number == 0 or (top is not None and data.draw(st.booleans()))
        for number, top in enumerate(whole)
    ]
    rows = [
        Row(row.bids, row.asks, reset=row.reset, whole=top if keyed else None)
        for row, top, keyed in zip(rows, whole, is_keyframe, strict=True)
    ]
    books = [number for number, top in enumerate(whole) if top is not None]
    at = sorted(data.draw(st.lists(st.sampled_from(books), max_size=8)))
    at = [row if data.draw(st.booleans()) else -1 for row in at]
    keyframes = np.maximum.accumulate(np.where(is_keyframe, np.arange(len(rows)), 0))
    found = Tops.of(len(at), depth)
    room = Books.of(200)
    chosen_tops(rows_of(rows), keyframes, np.array(at, np.int64), room, found)
    each = simple(rows, depth)
    assert tops(found, len(at)) == [each[row] if row >= 0 else ([], []) for row in at]


@pytest.mark.parametrize("start", [0, 1, 2])
def test_a_replay_may_begin_at_any_keyframe(start: int) -> None:
    """What comes after does not depend on where it began."""
    whole = [([(2.0, 1.0)], [(3.0, 1.0)]), ([(2.0, 2.0)], [(3.0, 1.0)]), ([], [(3.0, 1.0)])]
    rows = [
        Row(*whole[0], reset=True, whole=whole[0]),
        Row([(2.0, 2.0)], [], whole=whole[1]),
        Row([(2.0, 0.0)], [], whole=whole[2]),
        Row([], []),
        Row([(1.0, 1.0)], []),
    ]
    books, last, found = Books.of(20), Tops.of(1, 2), Tops.of(5, 2)
    begin_at(rows_of(rows), start, books, last)
    at, all_of_them = np.zeros(5, np.int64), np.ones(5, np.bool_)
    count = changed_tops(
        rows_of(rows), (start + 1, 5), all_of_them, all_of_them, books, last, found, at
    )
    expected = [(1, whole[1]), (2, whole[2]), (4, ([(1.0, 1.0)], [(3.0, 1.0)]))]
    answer = list(zip(at[:count].tolist(), tops(found, count), strict=True))
    assert answer == [one for one in expected if one[0] > start]
