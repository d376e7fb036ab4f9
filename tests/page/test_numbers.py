from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from pipeline.page.numbers import Absent, figure, shown


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (0, "count", "0"),
        (1_234_567, "count", "1,234,567"),
        (-1_272, "count", "\N{MINUS SIGN}1,272"),
        (61_645.35, "number", "61,645.35"),
        (1.23456, "measure", "1.235"),
        (999, "bytes", "999 bytes"),
        (1_494_000, "bytes", "1.49 MB"),
        (10**12 * 5, "bytes", "5 TB"),
        (8.333_333, "span", "8.333 s"),
        (90, "span", "1 min 30 s"),
        (7_199.6, "span", "2 h"),
        (86_055.343, "span", "23 h 54 min"),
        (864_000, "span", "10 d"),
        (-90, "span", "\N{MINUS SIGN}1 min 30 s"),
        (0.5, "percent", "50.0 %"),
        (1.0, "percent", "100.0 %"),
        (0.999_99, "percent", "<100 %"),
        (0.000_1, "percent", "<0.1 %"),
        (0.0, "percent", "0.0 %"),
        (date(2020, 8, 1), "date", "2020-08-01"),
        (datetime(2020, 8, 1, 1, 2, 3), "time", "2020-08-01 01:02:03"),  # noqa: DTZ001 - SQL's
        (datetime(2020, 8, 1, 1, 2, 3, 40), "time", "2020-08-01 01:02:03.000040"),  # noqa: DTZ001
        ("not_fetched", "word", "not fetched"),
        (None, "count", "not known"),
        (Absent.NONE, "number", "none"),
    ],
)
def test_how_values_are_shown(value: Any, form: str, expected: str) -> None:
    """For people: in full where that can be read, rounded where it is measured."""
    assert shown(value, form) == expected


def test_a_program_reads_the_number_in_full() -> None:
    """However it is shown."""
    made = figure("a.0.b", 1_494_123, "bytes", "td")
    assert made == '<td data-name="a.0.b" data-value="1494123">1.49 MB</td>'


def test_unknown_is_no_zero() -> None:
    """It has words, a look of its own, and no value."""
    made = figure("a.0.b", None)
    assert made == (
        '<span data-name="a.0.b" data-value=""><span class="unknown">not known</span></span>'
    )
