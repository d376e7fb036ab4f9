from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.simulator.market.numbers import Step, decimal_text


@pytest.mark.parametrize(
    ("step", "count", "short", "double"),
    [
        ("0.1", 92410, "9241", "9241.0"),
        ("0.1", 92435, "9243.5", "9243.5"),
        ("0.001", 967, "0.967", "0.967"),
        ("0.001", 460, "0.46", "0.46"),
        ("0.0001", -1, "-0.0001", "-0.0001"),
        ("0.00001", 1, "0.00001", "1e-05"),
        ("0.5", 3, "1.5", "1.5"),
        ("25", 4, "100", "100.0"),
        ("0.1", 0, "0", "0.0"),
    ],
)
def test_numbers_are_printed_as_the_exchange_did(
    step: str, count: int, short: str, double: str
) -> None:
    """Short in 2020, as doubles in 2022."""
    assert (Step(step).short(count), Step(step).double(count)) == (short, double)


@given(st.integers(-(10**12), 10**12), st.integers(0, 8), st.integers(0, 12))
def test_decimal_text_is_exact(amount: int, digits: int, shown: int) -> None:
    """It says the amount and nothing else, with the decimals that were asked for at least."""
    text = decimal_text(amount, digits, shown)
    assert Decimal(text) == Decimal(amount).scaleb(-digits)
    assert len(text.partition(".")[2]) >= shown
    if not shown:
        assert "." not in text or not text.endswith(("0", "."))


def test_a_number_is_so_many_steps() -> None:
    """Exactly, or it is refused with the step that it should be a multiple of."""
    assert Step("0.1").count("61800.3") == 618003
    assert Step("0.5").count("-2.5") == -5
    with pytest.raises(ValueError, match=r"'61800\.25'; what would work: a multiple of 0\.1"):
        Step("0.1").count("61800.25")


@pytest.mark.parametrize("text", ["", "a tenth", "1/3", "0", "-0.1", "nan", "1/0"])
def test_what_is_no_step_is_refused(text: str) -> None:
    """A step is a decimal number above zero."""
    with pytest.raises(ValueError, match="what would work"):
        Step(text)
