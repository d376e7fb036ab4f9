"""A calendar of the lake, drawn: a row per instrument, a cell per day, week or month."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import matplotlib.dates as mdates
import numpy as np
from matplotlib import colormaps
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize

from pipeline.plots.calendar_days import Day
from pipeline.plots.figures import PURPLE, SKY, VERMILLION, head, plain
from pipeline.plots.stretches import runs

if TYPE_CHECKING:
    from datetime import date

    from matplotlib.axes import Axes
    from matplotlib.dates import DateLocator
    from numpy.typing import NDArray

    from pipeline.plots.calendar_days import Calendar

__all__ = ["cells_of", "draw_coverage", "size_of"]

_MAP: Final = "cividis"
# Cells side by side; of more, weeks and then months are made.
_MOST_CELLS: Final = 130
_FEW: Final = 12  # instruments
_LONGEST_BAR: Final = 12  # rows
_WITH_NUMBERS: Final = 14
_BRIGHT: Final = 0.5  # colours above it need dark letters
# What each marks, its shape and colour, and how far from the middle of its cell it stands.
_MARKS: Final = {
    "disconnects": ("o", VERMILLION, 0.0),
    "missed snapshots": ("^", SKY, 0.18),
    "checksum mismatches": ("X", PURPLE, -0.18),
}
_TOP, _BOTTOM, _STRIP = -0.38, 0.2, (0.23, 0.36)  # of a row, downwards from its middle


class Cells(NamedTuple):
    """A calendar day by day, or by weeks or months: where each cell begins, and those there are."""

    what: str
    starts: list[date]
    end: date
    days: dict[tuple[int, int], Day]  # by row and column


def size_of(found: Calendar) -> tuple[float, float]:
    """Return how many inches wide and high a calendar wants to be."""
    across = len(cells_of(found).starts)
    many = len(found.instruments)
    return min(13, max(8, 3.5 + 0.4 * across)), min(40, 2.4 + (0.5 if many <= _FEW else 0.3) * many)


def cells_of(found: Calendar) -> Cells:
    """Return the cells of a calendar: of days, or of weeks or months where days are too many."""
    days = [
        found.first + timedelta(number) for number in range((found.last - found.first).days + 1)
    ]
    if len(days) <= _MOST_CELLS:
        what, begins = "day", days
    elif len(days) <= 7 * _MOST_CELLS:
        what, begins = "week", [day - timedelta(day.weekday()) for day in days]
    else:
        what, begins = "month", [day.replace(day=1) for day in days]
    starts = sorted(set(begins))
    columns = {start: column for column, start in enumerate(starts)}
    members: dict[tuple[int, int], list[Day]] = {}
    for row, name in enumerate(found.instruments):
        for day, begin in zip(days, begins, strict=True):
            if (name, day) in found.days:
                members.setdefault((row, columns[begin]), []).append(found.days[name, day])
    many = Counter(columns[begin] for begin in begins)
    cells = {place: _together(of, many[place[1]]) for place, of in members.items()}
    return Cells(
        what, [max(start, found.first) for start in starts], found.last + timedelta(1), cells
    )


def _together(days: list[Day], of: int) -> Day:
    """Return several days as one: of a week with two days in the lake, five are unknown."""
    return Day(
        sum(day.known for day in days) / of,
        sum(day.fetched for day in days) / of,
        tuple(map(sum, zip(*(day.marks for day in days), strict=True))),
    )


def draw_coverage(axes: Axes, found: Calendar) -> None:
    """Draw a row per instrument, a cell per day, week or month."""
    cells = cells_of(found)
    edges = _edges(cells)
    _draw_cells(axes, found, cells, edges)
    _draw_marks(axes, cells, edges)
    if len(cells.starts) <= _WITH_NUMBERS:
        _write_shares(axes, cells, edges)
    _scales(axes, found, cells, edges)
    lines = [
        f"{found.first} to {found.last}, a cell is a {cells.what} of UTC"
        + (", days outside the lake count as unknown" if cells.what != "day" else ""),
        "colour: time with a known book; strip below it: minutes fetched",
    ]
    head(axes, "Coverage of the lake", lines, legend=True)


def _edges(cells: Cells) -> NDArray[np.float64]:
    """Return where cells begin and end: days around their tick, weeks and months from theirs."""
    edges = np.asarray(mdates.date2num([*cells.starts, cells.end]), np.float64)
    return edges - 0.5 if cells.what == "day" else edges


def _draw_cells(axes: Axes, found: Calendar, cells: Cells, edges: NDArray[np.float64]) -> None:
    known = {place: day for place, day in cells.days.items() if day.known > 0}
    norm, colours = Normalize(0, 100), colormaps[_MAP]
    gap = min(0.06, 0.1 * float(edges[1] - edges[0]))
    for days, height, shares in (
        (known, (_TOP, _BOTTOM), [day.known for day in known.values()]),
        (cells.days, _STRIP, [day.fetched for day in cells.days.values()]),
    ):
        boxes = [_box(edges, row, (column, column + 1), height, gap) for row, column in days]
        shown = PolyCollection(boxes, cmap=colours, norm=norm, linewidths=0)
        shown.set_array(100 * np.array(shares))
        axes.add_collection(shown)
    _draw_rest(axes, found, cells, edges)
    bar = axes.figure.colorbar(
        shown, ax=axes, pad=0.015, fraction=0.05, aspect=18, anchor=(0, 1),
        shrink=min(1.0, _LONGEST_BAR / len(found.instruments)),
    )  # fmt: skip
    bar.set_label("Share of the time (%)", fontsize=10)
    bar.ax.tick_params(labelsize=9)
    bar.outline.set_visible(False)


def _draw_rest(axes: Axes, found: Calendar, cells: Cells, edges: NDArray[np.float64]) -> None:
    """Hatch the cells in which no book is known, outline those that the lake has not."""
    there = np.zeros((len(found.instruments), len(edges) - 1), bool)
    hatched = there.copy()
    for (row, column), day in cells.days.items():
        there[row, column] = True
        hatched[row, column] = day.known <= 0
    unknown: dict[str, Any] = {"facecolors": "0.9", "edgecolors": "0.62", "hatch": "////"}
    absent: dict[str, Any] = {"facecolors": "none", "edgecolors": "0.75", "linestyles": ":"}
    for flags, bottom, label, look in (
        (hatched, _BOTTOM, "no book known", unknown),
        (~there, _STRIP[1], "not in the lake", absent),
    ):
        boxes = [
            _box(edges, row, columns, (_TOP, bottom), 0)
            for row, of in enumerate(flags) for columns in runs(of)
        ]  # fmt: skip
        if boxes:
            axes.add_collection(PolyCollection(boxes, label=label, linewidths=0.6, **look))


def _box(
    edges: NDArray[np.float64],
    row: int,
    columns: tuple[int, int],
    height: tuple[float, float],
    gap: float,
) -> list[tuple[float, float]]:
    """Return the corners of a box from one column to before another, in a row."""
    left, right = (float(edges[column]) for column in columns)
    left, right = left + gap / 2, right - gap / 2
    top, bottom = row + height[0], row + height[1]
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _draw_marks(axes: Axes, cells: Cells, edges: NDArray[np.float64]) -> None:
    """Mark the cells in which something went wrong, each kind at its own height."""
    middle = (edges[:-1] + edges[1:]) / 2
    for kind, (label, (shape, colour, up)) in enumerate(_MARKS.items()):
        places = [place for place, day in cells.days.items() if day.marks[kind]]
        if places:
            axes.scatter(
                [middle[column] for _, column in places],
                [row + (_TOP + _BOTTOM) / 2 - up for row, _ in places],
                s=26, c=colour, marker=shape, edgecolors="white", linewidths=0.8, zorder=4,
                label=label,
            )  # fmt: skip


def _write_shares(axes: Axes, cells: Cells, edges: NDArray[np.float64]) -> None:
    """Write the share of each cell into it, where there is room."""
    for (row, column), day in cells.days.items():
        left = float(edges[column]) + 0.09 * float(edges[column + 1] - edges[column])
        axes.text(
            left, row + (_TOP + _BOTTOM) / 2, f"{100 * day.known:.3g} %", fontsize=9, va="center",
            color="white" if 0 < day.known < _BRIGHT else "black", zorder=5,
        )  # fmt: skip


def _scales(axes: Axes, found: Calendar, cells: Cells, edges: NDArray[np.float64]) -> None:
    axes.set_xlim(float(edges[0]), float(edges[-1]))
    axes.set_ylim(len(found.instruments) - 0.5, -0.5)
    axes.set_yticks(range(len(found.instruments)), [plain(name) for name in found.instruments])
    locator: DateLocator = mdates.AutoDateLocator(tz=UTC, minticks=3, maxticks=10)
    if cells.what == "day":
        locator = mdates.DayLocator(interval=-(-len(cells.starts) // 9), tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%Y-%m-%d", tz=UTC))
    axes.set_xlabel("Day (UTC)", fontsize=10)
    axes.tick_params(axis="y", length=0)
