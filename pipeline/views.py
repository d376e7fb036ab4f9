"""DuckDB on the lake: the objects of sql/, made in the order in which they need each other.

`connect` gives a connection in memory. `write_database` writes the same objects as a file that any
DuckDB client from 2.0 on opens. Both are bound to one exchange; nothing ever mixes two.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from pipeline import durable
from pipeline.errors import LakeDamaged, LakeUnwritable
from pipeline.sql_objects import SqlObject, quoted, sql_objects

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import duckdb

    from pipeline.derived_tables import DerivedTable

__all__ = ["connect", "cursor_of", "database_path", "write_database"]

# Set for the whole database in memory, so for cursors too, which are connections of their own.
# Footers are kept, and read again when a file has changed. To read ahead is left to the operating
# system, since it costs a look-up, which is of one row group, a millisecond.
_SETTINGS: Final = {
    "TimeZone": "'UTC'",
    "parquet_metadata_cache": "true",
    "disable_parquet_prefetching": "true",
    "read_ahead_depth": "0",
    # Otherwise what DuckDB takes for a few times is compared with every book of the day.
    "asof_loop_join_threshold": "0",
    # Otherwise ORDER BY with a small LIMIT reads a file twice, which may be replaced in between.
    "late_materialization_max_rows": "0",
}
# The one setting that each connection has for itself.
_NO_PROGRESS: Final = "set enable_progress_bar = false"
# To make a view is to bind it, for which DuckDB lists all of its files, however many. So views are
# made while these say the file without rows alone, which has the columns of all.
_WITHOUT_ROWS: Final = {
    "macros/lake/all_files": (
        "create or replace macro all_files(table_name) as [empty_file(table_name)]"
    ),
    "macros/lake/all_exchange_files": (
        "create or replace macro all_exchange_files(table_name) as"
        " [empty_exchange_file(table_name)]"
    ),
}


def connect(data: Path | str = "data", exchange: str = "coinflex") -> duckdb.DuckDBPyConnection:
    """Return a DuckDB connection that has the views and macros over a data folder's lake.

    Times in results are UTC without a zone. The lake may be read-only, and may be replaced while
    it is read; each query sees whole files. Derived tables that come later have no view here, and
    names too long for a folder are shown as cut. Raises LakeUnwritable if there is no lake yet and
    none can be made, and LakeDamaged if its catalogue is no Parquet.
    """
    import duckdb  # noqa: PLC0415 - half of the start-up time of a command that needs no SQL

    _prepare(Path(data), exchange)
    connection = duckdb.connect()
    for name, value in _SETTINGS.items():
        connection.execute(f"set global {name} = {value}")
    _show_no_progress(connection)
    objects = _Objects.of(Path(data), exchange)
    is_copied = _copied(_own_copy(Path(data), exchange), connection, objects.digest_of_shared)
    shared = () if is_copied else objects.shared
    try:
        _execute(connection, objects.macros, shared, objects.statements_of_views)
    except (duckdb.InvalidInputException, duckdb.IOException) as error:  # a file is torn
        connection.close()
        raise LakeDamaged(Path(data), str(error).partition("\n")[0]) from error
    return connection


def cursor_of(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return another connection to the same views, so that several threads may ask at once."""
    cursor = connection.cursor()
    _show_no_progress(cursor)
    return cursor


