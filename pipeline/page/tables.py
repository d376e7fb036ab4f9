"""Tables: a caption, headings that say what they head, and numbers that can be read by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.page.markup import Markup, element
from pipeline.page.numbers import FORMS, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Column", "Table", "folded", "table"]


class Column(NamedTuple):
    """A column: its name in `data-name`, its title, and the form of its values (see numbers)."""

    key: str
    title: str
    form: str = "count"


class Table(NamedTuple):
    """What a table has; `key` begins the names of its numbers: key.row.column, rows from 0.

    The first column heads its rows. `rest` says what a row without a head is.
    """

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    rest: str = ""


def table(made: Table) -> Markup:
    """Return a table that scrolls by itself where it is wider than the page, by keyboard too."""
    caption = f"{made.key}-caption"
    head = element("tr", [_head(column) for column in made.columns])
    body = [_row(made, number, row) for number, row in enumerate(made.rows)]
    whole = element(
        "table",
        element("caption", element("span", made.caption), id=caption),
        element("thead", head),
        element("tbody", body),
        data_name=made.key,
    )
    return element("div", whole, class_="wide", role="group", tabindex=0, aria_labelledby=caption)


def folded(made: Table) -> Markup:
    """Return a table behind a line that opens it: the numbers of a picture."""
    return element("details", element("summary", f"Table: {made.caption}"), table(made))


def _head(column: Column) -> Markup:
    return element("th", column.title, scope="col", class_=_place(column))


def _place(column: Column) -> str | None:
    return "r" if FORMS[column.form].is_number else None


def _row(made: Table, number: int, row: Sequence[Any]) -> Markup:
    (heading, head), *others = zip(made.columns, row, strict=True)
    cells = [
        figure(f"{made.key}.{number}.{column.key}", value, column.form, "td", class_=_place(column))
        for column, value in others
    ]
    return element(
        "tr", _row_head(made, f"{made.key}.{number}.{heading.key}", heading, head), cells
    )


def _row_head(made: Table, key: str, column: Column, value: object) -> Markup:
    """Return what heads a row; that of all the rest is no name that somebody could have."""
    if value is None and made.rest:
        return element("th", made.rest, scope="row", data_name=key, data_value="")
    return figure(key, value, column.form, "th", scope="row", class_=_place(column))
