"""Cadence and latency: how messages of one day follow each other, and how late they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipeline.page.charts import Bar, bars, figure_of, nice
from pipeline.page.markup import Markup, element, joined, plain
from pipeline.page.numbers import Absent, number
from pipeline.page.tables import Column, Table, folded, table

if TYPE_CHECKING:
    from pipeline.page.subject import Subject

__all__ = ["Distribution", "timing"]

_BINS: Final = 40
_QUANTILES: Final = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_KEYS: Final = tuple(f"p{100 * share:02.0f}" for share in _QUANTILES)
_WORDS: Final = ("1 %", "10 %", "25 %", "median", "75 %", "90 %", "99 %")
_QUANTILE_COLUMNS: Final = (
    Column("what", "Milliseconds", "word"),
    Column("count", "Messages"),
    Column("lowest", "Lowest", "measure"),
    *(Column(key, words, "measure") for key, words in zip(_KEYS, _WORDS, strict=True)),
    Column("highest", "Highest", "measure"),
)
_BIN_COLUMNS: Final = (
    Column("from", "From (ms)", "number"),
    Column("to", "Below (ms)", "number"),
    Column("messages", "Messages"),
)
# Of messages on which the sequence goes on: a book after a gap says nothing of the cadence.
_CADENCE: Final = """
  measured as (
    select
      case when not reset then
        (epoch_us(timestamp) - lag(epoch_us(timestamp)) over (order by message)) / 1000
      end as ms
    from depth_messages({range})
  )"""
_LATENCY: Final = """
  measured as (
    select (epoch_us(local_timestamp) - epoch_us(timestamp)) / 1000 as ms
    from depth_messages({range})
  )"""


class Distribution(NamedTuple):
    """A measure of messages: its key, title, the CTE `measured` in SQL, and what is to be known.

    `finest` is in milliseconds what its clocks tell apart.
    """

    key: str
    title: str
    measured: str
    about: str
    finest: float


_BOTH: Final = (
    Distribution(
        "cadence", "Time from one book to the next", _CADENCE,
        "by the exchange's clock; not across gaps", 1,
    ),
    Distribution(
        "latency", "Time from the exchange's clock to arrival", _LATENCY,
        "the two clocks are not one: a constant part may be their difference, also a negative one",
        0.001,
    ),
)  # fmt: skip


def timing(subject: Subject) -> Markup:
    """Return both distributions, of the chosen instrument and day."""
    chosen = subject.chosen
    if chosen is None:
        return element("p", "There is no book of which the times could be told.")
    rows: list[tuple[Any, ...]] = []
    figures = []
    for one in _BOTH:
        measured = one.measured.format(range=chosen.range)
        found = subject.row(_quantiles(measured))
        rows.append((one.key, *found))
        if found[0]:
            figures.append(_histogram(subject, one, measured, found))
    what = f"{plain(chosen.instrument)}, {chosen.day}"
    about = f"Of each book of one instrument and day, {what}, alone: not of the whole lake."
    return joined(
        element("p", about),
        table(Table("timing", f"Cadence and latency, {what}", _QUANTILE_COLUMNS, rows)),
        figures,
    )


def _quantiles(measured: str) -> str:
    quantiles = ", ".join(f"quantile_disc(ms, {share})" for share in _QUANTILES)
    return f"with{measured}\n\nselect count(ms), min(ms),\n  {quantiles},\n  max(ms)\nfrom measured"


def _histogram(
    subject: Subject, one: Distribution, measured: str, found: tuple[Any, ...]
) -> Markup:
    """Return a histogram from about the lowest percent to about the highest."""
    low, high = found[2], found[2 + len(_QUANTILES) - 1]
    width = max(one.finest, nice((high - low) / (_BINS - 2)))
    start = low // width * width
    many = int((high - start) // width) + 1
    counts = dict(
        subject.rows(f"""
with{measured}

select least(greatest(floor((ms - {start}) / {width}), -1), {many})::integer as bin, count(*)
from measured
where ms is not null
group by bin
order by bin""")
    )
    edges = [float(f"{start + width * bin_:.10g}") for bin_ in range(many + 1)]
    rows = [
        (
            Absent.NONE if bin_ < 0 else edges[bin_],
            Absent.NONE if bin_ == many else edges[bin_ + 1],
            counts.get(bin_, 0),
        )
        for bin_ in range(-1, many + 1)
    ]
    made = [Bar(number(edges[bin_]), (counts.get(bin_, 0),)) for bin_ in range(many)]
    beyond = counts.get(-1, 0) + counts.get(many, 0)
    caption = (
        f"{one.title}, milliseconds, a bar for each {number(width)}: {one.about}. "
        f"Beyond the picture lie {beyond:,} of {found[0]:,}."
    )
    return figure_of(
        bars(f"{one.title}: the median is {number(found[5])} ms", made, ["books"]),
        caption,
        folded(Table(f"{one.key}-bins", f"{one.title.lower()}, in bins", _BIN_COLUMNS, rows)),
    )
