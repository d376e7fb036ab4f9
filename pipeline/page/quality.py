"""What is suspect: crossed and missed books, checksums, lines that could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.page.calendar_section import OTHERS
from pipeline.page.markup import Markup, element, joined
from pipeline.page.periods import instruments_shown
from pipeline.page.tables import Column, Table, table

if TYPE_CHECKING:
    from pipeline.page.subject import Subject

__all__ = ["quality"]

_COUNTS: Final = (
    Column("depth_messages", "Books"),
    Column("crossed", "Crossed"),
    Column("missed_snapshots", "Missed"),
    Column("missed_in_gaps", "Missed in gaps"),
    Column("restarts", "Restarts"),
    Column("duplicates", "Repeated"),
    Column("checksum_mismatches", "Checksum differs"),
    Column("irregular", "Irregular"),
    Column("disconnects", "Disconnects"),
    Column("gaps", "Gaps"),
)
_BY_INSTRUMENT: Final = (Column("instrument", "Instrument", "name"), *_COUNTS)
_LINES: Final = (
    Column("days", "Days"),
    Column("slices", "Slices"),
    Column("lines", "Lines"),
    Column("quarantined", "Could not be read"),
    Column("foreign_lines", "Of other tables"),
    Column("outside_minute", "Outside their minute"),
    Column("backwards", "Clock ran backwards"),
)
_CONDITIONS: Final = (
    Column("condition", "Condition", "word"),
    Column("days", "Instrument-days"),
    Column("instruments", "Instruments"),
)

_ABOUT: Final = (
    "Labelled as it came, never dropped and never repaired. Missed are snapshots that the sequence "
    "has and the recording has not, while connected; after a restart of the sequence it is not "
    "known how many."
)


def quality(subject: Subject) -> Markup:
    """Return what was labelled, by instrument, and what became of the lines."""
    sums = ", ".join(f"sum({column.key})" for column in _COUNTS)
    rows = subject.rows(f"""
with
  {instruments_shown(subject.days)}

select
  case when instrument in (from shown) then instrument end as name,
  {sums}
from coverage
where {subject.days}
group by name
order by name is null, sum(depth_messages) desc, name""")
    sums = ",\n  ".join(f"sum({column.key})" for column in _LINES[2:])
    lines = subject.rows(f"""
select
  count(distinct date), count(*),
  {sums}
from ingests
where {subject.days}""")
    return joined(
        element("p", _ABOUT),
        table(Table("quality", "What is suspect, by instrument", _BY_INSTRUMENT, rows, OTHERS)),
        table(Table("lines", "What became of the lines, of days that are whole", _LINES, lines)),
        _conditions(subject),
    )  # fmt: skip


def _conditions(subject: Subject) -> Markup:
    """Return how many days are in which condition."""
    rows = subject.rows(f"""
select condition, count(*), count(distinct instrument)
from coverage
where {subject.days}
group by condition
order by count(*) desc, condition""")
    return table(Table("conditions", "Days by their condition", _CONDITIONS, rows))
