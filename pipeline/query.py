"""Asking the lake: queries that only read, asked again if a file was replaced under them.

A partition is replaced by rename while others read. One reading then has the old file or the new
one, or fails; verbs that read twice compare versions, and fail where they differ (docs/adr/0013).
After such a failure the same question is asked again, unless rows were already given.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb

from pipeline.errors import QueryRefused, UsageError
from pipeline.sql_objects import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    Parameters = Sequence[object] | Mapping[str, object] | None

__all__ = [
    "Answer", "ask", "copy_to_parquet", "rows_of", "table_of", "tables_of", "the_one_that_reads",
]  # fmt: skip

_T = TypeVar("_T")

_TRIES: Final = 8
# Before the second try, in seconds, and so much more before each further one: together longer than
# the files of one instrument take to be named.
_PAUSE: Final = 0.05
_ROWS_AT_ONCE: Final = 10_000
# Of an error whose kind Arrow does not tell.
_WORDS_OF_A_REPLACED_FILE: Final = (
    "replaced while it was read", "IO Error", "TProtocolException", "don't know what type",
)  # fmt: skip
# What EXPLAIN has before the statement that it explains; with ANALYZE that one is run. No comments
# and no strings: whoever writes them there is refused rather than misread.
_EXPLAIN: Final = re.compile(
    r"explain\b\s*(?:analy[sz]e\b)?\s*(?:\((?!\s*(?:select|from|with|values)\b)[\w\s,]*\))?",
    re.IGNORECASE,
)
_WOULD_WORK: Final = "one SELECT, FROM, SHOW, DESCRIBE or EXPLAIN of these, which only reads"
_TREE: Final = "select json_serialize_sql(?)"
# DuckDB's parser takes hours over what is much deeper, or ends the process.
_DEEPEST: Final = 200
# What DuckDB calls the parts of a statement that reads. A WITH may also hold INSERT, UPDATE, DELETE
# or COPY, for which DuckDB calls the whole a SELECT.
_READS: Final = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
# In the text of a tree as JSON; inside a literal of the query the quotes would be escaped.
_NODE: Final = re.compile(r'"type":"(\w+_NODE)"')
# They run text that may be any statement, of which the tree says nothing.
_RUNS_TEXT: Final = re.compile(
    r'"function_name":"(query|json_execute_serialized_sql)"', re.IGNORECASE
)


@dataclass
class Answer:
    """A query's columns, and its rows as they come."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> Answer:
    """Return the answer to one query that only reads; rows stream, however many there are.

    Raises UsageError for what is not one SELECT (or FROM, SHOW, DESCRIBE, SUMMARIZE, EXPLAIN), and
    QueryRefused for what DuckDB does not take.
    """
    the_one_that_reads(connection, query)
    result, first = _tried(query, lambda: _begun(connection, query))
    return Answer([column[0] for column in result.description or ()], _rows(query, result, first))


