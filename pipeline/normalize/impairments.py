"""Stretches of a feed in which a book is known and yet something lacks: rows of `gaps` too.

Either snapshots were missed, or the exchange was silent for long. What lacks in stretches in which
no book is known is told by the gaps of coverage.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.schemas import GAPS
from pipeline.times import MINUTE_US

__all__ = ["EXCHANGE_SILENT", "MISSED_SNAPSHOTS", "Impairments"]

EXCHANGE_SILENT: Final = "exchange_silent"
MISSED_SNAPSHOTS: Final = "missed_snapshots"
# The feed is a heartbeat of some messages a second, and clients are to be sent something at least
# once a minute.
_SILENT_AFTER: Final = MINUTE_US

_TIME: Final = pl.col("local_timestamp").to_physical()


class Impairments:
    """What lacks between the messages of one feed and day; rows are taken in order.

    Between two messages snapshots may have been missed: from when the one before arrived until this
    one did. Stretches that follow each other are one.
    """

    def __init__(self, day_start: int) -> None:
        self._frames: list[pl.DataFrame] = []
        self._last = day_start
        self._may_tell = False  # whether the feed stood since `_last`; at first, since midnight

    def stood_since_midnight(self) -> None:
        """Take note that nothing broke before the first row: until then the exchange was silent."""
        self._may_tell = True

    def take(self, labelled: pl.DataFrame) -> None:
        """Take the next rows, with their labels."""
        rows = labelled.select(
            "message",
            start=_TIME.shift(1, fill_value=pl.lit(self._last, pl.Int64)),
            stop=_TIME,
            missed=pl.col("missed").fill_null(0),
            stood=pl.col("broken_from").is_null().shift(1, fill_value=pl.lit(self._may_tell)),
        )
        silent = pl.col("stood") & (pl.col("stop") - pl.col("start") > _SILENT_AFTER)
        found = rows.filter((pl.col("missed") > 0) | silent)
        if not found.is_empty():
            self._frames.append(found.with_columns(silent=silent))
        self._last, broken = labelled.select(_TIME.last(), b=pl.col("broken_from").last()).row(0)
        self._may_tell = broken is None

    def rows(self, day_end: int) -> pl.DataFrame:
        """Return the rows of `gaps` of a day that is over, in microseconds on the arrival clock."""
        rows = self.rows_so_far()
        if self._may_tell and day_end - self._last > _SILENT_AFTER:
            last = pl.DataFrame({"start": [self._last], "stop": [day_end]})
            rows = pl.concat([rows, _silence(last)])
        return rows

    def rows_so_far(self) -> pl.DataFrame:
        """Return the rows of `gaps` as far as messages tell."""
        return pl.concat([_missed(self._frames), _silent(self._frames)])


def _missed(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the stretches in which snapshots were missed, and how many."""
    if not frames:
        return pl.DataFrame(schema=GAPS.normalized)
    found = pl.concat(frames).filter(pl.col("missed") > 0)
    stretch = (pl.col("message").diff() != 1).fill_null(True).cum_sum()
    return (
        found.group_by(stretch.alias("stretch"), maintain_order=True)
        .agg(
            # A clock may have stepped back.
            start=pl.min_horizontal("start", "stop").min(),
            stop=pl.max_horizontal("start", "stop").max(),
            missed=pl.col("missed").sum(),
        )
        .select(
            pl.col("start", "stop").cast(GAPS.schema["start"]),
            cause=pl.lit(MISSED_SNAPSHOTS),
            is_unknown=pl.lit(False),
            missed="missed",
        )
    )


def _silent(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the stretches without a message."""
    if not frames:
        return pl.DataFrame(schema=GAPS.normalized)
    return _silence(pl.concat(frames).filter("silent"))


def _silence(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        pl.col("start", "stop").cast(GAPS.schema["start"]),
        cause=pl.lit(EXCHANGE_SILENT),
        is_unknown=pl.lit(False),
        missed=pl.lit(None, pl.Int64),
    )
