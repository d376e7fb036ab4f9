"""What all pictures share: colours, titles, axes of time and price, and how unknown time looks."""

from __future__ import annotations

import sys
import textwrap
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import matplotlib.dates as mdates
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from pipeline.research.times import naive

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from numpy.typing import NDArray

    from pipeline.plots.stretches import Pieces

__all__ = [
    "BLUE", "GREY", "LACKING", "ORANGE", "PURPLE", "SKY", "UNKNOWN", "VERMILLION",
    "axes_for", "dates", "head", "number", "plain", "price_axis", "range_text", "say",
    "shade_lacking", "shade_unknown", "short", "time_axis", "time_text",
]  # fmt: skip

# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
ORANGE: Final = "#E69F00"
VERMILLION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "0.45"

# The label of unknown time, in every legend.
UNKNOWN: Final = "book unknown"
LACKING: Final = "trades may be lacking"

# Of years, months, days, hours, minutes and seconds; and of those at which a larger one begins.
_TICKS: Final = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S.%f"]
_ROUND_TICKS: Final = ["%Y", "%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M:%S"]

_LONGEST_NAME: Final = 48
# In points: a line below the title, a row of a legend, a letter of either, what stands before one.
_LINE, _LEGEND_ROW, _LETTER, _HANDLE = 13.0, 18.0, 5.0, 34.0


def axes_for(axes: Axes | None, width: float, height: float) -> Axes:
    """Return the axes that were given, or those of a new figure of so many inches.

    In a notebook the figure is one of pyplot's, which the cell shows and lets go of. Anywhere else
    it is known to nobody but its axes: there is nothing to close, and threads may draw at once.
    """
    if axes is not None:
        return axes
    size = (width, height)
    if _is_interactive():
        from matplotlib import pyplot as plt  # noqa: PLC0415 - has a state, which others do without

        return plt.figure(figsize=size, layout="constrained").add_subplot()
    return Figure(figsize=size, layout="constrained").add_subplot()


def _is_interactive() -> bool:
    """Say whether this runs in IPython or a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def plain(text: str) -> str:
    """Return a name as matplotlib shows it as it is: of one line, bounded, and no mathematics."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    short = shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"
    return short.replace("$", r"\$")


def short(value: float) -> str:
    """Return a number in three digits, in full: 0.0162, 6,670."""
    return number(float(f"{value:.3g}"))


def number(value: float, digits: int = 10) -> str:
    """Return a number as people read it: 61,645.35."""
    return f"{value + 0.0:,.{digits}g}".replace("-", "\N{MINUS SIGN}")


def time_text(microseconds: int) -> str:
    """Return a time of UTC, as exact as it needs to be."""
    time = naive(microseconds)
    if time.microsecond:
        return f"{time:%Y-%m-%d %H:%M:%S.%f}"
    return f"{time:%Y-%m-%d %H:%M:%S}" if time.second else f"{time:%Y-%m-%d %H:%M}"


def dates(microseconds: NDArray[np.int64] | Sequence[int]) -> NDArray[np.float64]:
    """Return times as matplotlib places them."""
    found = mdates.date2num(np.asarray(microseconds).astype("datetime64[us]"))
    return np.asarray(found, np.float64)


def range_text(pieces: Pieces, causes: Sequence[str]) -> str:
    """Return a range in words, for how much of it a book is known, and why not for more."""
    start, end = (time_text(int(edge)) for edge in pieces.edges[[0, -1]])
    why = f" (else: {', '.join(causes)})" if causes else ""
    return f"{start} to {end} UTC · book known {100 * pieces.share_known:.4g} % of the time{why}"


def head(axes: Axes, title: str, lines: Sequence[str], *, legend: bool = False) -> None:
    """Put a title and lines below it above the axes, and a legend between them and the picture.

    Both are wrapped to the width of the axes, so that they take none from the picture.
    """
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    up = 8.0 + (_LEGEND_ROW * _add_legend(axes) if legend else 0)
    room = int(_width(axes) / _LETTER)
    wrapped = [part for line in lines for part in textwrap.wrap(line, room)]
    about = axes.annotate(
        "\n".join(wrapped), (0, 1), (0, up), xycoords="axes fraction", textcoords="offset points",
        va="bottom", fontsize=9.5, color=GREY, linespacing=1.25, annotation_clip=False,
    )  # fmt: skip
    about.set_in_layout(False)  # the title makes room for it
    axes.set_title(
        title, loc="left", fontsize=13, fontweight="bold", pad=up + _LINE * len(wrapped) + 5
    )


