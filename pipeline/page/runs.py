"""The last runs of this program on the data folder, where it keeps a record of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.page.markup import Markup, element
from pipeline.page.tables import Column, Table, table

if TYPE_CHECKING:
    from pipeline.page.subject import Subject

__all__ = ["runs"]

_LAST: Final = 20
# Of these those that the view has.
_COLUMNS: Final = (
    Column("started", "Started (UTC)", "time"),
    Column("command", "Command", "word"),
    Column("outcome", "Outcome", "word"),
    Column("exit_code", "Exit code"),
    Column("seconds", "Took", "span"),
    Column("minutes_fetched", "Minutes fetched"),
    Column("minutes_lacking", "Lacking"),
    Column("bytes_fetched", "Fetched", "bytes"),
    Column("days_ingested", "Days ingested"),
)


def runs(subject: Subject) -> Markup:
    """Return the last runs, newest first."""
    there = set(subject.columns_of("runs")) if subject.has_view("runs") else set()
    columns = [column for column in _COLUMNS if column.key in there]
    if not columns or columns[0].key != "started":
        return element("p", "There is no record of runs in this lake.")
    rows = subject.rows(f"""
select {", ".join(column.key for column in columns)}
from runs
order by started desc
limit {_LAST}""")
    if not rows:
        return element("p", "No run is recorded yet.")
    return table(Table("runs", f"The last runs, up to {_LAST}", columns, rows))
