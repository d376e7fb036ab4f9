"""The liquidity heatmap of a day: what rested at each price, from its first book to its last."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb

from pipeline.page.charts import Axis, axis, chart, figure_of, legend, path, rect, ticks
from pipeline.page.markup import Markup, element, joined, plain
from pipeline.page.numbers import Absent, number, shown
from pipeline.page.png import data_uri, png
from pipeline.page.tables import Column, Table, folded
from pipeline.plots.asked import asked_range, span_in_words
from pipeline.plots.heatmap import (
    NOTHING,
    amounts_of,
    best_prices,
    price_rows,
    read_heatmap,
    shades_of,
)
from pipeline.plots.stretches import runs
from pipeline.research.times import naive
from pipeline.sql_objects import quoted
from pipeline.times import as_utc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.page.subject import Chosen, Subject
    from pipeline.plots.asked import Asked
    from pipeline.plots.heatmap import Liquidity
    from pipeline.plots.prices import Rows

__all__ = ["liquidity"]

_COLUMNS: Final = 400
_DEPTH: Final = 25
_WITHIN: Final = 10
_COLOURS: Final = 120
_MAP: Final = "viridis"
_NONE, _FIRST = 1, 2  # colours: that nothing rests there, and the first of those of amounts
# The picture's own width and height: browsers draw no image that is much larger.
_WIDE: Final = 1000
_SECOND: Final = 1_000_000
_ROUND_SECONDS: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600,
)  # fmt: skip
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
    what = f"{plain(chosen.instrument)}, {chosen.day}"
    caption = (
        f"{what}, from its first book to its last: a column for each "
        f"{span_in_words(asked.step)}, the best {_DEPTH} levels a side, "
        f"rows of {number(rows.size)}. A book is known for "
        f"{shown(found.pieces.share_known, 'percent')} of this time. Bright: much rests there; "
        "darkest: nothing does; bare: deeper than was looked; hatched: no book is known."
    )
    drawn = joined(_legend(found, rows), _drawn(found, rows, what))
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


def _drawn(found: Liquidity, rows: Rows, what: str) -> Markup:
    """Return the picture: amounts as dots, what is unknown left bare, the best prices as lines."""
    asked = found.asked
    low, high = float(rows.edges[0]), float(rows.edges[-1])
    best = [best_prices(found, is_bid=is_bid) for is_bid in (True, False)]
    picture = element(
        "image", href=data_uri(png(_dots(found, rows), _palette())), width=_WIDE, height=_WIDE,
        preserveAspectRatio="none", class_="dots",
    )  # fmt: skip
    edges = (found.pieces.edges - asked.start) * (_WIDE / (asked.end - asked.start))
    known = [
        rect(edges[first], 0, edges[last] - edges[first], _WIDE, "known")
        for first, last in runs(found.pieces.known)
    ]
    lines = [
        path(_line(edges, (high - prices) * (_WIDE / (high - low))), look)
        for look in ("best under", "best") for prices in best
    ]  # fmt: skip
    return chart(
        f"Liquidity heatmap, {what}: {_said(best, rows)}", _WIDE, _WIDE, [*known, picture, *lines],
        look="tall", x=_times(asked), y=axis(low, high),
    )  # fmt: skip


def _times(asked: Asked) -> Axis:
    """Return the axis of time: round times of the day."""
    start, length = asked.start / _SECOND, (asked.end - asked.start) / _SECOND
    found = ticks(start, start + length, _ROUND_SECONDS)
    form = "%H:%M" if all(time % 60 == 0 for time in found) else "%H:%M:%S"
    return Axis(
        [((time - start) / length, naive(int(time * _SECOND)).strftime(form)) for time in found]
    )


def _said(best: list[NDArray[np.float64]], rows: Rows) -> str:
    """Return in words where the best prices were."""
    parts = [
        f"best {side} from {number(float(np.nanmin(prices)))} to {number(float(np.nanmax(prices)))}"
        for side, prices in zip(("bid", "ask"), best, strict=True) if not np.isnan(prices).all()
    ]  # fmt: skip
    shown_from, shown_to = (number(float(f"{edge:.7g}")) for edge in rows.edges[[0, -1]])
    return ", ".join([*parts, f"prices from {shown_from} to {shown_to}"])


def _dots(found: Liquidity, rows: Rows) -> NDArray[np.uint8]:
    """Return the number of a colour for each dot, highest price first; 0 where none is known."""
    asked, amounts = found.asked, amounts_of(found, rows)
    low, high = shades_of(amounts)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.log(amounts / low) / np.log(high / low)
    found_colour = _FIRST + np.rint(np.clip(share, 0, 1) * (_COLOURS - 1))
    colour = np.where(amounts == 0, _NONE, np.where(np.isnan(amounts), 0, found_colour))
    many = min(2 * _COLUMNS, 2 * -(-(asked.end - asked.start) // asked.step))
    middles = asked.start + (np.arange(many) + 0.5) * (asked.end - asked.start) / many
    piece = np.searchsorted(found.pieces.edges, middles, side="right") - 1
    dots: NDArray[np.uint8] = np.ascontiguousarray(colour[::-1, piece].astype(np.uint8))
    return dots


def _palette() -> list[tuple[int, int, int]]:
    shades = colormaps[_MAP](np.linspace(0, 1, _COLOURS))[:, :3]
    return [_bytes((0.0, 0.0, 0.0)), _bytes(to_rgb(NOTHING)), *map(_bytes, shades)]


def _bytes(colour: Any) -> tuple[int, int, int]:  # noqa: ANN401 - three numbers, of whatever kind
    red, green, blue = (round(255 * float(part)) for part in colour)
    return red, green, blue


def _line(edges: NDArray[np.floating[Any]], heights: NDArray[np.floating[Any]]) -> str:
    """Return a side's best price as a line of steps, interrupted where there is none."""
    parts: list[str] = []
    is_drawn = False
    for place, height in enumerate(heights):
        if np.isnan(height):
            is_drawn = False
            continue
        start, end, y = f"{edges[place]:.6g}", f"{edges[place + 1]:.6g}", f"{height:.6g}"
        parts.append(f"V{y}H{end}" if is_drawn else f"M{start} {y}H{end}")
        is_drawn = True
    return "".join(parts)


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
