"""What all pictures share: colours, titles, axes of time and price, and how unknown time looks."""

from __future__ import annotations

import sys
import textwrap
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import matplotlib.dates as mdates
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from numpy.typing import NDArray

    from pipeline.plots.stretches import Pieces

__all__ = [
    "BLUE", "GREY", "ORANGE", "PURPLE", "SKY", "UNKNOWN", "VERMILLION",
    "axes_for", "dates", "head", "number", "plain", "price_axis", "range_text", "say",
    "shade_unknown", "time_axis", "time_text",
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

_LONGEST_NAME: Final = 48
_LINE: Final = 13.0  # points


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


def number(value: float, _: object = None) -> str:
    """Return a number as people read it: 61,645.35."""
    return f"{value + 0.0:,.10g}".replace("-", "\N{MINUS SIGN}")


def time_text(microseconds: int) -> str:
    """Return a time of UTC, as exact as it needs to be."""
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    if time.microsecond:
        return f"{time:%Y-%m-%d %H:%M:%S.%f}"
    return f"{time:%Y-%m-%d %H:%M:%S}" if time.second else f"{time:%Y-%m-%d %H:%M}"


def dates(microseconds: NDArray[np.int64] | Sequence[int]) -> NDArray[np.float64]:
    """Return times as matplotlib places them."""
    found = mdates.date2num(np.asarray(microseconds).astype("datetime64[us]"))
    return np.asarray(found, np.float64)


def range_text(pieces: Pieces) -> str:
    """Return a range in words, and for how much of it a book is known."""
    start, end = (time_text(int(edge)) for edge in pieces.edges[[0, -1]])
    return f"{start} to {end} UTC · book known {100 * pieces.share_known:.4g} % of the time"


def head(axes: Axes, title: str, lines: Sequence[str], *, legend: int = 0) -> None:
    """Put a title and lines below it above the axes, and a legend of so many columns under both."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    up = 8.0
    if legend and axes.get_legend_handles_labels()[1]:
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=legend, frameon=False, fontsize=9,
            borderaxespad=0.3, borderpad=0.2, handlelength=1.6, columnspacing=1.6,
        )  # fmt: skip
        up += 18
    axes.annotate(
        "\n".join(lines), (0, 1), (0, up), xycoords="axes fraction", textcoords="offset points",
        va="bottom", fontsize=9.5, color=GREY, linespacing=1.25, annotation_clip=False,
    )  # fmt: skip
    axes.set_title(
        title, loc="left", fontsize=13, fontweight="bold", pad=up + _LINE * len(lines) + 5
    )


def time_axis(axes: Axes, start: int, end: int) -> None:
    """Let x be time, UTC, over a range."""
    first, last = dates([start, end])
    axes.set_xlim(float(first), float(last))
    locator = mdates.AutoDateLocator(tz=UTC, minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=UTC))
    axes.set_xlabel("Time of arrival (UTC)", fontsize=10)


def price_axis(axis: Axis, label: str, unit: str, ticks: int = 9) -> None:
    """Let an axis be a price or an amount: whole numbers, none short for another."""
    axis.set_major_locator(MaxNLocator(nbins=ticks))
    axis.set_major_formatter(FuncFormatter(number))
    axis.set_label_text(f"{label} ({plain(unit)})", fontsize=10)


def shade_unknown(
    axes: Axes, stretches: Iterable[tuple[int, int]], causes: Sequence[str] = ()
) -> PolyCollection | None:
    """Hatch the times in which no book is known, from bottom to top."""
    spans = [tuple(dates(list(stretch))) for stretch in stretches]
    if not spans:
        return None
    why = f" ({', '.join(causes)})" if causes else ""
    # The edge lets a gap that is narrower than a dot of the screen be seen.
    shading = PolyCollection(
        [[(first, 0), (first, 1), (last, 1), (last, 0)] for first, last in spans],
        transform=axes.get_xaxis_transform(), facecolors="0.9", edgecolors="0.62", hatch="////",
        linewidths=0.5, zorder=2.5, label=f"{UNKNOWN}{why}",
    )  # fmt: skip
    axes.add_collection(shading, autolim=False)
    return shading


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
