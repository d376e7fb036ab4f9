"""Everyone who reads the same slices, and what each of them makes of them.

A contender is a module with `measure(job) -> Measured`; what it does, and what it leaves out, is
said in its docstring.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

__all__ = ["ALL", "CONTENDERS", "DERIVE", "FLOOR", "OURS", "SNAPSHOTS", "Contender", "find"]


@dataclass(frozen=True)
class Contender:
    """A row of the table: the module that measures it, and what comes out of it in a few words.

    `cores` is 1, or 0 for all that there are.
    """

    name: str
    module: str
    title: str
    result: str
    cores: int = 1

    @property
    def key(self) -> str:
        """The name under which it runs on so many cores."""
        return self.name if self.cores else f"{self.name}_all"


FLOOR: Final = Contender("gunzip_isal", "gunzip", "gunzip, isal", "raw JSON: the floor")
_GZIP: Final = Contender("gunzip_python", "gunzip", "gunzip, Python's gzip", "raw JSON")
_CLIENT: Final = tuple(
    Contender(f"tardis_client_{name}", "tardis_client", f"tardis-client, {name}", "decoded lines")
    for name in ("json", "orjson")
)
_DEV: Final = (
    Contender("tardis_dev_normalized", "tardis_dev", "tardis-dev, replayNormalized", "objects"),
    Contender("tardis_dev_snapshots", "tardis_dev", "tardis-dev, book_snapshot_25", "books of 25"),
)
_DICT: Final = Contender("dict_difference", "dict_difference", "orjson, dict difference", "changes")
_DUCKDB: Final = Contender("duckdb_alone", "duckdb_alone", "DuckDB alone", "changes, counted")
_POLARS: Final = Contender("polars_alone", "polars_alone", "Polars alone", "changes, counted")
_OURS: Final = Contender("ours", "ours", "coinflex-l2 ingest", "durable Parquet lake")

OURS: Final = (_OURS, replace(_OURS, cores=0))
# These read the lake that ours made of the slices, and depth alone: not for slices with trades.
SNAPSHOTS: Final = Contender(
    "snapshots", "snapshots", "coinflex-l2 snapshots", "books of 25, Polars"
)
DERIVE: Final = Contender("derive", "snapshots", "coinflex-l2 derive", "books of 25, Parquet")
CONTENDERS: Final = (
    FLOOR, _GZIP, *_CLIENT, *_DEV, _DICT,
    _DUCKDB, replace(_DUCKDB, cores=0), _POLARS, replace(_POLARS, cores=0), _OURS,
)  # fmt: skip
ALL: Final = (*CONTENDERS, SNAPSHOTS, DERIVE)


def find(name: str) -> Contender:
    """Return a contender by its name, whatever the cores."""
    return next(contender for contender in ALL if contender.name == name)
