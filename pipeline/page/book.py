"""One book of the chosen day: how much rested up to each price, and its best levels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from pipeline.page.charts import axis, chart, figure_of, legend, path, rect, top_of, up_to
from pipeline.page.markup import Markup, element, joined, plain
from pipeline.page.numbers import number, shown
from pipeline.page.tables import Column, Table, folded
from pipeline.sql_objects import quoted

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.page.subject import Chosen, Subject

__all__ = ["book"]

_DEPTH: Final = 25
_WIDE, _HEIGHT = 1000, 100
_LEVELS: Final = (
    Column("side", "Side", "word"),
    Column("level", "Level"),
    Column("price", "Price", "number"),
    Column("amount", "Amount", "number"),
    Column("together", "Together", "measure"),
)
_Level = tuple[float, float]  # price, and what rests up to it


def book(subject: Subject) -> Markup:
    """Return the book of the day's middle: of the message with as many before it as after it."""
    chosen = subject.chosen
    time = None if chosen is None else _middle(subject, chosen)
    if chosen is None or time is None:
        return element("p", "No book is known of the day.")
    rows = subject.rows(f"""
select side, level, price, amount, sum(amount) over (partition by side order by level) as together
from book_at({quoted(chosen.instrument)}, '{time}')
where level < {_DEPTH}
order by side, level""")
    if not rows:
        return element("p", f"The book of {shown(time, 'time')} is known, and empty on both sides.")
    what = f"{plain(chosen.instrument)}, {shown(time, 'time')} UTC"
    sides = {side: [(row[2], row[4]) for row in rows if row[0] == side] for side in ("bid", "ask")}
    return figure_of(
        joined(legend(("bids", "bids"), ("asks", "asks")), _drawn(sides, what)),
        f"{what}: how much rests up to each price, of the best {_DEPTH} levels a side. "
        f"{_best(sides)} It is the book of the day's middle message.",
        folded(Table("book", f"the book, {what}", _LEVELS, rows)),
    )


def _middle(subject: Subject, chosen: Chosen) -> datetime | None:
    (found,) = subject.row(f"""
select quantile_disc(local_timestamp, 0.5)
from quotes({chosen.range})
where valid_until > local_timestamp""")
    time: datetime | None = found
    return time


def _best(sides: dict[str, list[_Level]]) -> str:
    """Return the best prices in words."""
    for side in ("bid", "ask"):
        if not sides[side]:
            return f"There are no {side}s."
    bid, ask = sides["bid"][0][0], sides["ask"][0][0]
    words = f"Best bid {number(bid)}, best ask {number(ask)}"
    return f"{words}." if bid < ask else f"{words}: crossed or locked, as received."


def _drawn(sides: dict[str, list[_Level]], what: str) -> Markup:
    prices = [price for side in sides.values() for price, _ in side]
    low, high = min(prices), max(prices)
    if not math.isfinite(
        high - low + max(together for side in sides.values() for _, together in side)
    ):
        return element("p", "Its numbers are too large to be drawn.")
    margin = (high - low) * 0.02 or abs(high) * 0.01 or 1.0
    low, high = low - margin, high + margin
    top = top_of(max(together for side in sides.values() for _, together in side))
    marks: list[Any] = [rect(0, 0, _WIDE, _HEIGHT, "known")]
    for side, levels in sides.items():
        if levels:
            marks += _side(levels, f"{side}s", low, _WIDE / (high - low), top)
    return chart(
        f"Depth of the book, {what}. {_best(sides)}", _WIDE, _HEIGHT, marks, look="tall",
        x=axis(low, high),
        y=up_to(top, "number"),
    )  # fmt: skip


def _side(levels: list[_Level], look: str, low: float, scale: float, top: float) -> list[Markup]:
    """Return a side as steps from its best price outwards, filled below."""
    first, last = ((levels[place][0] - low) * scale for place in (0, -1))
    steps = [f"M{first:.6g} {_HEIGHT}"]
    steps += [
        f"H{(price - low) * scale:.6g}V{_HEIGHT * (1 - together / top):.6g}"
        for price, together in levels
    ]
    line = "".join(steps)
    return [path(f"{line}H{last:.6g}V{_HEIGHT}Z", f"area {look}"), path(line, f"edge {look}")]
