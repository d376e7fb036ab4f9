"""Objects that were made once are copied; whatever becomes of the copy, they are the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipeline import kept_objects
from pipeline.kept_objects import copy_objects
from pipeline.views import connect, write_database
from tests.lakes import bring_in, put
from tests.making import at, depth

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that objects are kept in, of which nobody has made use."""
    folder = tmp_path / "kept" / "objects"
    monkeypatch.setattr(kept_objects, "_FOLDER", folder)
    return folder


def _is_kept(folder: Path) -> bool:
    return bool(list(folder.glob("objects-*.duckdb")))


def _objects(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Return all that a client sees of the views and macros; words of their code are sorted.

    DuckDB prints what `exclude` names in any order.
    """
    found = connection.execute("""
        select function_name, function_type, comment, parameters, macro_definition
        from duckdb_functions() where not internal
        union all
        select view_name, 'view', comment, [], sql from duckdb_views() where not internal
        union all
        select table_name || '.' || column_name, data_type, comment, [], ''
        from duckdb_columns() where not internal
    """).fetchall()
    return sorted(
        (*about, tuple(parameters or ()), *sorted(re.findall(r"\w+", code)))
        for *about, parameters, code in found
    )


def test_what_is_copied_is_what_was_made(folder: Path, tmp_path: Path) -> None:
    """Names, parameters, code, columns and comments."""
    folder.parent.write_text("no folder can be made here")
    with connect(tmp_path / "data") as connection:
        made = _objects(connection)
    assert len(made) > 300
    folder.parent.unlink()
    for _ in range(2):  # what it has just made, and what was there
        with connect(tmp_path / "data") as connection:
            assert _objects(connection) == made
            assert connection.execute("show databases").fetchall() == [("memory",)]
        assert _is_kept(folder)


def test_what_is_kept_is_of_no_lake(folder: Path, tmp_path: Path) -> None:
    """Made for one lake, it serves another one, of another exchange, and a database file."""
    connect(tmp_path / "first").close()
    assert _is_kept(folder)
    (path,) = folder.iterdir()
    with (
        duckdb.connect(str(path), read_only=True) as kept,
        pytest.raises(duckdb.Error, match="lake_root does not exist"),
    ):
        kept.execute("select lake_root()")
    data = tmp_path / "second"
    put(data, at(0), [depth(at(0, 1), [[10, 1]], [[11, 1]])])
    bring_in(data)
    query = "select count(*) from book_at('BTC-USD', '2020-08-01 00:00:01')"
    with duckdb.connect(str(write_database(data, "coinflex")), read_only=True) as client:
        assert client.execute(query).fetchall() == [(2,)]
    with connect(data) as connection, connect(data, "other") as other:
        assert connection.execute(query).fetchall() == [(2,)]
        assert other.execute(query).fetchall() == [(0,)]
        assert other.execute("select exchange_id()").fetchall() == [("other",)]


@pytest.mark.parametrize("damage", [b"", b"no database", b"half"])
def test_a_damaged_copy_is_made_anew(folder: Path, tmp_path: Path, damage: bytes) -> None:
    """And is no reason to fail meanwhile."""
    connect(tmp_path / "data").close()
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if damage == b"half" else damage)
    for _ in range(2):
        with connect(tmp_path / "data") as connection:
            assert connection.execute("from trades").fetchall() == []
            assert connection.execute("show databases").fetchall() == [("memory",)]
    assert _is_kept(folder)


def test_other_objects_are_never_taken_for_these(folder: Path) -> None:
    """What was made of something else is made again, and the old copy goes."""

    def told(text: str) -> list[Any]:
        def make(new: duckdb.DuckDBPyConnection) -> None:
            new.execute(f"create macro told() as '{text}'")

        with duckdb.connect() as connection:
            assert copy_objects(connection, [text], make)
            return connection.execute("select told()").fetchall()

    assert told("one") == [("one",)]
    assert told("other") == [("other",)]
    assert len(list(folder.iterdir())) == 1
