"""Counts of a step as text: prices are whole ticks, amounts whole lots, until they are printed.

An amount here is always an integer and a number of decimal digits, so that nothing is rounded.
"""

from __future__ import annotations

from fractions import Fraction

__all__ = ["Step", "decimal_text"]


class Step:
    """A tick or a lot, from its text: "0.1", "0.5", "25"; ValueError for what is none."""

    def __init__(self, text: str) -> None:
        self.size = _fraction(text)
        if self.size <= 0:
            raise ValueError(f"a step was {text!r}; what would work: above 0, such as '0.1'")
        self.digits = 0
        while (self.size * 10**self.digits).denominator != 1:
            self.digits += 1
        self.units = int(self.size * 10**self.digits)  # of the last digit
        self._one = 10**self.digits

    def count(self, text: str) -> int:
        """Return how many steps a number has; ValueError where they are not whole."""
        steps = _fraction(text) / self.size
        if steps.denominator != 1:
            whole = f"a multiple of {decimal_text(self.units, self.digits)}"
            raise ValueError(f"a number was {text!r}; what would work: {whole}")
        return int(steps)

    def short(self, count: int) -> str:
        """Return so many steps without a point where they are whole: 9241, 9243.5, -0.0001."""
        return decimal_text(count * self.units, self.digits)

    def double(self, count: int) -> str:
        """Return so many steps as a double's shortest text: 9241.0, 9243.5, -0.0001, 1e-05."""
        # A quotient of integers is the double nearest to it, on every machine.
        return repr(count * self.units / self._one)


def decimal_text(amount: int, digits: int, shown: int = 0) -> str:
    """Return an amount of the last of `digits` decimals; `shown` decimals at least are printed."""
    whole, rest = divmod(abs(amount), 10**digits)
    decimals = f"{rest:0{digits}}".rstrip("0") if rest else ""
    decimals = decimals.ljust(shown, "0")
    return f"{'-' if amount < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def _fraction(text: str) -> Fraction:
    try:
        number = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"a number was {text!r}; what would work: one like '0.1'") from None
    # A third has no last digit.
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        raise ValueError(f"a number was {text!r}; what would work: a decimal number like '0.1'")
    return number
