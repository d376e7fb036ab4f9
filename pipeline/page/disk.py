"""Disk use: the lake by instrument, and the raw slices that it is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.page.calendar_section import OTHERS
from pipeline.page.charts import Bar, bars, figure_of
from pipeline.page.markup import Markup, joined
from pipeline.page.periods import instruments_shown, periods_of
from pipeline.page.tables import Column, Table, table

if TYPE_CHECKING:
    from pipeline.page.subject import Subject

__all__ = ["disk"]

_BY_INSTRUMENT: Final = (
    Column("instrument", "Instrument", "name"),
    Column("bytes", "Lake", "bytes"),
    Column("share", "Of all", "percent"),
    Column("a_day", "A day", "bytes"),
    Column("a_book", "A book", "bytes"),
)
_KINDS: Final = (
    Column("kind", "What", "word"),
    Column("files", "Pieces"),
    Column("bytes", "Bytes", "bytes"),
)


def disk(subject: Subject) -> Markup:
    """Return what the lake takes, and the slices that were used for it."""
    kinds = subject.rows(f"""
select 'lake, days of an instrument', count(*), sum(bytes) from coverage where {subject.days}
union all
select 'raw slices used, as they arrived', count(*), sum(bytes)
from ingests where {subject.days}""")
    rows = subject.rows(f"""
with
  {instruments_shown(subject.days)}

select
  case when instrument in (from shown) then instrument end as name, sum(bytes) as bytes,
  sum(bytes) / nullif(sum(sum(bytes)) over (), 0), avg(bytes),
  sum(bytes) / nullif(sum(depth_messages), 0)
from coverage
where {subject.days}
group by name
order by name is null, bytes desc, name""")
    return joined(
        table(Table("disk", "Lake and raw slices", _KINDS, kinds)),
        _by_period(subject),
        table(Table("disk-instruments", "The lake by instrument", _BY_INSTRUMENT, rows, OTHERS)),
    )


def _by_period(subject: Subject) -> Markup:
    periods = periods_of(subject.first, subject.last)
    found = dict(
        subject.rows(f"""
select {periods.column} as period, sum(bytes)
from coverage
where {subject.days}
group by period
order by period""")
    )
    made = [
        Bar(periods.label(start), (found[start],) if start in found else None)
        for start in periods.starts()
    ]
    words = f"What the lake takes per {periods.words}"
    return figure_of(
        bars(words, made, ["disk"], "bytes"),
        f"{words} of data; its numbers: see volumes. Hatched: nothing in the lake.",
    )
