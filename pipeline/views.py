"""DuckDB on the lake: the objects of sql/, made in the order in which they need each other.

`connect` gives a connection in memory. `write_database` writes the same objects as a file that any
DuckDB client from 2.0 on opens. Both are bound to one exchange; nothing ever mixes two.
"""

from __future__ import annotations

import graphlib
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline import durable
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

__all__ = [
    "connect",
    "copy_to_parquet",
    "database_path",
    "run_query",
    "sql_objects",
    "write_database",
]

_PACKAGED: Final = Path(__file__).parent / "sql"
_CHECKOUT: Final = Path(__file__).parent.parent / "sql"
_COMMENT: Final = re.compile(r"--[^\n]*|'(?:[^']|'')*'")


def connect(data: Path | str = "data", exchange: str = "coinflex") -> duckdb.DuckDBPyConnection:
    """Return a DuckDB connection that has the views and macros over a data folder's lake.

    Times in results are UTC without a zone. The lake may be read-only, and may be replaced while
    it is read; each query sees whole files. Raises LakeUnwritable if there is no lake yet and none
    can be made.
    """
    import duckdb  # noqa: PLC0415 - half of the start-up time of a command that needs no SQL

    _prepare(Path(data), exchange)
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    for statement in _statements(Path(data), exchange):
        connection.execute(statement)
    return connection


def run_query(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    """Run one query that only reads, with a second try if a file was replaced under it.

    Raises UsageError for what is not one SELECT (or SHOW, DESCRIBE, SUMMARIZE, EXPLAIN), and for
    what DuckDB refuses, in DuckDB's own words.
    """
    _only_reads(connection, query)
    return _executed(connection, query, query)


def copy_to_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write the result of a query that only reads as a Parquet file; raises as run_query does."""
    _only_reads(connection, query)
    text = query.strip().rstrip(";")
    _executed(connection, f"copy ({text}\n) to {_quoted(str(path))} (format parquet)", query)


def _only_reads(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    import duckdb  # noqa: PLC0415 - see connect

    try:
        kinds = [statement.type for statement in connection.extract_statements(query)]
    except duckdb.Error as error:
        raise UsageError("QUERY", query, f"a query that DuckDB takes: {error}") from None
    if len(kinds) != 1 or kinds[0] not in {
        duckdb.StatementType.SELECT,
        duckdb.StatementType.EXPLAIN,
    }:
        raise UsageError("QUERY", query, "one SELECT, FROM, SHOW, DESCRIBE or EXPLAIN")


def _executed(
    connection: duckdb.DuckDBPyConnection, statement: str, query: str
) -> duckdb.DuckDBPyConnection:
    import duckdb  # noqa: PLC0415 - see connect

    try:
        try:
            return connection.execute(statement)
        except duckdb.IOException:  # a partition was replaced while it was opened
            return connection.execute(statement)
    except duckdb.Error as error:
        raise UsageError("QUERY", query, f"a query that DuckDB takes: {error}") from None


def database_path(data: Path, exchange: str) -> Path:
    """Return where the database file of an exchange lies."""
    return data / f"{exchange}.duckdb"


def write_database(data: Path, exchange: str) -> Path:
    """Write the views and macros as a database file, if what it would say has changed.

    The file holds absolute paths and no rows: it is written again when the folder has moved.
    """
    import duckdb  # noqa: PLC0415 - see connect

    _prepare(data, exchange)
    path = database_path(data, exchange)
    statements = list(_statements(data, exchange))
    digest = hashlib.sha256("\n".join(statements).encode()).hexdigest()
    if path.exists() and _digest_in(path) == digest:
        return path
    with (
        durable.replacing(path, data / "lake" / "_drafts" / exchange) as draft,
        duckdb.connect(str(draft)) as connection,
    ):
        for statement in statements:
            connection.execute(statement)
        connection.execute(
            "create table about as select ? as digest, ? as exchange", [digest, exchange]
        )
        connection.execute("checkpoint")
    return path


def sql_objects() -> dict[str, str]:
    """Return every view and macro of sql/, name → text, each after those that it uses."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*/*.sql"))}
    words = {name: set(re.findall(r"\w+", _COMMENT.sub(" ", text))) for name, text in texts.items()}
    uses = {name: (words[name] & texts.keys()) - {name} for name in texts}
    return {name: texts[name] for name in graphlib.TopologicalSorter(uses).static_order()}


def _prepare(data: Path, exchange: str) -> None:
    from pipeline.lake import Lake  # noqa: PLC0415 - brings Polars, which `--help` must not

    Lake(data, exchange).prepare()


def _statements(data: Path, exchange: str) -> Iterator[str]:
    """Yield what makes the views: where the lake lies, the names too long for a folder, sql/."""
    root = str((data / "lake").resolve())
    yield f"create or replace macro lake_root() as {_quoted(root)}"
    yield f"create or replace macro exchange_id() as {_quoted(exchange)}"
    yield _instrument_name(data, exchange)
    yield from sql_objects().values()


def _instrument_name(data: Path, exchange: str) -> str:
    """Return the macro that turns a partition's name back into the instrument's."""
    from pipeline.lake import Catalogue, Lake, folder_name  # noqa: PLC0415 - see _prepare

    names = Catalogue(Lake(data, exchange)).rows["instrument"].unique().sort()
    cut = [(folder_name(name), name) for name in names if "~" in folder_name(name)]
    cases = " ".join(f"when {_quoted(folder)} then {_quoted(name)}" for folder, name in cut)
    body = f"case folder {cases} else folder end" if cut else "folder"
    return f"create or replace macro instrument_name(folder) as {body}"


def _digest_in(path: Path) -> str | None:
    import duckdb  # noqa: PLC0415 - see connect

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            row = connection.execute("select digest from about").fetchone()
    except duckdb.Error:
        return None
    return row[0] if row else None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
