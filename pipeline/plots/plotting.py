"""What can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import UsageError
from pipeline.plots.asked import asked_range
from pipeline.plots.calendar_days import read_calendar
from pipeline.research.books import check_depth
from pipeline.research.times import moment, naive

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from matplotlib.axes import Axes

    from pipeline.research.questions import Questions
    from pipeline.research.times import Span, Time

__all__ = ["Plots"]

_COLUMNS: Final = 1000
_STEPS: Final = 400
_MOST_DAYS: Final = 20_000


class Plots:
    """Pictures of a lake, each on matplotlib axes, which are returned.

    Without `axes` a figure is made: in a notebook the cell shows it, elsewhere save it by
    `axes.figure.savefig(…)`. With `axes` the picture is drawn there, whatever they are part of.

    Times and ranges are those of the lake's questions: [start, end) on the arrival clock, UTC.
    Where no book is known the picture is hatched, or says why in words; the last known book is
    never drawn on. Raises UsageError for what can't be asked, an unknown instrument too.
    """

    def __init__(self, lake: Questions) -> None:
        self._lake = lake

    def book(
        self,
        instrument: str,
        time: Time,
        *,
        depth: int | None = 25,
        within: float | None = None,
        axes: Axes | None = None,
    ) -> Axes:
        """Draw the book that stood at a time: how much rests up to each price, on either side.

        `depth` is levels a side, None for all; `within` shows instead all levels up to so many
        basis points from the mid.
        """
        check_depth(depth)
        if within is not None and not within > 0:
            raise UsageError("within", within, "basis points of the mid, above 0")
        from pipeline.plots import book, figures  # noqa: PLC0415 - bring matplotlib

        found = book.read_book(self._lake, instrument, moment(time, "time"))
        drawn_on = figures.axes_for(axes, 10, 5.5)
        book.draw_book(drawn_on, found, depth, within)
        return drawn_on

    def heatmap(
        self,
        instrument: str,
        start: Time,
        end: Time,
        *,
        step: Span | None = None,
        depth: int | None = 25,
        trades: bool = True,
        axes: Axes | None = None,
    ) -> Axes:
        """Draw what rests at each price over time, the best prices on it, and trades.

        A column is the book as its step begins, or as a book becomes known in it; by default the
        range has up to a thousand. `depth` is levels a side, None for all; where a book goes
        deeper nothing is drawn. Marks are the trades, or sums of them where they are many.
        """
        check_depth(depth)
        asked = asked_range(instrument, start, end, step, _COLUMNS)
        from pipeline.plots import figures, heatmap  # noqa: PLC0415 - bring matplotlib

        found = heatmap.read_heatmap(self._lake, asked, depth, trades=trades)
        drawn_on = figures.axes_for(axes, 12, 7)
        heatmap.draw_heatmap(drawn_on, found)
        return drawn_on

    def spread(
        self,
        instrument: str,
        start: Time,
        end: Time,
        *,
        step: Span | None = None,
        axes: Axes | None = None,
    ) -> Axes:
        """Draw the spread over time: per step its average by time, its narrowest and widest.

        The axis on the right is in basis points of the mean mid, where the mid is above zero.
        """
        asked = asked_range(instrument, start, end, step, _STEPS)
        from pipeline.plots import figures, spread  # noqa: PLC0415 - bring matplotlib

        found = spread.read_spread(self._lake, asked)
        drawn_on = figures.axes_for(axes, 12, 5)
        spread.draw_spread(drawn_on, found)
        return drawn_on

    def coverage(
        self,
        *,
        instruments: Iterable[str] | None = None,
        start: Time | None = None,
        end: Time | None = None,
        axes: Axes | None = None,
    ) -> Axes:
        """Draw a calendar: a row per instrument, a cell per day that [start, end) touches.

        Colour is the share of the day for which a book is known, the strip below it the minutes
        fetched; marks are disconnects, missed snapshots, checksum mismatches. Many days are drawn
        as weeks, very many as months. By default: all there are.
        """
        days = self._lake.instruments()
        names = _names(instruments, days["instrument"].to_list())
        chosen = days.filter(days["instrument"].is_in(names))
        first, last = _days(start, end, chosen["first_date"].min(), chosen["last_date"].max())
        from pipeline.plots import coverage, figures  # noqa: PLC0415 - bring matplotlib

        found = read_calendar(self._lake, names, first, last)
        drawn_on = figures.axes_for(axes, *coverage.size_of(found))
        coverage.draw_coverage(drawn_on, found)
        return drawn_on


def _names(given: Iterable[str] | None, known: list[str]) -> list[str]:
    """Return the instruments asked for, once each; all if none are named."""
    if given is None:
        return known
    names = [given] if isinstance(given, str) else list(dict.fromkeys(given))
    if not names:
        raise UsageError("instruments", names, "names of instruments, or None for all")
    for name in names:
        if name not in known:
            raise UsageError.not_among("instrument", name, known)
    return names


def _days(start: Time | None, end: Time | None, first: Any, last: Any) -> tuple[date, date]:  # noqa: ANN401 - Polars's
    """Return the first and the last day that a range touches, by default those that there are."""
    since = first if start is None else naive(moment(start, "start")).date()
    until = last if end is None else naive(moment(end, "end") - 1).date()
    if until < since:
        raise UsageError("end", str(end or until), f"a time after {start or since}, the start")
    if (until - since).days > _MOST_DAYS:
        raise UsageError("start", str(start), f"a range of {_MOST_DAYS:,} days at most")
    return since, until
