"""This project's snapshots: the best 25 levels whenever they change, from the lake.

As Polars, by `snapshots` of the open lake over all that there is, in batches of which one is kept
at a time; and as a further table of the lake, by `derive`. The lake was made before, of the same
slices, and is not counted: an ingest has its own rows.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.job import EXCHANGE, Counted, Job, Measured, timed
from benchmarks.slices import span
from pipeline.derive import derive
from pipeline.research import OpenLake

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

__all__ = ["measure"]

_BATCH = 100_000


def measure(job: Job) -> Measured:
    """Ask the lake that lies in the job's scratch folder, or derive the table in it."""
    data = Path(job.scratch) / "data"
    with OpenLake(data, EXCHANGE) as lake:
        messages = int(lake.coverage()["depth_messages"].sum())
        if job.contender == "snapshots":
            return timed(job, lambda: _asked(job, lake, messages))
    return timed(job, lambda: _derived(job, data, messages))


def _asked(job: Job, lake: OpenLake, messages: int) -> Counted:
    start, end = map(datetime.fromisoformat, span(job.files))
    (instrument,) = lake.instruments()["instrument"]
    pieces: Iterator[pl.DataFrame] = lake.snapshots(
        instrument, start, end, depth=25, batch_rows=_BATCH
    )
    return Counted(messages, snapshots=sum(piece.height for piece in pieces))


def _derived(job: Job, data: Path, messages: int) -> Counted:
    report = derive(data, EXCHANGE, "book_snapshot_25", rebuild=True, jobs=job.cores)
    return Counted(messages, disk_bytes=report.bytes, snapshots=report.rows)
