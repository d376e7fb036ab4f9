"""A calendar of the lake: for how much of each day a book is known, and what went wrong in it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import matplotlib.dates as mdates
import numpy as np
from matplotlib import colormaps
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize

from pipeline.plots.figures import PURPLE, SKY, VERMILLION, head, plain
from pipeline.query import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.dates import DateLocator
    from numpy.typing import NDArray

    from pipeline.research.questions import Questions

__all__ = ["Calendar", "Day", "cells_of", "draw_coverage", "read_coverage", "size_of"]

_MAP: Final = "cividis"
_DAY_US: Final = 86_400_000_000
_MINUTES: Final = 1440
# Cells side by side; of more, weeks and then months are made.
_MOST_CELLS: Final = 130
_WITH_NUMBERS: Final = 14
_BRIGHT: Final = 0.5  # colours above it need dark letters
# What each marks, its shape and colour, and how far from the middle of its cell it stands.
_MARKS: Final = {
    "disconnects": ("o", VERMILLION, 0.0),
    "missed snapshots": ("^", SKY, 0.18),
    "checksum mismatches": ("X", PURPLE, -0.18),
}
_TOP, _BOTTOM, _STRIP = -0.38, 0.2, (0.23, 0.36)  # of a row, downwards from its middle

# Gaps of a day do not overlap, and end with it.
_DAYS: Final = """
with
  unknown as (
    select instrument, date, sum(epoch_us(stop) - epoch_us(start)) as microseconds
    from gaps
    where list_contains($1, instrument) and date between $2 and $3
    group by instrument, date
  )

select
  instrument, date,
  1 - coalesce(microseconds, 0) / $4, minutes_fetched / $5,
  disconnects, coalesce(missed_snapshots, 0), checksum_mismatches
from coverage
left join unknown using (instrument, date)
where list_contains($1, instrument) and date between $2 and $3
order by instrument, date
"""


class Day(NamedTuple):
    """What is known of a day, or on average of several: shares from 0 to 1, and how many marks."""

    known: float
    fetched: float
    marks: tuple[int, ...]


class Calendar(NamedTuple):
    """Days from first to last, both included; one that the lake has not is not in `days`."""

    instruments: list[str]
    first: date
    last: date
    days: dict[tuple[str, date], Day]


class Cells(NamedTuple):
    """A calendar day by day, or by weeks or months: where each cell begins, and those there are."""

    what: str
    starts: list[date]
    end: date
    days: dict[tuple[int, int], Day]  # by row and column


def read_coverage(lake: Questions, instruments: list[str], first: date, last: date) -> Calendar:
    """Return what the lake says of days of some instruments, from first to last."""
    with lake.cursor() as cursor:
        rows = rows_of(cursor, _DAYS, [instruments, first, last, _DAY_US, _MINUTES])
    days = {
        (name, day): Day(known, fetched, tuple(marks)) for name, day, known, fetched, *marks in rows
    }
    return Calendar(instruments, first, last, days)


def size_of(found: Calendar) -> tuple[float, float]:
    """Return how many inches wide and high a calendar wants to be."""
    across = len(cells_of(found).starts)
    return min(13, max(8, 3.5 + 0.4 * across)), min(40, 2.4 + 0.5 * len(found.instruments))


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
    head(axes, "Coverage of the lake", lines, legend=5)


def _edges(cells: Cells) -> NDArray[np.float64]:
    """Return where cells begin and end: days around their tick, weeks and months from theirs."""
    edges = np.asarray(mdates.date2num([*cells.starts, cells.end]), np.float64)
    return edges - 0.5 if cells.what == "day" else edges


def _draw_cells(axes: Axes, found: Calendar, cells: Cells, edges: NDArray[np.float64]) -> None:
    every = [
        (row, column) for row in range(len(found.instruments)) for column in range(len(edges) - 1)
    ]
    whole = {place: day for place, day in cells.days.items() if day.known > 0}
    none = [place for place in cells.days if place not in whole]
    absent = [place for place in every if place not in cells.days]
    gap = min(0.06, 0.1 * (edges[1] - edges[0]))

    def boxes(places: Iterable[tuple[int, int]], top: float, bottom: float) -> list[list[Any]]:
        return [_box(edges, place, gap, (top, bottom)) for place in places]

    norm, colours = Normalize(0, 100), colormaps[_MAP]
    shown = PolyCollection(boxes(whole, _TOP, _BOTTOM), cmap=colours, norm=norm, linewidths=0)
    shown.set_array(np.array([100 * day.known for day in whole.values()]))
    strips = PolyCollection(boxes(cells.days, *_STRIP), cmap=colours, norm=norm, linewidths=0)
    strips.set_array(np.array([100 * day.fetched for day in cells.days.values()]))
    hatched: dict[str, Any] = {
        "facecolors": "0.9",
        "edgecolors": "0.62",
        "hatch": "////",
        "linewidths": 0.5,
    }
    outlined: dict[str, Any] = {
        "facecolors": "none",
        "edgecolors": "0.8",
        "linewidths": 0.6,
        "linestyles": ":",
    }
    axes.add_collection(shown)
    axes.add_collection(strips)
    for places, bottom, label, look in (
        (none, _BOTTOM, "no book known", hatched), (absent, _STRIP[1], "not in the lake", outlined)
    ):  # fmt: skip
        if places:
            axes.add_collection(PolyCollection(boxes(places, _TOP, bottom), label=label, **look))
    bar = axes.figure.colorbar(shown, ax=axes, pad=0.015, fraction=0.05, aspect=18, shrink=0.95)
    bar.set_label("Share of the time (%)", fontsize=10)
    bar.ax.tick_params(labelsize=9)
    bar.outline.set_visible(False)


def _box(
    edges: NDArray[np.float64], place: tuple[int, int], gap: float, vertical: tuple[float, float]
) -> list[tuple[float, float]]:
    row, column = place
    left, right = float(edges[column]) + gap / 2, float(edges[column + 1]) - gap / 2
    top, bottom = row + vertical[0], row + vertical[1]
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
        locator = mdates.DayLocator(interval=-(-len(cells.starts) // 10), tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%Y-%m-%d", tz=UTC))
    axes.set_xlabel("Day (UTC)", fontsize=10)
    axes.tick_params(axis="y", length=0)
