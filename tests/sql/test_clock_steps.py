"""The recorder's clock steps back: of two that could stand at a time, the later line does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pipeline
from tests.making import at, depth
from tests.sql.asking import answers, lake_of

if TYPE_CHECKING:
    from pathlib import Path

_MIDNIGHT = 24 * 60
_HALF_A_MINUTE = "'2020-08-02 00:00:00', '2020-08-02 00:00:30'"


def _book(minute: int, second: float, bid: float, action: str = "partial") -> str:
    return depth(at(minute, second), [[bid, 1]], [[bid + 1, 1]], instrument="A", action=action)


@pytest.mark.parametrize(
    ("action", "known"), [("partial", [1.0, 20.0, 20.0]), ("increment", [1.0, None, None])]
)
def test_a_book_from_before_midnight_ends_where_the_day_begins_by_its_clock(
    tmp_path: Path, action: str, known: list[float | None]
) -> None:
    """Not where its first line arrives, if the second arrived before that."""
    lines = [_book(_MIDNIGHT, 21, 10), _book(_MIDNIGHT, 5, 20, action)]
    data = lake_of(
        tmp_path, (at(_MIDNIGHT - 1), [_book(_MIDNIGHT - 1, 57, 1)]), (at(_MIDNIGHT), lines)
    )
    grid = answers(
        data, f"select bid_price from quote_grid('A', {_HALF_A_MINUTE}, interval 10 second)"
        " order by t"
    )  # fmt: skip
    assert [row["bid_price"] for row in grid] == known
    with pipeline.open(data) as lake:
        books = lake.books("A", at(_MIDNIGHT), at(_MIDNIGHT, 30), "10s", depth=1)
        assert (
            books.filter(books["side"].eq_missing("bid") | books["side"].is_null())[
                "price"
            ].to_list()
            == known
        )
    for second, bid in zip((0, 10, 20), known, strict=True):
        time = f"2020-08-02 00:00:{second:02}"
        found = answers(data, f"select price from book_at('A', '{time}') where side = 'bid'")
        assert [row["price"] for row in found] == ([] if bid is None else [bid])
    measured = f"quote_averages('A', {_HALF_A_MINUTE}, interval 30 second)"
    (averages,) = answers(data, f"select observed_seconds, mid from {measured}")
    seconds = 30 if action == "partial" else 5
    mid = (5 * 1.5 + (seconds - 5) * 20.5) / seconds
    assert averages == {"observed_seconds": seconds, "mid": pytest.approx(mid, rel=1e-12)}


def test_silence_is_told_by_the_clock(tmp_path: Path) -> None:
    """Each pause between two times at which something arrived, in whatever order they came."""
    times = [(0, 0), (5, 0), (10, 0), (0, 1), (10, 2), (11, 0), (12, 0)]
    lines: dict[int, list[str]] = {minute: [] for minute in range(13)}
    for minute, second in times:
        lines[0 if (minute, second) == (0, 1) else minute].append(_book(minute, second, 1))
    lines[10].insert(1, lines[0].pop())  # where the clock stepped back
    data = lake_of(tmp_path, *((at(minute), each) for minute, each in lines.items()))
    rows = answers(data, "from check_stale('A', '2020-08-01', '2020-08-01 00:13')")
    assert [(f"{row['starts']:%M:%S}", f"{row['ends']:%M:%S}") for row in rows] == [
        ("00:01", "05:00"), ("05:00", "10:00"),
    ]  # fmt: skip