def _show_no_progress(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a connection show no progress: DuckDB would draw it into what a command prints."""
    import duckdb  # noqa: PLC0415 - see connect

    # In a notebook without ipywidgets there is none to be shown, and DuckDB refuses to hear of it.
    with suppress(duckdb.InvalidInputException):
        connection.execute(_NO_PROGRESS)


def database_path(data: Path, exchange: str) -> Path:
    """Return where the database file of an exchange lies."""
    return data / f"{exchange}.duckdb"


def _own_copy(data: Path, exchange: str) -> Path:
    """Return where `connect` finds what it copies: the objects that are the same in every lake.

    The database file is for any client, which may make objects of its own in it, or put one in the
    place of ours; and holds a lock while it does.
    """
    return data / ".objects" / f"{exchange}.duckdb"


def _describe_columns(
    connection: duckdb.DuckDBPyConnection, views: Collection[str] | None = None
) -> None:
    """Give every column of some views, or of all, its meaning as a comment, for `duckdb_columns()`.

    A tenth of a millisecond each, so `connect` leaves it out where it has no file to copy;
    `from catalogue_columns` says the same anywhere.
    """
    rows = connection.execute("from catalogue_columns").fetchall()
    for view, column, _, unit, meaning, _ in rows:
        if views is not None and view not in views:
            continue
        text = quoted(f"{meaning} ({unit})" if unit else meaning)
        connection.execute(f'comment on column {view}."{column}" is {text}')


def write_database(data: Path, exchange: str) -> Path:
    """Write the views and macros as a database file, if what it would say has changed.

    The file holds absolute paths and no rows: it is written again when the folder has moved.
    """
    _prepare(data, exchange)
    objects = _Objects.of(data, exchange)
    drafts = data / "lake" / "_drafts" / exchange
    own, path = _own_copy(data, exchange), database_path(data, exchange)
    if _digest_in(own) != objects.digest_of_shared:
        with durable.replacing(own, drafts) as draft, _filling(draft, own) as connection:
            _execute(connection, objects.macros, objects.shared)
            _describe_columns(connection)
            connection.execute("create table about (digest varchar)")
            connection.execute("insert into about values (?)", [objects.digest_of_shared])
    if _digest_in(path) != objects.digest:
        with durable.replacing(path, drafts) as draft:
            shutil.copyfile(own, draft)
            with _filling(draft, path) as connection:
                _execute(connection, objects.macros, objects.statements_of_views)
                if objects.views:  # all others have been described in what was copied
                    _describe_columns(connection, {view.name for view in objects.views})
                connection.execute("update about set digest = ?", [objects.digest])
    return path


@contextmanager
def _filling(draft: Path, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database file to write, the draft of a path; raises LakeUnwritable."""
    import duckdb  # noqa: PLC0415 - see connect

    try:
        with duckdb.connect(str(draft)) as connection:
            yield connection
            connection.execute("checkpoint")
    except duckdb.Error as error:
        full = "No space left" in str(error)  # which DuckDB tells in several ways
        reason = "the disk is full" if full else str(error).splitlines()[0]
        raise LakeUnwritable(path, reason) from error
    finally:
        draft.with_name(f"{draft.name}.wal").unlink(missing_ok=True)


def _execute(connection: duckdb.DuckDBPyConnection, *statements: Iterable[str]) -> None:
    for statement in chain(*statements):
        connection.execute(statement)


def _copied(path: Path, connection: duckdb.DuckDBPyConnection, digest: str) -> bool:
    """Copy all objects from a file, if it is there and holds these.

    To make a view or a macro is to bind it and all that it uses; what is copied is not bound, which
    is several times as fast.
    """
    import duckdb  # noqa: PLC0415 - see connect

    if not path.exists():
        return False
    try:
        connection.execute(f"attach {quoted(str(path))} as kept (read_only)")
        found = connection.execute("select digest from kept.about").fetchone() == (digest,)
        if found:
            connection.execute("copy from database kept to memory (schema)")
            connection.execute("drop table memory.about")
    except duckdb.Error:
        found = False
    connection.execute("detach database if exists kept")
    return found


def _digest_of(statements: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(statements).encode()).hexdigest()


def _prepare(data: Path, exchange: str) -> None:
    from pipeline.lake import Lake  # noqa: PLC0415 - brings Polars, which `--help` must not

    Lake(data, exchange).prepare(as_reader=True)


@dataclass(frozen=True)
class _Objects:
    """What makes the objects of a lake: statements, in the order in which they need each other."""

    # Where the lake lies, which names are too long for a folder, what the catalogue shows.
    macros: tuple[str, ...]
    # sql/, the same in every lake. A view is bound to what the macros say when it is asked.
    shared: tuple[str, ...]
    # Of derived tables.
    views: tuple[SqlObject, ...]

    @classmethod
    def of(cls, data: Path, exchange: str) -> Self:
        """Return those of an exchange's lake, as it is now."""
        objects = sql_objects()
        derived = _derived_tables(data, exchange)
        views = [table.view for table in derived]
        root, lake = (_not_a_pattern(str(of.resolve())) for of in (data, data / "lake"))
        catalogue = _catalogue([*objects.values(), *views])
        macros = (
            f"create or replace macro data_root() as {quoted(root)}",
            f"create or replace macro lake_root() as {quoted(lake)}",
            f"create or replace macro exchange_id() as {quoted(exchange)}",
            _instrument_name(data, exchange),
            f"create or replace macro catalogue_json() as {quoted(catalogue)}",
            f"create or replace macro columns_json() as {quoted(_columns(derived))}",
        )
        shared = [_WITHOUT_ROWS.get(place, one.statements) for place, one in objects.items()]
        shared += [objects[place].statements for place in _WITHOUT_ROWS]
        return cls(macros, tuple(shared), tuple(views))

    @property
    def digest_of_shared(self) -> str:
        """What names the objects that are the same in every lake."""
        return _digest_of(self.shared)

    @property
    def digest(self) -> str:
        """What names them all."""
        return _digest_of([*self.macros, *self.shared, *self.statements_of_views])

    @property
    def statements_of_views(self) -> list[str]:
        """What makes the views of derived tables."""
        return [view.statements for view in self.views]


def _not_a_pattern(path: str) -> str:
    """Return a path as a pattern that it alone fits: read_parquet takes every path for one."""
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


def _derived_tables(data: Path, exchange: str) -> list[DerivedTable]:
    from pipeline.lake import Lake  # noqa: PLC0415 - see _prepare

    return Lake(data, exchange).derived_tables()


def _catalogue(objects: Iterable[SqlObject]) -> str:
    """Return as JSON what the view `catalogue` has."""
    kinds = {"macro table": "table macro"}
    return json.dumps(
        [[one.name, kinds.get(one.kind, one.kind), one.topic, one.called, one.comment]
         for one in objects]
    )  # fmt: skip


def _columns(derived: Iterable[DerivedTable]) -> str:
    """Return as JSON what columns of views mean: view, column, unit or clock, meaning."""
    from pipeline.view_columns import view_columns  # noqa: PLC0415 - see _prepare

    return json.dumps(
        [[view, column.name, column.unit, column.meaning]
         for view, columns in view_columns(derived).items() for column in columns.values()]
    )  # fmt: skip


def _instrument_name(data: Path, exchange: str) -> str:
    """Return the macro that turns a partition's name back into the instrument's."""
    from pipeline.catalogue import Catalogue  # noqa: PLC0415 - see _prepare
    from pipeline.lake import Lake, folder_name  # noqa: PLC0415 - see _prepare

    names = sorted(Catalogue(Lake(data, exchange)).instruments)
    cut = [(folder_name(name), name) for name in names if "~" in folder_name(name)]
    cases = " ".join(f"when {quoted(folder)} then {quoted(name)}" for folder, name in cut)
    body = f"case folder {cases} else folder end" if cut else "folder"
    return f"create or replace macro instrument_name(folder) as {body}"


def _digest_in(path: Path) -> str | None:
    import duckdb  # noqa: PLC0415 - see connect

    if not path.exists():
        return None
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            row = connection.execute("select digest from about").fetchone()
    except duckdb.Error:
        return None
    return row[0] if row else None
