"""The data dictionary: every table and column of the lake, as schemas.py has them, for readers.

python -m pipeline.dictionary > docs/data-dictionary.md
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.schemas import Table

__all__ = ["dictionary"]

_HEAD: Final = """\
# Data dictionary

Made from `pipeline/schemas.py` by `python -m pipeline.dictionary`; not written by hand.

`local_timestamp` is the arrival clock of whoever recorded the line, `timestamp` the exchange's
clock; both are UTC, in microseconds, without a zone. Unknown is NULL. `exchange`, `instrument` and
`date` (UTC day of the slice) stand in the path of a file, not in it. `depthL5`, `depthL10`,
`depthL25`, `depthUpdate` and `depthUpdate-diff` have the columns of `depth`; `catalogue` lies in
`_catalogue/<exchange>.parquet` and is what the view `coverage` reads. What a row of each view is
stands in [sql/README.md](../sql/README.md).
"""

_VALUES: Final = {
    "The values of `gaps.cause`: what began the gap": {
        "disconnect": "The recorder lost its connection.",
        "not_fetched": "A minute has no slice in any request that covers the instrument; books "
        "come again later that day.",
        "end_of_coverage": "As not_fetched, and no book comes again that day.",
        "other_action": "A message of the full channel that is no whole book; what the book "
        "is after it is not known.",
        "no_snapshot": "There are slices that cover the instrument, but no message of its full "
        "channel came all day.",
    },
    "The values of `checksum_status`": {
        "ok": "The checksum given fits the book.",
        "mismatch": "The checksum given does not fit; the book is kept as received.",
        "absent": "None was given, or 0.",
        "unverifiable": "One was given, but levels have other than two elements (before late "
        "2022: four), for which the exchange's rule is not known.",
    },
}

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
    return "\n".join(parts)


def _table(table: Table) -> str:
    rows = [(f"`{name}`", _type(kind), unit, text) for name, kind, unit, text in table]
    grain = f"{table.grain[0].upper()}{table.grain[1:]}."
    heads = ("column", "type", "unit or clock", "meaning")
    return "\n".join([f"## {table.name}\n\n{grain}\n", *_lines(heads, rows), ""])


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
