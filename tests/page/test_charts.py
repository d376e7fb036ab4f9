from __future__ import annotations

import pytest

from pipeline.page.charts import Bar, bars, cells, nice, ticks

from .looking import read


@pytest.mark.parametrize(
    ("most", "expected"), [(0, 1), (0.03, 0.05), (1, 1), (1.1, 2), (4_999, 5_000), (5_001, 10_000)]
)
def test_a_nice_number_is_the_next_round_one(most: float, expected: float) -> None:
    """1, 2, 5 and so on; where there is nothing, one."""
    assert nice(most) == expected


def test_ticks_are_multiples_within() -> None:
    """Of the smallest step of which there are not too many."""
    assert ticks(2_677.4, 2_684.9) == [2678, 2680, 2682, 2684]
    assert ticks(-0.0003, 0.0003) == [-0.0002, 0, 0.0002]
    assert ticks(50, 430, (10, 60, 120, 300)) == [120, 240, 360]


def test_an_unknown_bar_leaves_the_ground_bare() -> None:
    """A bar of zero has its ground drawn: that is how they are told apart."""
    made = read(bars("two", [Bar("a", None), Bar("b", (0, 0)), Bar("c", (3, 1))], ["x", "y"]))
    drawn = [
        (attributes["class"], attributes["x"], attributes["y"], attributes["height"])
        for tag, attributes in made.elements if tag == "rect"
    ]  # fmt: skip
    assert drawn == [
        ("known", "1", "0", "100"),
        ("hit", "1", "0", "100"),
        ("hit", "2", "0", "100"),
        ("x", "2.06", "25", "75"),
        ("y", "2.06", "0", "25"),
    ]


def test_a_chart_says_in_words_what_it_is() -> None:
    """As a picture with a name; what is only to be seen is hidden from who can't."""
    made = read(bars("Trades per day", [Bar("2020-08-01", (3,))], ["x"]))
    ((_, svg),) = [one for one in made.elements if one[0] == "svg"]
    assert (svg["role"], svg["aria-label"]) == ("img", "Trades per day")
    axes = [
        attributes for _, attributes in made.elements if "axis" in (attributes.get("class") or "")
    ]
    assert [axis["aria-hidden"] for axis in axes] == ["true", "true"]


def test_cells_have_ground_where_something_is_known() -> None:
    """Unknown ones are bare, those side by side share their ground."""
    made = read(cells("days", [None, ("a", "1"), ("b", "2"), None, ("a", "3")]))
    drawn = [
        (attributes["class"], attributes["x"], attributes["width"])
        for tag, attributes in made.elements if tag == "rect"
    ]  # fmt: skip
    assert drawn == [
        ("known", "1", "2"), ("known", "4", "1"),
        ("a", "1", "0.88"), ("b", "2", "0.88"), ("a", "4", "0.88"),
    ]  # fmt: skip
