"""HTML by small functions: what is text is escaped, whoever gave it; what is Markup is not.

Names come from an exchange, and may be anything: script, quotes, text that runs from right to left,
characters that no page can hold, thousands of letters.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Content", "Markup", "code", "element", "joined", "name", "plain", "text"]

# Elements that have no end.
_VOID: Final = frozenset({"br", "col", "hr", "meta"})
# What HTML has no way to say, not even by number, and what no file in UTF-8 holds.
_IMPOSSIBLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
# A longer name is shown by its beginning and its end, which is where names differ.
_LONGEST: Final = 72
_END: Final = 24


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content: TypeAlias = "str | Iterable[str] | None"


def text(value: str) -> Markup:
    """Return text as HTML that shows it, in elements and in attributes."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(_IMPOSSIBLE.sub(_REPLACED, value)))


def joined(*content: Content) -> Markup:
    """Return pieces one after another: Markup as it is, text escaped, None left out."""
    parts: list[str] = []
    for piece in content:
        if isinstance(piece, str):
            parts.append(text(piece))
        elif piece is not None:
            parts += map(text, piece)
    return Markup("".join(parts))


def element(tag: str, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """Return an element: `class_` is class, `data_name` data-name; None and False are left out."""
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{text(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _VOID:
        return Markup(f"<{tag}{said}>")
    return Markup(f"<{tag}{said}>{joined(*content)}</{tag}>")


def plain(value: str) -> str:
    """Return a name as text of one line and bounded length, without what can't be seen."""
    shown = "".join(char if char.isprintable() else _REPLACED for char in value)
    if len(shown) <= _LONGEST:
        return shown
    return f"{shown[: _LONGEST - _END - 1]}…{shown[-_END:]}"


def name(value: str) -> Markup:
    """Return a name that somebody else gave: in whichever direction, it turns nothing around it."""
    return element("bdi", plain(value))


def code(value: str) -> Markup:
    """Return lines of code, to be copied: whole, but for what a page can't hold."""
    return element("pre", element("code", value), dir="ltr", tabindex=0)
