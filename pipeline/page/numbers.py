"""Numbers as a page shows them: for eyes as text, for programs as `data-name` and `data-value`.

What is not known says so in words, on hatched ground; it is never a zero.
"""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pipeline.page.markup import Markup, element, name, plain

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMS", "NOT_KNOWN", "Absent", "Form", "figure", "number", "shown", "size", "span"]

NOT_KNOWN: Final = "not known"


class Absent(enum.Enum):
    """What is known not to be there, as the bids of a book that has none."""

    NONE = "none"


_LONGEST: Final = 300
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB", "PB")
_THOUSAND: Final = 1000
_MINUTE: Final = 60
# Units and the one below them, in seconds.
_SPANS: Final = (
    (86_400, "d", 3_600, "h"),
    (3_600, "h", 60, "min"),
    (60, "min", 1, "s"),
)

Form: TypeAlias = "Callable[[Any], str]"


class Known(NamedTuple):
    """How values of a kind are shown, and whether as numbers, which stand at the right."""

    show: Form
    is_number: bool


def figure(
    key: str, value: object, form: str = "count", tag: str = "span", **more: str | None
) -> Markup:
    """Return an element with a value that can be read by its key, which is on the page once."""
    exact = "" if value is None else _exact(value)
    return element(tag, _words(value, form), data_name=key, data_value=exact, **more)


def _words(value: object, form: str) -> str:
    if value is None:
        return element("span", NOT_KNOWN, class_="unknown")
    return name(str(value)) if form == "name" else shown(value, form)


def _exact(value: object) -> str:
    """Return a value as programs read it: a number in full, a time as ISO 8601, a bounded name."""
    if isinstance(value, Absent):
        return value.value
    return value.isoformat() if isinstance(value, date) else str(value)[:_LONGEST]


def shown(value: object, form: str = "count") -> str:
    """Return a value as a sentence has it."""
    if value is None or value is Absent.NONE:
        return NOT_KNOWN if value is None else value.value
    return FORMS[form].show(value)


def number(value: float) -> str:
    """Return a number as people read it, in up to ten digits: 61,645.35."""
    return f"{value + 0.0:,.10g}".replace("-", "\N{MINUS SIGN}")


def _short(value: float) -> str:
    """Return a measured number in up to four digits."""
    return number(float(f"{value:.4g}"))


def size(value: float) -> str:
    """Return a number of bytes in the unit in which it has up to three digits before the point."""
    for unit in _UNITS:
        if abs(value) < _THOUSAND or unit == _UNITS[-1]:
            break
        value /= _THOUSAND
    return f"{value:,.3g} {unit}" if value < _THOUSAND else f"{value:,.0f} {unit}"


def span(seconds: float) -> str:
    """Return a span of time: below a minute in seconds, above it in two units, rounded."""
    if abs(seconds) < _MINUTE:
        return f"{_short(seconds)} s"
    whole = round(seconds)
    unit, word, part, other = next(one for one in _SPANS if abs(whole) >= one[0])
    many, rest = divmod(abs(whole), unit)
    sign = "\N{MINUS SIGN}" if whole < 0 else ""
    return f"{sign}{many:,} {word}" + (f" {rest // part} {other}" if rest >= part else "")


def _percent(share: float) -> str:
    """Return a share from 0 to 1; one that is not all is never shown as all, nor as nothing."""
    found = f"{100 * share:.1f}"
    if found == "100.0" and share < 1:
        return "<100 %"
    return "<0.1 %" if found == "0.0" and share > 0 else f"{found} %"


def _time(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" + (f".{value:%f}" if value.microsecond else "")


FORMS: Final[dict[str, Known]] = {
    "count": Known(lambda value: f"{int(value):,}".replace("-", "\N{MINUS SIGN}"), True),
    "number": Known(number, True),
    "measure": Known(_short, True),
    "bytes": Known(size, True),
    "span": Known(span, True),
    "percent": Known(_percent, True),
    "date": Known(str, False),
    "time": Known(_time, False),
    "word": Known(lambda value: plain(str(value)).replace("_", " "), False),
    "name": Known(lambda value: plain(str(value)), False),
}
