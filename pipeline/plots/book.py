"""One book as a depth chart: how much rests up to each price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.plots.asked import Units, span_in_words, units_of
from pipeline.plots.figures import (
    BLUE,
    GREY,
    VERMILLION,
    head,
    number,
    plain,
    price_axis,
    say,
    short,
    time_text,
)
from pipeline.research.times import naive

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pipeline.research.questions import Questions

__all__ = ["DepthChart", "draw_book", "read_book"]

_DOTS_UP_TO = 60  # levels a side; more would touch


@dataclass(frozen=True)
class Side:
    """Levels of a side, best first."""

    price: NDArray[np.float64]
    amount: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.price)

    def first(self, keep: NDArray[np.bool_] | slice) -> Side:
        """Return some of the levels."""
        return Side(self.price[keep], self.amount[keep])


class DepthChart(NamedTuple):
    """What is known of a book at a time (microseconds): `age` is None where nothing is."""

    instrument: str
    time: int
    age: int | None
    bids: Side
    asks: Side
    why: str
    units: Units

    @property
    def mid(self) -> float | None:
        """Between the best prices, if there are two."""
        if not (len(self.bids) and len(self.asks)):
            return None
        return float(self.bids.price[0] + self.asks.price[0]) / 2


def read_book(lake: Questions, instrument: str, time: int) -> DepthChart:
    """Return the whole book that stood at a time."""
    frame = lake.books_at(instrument, [naive(time)], depth=None)
    (age,) = frame["age"].unique()
    bids, asks = (_side(frame.filter(frame["side"] == name)) for name in ("bid", "ask"))
    why = "" if len(bids) or len(asks) else lake.explain(instrument, naive(time))
    old = None if age is None else age // timedelta(microseconds=1)
    return DepthChart(instrument, time, old, bids, asks, why, units_of(lake, instrument))


def _side(levels: pl.DataFrame) -> Side:
    return Side(levels["price"].to_numpy(), levels["amount"].to_numpy())


def draw_book(axes: Axes, book: DepthChart, depth: int | None, within: float | None) -> None:
    """Draw a book: what rests up to each price, both sides, and the mid between them."""
    shown, extent = _part_of(book, depth, within)
    lines = [f"{time_text(book.time)} UTC · {_age(book)}"]
    if not (len(shown.bids) or len(shown.asks)):
        _draw_none(axes, book, lines)
        return
    for side, colour, name in ((shown.bids, BLUE, "bids"), (shown.asks, VERMILLION, "asks")):
        _draw_side(axes, side, colour, name)
    best, is_crossed = _best_of(book)
    lines[0] += f" · {extent}"
    lines.append(best)
    if book.mid is not None:
        _mark_mid(axes, book, is_crossed=is_crossed)
    _scales(axes, book)
    head(axes, f"{plain(book.instrument)} · order book", lines, legend=True)


def _age(book: DepthChart) -> str:
    if book.age is None:
        return "no book is known"
    return f"the book is {span_in_words(book.age)} old" if book.age else "the book is new"


def _part_of(book: DepthChart, depth: int | None, within: float | None) -> tuple[DepthChart, str]:
    """Return the levels to be shown, and in words which these are."""
    note = ""
    if within is not None:
        if book.mid is not None and book.mid > 0:
            reach = book.mid * within / 10_000
            sides = [
                side.first(abs(side.price - book.mid) <= reach) for side in (book.bids, book.asks)
            ]
            return book._replace(
                bids=sides[0], asks=sides[1]
            ), f"within {number(within)} bp of the mid"
        note = " (there is no mid above 0 for basis points)"
    bids, asks = (side.first(slice(depth)) for side in (book.bids, book.asks))
    which = "all levels" if depth is None else f"the best {depth} levels a side"
    return book._replace(bids=bids, asks=asks), f"{which}{note}"


def _best_of(book: DepthChart) -> tuple[str, bool]:
    """Return the best prices in words, and whether they are crossed or locked."""
    counter = plain(book.units.counter)
    if book.mid is None:
        return f"one side alone: there are no {'asks' if len(book.bids) else 'bids'}", False
    bid, ask = float(book.bids.price[0]), float(book.asks.price[0])
    spread = float(f"{ask - bid:.10g}")
    in_points = f" = {short(spread / book.mid * 10_000)} bp" if book.mid > 0 else ""
    best = f"best bid {number(bid)}, best ask {number(ask)}"
    words = f"{best}, spread {number(spread)} {counter}{in_points}"
    if bid < ask:
        return words, False
    return f"{'LOCKED' if bid == ask else 'CROSSED'}, as received: {words}", True


def _draw_side(axes: Axes, side: Side, colour: str, name: str) -> None:
    """Draw a side from its best price outwards: at each level the sum steps up."""
    if not len(side):
        return
    price = np.concatenate([side.price[:1], side.price])
    total = np.concatenate([[0], np.cumsum(side.amount)])
    axes.fill_between(price, total, step="post", color=colour, alpha=0.18, linewidth=0)
    axes.step(price, total, where="post", color=colour, linewidth=2, label=name)
    if len(side) <= _DOTS_UP_TO:
        axes.plot(side.price, total[1:], ".", color=colour, markersize=5, label="_levels")


def _mark_mid(axes: Axes, book: DepthChart, *, is_crossed: bool) -> None:
    assert book.mid is not None  # noqa: S101 - the caller looked
    bid, ask = float(book.bids.price[0]), float(book.asks.price[0])
    label = "spread" if not is_crossed else "crossed" if bid > ask else "locked"
    axes.axvspan(min(bid, ask), max(bid, ask), color=GREY, alpha=0.25, linewidth=0, label=label)
    axes.axvline(book.mid, color=GREY, linewidth=1, linestyle="--", label=f"mid {number(book.mid)}")


def _scales(axes: Axes, book: DepthChart) -> None:
    price_axis(axes.xaxis, "Price", book.units.counter, ticks=8)
    price_axis(axes.yaxis, "Cumulative amount", book.units.base)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, axis="y", alpha=0.3, linewidth=0.7)
    axes.set_axisbelow(True)


def _draw_none(axes: Axes, book: DepthChart, lines: list[str]) -> None:
    """Say in words that there is nothing, and why."""
    price_axis(axes.xaxis, "Price", book.units.counter)
    price_axis(axes.yaxis, "Cumulative amount", book.units.base)
    axes.set_xticks([])
    axes.set_yticks([])
    say(axes, book.why or "no level lies within what was asked for")
    head(axes, f"{plain(book.instrument)} · order book", lines)
