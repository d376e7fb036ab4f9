"""CoinFLEX order-book history: from Tardis's minute slices to order books in SQL.

The flow, one module a step:

    sources/     fetches minute slices over HTTP                 the only network I/O
    slices.py    THE DOOR: whole slices under raw/, by minute    the immutable truth
    normalize/   lines → rows: messages, book changes, labels    pure
    ingest.py    a day's slices → normalize → the lake           one day, one function
    lake.py      Parquet, one file per table, instrument, day    derived, replaced in one step
    views.py     DuckDB on the lake, with the objects of sql/    order books in SQL
    cli/         parse, call one function, print
"""

from pipeline.config import Settings
from pipeline.errors import PipelineError
from pipeline.views import connect

__all__ = ["PipelineError", "Settings", "connect"]

__version__ = "0.1.0"
