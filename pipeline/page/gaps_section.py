"""Gaps: for how long books and trades are not known, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.page.markup import Markup, element, joined, plain
from pipeline.page.tables import Column, Table, table
from pipeline.sql_objects import quoted

if TYPE_CHECKING:
    from datetime import date

    from pipeline.page.subject import Subject

__all__ = ["gaps"]

_ABOUT: Final = (
    "Times in which no book is known, or trades may be lacking, of days in the lake. All other "
    "days are not known at all, and in none of these rows."
)
_LONGEST: Final = 15
_FILES: Final = 3_000
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
    since = _since(subject)
    days = f"date between '{since}' and '{subject.last}'"
    trade_gaps, words = _trade_gaps(subject, since)
    return joined(
        element("p", _ABOUT),
        _shortened(subject, since),
        table(
            Table(
                "gaps",
                "Books are not known, by cause",
                _BY_CAUSE,
                _rows(subject, "gaps", f"is_unknown and {days}"),
            )
        ),
        table(
            Table(
                "impaired",
                "Books are known, and yet something lacks, by cause; such stretches may overlap",
                _BY_CAUSE,
                _rows(subject, "gaps", f"not is_unknown and {days}"),
            )
        ),
        table(Table("trade-gaps", words, _BY_CAUSE, _rows(subject, trade_gaps, days))),
        table(
            Table(
                "longest-gaps",
                f"The longest gaps of books, up to {_LONGEST}",
                _ONE,
                _longest(subject, days),
            )
        ),
    )


def _since(subject: Subject) -> date:
    """Return the first of the newest days whose gaps are read: each is a file per instrument."""
    (since,) = subject.row(f"""
select min(date)
from (
  select date, sum(count(*)) over (order by date desc) as files
  from coverage
  where {subject.days}
  group by date
)
where files <= {_FILES}""")
    return since or subject.last


def _shortened(subject: Subject, since: date) -> Markup | None:
    """Say that these are not all of the days, if they are not."""
    if since == subject.first:
        return None
    words = (
        f"These are the gaps of {since} to {subject.last} alone, up to {_FILES:,} instrument-days. "
    )
    more = "How many there are on all days is counted below; for others see --from and --to."
    return element("p", words, more)


def _trade_gaps(subject: Subject, since: date) -> tuple[str, str]:
    """Return what has the gaps of trades, and what it is: in a large lake one instrument's alone.

    The view reads all days, whichever are asked for.
    """
    words = "Trades may be lacking, by cause"
    if since == subject.first or subject.chosen is None:
        return "trade_gaps", words
    instrument = subject.chosen.instrument
    arguments = f"{quoted(instrument)}, '{since}', '{subject.last + timedelta(days=1)}'"
    return f"trade_gaps({arguments})", f"{words}, of {plain(instrument)} alone"


def _longest(subject: Subject, days: str) -> list[tuple[Any, ...]]:
    return subject.rows(f"""
select instrument, start, stop, epoch_us(stop - start) / 1e6 as seconds, cause
from gaps
where is_unknown and {days}
order by seconds desc, date desc, instrument, start
limit {_LONGEST}""")


def _rows(subject: Subject, relation: str, which: str) -> list[tuple[Any, ...]]:
    """Return sums by cause; a row of no length says nothing of a gap."""
    return subject.rows(f"""
with
  stretches as (
    select instrument, cause, epoch_us(stop - start) / 1e6 as seconds
    from {relation}
    where {which} and stop > start
  )

select
  cause, count(*) as gaps, count(distinct instrument) as instruments, sum(seconds) as seconds,
  sum(seconds) / sum(sum(seconds)) over () as share, max(seconds) as longest
from stretches
group by cause
order by seconds desc, cause""")
