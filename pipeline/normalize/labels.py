"""What Polars works out over the messages of one feed: steps, missed, epochs, validity, crossed.

The rule for sequence numbers: a forward step of at most 1,000 per second of exchange time (and
1,000 at least) says how many snapshots were missed; step 0 is a repeat; any other jump is a
restart of the exchange's engine: a new epoch, and what was missed is not known. Where another
recorder goes on, it may tell once more what was heard already: then as large a step back is none.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

__all__ = ["Carry", "label"]

_PLAUSIBLE_PER_SECOND: Final = 1000


class Carry(NamedTuple):
    """What the next rows of the same feed and day need to know of the last one."""

    seq_num: int | None = None
    timestamp: int | None = None
    epoch: int = 0
    origin: str | None = None

    @classmethod
    def of(cls, labelled: pl.DataFrame) -> Carry:
        """Return the carry that labelled rows leave behind; raises if there are none."""
        last = labelled.select("seq_num", pl.col("timestamp").to_physical(), "epoch", "origin").row(
            -1
        )
        return cls(*last)


def label(rows: pl.DataFrame, carry: Carry, next_time: int) -> pl.DataFrame:
    """Return consecutive rows of one feed with their labels.

    Needs the columns local_timestamp, timestamp, seq_num, origin, the best prices, `after_gap` (the
    feed was broken before the row) and `broken_from` (just after the row, the feed broke: when).
    Adds seq_step, missed, missed_in_gap, epoch, duplicate, crossed and valid_until. `next_time` is
    the arrival of the message after the last row, or the end of the day, in microseconds.
    """
    seq, time = pl.col("seq_num"), pl.col("timestamp")
    before = seq.shift(1, fill_value=pl.lit(carry.seq_num, pl.Int64))
    earlier = pl.lit(carry.timestamp, pl.Int64).cast(pl.Datetime("us"))
    elapsed = time - time.shift(1, fill_value=earlier)
    milliseconds = elapsed.dt.total_milliseconds().fill_null(0).clip(0)
    plausible = (milliseconds * _PLAUSIBLE_PER_SECOND // 1000).clip(_PLAUSIBLE_PER_SECOND)
    # 128 bits: the difference of two 64-bit numbers may not fit into 64.
    rows = rows.with_columns(_step=seq.cast(pl.Int128) - before.cast(pl.Int128), _most=plausible)
    step = pl.col("_step")
    goes_on = pl.col("origin") == pl.col("origin").shift(1, fill_value=pl.lit(carry.origin))
    again = (
        pl.col("after_gap")
        & ~goes_on.fill_null(True)
        & (step < 0)
        & (step >= -_PLAUSIBLE_PER_SECOND)
    )
    restart = (((step < 0) & ~again) | (step > pl.col("_most"))).fill_null(False)
    lost = pl.when(~restart).then((step - 1).clip(0)).cast(pl.Int64, strict=False)
    following = (
        pl.col("local_timestamp")
        .shift(-1)
        .fill_null(pl.lit(next_time, pl.Int64).cast(pl.Datetime("us")))
    )
    return rows.with_columns(
        seq_step=step.cast(pl.Int64, strict=False),
        missed=pl.when(~pl.col("after_gap")).then(lost),
        missed_in_gap=pl.when(pl.col("after_gap")).then(lost),
        epoch=(carry.epoch + restart.cast(pl.Int32).cum_sum()).cast(pl.Int32),
        duplicate=(step == 0).fill_null(False),
        crossed=(pl.col("bid_price") >= pl.col("ask_price")).fill_null(False),
        # Clocks may step back or run away: a book stands until the earliest of all later arrivals
        # and breaks, whichever row they belong to.
        valid_until=pl.min_horizontal(following, "broken_from").cum_min(reverse=True),
    ).drop("_step", "_most")
