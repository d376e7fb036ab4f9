"""What everything means: in the dictionary, in SQL, and in the database file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from pipeline.dictionary import dictionary
from pipeline.schemas import TABLES
from pipeline.sql_objects import sql_objects
from pipeline.view_columns import VIEWS, view_columns
from pipeline.views import connect, write_database
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_OBJECTS = sql_objects().values()
_VIEWS = {one.name for one in _OBJECTS if one.kind == "view"}
_TYPES = {
    pl.Int32(): "INTEGER", pl.Int64(): "BIGINT", pl.Float64(): "DOUBLE", pl.Boolean(): "BOOLEAN",
    pl.String(): "VARCHAR", pl.Date(): "DATE", pl.Datetime("us"): "TIMESTAMP",
    pl.List(pl.Float64()): "DOUBLE[]", pl.List(pl.String()): "VARCHAR[]",
}  # fmt: skip
_UNDESCRIBED = """select table_name, column_name from duckdb_columns()
where not internal and comment is null and table_name <> 'about'"""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with an empty lake."""
    folder = tmp_path_factory.mktemp("empty")
    connect(folder).close()
    return folder


def test_the_data_dictionary_is_what_is_there() -> None:
    """docs/data-dictionary.md is as `python -m pipeline.dictionary` makes it."""
    text = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert text == dictionary()


def test_the_data_dictionary_has_every_table_column_view_and_macro() -> None:
    """Whoever reads it needs no other page."""
    text = dictionary()
    for table in TABLES.values():
        assert f"\n## {table.name}\n" in text
        assert all(f"| `{column.name}` |" in text for column in table)
    for one in _OBJECTS:
        heading = f"### `{one.name}`" if one.kind == "view" else f"**`{one.name}({one.called})`**"
        assert f"\n{heading}" in text, one.name


def test_views_are_known_with_their_columns(empty: Path) -> None:
    """Of each view each column has a meaning and a type that is true; none is told of in vain."""
    assert _VIEWS == VIEWS, "pipeline/view_columns.py says what the columns of views mean"
    with connect(empty) as connection:
        there = connection.execute(
            "select table_name, column_name, data_type from duckdb_columns() where not internal"
        ).fetchall()
        said = connection.execute("from catalogue_columns").fetchall()
    known = view_columns()
    for view, column, kind in there:
        assert column in known[view], f"pipeline/view_columns.py lacks {view}.{column}"
        assert _TYPES[known[view][column].type] == kind, (view, column)
    assert sorted((view, column, kind) for view, column, kind, *_ in said) == sorted(there)
    assert all(meaning for *_, meaning, _ in said)


def test_places_are_those_of_the_view(empty: Path) -> None:
    """In the order in which `describe` has them."""
    with connect(empty) as connection:
        for view in _VIEWS:
            names = [row[0] for row in connection.execute(f"describe {view}").fetchall()]
            rows = connection.execute(
                "select column_name from catalogue_columns where view_name = ? order by place",
                [view],
            ).fetchall()
            assert [name for (name,) in rows] == names


def test_the_database_file_has_every_meaning_as_a_comment(empty: Path) -> None:
    """For any client; and for a connection of ours, which copies it."""
    with duckdb.connect(str(write_database(empty, "coinflex")), read_only=True) as client:
        assert client.execute(_UNDESCRIBED).fetchall() == []
        (comment,) = client.execute(
            """select comment from duckdb_columns()
            where table_name = 'quotes' and column_name = 'local_timestamp'"""
        ).fetchall()
    assert comment == ("When the line arrived at the recorder. (arrival clock)",)
    with connect(empty) as connection:
        assert connection.execute(_UNDESCRIBED).fetchall() == []


def test_the_catalogue_has_every_view_and_macro(empty: Path) -> None:
    """With what it takes and what it means."""
    with connect(empty) as connection:
        rows = connection.execute("from catalogue").fetchall()
    kinds = {"view": "view", "macro": "macro", "macro table": "table macro"}
    assert sorted(rows) == sorted(
        (one.name, kinds[one.kind], one.topic, one.called, one.comment) for one in _OBJECTS
    )
    (stale,) = [row for row in rows if row[0] == "check_stale"]
    assert stale[1:4] == (
        "table macro", "checks", "instrument, start, end, longest := interval 1 minute",
    )  # fmt: skip


def test_an_attached_database_file_has_the_same_catalogue(empty: Path) -> None:
    """From another database, and twice: each column once."""
    path = write_database(empty, "coinflex")
    copy = shutil.copy(path, path.with_name("copy.duckdb"))
    with connect(empty) as connection:
        expected = connection.execute("from catalogue_columns").fetchall()
    with duckdb.connect() as client:
        client.execute(f"attach '{path}' as books (read_only)")
        client.execute(f"attach '{copy}' as others (read_only)")
        client.execute("use books")
        assert client.execute("from catalogue_columns").fetchall() == expected
