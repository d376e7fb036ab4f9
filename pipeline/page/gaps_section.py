"""Gaps: for how long books and trades are not known, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.page.markup import Markup, element, joined
from pipeline.page.tables import Column, Table, table

if TYPE_CHECKING:
    from pipeline.page.subject import Subject

__all__ = ["gaps"]

_LONGEST: Final = 15
_BY_CAUSE: Final = (
    Column("cause", "Cause", "word"),
    Column("gaps", "Gaps"),
    Column("instruments", "Instruments"),
    Column("seconds", "Together", "span"),
    Column("share", "Of all of it", "percent"),
    Column("longest", "The longest", "span"),
)
_ONE: Final = (
    Column("instrument", "Instrument", "name"),
    Column("start", "From (UTC)", "time"),
    Column("stop", "To", "time"),
    Column("seconds", "For", "span"),
    Column("cause", "Cause", "word"),
)


def gaps(subject: Subject) -> Markup:
    """Return what is unknown, by cause, and the longest stretches one by one."""
    books = subject.rows(_by_cause("gaps", subject))
    trades = subject.rows(_by_cause("trade_gaps", subject))
    longest = subject.rows(f"""
select instrument, start, stop, epoch_us(stop - start) / 1e6 as seconds, cause
from gaps
where {subject.days}
order by seconds desc, instrument, start
limit {_LONGEST}""")
    if not books and not trades:
        return element("p", "No stretch is known to be unknown: there is no row of gaps.")
    return joined(
        element(
            "p", "Times in which no book is known, or trades may be lacking, of days in the lake. "
            "All other days are not known at all, and in none of these rows."
        ),
        table(Table("gaps", "Books are not known, by what it began with", _BY_CAUSE, books)),
        table(Table("trade-gaps", "Trades may be lacking, by what it began with", _BY_CAUSE, trades)),
        table(Table("longest-gaps", f"The longest gaps of books, up to {_LONGEST}", _ONE, longest)),
    )  # fmt: skip


def _by_cause(view: str, subject: Subject) -> str:
    """Return the query for one of the views; the first row of trade_gaps of a day may be empty."""
    return f"""
with
  stretches as (
    select instrument, cause, epoch_us(stop - start) / 1e6 as seconds
    from {view}
    where {subject.days} and stop > start
  )

select
  cause, count(*) as gaps, count(distinct instrument) as instruments, sum(seconds) as seconds,
  sum(seconds) / sum(sum(seconds)) over () as share, max(seconds) as longest
from stretches
group by cause
order by seconds desc, cause"""
