"""CoinFLEX order-book history: from Tardis's minute slices to order books in SQL.

The flow, one module a step:

    sources/     fetches minute slices, follows the live feed    the only network I/O
    recording/   lines as they arrive → minute slices            whole whatever happens
    slices.py    THE DOOR: whole slices under raw/, by minute    the immutable truth
    normalize/   lines → rows: messages, book changes, labels    pure
    ingest.py    a day's slices → normalize → the lake           one day, one function
    lake.py      Parquet, one file per table, instrument, day    derived, replaced in one step
    views.py     DuckDB on the lake, with the objects of sql/    order books in SQL
    snapshots/   depth → top levels, by the compiled replay/     order books as frames
    derive.py    whole days of these, back into the lake         further tables
    research/    pipeline.open: what notebooks ask               Polars, pandas, Arrow
    plots/       pipeline.open(…).plot: pictures                 matplotlib
    cli/         parse, call one function, print
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import Settings
from pipeline.errors import PipelineError
from pipeline.views import connect

if TYPE_CHECKING:
    from pipeline.research import OpenLake

__all__ = ["PipelineError", "Settings", "connect", "open"]

__version__ = "0.1.0"


def open(data: Path | str = "data", exchange: str = "coinflex") -> OpenLake:  # noqa: A001 - pipeline.open reads well
    """Open the lake of an exchange below a data folder, for questions: see OpenLake.

    Nothing is written. Raises LakeEmpty where there is no lake yet, LakeOutdated where
    another version of this program wrote it.
    """
    from pipeline.research import OpenLake  # noqa: PLC0415 - brings Polars, which `--help` must not

    return OpenLake(Path(data), exchange)
