"""Charts as inline SVG that stretches to the page's width; their words are HTML around it.

The ground of every chart is hatched: what is known is drawn over it, so that what is not known
needs nothing to be drawn. Colours are classes, which the style sheet has for light and for dark.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.page.markup import Markup, element, joined
from pipeline.page.numbers import number, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.page.markup import Content

__all__ = [
    "Axis", "Bar", "axis", "bars", "cells", "chart", "edge_of", "figure_of", "labels_of", "legend",
    "nice", "path", "rect", "ticks", "top_of", "up_to", "widest",
]  # fmt: skip

_HEIGHT: Final = 100
_GAP: Final = 0.12
# Labels along the bottom of a chart; more would touch each other at a phone's width.
_LABELS: Final = 4
_TICKS: Final = 5
_TOPS: Final = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
# No bar is wider than this, in letters; a chart of few is narrower than the page.
_WIDEST: Final = 6


class Axis(NamedTuple):
    """Labels of an axis: where each stands, from 0 to 1, and what it says."""

    labels: Sequence[tuple[float, str]]


class Bar(NamedTuple):
    """A bar: its label, and what is stacked in it, lowest first; None where it is not known."""

    label: str
    values: Sequence[float] | None


def nice(most: float, factors: Sequence[float] = (1, 2, 5, 10)) -> float:
    """Return the next of 1, 2, 5, 10, 20 and so on, or of other factors; 1 for nothing or all."""
    if not 0 < most < math.inf:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    found = next((power * factor for factor in factors if power * factor >= most), most)
    return float(f"{found:.6g}")


def ticks(low: float, high: float, steps: Sequence[float] = ()) -> list[float]:
    """Return round numbers from low to high, some four of them: multiples of one of the steps.

    Without steps these are 1, 2, 5, 10, 20 and so on.
    """
    least = (high - low) / _TICKS
    step = next((one for one in steps if one >= least), 0) or nice(least)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


def axis(low: float, high: float) -> Axis:
    """Return an axis of numbers, labelled where they are round."""
    return Axis([((value - low) / (high - low), number(value)) for value in ticks(low, high)])


def top_of(most: float) -> float:
    """Return where an axis ends that begins with zero."""
    return nice(most, _TOPS)


def up_to(top: float, form: str) -> Axis:
    """Return an axis from zero, labelled there, half-way and at its end."""
    return Axis([(part, shown(top * part, form)) for part in (0.0, 0.5, 1.0)])


def rect(x: float, y: float, width: float, height: float, look: str, title: str = "") -> Markup:
    """Return a rectangle of a class; `title` is what is shown where one points at it."""
    return element(
        "rect", element("title", title) if title else None, x=_short(x), y=_short(y),
        width=_short(width), height=_short(height), class_=look,
    )  # fmt: skip


def path(points: str, look: str) -> Markup:
    """Return a line whose width does not stretch."""
    return element("path", d=points, class_=look, vector_effect="non-scaling-stroke")


def _short(value: float) -> str:
    return f"{value:.6g}"


def chart(
    label: str,
    width: float,
    height: float,
    marks: Sequence[str],
    *,
    x: Axis,
    y: Axis,
    look: str = "",
    many: int | None = None,
) -> Markup:
    """Return a chart of an inner width and height, with the labels of its axes.

    `label` is what it shows, in words: what one hears who can't see it. `many` bars are no wider
    than bars should be.
    """
    plot = element(
        "svg", joined(marks), role="img", aria_label=label, class_="plot",
        viewBox=f"0 0 {_short(width)} {_short(height)}", preserveAspectRatio="none",
    )  # fmt: skip
    return element(
        "div",
        _labels("y", "bottom", y) if y.labels else None,
        element("div", plot, _lines(y), class_="ground"),
        _labels("x", "left", x),
        class_=f"chart {look}".strip(),
        style=widest(many),
    )


def widest(many: int | None) -> str | None:
    """Return the style of what has so many bars or cells side by side."""
    return None if many is None else f"--widest:{many * _WIDEST}rem"


def _labels(kind: str, side: str, axis: Axis) -> Markup:
    """Return the labels of an axis; the charts say in words, and the tables, what they say."""
    found = [
        element("span", label, style=f"{side}:{100 * place:.4g}%", class_=edge_of(place))
        for place, label in axis.labels
    ]
    return element("div", found, class_=f"axis {kind}", aria_hidden="true")


def edge_of(place: float) -> str | None:
    """Return the class of a label that would stand beyond the axis if it were centred."""
    return "first" if place <= 0 else "last" if place >= 1 else None


def _lines(axis: Axis) -> list[Markup]:
    return [
        element("i", style=f"bottom:{100 * place:.4g}%", class_="line")
        for place, _ in axis.labels if 0 < place < 1
    ]  # fmt: skip


def bars(label: str, made: Sequence[Bar], looks: Sequence[str], form: str = "count") -> Markup:
    """Return bars side by side, from zero; an unknown one leaves the hatched ground free."""
    top = top_of(max((sum(bar.values) for bar in made if bar.values), default=0))
    marks = [mark for place, bar in enumerate(made) for mark in _bar(place, bar, looks, top, form)]
    marks[:0] = _ground([bar.values for bar in made], _HEIGHT)
    y = up_to(top, "number" if form == "count" else form)  # the half of a count may be none
    return chart(label, max(1, len(made)), _HEIGHT, marks, x=labels_of(made), y=y, many=len(made))


def _bar(place: int, bar: Bar, looks: Sequence[str], top: float, form: str) -> list[Markup]:
    if bar.values is None:
        return []
    said = f"{bar.label}: {' + '.join(shown(value, form) for value in bar.values)}"
    marks = [rect(place, 0, 1, _HEIGHT, "hit", said)]
    base = 0.0
    for value, look in zip(bar.values, looks, strict=True):
        tall = min(value / top, 1) * _HEIGHT
        if tall > 0:
            y = _HEIGHT - base - tall
            marks.append(rect(place + _GAP / 2, y, 1 - _GAP, tall, look))
        base += tall
    return marks


def labels_of(made: Sequence[Bar]) -> Axis:
    """Return labels below some of the bars."""
    many = len(made)
    chosen = sorted(
        {round(part * (many - 1) / (_LABELS - 1)) for part in range(_LABELS)} if many else []
    )
    places = [0.0 if at == 0 else 1.0 if at == many - 1 else (at + 0.5) / many for at in chosen]
    return Axis([(place, made[at].label) for place, at in zip(places, chosen, strict=True)])


def cells(label: str, made: Sequence[tuple[str, str] | None]) -> Markup:
    """Return cells side by side in a row: a class and words each, None where nothing is known."""
    marks = [
        rect(place, 0, 1 - _GAP, 1, *cell) for place, cell in enumerate(made) if cell is not None
    ]
    ground = _ground(made, 1)
    return element(
        "svg", joined(ground, marks), role="img", aria_label=label, class_="plot cells",
        viewBox=f"0 0 {max(1, len(made))} 1", preserveAspectRatio="none",
    )  # fmt: skip


def _ground(made: Sequence[object], height: float) -> list[Markup]:
    """Return the ground below what is known: in one piece, so that no seam is seen in it."""
    return [rect(first, 0, last - first, height, "known") for first, last in _runs(made)]


def _runs(made: Sequence[object]) -> list[tuple[int, int]]:
    """Return the [first, last) of those that are something and stand side by side."""
    places = {place for place, cell in enumerate(made) if cell is not None}
    firsts = sorted(place for place in places if place - 1 not in places)
    lasts = sorted(place + 1 for place in places if place + 1 not in places)
    return list(zip(firsts, lasts, strict=True))


def legend(*items: tuple[str, str]) -> Markup:
    """Return what the colours mean: a class and words each."""
    said = [element("li", element("i", class_=f"swatch {look}"), words) for look, words in items]
    return element("ul", said, class_="legend")


def figure_of(drawn: Content, caption: str, *below: Content) -> Markup:
    """Return a picture with its caption, and below it what belongs to it."""
    return joined(element("figure", drawn, element("figcaption", caption)), *below)
