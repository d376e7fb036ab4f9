"""DuckDB on the lake for queries that come from outside: they see the data folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.sql_objects import quoted
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

__all__ = ["connect_confined"]

# In this order: what is set first can't be changed after the last two, by no query.
_CONFINED: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Each cursor says it for itself, as it is made.
    "allowed_configs": "['enable_progress_bar']",
    "enable_external_access": "false",
    "lock_configuration": "true",
}


def connect_confined(
    data: Path | str, exchange: str, also: Iterable[Path] = ()
) -> duckdb.DuckDBPyConnection:
    """Return `connect(data, exchange)`, which reaches no file outside the data folder any more.

    Nor the network, nor extensions, nor settings. `also` are files that it may write. Where parts
    of the lake lie on other disks, by symbolic links, these count as the data folder's. DuckDB lets
    queries write in the folder too: what is not known only to read (query.py) is not to be run.
    Raises what `connect` does.
    """
    connection = connect(data, exchange)
    folders = _list(sorted(_folders(Path(data))))
    connection.execute(f"set global allowed_directories = {folders}")
    connection.execute(f"set global allowed_paths = {_list(map(str, also))}")
    for name, value in _CONFINED.items():
        connection.execute(f"set global {name} = {value}")
    return connection


def _folders(data: Path) -> set[str]:
    """Return the real paths of the data folder, and of what links in its lake lead to."""
    lake = data / "lake"
    tables = lake.iterdir() if lake.is_dir() else ()
    return {str(path.resolve()) for path in (data, lake, *tables)}


def _list(paths: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, paths))}]"
