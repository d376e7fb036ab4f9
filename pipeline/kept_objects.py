"""The objects of sql/, made once for an installation, and copied from then on.

To make a view or a macro is to bind it and all that it uses, which for a hundred of them takes a
tenth of a second and more. What is copied from a database file is not bound again. That file knows
no lake. It lies beside the source, as compiled code does, and is named after all that it was made
of, so that a stale one is never used. Where it can't be written, each connection makes the objects.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline import durable
from pipeline.errors import LakeUnwritable
from pipeline.sql_objects import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import duckdb

    _Make = Callable[[duckdb.DuckDBPyConnection], None]

__all__ = ["copy_objects", "write_file"]

log = logging.getLogger(__name__)

_FOLDER: Final = Path(__file__).parent / "__pycache__"


def copy_objects(
    connection: duckdb.DuckDBPyConnection, made_of: Iterable[str], make: _Make
) -> bool:
    """Copy what `make` makes into a connection's database, which has nothing of it yet.

    `made_of` is all that the outcome depends on. Returns False, and has changed nothing, where
    nothing can be kept.
    """
    import duckdb  # noqa: PLC0415 - half of the start-up time of a command that needs no SQL

    digest = hashlib.sha256("\0".join([duckdb.__version__, *made_of]).encode()).hexdigest()
    path = _FOLDER / f"objects-{digest[:32]}.duckdb"
    try:
        if not path.exists():
            _keep(path, make)
        _copy(path, connection)
    except (LakeUnwritable, OSError, duckdb.Error) as error:
        log.debug("no objects are kept in %s: %s", path, error)
        return False
    return True


def write_file(path: Path, drafts: Path, make: _Make) -> None:
    """Write a database file that holds what `make` makes of a new one; it is whole or not there."""
    import duckdb  # noqa: PLC0415 - see copy_objects

    with durable.replacing(path, drafts) as draft:
        try:
            with duckdb.connect(str(draft)) as connection:
                make(connection)
                connection.execute("checkpoint")
        finally:
            draft.with_name(f"{draft.name}.wal").unlink(missing_ok=True)


def _keep(path: Path, make: _Make) -> None:
    """Write the file, and remove those of earlier versions of the objects."""
    write_file(path, path.parent, make)
    for other in path.parent.glob("objects-*.duckdb"):
        if other != path:
            other.unlink(missing_ok=True)


def _copy(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    import duckdb  # noqa: PLC0415 - see copy_objects

    (name,) = connection.execute("select current_database()").fetchall()[0]
    try:
        connection.execute(f"attach {quoted(str(path))} as kept_objects (read_only)")
        connection.execute(f'copy from database kept_objects to "{name}"')
        connection.execute("detach kept_objects")
    except duckdb.Error:
        path.unlink(missing_ok=True)  # damaged: the next one makes it anew
        connection.execute("detach database if exists kept_objects")
        raise
