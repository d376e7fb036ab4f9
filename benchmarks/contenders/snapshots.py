"""This project's snapshots: the best 25 levels whenever they change, as Polars, from the lake.

`snapshots` of the open lake over all that there is, in batches of which one is kept at a time. The
lake was made before, of the same slices, and is not counted: an ingest has its own rows.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.job import EXCHANGE, Counted, Job, Measured, timed
from benchmarks.slices import span
from pipeline.research import OpenLake

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

__all__ = ["measure"]

_BATCH = 100_000


def measure(job: Job) -> Measured:
    """Ask the lake that lies in the job's scratch folder."""
    start, end = map(datetime.fromisoformat, span(job.files))
    with OpenLake(Path(job.scratch) / "data", EXCHANGE) as lake:
        messages = int(lake.coverage()["depth_messages"].sum())
        (instrument,) = lake.instruments()["instrument"]

        def count() -> Counted:
            pieces: Iterator[pl.DataFrame] = lake.snapshots(
                instrument, start, end, depth=25, batch_rows=_BATCH
            )
            return Counted(messages, snapshots=sum(piece.height for piece in pieces))

        return timed(job, count)
