"""Text that others wrote, as a terminal may show it."""

from __future__ import annotations

__all__ = ["visible"]


def visible(text: str, keep: str = "\n") -> str:
    r"""Return a text in which what can't be seen is spelled out, as \x1b, but for some signs.

    A terminal obeys such signs: it would clear lines, recolour, or turn what stands around a name.
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in keep else sign.encode("unicode_escape").decode()
        for sign in text
    )
