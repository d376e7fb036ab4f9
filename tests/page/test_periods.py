from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.page.periods import periods_of


@pytest.mark.parametrize(
    ("days", "words"),
    [(1, "day"), (52, "day"), (53, "week"), (350, "week"), (351, "month"), (1_400, "month"),
     (1_401, "year"), (18_250, "year"), (18_251, "2 years")],
)  # fmt: skip
def test_periods_grow_with_the_range(days: int, words: str) -> None:
    """So that there are never more than some fifty of them."""
    first = date(2020, 7, 14)
    assert periods_of(first, first + timedelta(days=days - 1)).words == words


@settings(max_examples=60)
@given(st.dates(date(1583, 1, 1), date(8900, 12, 31)), st.integers(0, 400_000))
def test_every_day_is_in_one_of_few_periods(first: date, days: int) -> None:
    """They follow each other, the first has the first day, the last one the last; SQL agrees."""
    last = first + timedelta(days=days)
    periods = periods_of(first, last)
    starts = list(periods.starts())
    assert len(starts) <= 52
    assert starts[0] <= first
    assert starts[-1] <= last
    minutes = [periods.minutes(start) for start in starts]
    assert sum(minutes) == 1440 * ((last - first).days + 1)
    for day in (first, last):
        query = f"select {periods.column} from (select date '{day}' as date)"
        found = duckdb.execute(query).fetchone()
        assert found == (max(start for start in starts if start <= day),)


def test_the_calendar_s_last_days() -> None:
    """Ranges that end with the calendar have periods too."""
    periods = periods_of(date(9999, 11, 1), date.max)
    assert periods.words == "week"
    assert sum(map(periods.minutes, periods.starts())) == 61 * 1440
