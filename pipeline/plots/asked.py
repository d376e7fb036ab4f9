"""What was asked for, checked: a range in steps; and the units that an instrument's name tells."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.errors import UsageError
from pipeline.query import rows_of
from pipeline.research.times import naive, span, start_and_end

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.research.questions import Questions
    from pipeline.research.times import Span, Time

__all__ = ["Asked", "Units", "asked_range", "span_in_words", "units_of"]

_MOST_STEPS: Final = 20_000
_SECOND: Final = 1_000_000
_UNITS: Final = (
    (86_400 * _SECOND, "d"), (3_600 * _SECOND, "h"), (60 * _SECOND, "min"), (_SECOND, "s"),
    (1_000, "ms"), (1, "µs"),
)  # fmt: skip
# Steps that people think in, in microseconds.
_ROUND: Final = tuple(
    sorted(
        [10**power * first for power in range(6) for first in (1, 2, 5)]
        + [_SECOND * seconds for seconds in (1, 2, 5, 10, 15, 30)]
        + [60 * _SECOND * minutes for minutes in (1, 2, 5, 10, 15, 30)]
        + [3_600 * _SECOND * hours for hours in (1, 2, 3, 6, 12, 24)]
    )
)


class Asked(NamedTuple):
    """[start, end) of an instrument in steps, all in microseconds, on the arrival clock."""

    instrument: str
    start: int
    end: int
    step: int

    def parameters(self) -> tuple[str, datetime, datetime]:
        """Return instrument, start and end as DuckDB takes them."""
        return self.instrument, naive(self.start), naive(self.end)

    def interval(self) -> timedelta:
        """Return the step as DuckDB takes it."""
        return timedelta(microseconds=self.step)


class Units(NamedTuple):
    """What amounts and prices are in, as an instrument's name tells; in words where it does not."""

    base: str
    counter: str


def asked_range(instrument: str, start: Time, end: Time, step: Span | None, about: int) -> Asked:
    """Return what was asked for, in about so many steps at most where no step is given."""
    first, last = start_and_end(start, end)
    if last == first:
        raise UsageError("end", str(naive(last)), f"a time after {naive(first)}, the start")
    length = last - first
    if step is None:
        fitting = [one for one in _ROUND if length <= one * about]
        return Asked(instrument, first, last, fitting[0] if fitting else -(-length // about))
    given = span(step, "step")
    if length > given * _MOST_STEPS:
        least = span_in_words(-(-length // _MOST_STEPS))
        raise UsageError("step", step, f"{least} at least, so that there are no more than "
                         f"{_MOST_STEPS:,} in the range")  # fmt: skip
    return Asked(instrument, first, last, given)


def span_in_words(microseconds: int) -> str:
    """Return a span of time in words: 250 ms, 1.5 s, 2 min."""
    for unit, name in _UNITS:
        if microseconds >= unit:
            return f"{round(microseconds / unit, 3):,.10g} {name}"
    return "0 s"


def units_of(lake: Questions, instrument: str) -> Units:
    """Return the units of an instrument: base and counter currency of a name of a known form.

    The price of a repo is a rate, whatever its name says.
    """
    with lake.cursor() as cursor:
        query = "select inferred_terms($1) as terms"
        ((terms,),) = rows_of(cursor, query, [instrument])
    base, counter = terms["base"] or "base currency", terms["counter"] or "counter currency"
    return Units(base, "as quoted" if terms["type"] == "repo" else counter)
