"""Books of chosen messages, rebuilt from partitions of `depth` by the replay, piece by piece.

    day_file.py   one partition, read as one version, group of rows by group of rows
    on_change.py  the top levels at each message that changed them
    at_times.py   the top levels that stood at each of some times
    tables.py     both as Arrow: a row a book (wide), or a row a level (long)
    compiling.py  the replay, compiled ahead of its first question

Times are microseconds since 1970, UTC, on the arrival clock. A piece is some MB, however long the
range: what is not kept is gone.
"""

from pipeline.snapshots.at_times import at_times, on_grid
from pipeline.snapshots.compiling import compile_replay
from pipeline.snapshots.day_file import DayFile
from pipeline.snapshots.on_change import changes_of_day, on_change
from pipeline.snapshots.tables import long_table, no_snapshots, wide_table

__all__ = [
    "DayFile",
    "at_times",
    "changes_of_day",
    "compile_replay",
    "long_table",
    "no_snapshots",
    "on_change",
    "on_grid",
    "wide_table",
]
