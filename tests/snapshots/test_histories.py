"""The top levels of any history, on change and at any time, are what the rules say, row by row."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.snapshots import at_times, on_change
from pipeline.times import DAY_US

from .histories import (
    FIRST_DAY,
    MIDNIGHT,
    NAME,
    Day,
    Message,
    Seen,
    changed,
    seen_in,
    standing,
    top,
    write,
)

_side = st.dictionaries(st.sampled_from([-1.5, 0.0, 1.0]), st.sampled_from([1.0, 2.0]), max_size=3)


@st.composite
def _days(draw: st.DrawFn) -> list[Day]:
    """Return up to three days, dense around midnights; clocks may stand still or step back."""
    numbers = draw(st.sampled_from([[0], [0, 1], [0, 1], [0, 1], [0, 2], [0, 1, 2]]))
    return [_day(draw, FIRST_DAY + number) for number in numbers]


def _day(draw: st.DrawFn, number: int) -> Day:
    steps = st.sampled_from([0, 1, 1, 2, 5, -2])
    early = draw(st.integers(0, 6))
    late = draw(st.integers(0 if early else 1, 6))
    messages = _messages(draw, draw(st.integers(-2, 5)), early, steps)
    messages += _messages(draw, DAY_US - draw(st.integers(-2, 9)), late, steps)
    broken_from = messages[0].time - draw(st.sampled_from([0, 0, 1, 3]))
    return Day(
        number,
        messages,
        None if broken_from == messages[0].time else broken_from,
        draw(st.integers(1, 4)),
        draw(st.integers(1, 5)),
    )


def _messages(
    draw: st.DrawFn, time: int, count: int, steps: st.SearchStrategy[int]
) -> list[Message]:
    found = []
    bids, asks = draw(_side), draw(_side)
    for _ in range(count):
        what = draw(
            st.sampled_from(["same", "same", "same", "bids", "asks", "both", "none", "broken"])
        )
        bids = draw(_side) if what in {"bids", "both"} else bids
        asks = draw(_side) if what in {"asks", "both"} else asks
        broken_from = time + draw(st.integers(0, 2)) if what == "broken" else None
        # What is no book breaks the feed by itself.
        found.append(Message(time, None if what == "none" else bids, asks, broken_from))
        time += draw(steps)
    return found


_around = st.tuples(st.integers(0, 4), st.integers(-12, 12)).map(
    lambda at: MIDNIGHT + at[0] * DAY_US + at[1]
)


@settings(max_examples=100, deadline=None)
@given(days=_days(), bounds=st.lists(_around, min_size=3, max_size=3), depth=st.integers(1, 3))
def test_what_changed_is_what_the_rule_says(days: list[Day], bounds: list[int], depth: int) -> None:
    """Over holes, midnights and lacking days; and two ranges that meet are as one."""
    start, middle, end = sorted(bounds)
    with tempfile.TemporaryDirectory() as folder:
        lake = write(Path(folder), days)
        for first, last in ((start, end), (MIDNIGHT - DAY_US, MIDNIGHT + 5 * DAY_US)):
            seen = seen_in(on_change(lake, NAME, first, last, depth))
            assert [one[1:] for one in seen] == changed(days, first, last, depth)
        parts = [
            arrived or 0
            for first, last in ((start, middle), (middle, end))
            for _, arrived, _ in seen_in(on_change(lake, NAME, first, last, depth))
        ]
    assert sorted(parts) == sorted(time for time, _ in changed(days, start, end, depth))


@settings(max_examples=100, deadline=None)
@given(
    days=_days(),
    asked=st.lists(_around, max_size=12).map(sorted),
    depth=st.one_of(st.none(), st.integers(1, 3)),
    max_age=st.one_of(st.none(), st.none(), st.integers(0, 8)),
)
def test_what_stands_is_what_the_rule_says(
    days: list[Day], asked: list[int], depth: int | None, max_age: int | None
) -> None:
    """At any time around midnights, on the first and last microsecond of each book too."""
    expected: list[Seen] = []
    for time in asked:
        found = standing(days, time)
        if found is None or (max_age is not None and time - found[0] > max_age):
            expected.append((time, None, ([], [])))
        else:
            expected.append((time, found[0], top(found[1], depth or 99)))
    with tempfile.TemporaryDirectory() as folder:
        lake = write(Path(folder), days)
        seen = seen_in(at_times(lake, NAME, np.array(asked, np.int64), depth, max_age))
    assert seen == expected
