"""The last runs of this program on the data folder, where it keeps a record of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.page.markup import Markup, element
from pipeline.page.tables import Column, Table, table

if TYPE_CHECKING:
    from pipeline.page.subject import Subject

__all__ = ["runs"]

_LAST: Final = 20
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
    rows = subject.rows(f"""
select {", ".join(column.key for column in _COLUMNS)}
from runs
order by started desc, run desc
limit {_LAST}""")
    if not rows:
        return element("p", "No run is recorded yet.")
    return table(Table("runs", f"The last runs, up to {_LAST}", _COLUMNS, rows))
