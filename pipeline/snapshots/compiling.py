"""The replay, compiled ahead of its first question."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.parquet import arrow_schema
from pipeline.replay import Books, Tops, begin_at, changed_tops, chosen_tops, wrong_rows
from pipeline.schemas import DEPTH
from pipeline.snapshots.day_file import Group

__all__ = ["compile_replay"]


def compile_replay() -> None:
    """Have the replay compiled: seconds, once. What was compiled before is taken from its cache."""
    row = {"message": 0, "keyframe": 0, "bid_levels": 0, "reset": True}
    group = Group.of(pa.Table.from_pylist([row], arrow_schema(DEPTH)))
    books, last, found = Books.of(1), Tops.of(1, 1), Tops.of(1, 1)
    flags, at = np.zeros(1, np.bool_), np.zeros(1, np.int64)
    begin_at(group.rows, 0, books, last)
    changed_tops(group.rows, (0, 1), flags, flags, books, last, found, at)
    chosen_tops(group.rows, group.keyframes, at, books, found)
    wrong_rows(group.rows, group.stated(), 0, -1, books, np.zeros(1, np.uint8))
