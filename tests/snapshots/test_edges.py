"""Given rows → expected rows, where a book begins, ends, or crosses midnight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipeline.snapshots import at_times, on_change
from pipeline.times import DAY_US

from .histories import FIRST_DAY, MIDNIGHT, NAME, Day, Message, seen_in, write

if TYPE_CHECKING:
    from pathlib import Path

# Books by the price of their only bid.
_A, _B, _EMPTY = {1.0: 1.0}, {2.0: 1.0}, dict[float, float]()
_LAST = DAY_US - 10


def _first(*messages: Message) -> Day:
    return Day(FIRST_DAY, list(messages))


def _second(*messages: Message, broken_from: int | None = None) -> Day:
    return Day(FIRST_DAY + 1, list(messages), broken_from)


# By what is special: the days, and the microseconds of the first day at which the top changed.
_CHANGES: dict[str, tuple[list[Day], list[int]]] = {
    "the first of all, and what is other than before": (
        [_first(Message(5, _A), Message(6, _A), Message(7, _B), Message(8, _A))],
        [5, 7, 8],
    ),
    "an empty book, known to be empty": (
        [_first(Message(5, _EMPTY), Message(6, _EMPTY), Message(7, _A), Message(8, _EMPTY))],
        [5, 7, 8],
    ),
    "the same book after a gap": (
        [_first(Message(5, _A, broken_from=6), Message(9, _A), Message(10, _A))],
        [5, 9],
    ),
    "the same empty book after a gap": (
        [_first(Message(5, _EMPTY, broken_from=6), Message(9, _EMPTY))],
        [5, 9],
    ),
    "a gap that is over in the microsecond in which it began": (
        [_first(Message(5, _A, broken_from=6), Message(6, _A))],
        [5, 6],
    ),
    "a message that is no book": (
        [_first(Message(5, _A), Message(6, None), Message(7, _A), Message(8, _A))],
        [5, 7],
    ),
    "several messages in one microsecond": (
        [_first(Message(5, _A), Message(5, _B), Message(5, _A), Message(6, _A))],
        [5, 5, 5],
    ),
    "one side alone": (
        [_first(Message(5, _A, _B), Message(6, _EMPTY, _B), Message(7, _EMPTY, _A))],
        [5, 6, 7],
    ),
    "the same book across midnight": (
        [_first(Message(_LAST, _A)), _second(Message(5, _A), Message(6, _A))],
        [_LAST],
    ),
    "another book across midnight": (
        [_first(Message(_LAST, _A)), _second(Message(5, _B), Message(6, _B))],
        [_LAST, DAY_US + 5],
    ),
    "a gap before midnight": (
        [_first(Message(_LAST, _A, broken_from=_LAST + 1)), _second(Message(5, _A))],
        [_LAST, DAY_US + 5],
    ),
    "a gap after midnight": (
        [_first(Message(_LAST, _A)), _second(Message(5, _A), broken_from=0)],
        [_LAST, DAY_US + 5],
    ),
    "no book at midnight": (
        [_first(Message(_LAST, _A), Message(_LAST + 1, None)), _second(Message(5, _A))],
        [_LAST, DAY_US + 5],
    ),
    "no book after midnight": (
        [_first(Message(_LAST, _A)), _second(Message(5, None), Message(6, _A))],
        [_LAST, DAY_US + 6],
    ),
    "a day that the lake has not": (
        [_first(Message(_LAST, _A)), Day(FIRST_DAY + 2, [Message(5, _A)])],
        [_LAST, 2 * DAY_US + 5],
    ),
    "a clock that steps back": (
        [_first(Message(5, _A), Message(9, _A), Message(7, _A), Message(8, _B))],
        [5, 8],
    ),
}


@pytest.mark.parametrize("case", _CHANGES)
def test_a_change_is_found_where_it_is(tmp_path: Path, case: str) -> None:
    """And nowhere else, also when the range begins or ends at any of the messages."""
    days, expected = _CHANGES[case]
    lake = write(tmp_path, days)
    bounds = [0, *(n + shift for n in {*expected, 6, DAY_US} for shift in (0, 1)), 3 * DAY_US]
    for start in bounds:
        for end in bounds:
            found = seen_in(on_change(lake, NAME, MIDNIGHT + start, MIDNIGHT + end, 1))
            wanted = [MIDNIGHT + n for n in expected if start <= n < end]
            assert [arrived for _, arrived, _ in found] == wanted, (start, end)


# By what is special: the days, and at which microseconds which book is known, by its bid; 0 is an
# empty one, None is unknown.
_TIMES: dict[str, tuple[list[Day], dict[int, float | None]]] = {
    "from its arrival to the next": (
        [_first(Message(5, _A), Message(7, _B))],
        {4: None, 5: 1, 6: 1, 7: 2, DAY_US - 1: 2, DAY_US: None},
    ),
    "the last of one microsecond": (
        [_first(Message(5, _A), Message(5, _B))],
        {4: None, 5: 2},
    ),
    "up to a gap": (
        [_first(Message(5, _A, broken_from=7), Message(9, _B))],
        {6: 1, 7: None, 8: None, 9: 2},
    ),
    "known and empty": (
        [_first(Message(5, _EMPTY), Message(7, None), Message(9, _A))],
        {5: 0, 6: 0, 7: None, 8: None, 9: 1},
    ),
    "over midnight": (
        [_first(Message(_LAST, _A)), _second(Message(5, _B))],
        {DAY_US - 1: 1, DAY_US: 1, DAY_US + 4: 1, DAY_US + 5: 2},
    ),
    "over midnight up to a gap": (
        [_first(Message(_LAST, _A)), _second(Message(5, _B), broken_from=3)],
        {DAY_US: 1, DAY_US + 2: 1, DAY_US + 3: None, DAY_US + 5: 2},
    ),
    "not over midnight after a gap": (
        [_first(Message(_LAST, _A, broken_from=DAY_US - 2)), _second(Message(5, _B))],
        {DAY_US - 3: 1, DAY_US - 2: None, DAY_US: None, DAY_US + 5: 2},
    ),
    "not over midnight where the day begins with a gap": (
        [_first(Message(_LAST, _A)), _second(Message(5, _B), broken_from=0)],
        {DAY_US - 1: 1, DAY_US: None, DAY_US + 5: 2},
    ),
    "what arrived after the end of its day": (
        [_first(Message(_LAST, _A), Message(DAY_US + 2, _B)), _second(Message(5, _A))],
        {DAY_US: 1, DAY_US + 1: 1, DAY_US + 2: 2, DAY_US + 4: 2, DAY_US + 5: 1},
    ),
    "what arrived after the end of its day, by a clock that steps back": (
        [
            _first(Message(_LAST, _A), Message(DAY_US + 4, _B), Message(DAY_US + 2, _EMPTY)),
            _second(Message(6, _B)),
        ],
        {DAY_US + 1: 1, DAY_US + 2: 0, DAY_US + 3: 0, DAY_US + 4: 0, DAY_US + 6: 2},
    ),
    "no book that arrived after the end of its day": (
        [_first(Message(_LAST, _A), Message(DAY_US + 2, None)), _second(Message(5, _B))],
        {DAY_US + 1: 1, DAY_US + 2: None, DAY_US + 4: None, DAY_US + 5: 2},
    ),
    "a clock that steps back": (
        [_first(Message(5, _A), Message(9, _EMPTY), Message(7, _B))],
        {6: 1, 7: 2, 8: 2, 9: 2},
    ),
    "a clock that steps back at the beginning of a day": (
        [_first(Message(_LAST, _A)), _second(Message(5, _EMPTY), Message(3, _B))],
        {DAY_US + 2: 1, DAY_US + 3: 2, DAY_US + 4: 2, DAY_US + 5: 2},
    ),
}


@pytest.mark.parametrize("rows_in_group", [1, 2, 9])
@pytest.mark.parametrize("case", _TIMES)
def test_a_book_is_known_where_it_stands(tmp_path: Path, case: str, rows_in_group: int) -> None:
    """And nowhere else, however its day is cut into groups of rows."""
    days, expected = _TIMES[case]
    cut = [
        Day(
            day.number, day.messages, day.broken_from, keyframe_every=1, rows_in_group=rows_in_group
        )
        for day in days
    ]
    lake = write(tmp_path, cut)
    # All at once, and each by itself.
    for times in [list(expected), *([time] for time in expected)]:
        found = seen_in(at_times(lake, NAME, np.array(times) + MIDNIGHT, 1))
        bids = [None if arrived is None else top[0] for _, arrived, top in found]
        known = [0 if side == [] else side and side[0][0] for side in bids]
        assert known == [expected[time] for time in times], times
