"""Asking the lake: queries that only read, asked again if a file was replaced under them.

A partition is replaced by rename while others read. A reader then has the old file or the new one,
or an error, never a mixture; after such an error the same question is asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb

from pipeline.errors import UsageError
from pipeline.views import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Answer", "ask", "copy_to_parquet", "rows_of"]

_T = TypeVar("_T")

_TRIES: Final = 8
_ROWS_AT_ONCE: Final = 10_000
_READING: Final = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


@dataclass
class Answer:
    """A query's columns, and its rows as they come."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> Answer:
    """Return the answer to one query that only reads; rows stream, however many there are.

    Raises UsageError for what is not one SELECT (or FROM, SHOW, DESCRIBE, SUMMARIZE, EXPLAIN), and
    for what DuckDB refuses, in DuckDB's own words.
    """
    _only_reads(connection, query)
    result, first = _tried(query, lambda: _begun(connection, query))
    return Answer([column[0] for column in result.description or ()], _rows(query, result, first))


def rows_of(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    """Return all rows of a query; raises UsageError in DuckDB's own words."""
    return _tried(query, lambda: connection.execute(query, parameters).fetchall())


def copy_to_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write the answer to a query that only reads as a Parquet file; raises as ask does."""
    _only_reads(connection, query)
    text = query.strip().rstrip(";")
    statement = f"copy ({text}\n) to {quoted(str(path))} (format parquet)"
    _tried(query, lambda: connection.execute(statement))


def _only_reads(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    kinds = _tried(query, lambda: [s.type for s in connection.extract_statements(query)])
    if len(kinds) != 1 or kinds[0] not in _READING:
        raise UsageError("QUERY", query, "one SELECT, FROM, SHOW, DESCRIBE or EXPLAIN")


def _begun(
    connection: duckdb.DuckDBPyConnection, query: str
) -> tuple[duckdb.DuckDBPyConnection, list[tuple[Any, ...]]]:
    """Return a result with its first rows: what a replaced file does shows by then, mostly."""
    result = connection.execute(query)
    return result, result.fetchmany(_ROWS_AT_ONCE)


def _rows(
    query: str, result: duckdb.DuckDBPyConnection, first: list[tuple[Any, ...]]
) -> Iterator[tuple[Any, ...]]:
    rows = first
    while rows:
        yield from rows
        try:
            rows = result.fetchmany(_ROWS_AT_ONCE)
        except duckdb.Error as error:  # too late to begin again: some rows were given
            raise _refused(query, error) from None


def _tried(query: str, work: Callable[[], _T]) -> _T:
    """Return what some work gives, on whichever try."""
    for _ in range(_TRIES - 1):
        try:
            return work()
        except duckdb.Error as error:
            if not _replaced(error):
                raise _refused(query, error) from None
    try:
        return work()
    except duckdb.Error as error:
        raise _refused(query, error) from None


def _refused(query: str, error: duckdb.Error) -> UsageError:
    return UsageError("QUERY", query, f"a query that DuckDB takes: {error}")


def _replaced(error: duckdb.Error) -> bool:
    """Say whether an error is what a partition that was replaced while it was read looks like."""
    # A footer that no longer fits its file comes as a bare duckdb.Error, from Thrift.
    return (
        isinstance(error, duckdb.IOException)
        or type(error) is duckdb.Error
        or "replaced while it was read" in str(error)
    )
