"""`make bench`: measures on the sample, every contender in this one process, and prints a table.

Ratios within one run are what to quote: machines differ, and are rarely alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import statistics
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tardis_client import Channel, TardisClient

from pipeline.catalogue import Catalogue
from pipeline.ingest import ingest
from pipeline.lake import Lake
from pipeline.simulator.tardis import TardisSimulator
from pipeline.slice_file import read_lines
from pipeline.sources.files import adopt
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Callable

_SAMPLE = Path(__file__).parent.parent / "data" / "sample"
_FROM, _TO = "2020-08-01T23:54:00", "2020-08-02T00:00:00"
_CHANNELS = ("futures/depth", "ticker", "trade")


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the median is shown")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = _measure(Path(folder), arguments.runs)
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        print(f"{name:<58} {value:>12,.2f}")


def _measure(folder: Path, runs: int) -> dict[str, float]:
    slices = sorted(_SAMPLE.glob("*/*/*/*/*.json.gz"))
    size = sum(len(line) + 1 for path in slices for line in read_lines(path)) / 1e6
    floor = _median(runs, lambda: [sum(map(len, read_lines(path))) for path in slices])
    cache = folder / "cache"
    replay = _median(runs, lambda: asyncio.run(_replay(cache)), first=lambda: _fill(cache))
    data = folder / "data"
    adopt(data, "coinflex", _SAMPLE)
    ours = _median(runs, lambda: ingest(data, "coinflex", rebuild=True, jobs=1))
    lake = Lake(data, "coinflex")
    lake_bytes = int(Catalogue(lake).rows["bytes"].sum())
    return {
        "raw JSON, MB": size,
        "gunzip and split into lines, MB/s": size / floor,
        "tardis-client replay, decode only, MB/s": size / replay,
        "ours: slices to lake, one core, MB/s": size / ours,
        "ours / tardis-client": replay / ours,
        "lake bytes / slice bytes": lake_bytes / sum(path.stat().st_size for path in slices),
        "book_at, warm, median of 50 random times, ms": _book_at(data) * 1000,
        "peak memory of this process, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def _median(runs: int, work: Callable[[], Any], first: Callable[[], Any] | None = None) -> float:
    """Return the median seconds of some runs, after one that does not count."""
    (first or work)()
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def _fill(cache: Path) -> None:
    """Let tardis-client fetch the sample into its cache, from the loopback Tardis."""
    with TardisSimulator(_SAMPLE).running() as url:
        asyncio.run(_replay(cache, url))


async def _replay(cache: Path, url: str = "http://127.0.0.1:1") -> None:
    client = TardisClient(endpoint=url, cache_dir=str(cache))
    filters = [Channel(name, []) for name in _CHANNELS]
    async for _ in client.replay("coinflex", _FROM, _TO, filters):
        pass


def _book_at(data: Path) -> float:
    rng = random.Random(1)
    start = datetime(2020, 8, 1, 23, 55)  # noqa: DTZ001 - as SQL has it
    seconds = []
    with connect(data) as connection:
        for _ in range(60):
            at = start + timedelta(seconds=rng.uniform(0, 290))
            begun = time.perf_counter()
            rows = connection.execute("from book_at('BTC-USD-SWAP-LIN', ?)", [at]).fetchall()
            seconds.append(time.perf_counter() - begun)
            assert rows
    return statistics.median(seconds[10:])


if __name__ == "__main__":
    main()
