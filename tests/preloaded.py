"""What commands import and compile, done once for all that are forked from who imports this."""

import aiohttp
import duckdb

from pipeline import backfill, checks, cli, derive, ingest, sync, verifying
from pipeline.cli import output, progress
from pipeline.reading import compile_scan
from pipeline.snapshots import compile_replay

__all__ = [
    "aiohttp", "backfill", "checks", "cli", "derive", "duckdb", "ingest", "output", "progress",
    "sync", "verifying",
]  # fmt: skip

compile_scan()
compile_replay()
