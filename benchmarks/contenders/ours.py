"""This project's ingest: from slices on disk to a lake that would survive a power cut.

Gunzips, reads every level, takes differences, lays down the index, the changes, keyframes, trades
and labels as Parquet, flushes, renames, and writes the catalogue. The slices were adopted through
the door before; every run makes the whole lake anew.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.job import EXCHANGE, Counted, Job, Measured, timed
from pipeline.catalogue import Catalogue
from pipeline.ingest import ingest
from pipeline.lake import Lake
from pipeline.sources.files import adopt

__all__ = ["measure"]


def measure(job: Job) -> Measured:
    """Ingest with as many workers as the job has cores."""
    data = Path(job.scratch) / "data"
    adopt(data, EXCHANGE, Path(job.slices))

    def run() -> Counted:
        ingest(data, EXCHANGE, jobs=job.cores, rebuild=True)
        return _counted(data)

    return timed(job, run)


def _counted(data: Path) -> Counted:
    """Return what the lake says that it holds, and how large its files are."""
    rows = Catalogue(Lake(data, EXCHANGE)).rows
    tables = ("depth_messages", "other_depth_messages", "trades", "tickers")
    messages = sum(int(rows[table].sum()) for table in tables)
    files = (path for path in (data / "lake").rglob("*.parquet") if "_empty" not in path.parts)
    size = sum(path.stat().st_size for path in files)
    return Counted(messages, int(rows["depth_changes"].sum()), disk_bytes=size)