def rows_of(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    """Return all rows of a query; raises QueryRefused for what DuckDB does not take."""
    return _tried(query, lambda: connection.execute(query, parameters).fetchall())


def table_of(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Parameters = None
) -> pa.Table:
    """Return all rows of a query as Arrow; raises QueryRefused for what DuckDB does not take."""
    return _tried(query, lambda: connection.sql(query, params=parameters).to_arrow_table())


def tables_of(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Parameters, rows: int
) -> Iterator[pa.Table]:
    """Return the rows of a query as tables of about `rows` rows, at least one; they stream.

    Raises QueryRefused for what DuckDB does not take, at once; later, if a file was replaced.
    """
    reader, first = _tried(query, lambda: _reading(connection, query, parameters, rows))
    return _tables(query, reader, first)


def copy_to_parquet(
    connection: duckdb.DuckDBPyConnection, query: str, path: Path, about: Mapping[str, str]
) -> None:
    """Write the answer to a query that only reads as a Parquet file; raises as ask does.

    `about` stands in the file's metadata. Intervals (ages) are written as seconds, as in JSON:
    neither Polars nor pandas reads Parquet's own, which have months.
    """
    text = _without_end(the_one_that_reads(connection, query))
    _tried(query, lambda: _copy(connection, text, path, about))


def _copy(
    connection: duckdb.DuckDBPyConnection, text: str, path: Path, about: Mapping[str, str]
) -> None:
    columns = connection.execute(f"describe from ({text}\n)").fetchall()
    intervals = [name.replace('"', '""') for name, kind, *_ in columns if kind == "INTERVAL"]
    if intervals:
        seconds = ", ".join(f'epoch("{name}") as "{name}"' for name in intervals)
        text = f"select * replace ({seconds}) from ({text}\n)"
    told = ", ".join(f"{quoted(name)}: {quoted(value)}" for name, value in about.items())
    options = f"format parquet, kv_metadata {{{told}}}" if told else "format parquet"
    connection.execute(f"copy ({text}\n) to {quoted(str(path))} ({options})")


def the_one_that_reads(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Return the text of the one statement that a query is.

    Raises UsageError for what is not one SELECT (or FROM, SHOW, DESCRIBE, SUMMARIZE, EXPLAIN).
    """
    found = _statements(connection, query)
    inner = found
    if len(found) == 1 and found[0].type == duckdb.StatementType.EXPLAIN:
        inner = _statements(connection, _EXPLAIN.sub("", found[0].query, count=1))
    if [statement.type for statement in inner] != [duckdb.StatementType.SELECT]:
        raise UsageError("QUERY", query, _WOULD_WORK)
    _check_parts(connection, query, inner[0].query)
    return found[0].query


def _check_parts(connection: duckdb.DuckDBPyConnection, query: str, select: str) -> None:
    """Raise UsageError if a part of a statement that DuckDB calls a SELECT does not read."""
    row = _tried(query, lambda: connection.execute(_TREE, [select]).fetchone())
    tree = row[0] if row else ""
    nodes = set(_NODE.findall(tree))
    if not nodes or nodes - _READS:
        raise UsageError("QUERY", query, _WOULD_WORK)
    if found := _RUNS_TEXT.search(tree):
        raise UsageError("QUERY", query, f"what {found[1]} would run, as the query itself")


def _statements(connection: duckdb.DuckDBPyConnection, query: str) -> list[duckdb.Statement]:
    try:
        query.encode()
    except UnicodeEncodeError:  # bytes of the command line that are no UTF-8
        raise UsageError("QUERY", query, "text in UTF-8") from None
    if _depth(query) > _DEEPEST:
        raise UsageError("QUERY", query, f"at most {_DEEPEST} brackets within each other")
    return _tried(query, lambda: connection.extract_statements(query))


def _depth(query: str) -> int:
    """Return how many brackets stand within each other, those of literals too."""
    steps = (1 if bracket in "([{" else -1 for bracket in re.findall(r"[()\[\]{}]", query))
    return max(accumulate(steps), default=0)


def _without_end(statement: str) -> str:
    """Return a statement without its semicolon and what comments follow it."""
    code = statement.encode()
    for offset, kind in duckdb.tokenize(statement):
        if kind == duckdb.token_type.operator and code[offset : offset + 1] == b";":
            return code[:offset].decode()
    return statement


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


def _reading(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Parameters, rows: int
) -> tuple[pa.RecordBatchReader, pa.Table]:
    """Return what gives a query's rows, and the first of them."""
    import pyarrow as pa  # noqa: PLC0415 - the command line does without

    reader = connection.sql(query, params=parameters).to_arrow_reader(rows)
    try:
        first = next(iter(reader), None)
    except (pa.ArrowException, OSError) as error:  # DuckDB's own, as Arrow tells it
        raise duckdb.DataError(str(error)) from None
    return reader, pa.Table.from_batches([] if first is None else [first], reader.schema)


def _tables(query: str, reader: pa.RecordBatchReader, first: pa.Table) -> Iterator[pa.Table]:
    import pyarrow as pa  # noqa: PLC0415 - see _reading

    yield first
    try:
        for batch in reader:
            yield pa.Table.from_batches([batch])
    except (duckdb.Error, pa.ArrowException, OSError) as error:  # as in _rows
        raise _refused(query, error) from None


def _tried(query: str, work: Callable[[], _T]) -> _T:
    """Return what some work gives, on whichever try."""
    for tried in range(1, _TRIES):
        try:
            return work()
        except duckdb.Error as error:
            if not _replaced(error):
                raise _refused(query, error) from None
            time.sleep(_PAUSE * tried)
    try:
        return work()
    except duckdb.Error as error:
        raise _refused(query, error) from None


def _refused(query: str, error: Exception) -> QueryRefused:
    return QueryRefused(query, str(error))


def _replaced(error: duckdb.Error) -> bool:
    """Say whether an error is what a partition that was replaced while it was read looks like."""
    # A footer that no longer fits its file comes as a bare duckdb.Error, from Thrift.
    return (
        isinstance(error, duckdb.IOException)
        or type(error) is duckdb.Error
        or any(words in str(error) for words in _WORDS_OF_A_REPLACED_FILE)
    )
