"""The liquidity heatmap of a day: what rested at each price, from its first book to its last."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.page.charts import figure_of, legend
from pipeline.page.heatmap import heatmap
from pipeline.page.markup import Markup, element, joined, plain
from pipeline.page.numbers import Absent, number, shown
from pipeline.page.tables import Column, Table, folded
from pipeline.plots.asked import asked_range, span_in_words
from pipeline.plots.heatmap import amounts_of, price_rows, read_heatmap, shades_of
from pipeline.sql_objects import quoted
from pipeline.times import as_utc

if TYPE_CHECKING:
    from pipeline.page.subject import Chosen, Subject
    from pipeline.plots.heatmap import Liquidity
    from pipeline.plots.prices import Rows

__all__ = ["liquidity"]

_COLUMNS: Final = 400
_DEPTH: Final = 25
_WITHIN: Final = 10
_ROWS: Final = 12
_GRID: Final = (
    Column("t", "Time (UTC)", "time"),
    Column("bid_price", "Best bid", "number"),
    Column("ask_price", "Best ask", "number"),
    Column("spread_bp", "Spread (bp)", "measure"),
    Column("bid_depth", f"Bids within {_WITHIN} bp", "measure"),
    Column("ask_depth", f"Asks within {_WITHIN} bp", "measure"),
)


def liquidity(subject: Subject) -> Markup:
    """Return the heatmap of the chosen day, and some of its times as numbers."""
    chosen = subject.chosen
    window = None if chosen is None else _window(subject, chosen)
    if chosen is None or window is None:
        return element("p", "No book is known of the day, so there is nothing to be seen.")
    start, end = window
    asked = asked_range(chosen.instrument, as_utc(start), as_utc(end), None, _COLUMNS)
    found = read_heatmap(subject.lake, asked, _DEPTH, trades=False)
    rows = price_rows(found)
    if rows is None:
        return element("p", "The books of the day are known, and empty on both sides.")
    if not math.isfinite(float(rows.edges[-1]) - float(rows.edges[0])):
        return element("p", "The day's prices are too far apart to be drawn.")
    what = f"{plain(chosen.instrument)}, {chosen.day}"
    caption = (
        f"{what}, from its first book to its last: a column for each "
        f"{span_in_words(asked.step)}, the best {_DEPTH} levels a side, "
        f"rows of {number(rows.size)}. A book is known for "
        f"{shown(found.pieces.share_known, 'percent')} of this time. Bright: much rests there; "
        "darkest: nothing does; bare: deeper than was looked; hatched: no book is known."
    )
    drawn = joined(_legend(found, rows), heatmap(found, rows, what))
    return figure_of(drawn, caption, folded(_numbers(subject, chosen, start, end)))


def _window(subject: Subject, chosen: Chosen) -> tuple[datetime, datetime] | None:
    """Return from when to when books of the day are known, in whole minutes."""
    first, last = subject.row(f"""
select min(local_timestamp), max(valid_until)
from quotes({chosen.range})
where valid_until > local_timestamp""")
    if first is None:
        return None
    minute = timedelta(minutes=1)
    start = first.replace(second=0, microsecond=0)
    end = start + minute * -((start - last) // minute)
    return start, end


def _numbers(subject: Subject, chosen: Chosen, start: datetime, end: datetime) -> Table:
    """Return a table of a dozen times of the range."""
    step = (end - start) / _ROWS
    columns = ", ".join(column.key for column in _GRID)
    found = subject.rows(f"""
select {columns}, local_timestamp is not null as is_known
from book_measures(
  {quoted(chosen.instrument)}, '{start}', '{end}',
  to_microseconds({step // timedelta(microseconds=1)}), within := {_WITHIN}
)
order by t""")
    rows = [
        [Absent.NONE if value is None and is_known else value for value in row]
        for *row, is_known in found
    ]
    return Table("liquidity", f"the book at a dozen times, {plain(chosen.instrument)}", _GRID, rows)


def _legend(found: Liquidity, rows: Rows) -> Markup:
    """Return which amounts the colours stand for."""
    low, high = shades_of(amounts_of(found, rows))
    words = (
        f"{number(float(f'{low:.3g}'))} to {number(float(f'{high:.3g}'))} {plain(found.units.base)}"
    )
    ramp = element("i", class_="ramp")
    return joined(
        element("ul", element("li", ramp, f"{words} (logarithmic)"), class_="legend"),
        legend(("nothing", "nothing rests there"), ("hatched", "no book is known")),
    )