def _add_legend(axes: Axes) -> int:
    """Put a legend above the axes, of as few rows as there is room for; return how many."""
    _, labels = axes.get_legend_handles_labels()
    if not labels:
        return 0
    widths = [len(label) * _LETTER + _HANDLE for label in labels]
    columns = next(
        many for many in range(len(labels), 0, -1) if many == 1 or _fits(widths, many, _width(axes))
    )
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, fontsize=9,
        borderaxespad=0.3, borderpad=0.2, handlelength=1.6, columnspacing=1.6,
    ).set_in_layout(False)  # fmt: skip
    return -(-len(labels) // columns)


def _fits(widths: list[float], columns: int, room: float) -> bool:
    """Say whether columns, filled one after another, are no wider together than there is room."""
    rows = -(-len(widths) // columns)
    filled = [widths[first : first + rows] for first in range(0, len(widths), rows)]
    return sum(map(max, filled)) < room


def _width(axes: Axes) -> float:
    """Return about how wide the axes are, in points; how wide just so, only the layout will say."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101 - axes that are drawn on have one
    return axes.get_window_extent().width / figure.dpi * 72 * 1.1


def time_axis(axes: Axes, start: int, end: int) -> None:
    """Let x be time, UTC, over a range."""
    first, last = dates([start, end])
    axes.set_xlim(float(first), float(last))
    ticks = max(3, min(9, int(_width(axes) / 60)))
    locator = mdates.AutoDateLocator(tz=UTC, minticks=min(4, ticks), maxticks=ticks)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        mdates.ConciseDateFormatter(
            locator, tz=UTC, formats=_TICKS, zero_formats=_ROUND_TICKS, show_offset=False
        )
    )
    days = [str(naive(moment).date()) for moment in (start, end - 1)]
    axes.set_xlabel(f"Time of arrival, {' to '.join(dict.fromkeys(days))} (UTC)", fontsize=10)


def price_axis(axis: Axis, label: str, unit: str, ticks: int = 9, *, is_log: bool = False) -> None:
    """Let an axis be a price or an amount, with its unit; numbers stand there in full."""
    if is_log:
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(nbins=ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axis.set_label_text(f"{label} ({plain(unit)})", fontsize=10)


def shade_unknown(axes: Axes, stretches: Iterable[tuple[int, int]]) -> None:
    """Hatch the times in which no book is known, from bottom to top."""
    _hatch(axes, stretches, 1.0, facecolors="0.9", hatch="////", zorder=2.5, label=UNKNOWN)


def shade_lacking(axes: Axes, stretches: Iterable[tuple[int, int]]) -> None:
    """Hatch the times in which trades may be lacking, along the bottom."""
    _hatch(axes, stretches, 0.025, facecolors="0.75", hatch="xxxx", zorder=3.5, label=LACKING)


def _hatch(
    axes: Axes,
    stretches: Iterable[tuple[int, int]],
    top: float,
    **look: Any,  # noqa: ANN401 - matplotlib's own
) -> None:
    spans = [tuple(dates(list(stretch))) for stretch in stretches]
    if spans:
        # The edge lets a gap that is narrower than a dot of the screen be seen.
        shading = PolyCollection(
            [[(first, 0), (first, top), (last, top), (last, 0)] for first, last in spans],
            transform=axes.get_xaxis_transform(), edgecolors="0.62", linewidths=0.5, **look,
        )  # fmt: skip
        axes.add_collection(shading, autolim=False)


def say(axes: Axes, sentence: str, **place: Any) -> None:  # noqa: ANN401 - matplotlib's own
    """Write a sentence into the middle of the axes, where there is nothing to draw."""
    axes.text(
        0.5, 0.5, textwrap.fill(plain_sentence(sentence), 64), transform=axes.transAxes,
        ha="center", va="center", fontsize=11, zorder=5, linespacing=1.5,
        bbox={"boxstyle": "round,pad=0.8", "facecolor": "white", "edgecolor": "0.62"},
        color="black", **place,
    )  # fmt: skip


def plain_sentence(text: str) -> str:
    """Return a sentence as matplotlib shows it as it is."""
    return text.replace("$", r"\$")
