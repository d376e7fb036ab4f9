"""`tardis-client` replays from its own cache: every line becomes a datetime and Python objects.

Decodes only: no differences, nothing stored. Once with Python's json, as it comes, and once with
orjson in its place, which its `replay` takes as an argument. The cache is filled from the loopback
Tardis, by its own download, before anything is timed.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from tardis_client import TardisClient

from benchmarks.job import EXCHANGE, Counted, Job, Measured, timed
from benchmarks.slices import span
from pipeline.simulator.tardis import TardisSimulator

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["measure"]

_NOBODY: Final = "http://127.0.0.1:1"  # what is in the cache needs no server


def measure(job: Job) -> Measured:
    """Fill the cache, then replay from it."""
    cache = Path(job.scratch) / "tardis-client"
    with TardisSimulator(Path(job.slices)).running() as url:
        asyncio.run(_replay(job, cache, url, orjson))
    decoder = orjson if job.contender == "tardis_client_orjson" else json
    return timed(job, lambda: Counted(asyncio.run(_replay(job, cache, _NOBODY, decoder))))


async def _replay(job: Job, cache: Path, url: str, decoder: ModuleType) -> int:
    client: Any = TardisClient(endpoint=url, cache_dir=str(cache))
    start, end = span(job.files)
    messages = 0
    # Without filters, so that slices come as they are and nobody reads fewer lines than others.
    async for _ in client.replay(EXCHANGE, start, end, [], json=decoder):
        messages += 1
    return messages
