"""What notebooks ask of the lake: frames of books, quotes, trades, as `pipeline.open` gives them.

    open_lake.py    OpenLake, all questions in one object, and pictures (pipeline.plots)
    questions.py    those whose answers are frames, or a sentence
    books.py        books at times and on grids, snapshots
    tables.py       quotes, trades and other rows; any SQL
    explaining.py   why a book is unknown
    asking.py       what every question needs: a cursor of its own, instruments by name
    times.py        times and spans, in whatever form they are given
    frames.py       Arrow → Polars, pandas; whole or in batches

Everything is synchronous, and works within a running event loop. Nothing is written.
"""

from pipeline.research.open_lake import OpenLake

__all__ = ["OpenLake"]
