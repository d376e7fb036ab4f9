"""The root of the tree, and how a sentence names what may be long or many."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PipelineError", "shown", "some"]

# How many items a sentence names before it counts the rest.
_NAMED_AT_MOST = 8


class PipelineError(Exception):
    """The root: whatever this package raises on purpose."""

    exit_code: ClassVar[int] = 1


def shown(given: object) -> str:
    """Return a value as a sentence shows it: quoted, and never longer than a line."""
    text = repr(given)
    return text if len(text) <= 100 else f"{text[:97]}…"  # noqa: PLR2004 - a line's width


def some(items: Sequence[str]) -> str:
    """Return the first few items and how many more there are."""
    named = ", ".join(items[:_NAMED_AT_MOST])
    more = len(items) - _NAMED_AT_MOST
    return f"{named} and {more} more" if more > 0 else named
