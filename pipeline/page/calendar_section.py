"""The calendar: of which days the lake has what, from the catalogue alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.page.charts import Bar, cells, edge_of, figure_of, labels_of, legend, widest
from pipeline.page.markup import Markup, element, joined, name, plain
from pipeline.page.numbers import shown
from pipeline.page.periods import instruments_shown, periods_of
from pipeline.page.tables import Column, Table, folded

if TYPE_CHECKING:
    from datetime import date

    from pipeline.page.periods import Periods
    from pipeline.page.subject import Subject

__all__ = ["OTHERS", "calendar"]

OTHERS: Final = "all others"
# Up to which share of a period's minutes each colour is; the last one is of all of them.
_SHADES: Final = (
    (0.0, "s0"),
    (0.25, "s1"),
    (0.5, "s2"),
    (0.75, "s3"),
    (0.999_999, "s4"),
    (1.0, "s5"),
)
_COLUMNS: Final = (
    Column("instrument", "Instrument", "name"),
    Column("period", "From", "date"),
    Column("minutes", "Minutes fetched"),
    Column("share", "Of the period", "percent"),
)


def calendar(subject: Subject) -> Markup:
    """Return for each instrument and period how much of it was fetched."""
    periods = periods_of(subject.first, subject.last)
    found = subject.rows(_query(subject, periods))
    rows = [
        (instrument, start, minutes, minutes / (many * periods.minutes(start)))
        for instrument, start, minutes, many in found
    ]
    return figure_of(
        joined(_legend(), _strips(rows, periods)),
        f"The share of its minutes of which there is a whole slice, per instrument and "
        f"{periods.words}. That a minute was fetched does not say that a book is known in it: see "
        "the gaps. Hatched: the lake has nothing of it.",
        folded(
            Table(
                "calendar",
                f"minutes fetched, by instrument and {periods.words}",
                _COLUMNS,
                rows,
                OTHERS,
            )
        ),
    )


def _query(subject: Subject, periods: Periods) -> str:
    return f"""
with
  {instruments_shown(subject.days)}

select
  case when instrument in (from shown) then instrument end as name,
  {periods.column} as period, sum(minutes_fetched) as minutes,
  count(distinct instrument) as instruments
from coverage
where {subject.days}
group by name, period
order by name nulls last, period"""


def _legend() -> Markup:
    return legend(
        ("s0", "none"), ("s1", "up to ¼"), ("s2", "½"), ("s3", "¾"), ("s4", "less than all"),
        ("s5", "every minute"), ("hatched", "not in the lake"),
    )  # fmt: skip


def _strips(rows: list[tuple[Any, ...]], periods: Periods) -> Markup:
    """Return a strip of cells for each instrument, and the periods below them."""
    starts = list(periods.starts())
    by_name: dict[str | None, dict[date, float]] = {}
    for instrument, start, _, share in rows:
        by_name.setdefault(instrument, {})[start] = share
    strips = [_strip(instrument, shares, starts, periods) for instrument, shares in by_name.items()]
    axis = labels_of([Bar(periods.label(start), None) for start in starts])
    labels = [
        element(
            "span", label, style=f"left:{100 * place:.4g}%",
            class_=edge_of(place),
        )
        for place, label in axis.labels
    ]  # fmt: skip
    below = element(
        "div", element("div", labels, class_="axis x"), class_="strip", aria_hidden="true"
    )
    return element("div", strips, below, class_="strips", style=widest(len(starts)))


def _strip(
    instrument: str | None, shares: dict[date, float], starts: list[date], periods: Periods
) -> Markup:
    made = [
        (_shade(shares[start]), f"{periods.label(start)}: {shown(shares[start], 'percent')}")
        if start in shares else None
        for start in starts
    ]  # fmt: skip
    words = OTHERS if instrument is None else plain(instrument)
    whole = sum(share >= 1 for share in shares.values())
    label = f"{words}: in the lake in {len(shares)} of {len(starts)} periods, whole in {whole}"
    head = element("span", OTHERS if instrument is None else name(instrument), class_="label")
    return element("div", head, cells(label, made), class_="strip")


def _shade(share: float) -> str:
    return next((look for most, look in _SHADES if share <= most), "s5")
