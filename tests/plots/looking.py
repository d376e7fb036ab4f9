"""What is to be seen in a picture, read from what was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.collections import PolyCollection

from tests.independent_books import stretches

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from tests.independent import Reading

__all__ = ["artist", "hatched", "microseconds", "text_of", "unknown_stretches"]


def artist(axes: Axes, label: str) -> Any:
    """Return the one thing drawn that has a label, or begins with it."""
    (found,) = [
        one for one in axes.get_children()
        if one.get_label() == label or str(one.get_label()).startswith(f"{label} ")
    ]  # fmt: skip
    return found


def text_of(axes: Axes) -> str:
    """Return all that is written in and above axes, and at them."""
    inside = "\n".join(text.get_text() for text in axes.texts)
    words = [axes.get_title("left"), inside, axes.get_xlabel(), axes.get_ylabel()]
    return "\n".join(words)


def microseconds(places: Any) -> NDArray[np.int64]:
    """Return places on an axis of time as microseconds since 1970."""
    epoch = mdates.date2num(np.datetime64(0, "us"))
    days = np.asarray(places, np.float64) - np.float64(epoch)
    return np.rint(days * 86_400_000_000).astype(np.int64)


def hatched(axes: Axes, label: str = "book unknown") -> list[tuple[int, int]]:
    """Return the times that are hatched under a label; where books are unknown, to the top."""
    found = []
    for shading in axes.collections:
        if isinstance(shading, PolyCollection) and str(shading.get_label()).startswith(label):
            assert shading.get_hatch()
            for path in shading.get_paths():
                corners = np.asarray(path.vertices)
                assert label != "book unknown" or {0.0, 1.0} == set(corners[:, 1])
                first, last = microseconds([corners[:, 0].min(), corners[:, 0].max()]).tolist()
                found.append((first, last))
    return found


def unknown_stretches(reading: Reading, name: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return when no book is known in a range, one message at a time."""
    found = []
    upto = start
    for stretch in stretches(reading, name, start, end):
        if stretch.start > upto:
            found.append((upto, stretch.start))
        upto = max(upto, min(stretch.end, end))
    return [*found, (upto, end)] if upto < end else found
