"""Top levels of books as Arrow: a row a book (wide), or a row a level (long).

Times come out zone-aware, UTC. What is not known, and a level that is not there, is NULL, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from pipeline.replay import ASKS, BIDS, Tops

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TIME", "Snapshots", "books_at_once", "long_table", "no_snapshots", "wide_table"]

TIME: Final = pa.timestamp("us", "UTC")
_AGE: Final = pa.duration("us")
_LEVELS_AT_ONCE: Final = 1 << 20  # 16 MB


@dataclass(frozen=True)
class Snapshots:
    """The top levels of some books, and when their messages arrived and were sent.

    `times` is what was asked for, in microseconds; None where each message speaks for itself. Where
    no book is known, `local_timestamp` is NULL, and there is no level.
    """

    times: NDArray[np.int64] | None
    local_timestamp: pa.Array
    timestamp: pa.Array
    tops: Tops

    def __len__(self) -> int:
        return len(self.local_timestamp)

    def about(self) -> dict[str, pa.Array]:
        """Return the columns that say of which time and message a book is."""
        of_message = {
            "timestamp": self.timestamp.cast(TIME),
            "local_timestamp": self.local_timestamp.cast(TIME),
        }
        if self.times is None:
            return of_message
        arrived = self.local_timestamp.cast(pa.int64())
        age = self.times - arrived.fill_null(0).to_numpy()
        unknown = arrived.is_null().to_numpy(zero_copy_only=False)
        return {
            "t": pa.array(self.times, TIME),
            **of_message,
            "age": pa.array(age, _AGE, mask=unknown),
        }


def books_at_once(depth: int) -> int:
    """Return how many books a piece may have, so that it is bounded however deep they are."""
    return max(1, _LEVELS_AT_ONCE // (2 * depth))


def no_snapshots(*, at_times: bool, depth: int) -> Snapshots:
    """Return none: for the columns alone."""
    nothing = pa.array([], pa.timestamp("us"))
    times = np.zeros(0, np.int64) if at_times else None
    return Snapshots(times, nothing, nothing, Tops.of(0, depth))


def wide_table(snapshots: Snapshots) -> pa.Table:
    """Return a row a book: bid_px_00, bid_sz_00, ask_px_00, ask_sz_00, bid_px_01 and so on."""
    columns = snapshots.about()
    tops = snapshots.tops
    by_level = {
        (what, side): np.ascontiguousarray(values[:, side].T)
        for what, values in (("px", tops.price), ("sz", tops.amount))
        for side in (BIDS, ASKS)
    }
    for level in range(tops.depth):
        for side, name in ((BIDS, "bid"), (ASKS, "ask")):
            lacking = tops.levels[:, side] <= level
            mask = lacking if lacking.any() else None
            for what in ("px", "sz"):
                column = pa.array(by_level[what, side][level], mask=mask)
                columns[f"{name}_{what}_{level:02d}"] = column
    return pa.table(columns)


def long_table(snapshots: Snapshots) -> pa.Table:
    """Return a row a level, bids before asks, best first: side, level, price, amount.

    A book without levels is one row of NULLs, but for what is known of its time and message.
    """
    tops = snapshots.tops
    there = np.arange(tops.depth) < tops.levels[:, :, None]
    levels = tops.levels.sum(axis=1)
    rows = np.maximum(levels, 1)
    # Where a book has no level, its only row is left out of what the levels are spread over.
    empty = None if levels.all() else np.repeat(levels == 0, rows)
    whose = pa.array(np.repeat(np.arange(len(rows)), rows))
    shape = there.shape
    sides = np.broadcast_to(np.array([[BIDS], [ASKS]], np.int8), shape)[there]
    names = pa.DictionaryArray.from_arrays(_spread(sides, empty), ["bid", "ask"])
    ordinals = np.broadcast_to(np.arange(tops.depth, dtype=np.int32), shape)[there]
    return pa.table(
        {
            **{name: column.take(whose) for name, column in snapshots.about().items()},
            "side": names.cast(pa.string()),
            "level": _spread(ordinals, empty),
            "price": _spread(tops.price[there], empty),
            "amount": _spread(tops.amount[there], empty),
        }
    )


def _spread(values: NDArray[Any], empty: NDArray[np.bool_] | None) -> pa.Array:
    """Return values as a column, NULL where a row is said to be empty."""
    if empty is None:
        return pa.array(values)
    column = np.zeros(len(empty), values.dtype)
    column[~empty] = values
    return pa.array(column, mask=empty)
