"""The data dictionary: every table, view and macro, for readers.

Tables are as schemas.py has them, views and macros as sql/ has them, with DuckDB's word for which
columns a view has.

python -m pipeline.dictionary > docs/data-dictionary.md
"""

from __future__ import annotations

import re
import sys
import tempfile
from itertools import groupby
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.derived_tables import DerivedTable
from pipeline.schemas import TABLES
from pipeline.sql_objects import SqlObject, sql_objects
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.schemas import Table

__all__ = ["dictionary"]

_HEAD: Final = """\
# Data dictionary

Made from `pipeline/schemas.py` and `sql/` by `python -m pipeline.dictionary`; not written by hand.

`local_timestamp` is the arrival clock of whoever recorded the line, `timestamp` the exchange's
clock; both are UTC, in microseconds, without a zone. Unknown is NULL. `exchange`, `instrument` and
`date` (UTC day of the slice; of `rest_trades` that of the trade) stand in the path of a file, not
in it. `depthL5`, `depthL10`, `depthL25`, `depthUpdate` and `depthUpdate-diff` have the columns of
`depth`; `catalogue` lies in `_catalogue/<exchange>.parquet` and is what the view `coverage` reads.

First the tables of the lake, then [what can be derived](#derived-tables) from it,
[the views](#views) and [the macros](#macros) of SQL, which ask both. The same stands in the views
`catalogue` and `catalogue_columns`, for whoever is in SQL.
"""

_DERIVED: Final = """\
`coinflex-l2 derive book_snapshot_N` makes tables of the best N levels, 1 to 400, partitioned as
`depth` is; with `--step` one on a grid, whose name says the step, as `book_snapshot_25_1s`. Each
has a view of its name, with `instrument` and `date` before these columns, and `age`, which is
t - local_timestamp, in that of a grid. Here are those of one level; deeper ones go on with
`bid_px_01`, `bid_sz_01`, `ask_px_01`, `ask_sz_01` and so forth. A price or amount is NULL where
there is no such level.
"""

_VALUES: Final = {
    "The values of `gaps.cause`: what began the gap": {
        "disconnect": "The recorder lost its connection.",
        "not_fetched": "A minute has no slice in any request that covers the instrument; books "
        "come again later that day.",
        "end_of_coverage": "As not_fetched, and no book comes again that day.",
        "changeover": "From here on another recorder's lines count: history's, or what was "
        "recorded live. What one heard last may have been replaced before the other's next book.",
        "other_action": "A message of the full channel that is no whole book; what the book "
        "is after it is not known.",
        "no_snapshot": "There are slices that cover the instrument, but no message of its full "
        "channel came all day.",
        "missed_snapshots": "A book is known, but the sequence says that others came between it "
        "and the next one, though the recorder was connected (`missed`: how many).",
        "exchange_silent": "A book is known, but no message came for more than a minute, though "
        "the recorder was connected.",
        "incident": "In the view: Tardis reports that its recording was impaired (`details`).",
        "quarantined": "In the view: some lines of the minute can't be read, of whatever "
        "instrument they were (`details`); `quarantine` has them.",
    },
    "The values of `trade_gaps.cause`: what began the gap": {
        "disconnect": "The recorder lost its connection; it has one again when the next line with "
        "data arrives.",
        "not_fetched": "A minute has no slice in any request that covers the instrument's trades; "
        "a later one of that day has, or none of them has.",
        "end_of_coverage": "As not_fetched, and no later minute of that day has one, but earlier "
        "ones have.",
        "changeover": "From here on another recorder's lines count, from its next line with data.",
        "midnight": "In the table alone, on each day's first row, up to the day's first line: the "
        "view shows it, as a disconnect or a changeover, where the day before ended in one.",
    },
    "The values of `checksum_status`": {
        "ok": "The checksum given fits the book.",
        "mismatch": "The checksum given does not fit; the book is kept as received.",
        "absent": "None was given, or 0.",
        "unverifiable": "One was given, but levels have other than two elements (before late "
        "2022: four), for which the exchange's rule is not known.",
    },
}

_KINDS: Final = {"macro table": "table macro", "macro": "macro (a value)"}

_GLOSSARY: Final = {
    "lines": "All lines of a slice but the empty ones, which mark disconnects.",
    "control": "Lines that carry no data: acknowledgements, welcomes, errors.",
    "foreign": "Lines of tables that this project does not read.",
    "shadowed": "Items that do not count, because another request's slice counts for that minute.",
    "quarantined": "Lines that could not be read; they stand in `quarantine`, with the reason.",
    "backwards": "Lines that arrived before the line above them did, by the recorder's clock.",
}


def dictionary() -> str:
    """Return the data dictionary as Markdown."""
    parts = [_HEAD, *(_table(table) for table in TABLES.values())]
    parts += [_two_columns(title, "value", rows) for title, rows in _VALUES.items()]
    parts.append(_two_columns("Glossary", "word", _GLOSSARY))
    objects = sorted(sql_objects().values(), key=lambda one: (one.topic, one.name))
    columns = _columns_of_views()
    parts.append(f"## Derived tables\n\n{_DERIVED}")
    parts += [_table(table.table, "###") for table in (DerivedTable(1), DerivedTable(1, 1_000_000))]
    parts.append("## Views\n")
    parts += [_view(one, columns[one.name]) for one in objects if one.kind == "view"]
    parts.append("## Macros\n")
    macros = [one for one in objects if one.kind != "view"]
    for topic, of_topic in groupby(macros, key=lambda one: one.topic):
        parts.append(f"### Of {topic}\n")
        parts += [f"**`{one.name}({one.called})`**, {_KINDS[one.kind]}. {_text(one)}\n"
                  for one in of_topic]  # fmt: skip
    return "\n".join(parts)


def _columns_of_views() -> dict[str, list[tuple[str, ...]]]:
    """Return by view its columns in order: name, type, unit or clock, meaning."""
    found: dict[str, list[tuple[str, ...]]] = {}
    with tempfile.TemporaryDirectory() as folder, connect(folder) as connection:
        for view, column, *rest, _ in connection.execute("from catalogue_columns").fetchall():
            found.setdefault(view, []).append((f"`{column}`", *rest))
    return found


def _view(one: SqlObject, columns: list[tuple[str, ...]]) -> str:
    heads = ("column", "type", "unit or clock", "meaning")
    return "\n".join([f"### `{one.name}`\n\n{_text(one)}\n", *_lines(heads, columns), ""])


def _text(one: SqlObject) -> str:
    """Return a comment as Markdown shows it: nothing in it is markup but the backticks."""
    return re.sub(r"([*_<\[\]])(?=[^`]*(?:`[^`]*`[^`]*)*$)", r"\\\1", one.comment)


def _table(table: Table, mark: str = "##") -> str:
    rows = [(f"`{name}`", _type(kind), unit, text) for name, kind, unit, text in table]
    grain = f"{table.grain[0].upper()}{table.grain[1:]}."
    heads = ("column", "type", "unit or clock", "meaning")
    return "\n".join([f"{mark} {table.name}\n\n{grain}\n", *_lines(heads, rows), ""])


def _type(kind: pl.DataType) -> str:
    return "Datetime(us)" if isinstance(kind, pl.Datetime) else str(kind)


def _two_columns(title: str, head: str, rows: dict[str, str]) -> str:
    cells = [(f"`{name}`", text) for name, text in rows.items()]
    return "\n".join([f"## {title}\n", *_lines((head, "meaning"), cells), ""])


def _lines(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    for cells in [heads, ("---",) * len(heads), *rows]:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(dictionary())
