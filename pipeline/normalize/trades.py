"""Trades: what the scan or the decoder found → rows → a frame of `trades`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.normalize.columns import Columns, offsets
from pipeline.normalize.scan import HAS_TIMESTAMP, HAS_TRADE_ID, gathered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.normalize.coinflex import Trade
    from pipeline.normalize.scan import SliceAt

__all__ = ["of_decoder", "of_scan", "trades_frame"]

# A trade's row; its list is `id`, bytes.
_ROW: Final = np.dtype(
    [
        ("arrival", np.int64), ("local_timestamp", np.int64),  # microseconds
        ("timestamp", np.int64),                               # microseconds; see has_timestamp
        ("price", np.float64), ("amount", np.float64),
        ("feed", np.int32), ("item", np.int32), ("line", np.int32), ("id_bytes", np.int32),
        ("rank", np.int16),
        ("has_timestamp", np.bool_), ("has_id", np.bool_), ("sell", np.bool_),
    ],
    align=True,
)  # fmt: skip


def of_scan(
    text: NDArray[np.uint8],
    lines: NDArray[Any],
    index: NDArray[np.int64],
    times: NDArray[np.int64],
    at: SliceAt,
) -> Columns:
    """Return the trades of lines[index]; `times` are when all lines arrived, in microseconds."""
    rows = np.zeros(len(index), _ROW)
    rows["line"], rows["rank"] = at.first_line + index, at.rank
    rows["arrival"], rows["local_timestamp"] = at.places[index], times[index]
    seen = lines["seen"][index]
    rows["has_timestamp"] = seen & HAS_TIMESTAMP != 0
    rows["timestamp"] = lines["timestamp"][index] * 1000
    for name in ("price", "amount", "sell", "feed"):
        rows[name] = lines[name][index]
    rows["has_id"] = seen & HAS_TRADE_ID != 0
    begins = lines["id"][index]
    rows["id_bytes"] = np.where(rows["has_id"], lines["id_end"][index] - begins, 0)
    return Columns(rows, {"id": gathered(text, begins, rows["id_bytes"].astype(np.int64))})


def of_decoder(
    trades: Sequence[tuple[int, int, Trade]], index: int, time: int, at: SliceAt
) -> Columns:
    """Return some trades of one line: of each its item, the number of its feed, and itself."""
    rows = np.zeros(len(trades), _ROW)
    rows["line"], rows["rank"] = at.first_line + index, at.rank
    rows["arrival"], rows["local_timestamp"] = at.places[index], time
    ids = []
    for row, (item, feed, trade) in zip(rows, trades, strict=True):
        ids.append((trade.id or "").encode("utf-8", "surrogatepass"))
        row["item"], row["feed"] = item, feed
        row["has_timestamp"] = trade.timestamp is not None
        row["timestamp"] = trade.timestamp or 0
        row["price"], row["amount"], row["sell"] = trade.price, trade.amount, trade.side == "sell"
        row["id_bytes"], row["has_id"] = len(ids[-1]), trade.id is not None
    return Columns(rows, {"id": np.frombuffer(b"".join(ids), np.uint8)})


def trades_frame(trades: Columns) -> pl.DataFrame:
    """Return the columns of `trades`, all but the lineage."""
    rows = trades.rows
    taken = sorted(set(_ROW.names or ()) - {"id_bytes", "feed", "rank"})
    ends = pa.py_buffer(offsets(rows, "id").astype(np.int32))
    ids = pa.StringArray.from_buffers(len(rows), ends, pa.py_buffer(trades.lists["id"]))
    columns = {name: np.ascontiguousarray(rows[name]) for name in taken}
    return pl.DataFrame(columns).select(
        pl.exclude("sell", "has_id", "has_timestamp", "local_timestamp", "timestamp"),
        pl.col("local_timestamp").cast(pl.Datetime("us")),
        pl.when("has_timestamp").then("timestamp").cast(pl.Datetime("us")).alias("timestamp"),
        pl.when("has_id").then(pl.lit(pl.Series(pl.from_arrow(ids)))).alias("id"),
        pl.when("sell").then(pl.lit("sell")).otherwise(pl.lit("buy")).alias("side"),
    )
