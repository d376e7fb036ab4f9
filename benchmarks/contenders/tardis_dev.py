"""Tardis's own client for Node.js, the npm package tardis-dev, replaying from its own cache.

`replayNormalized` decodes every line and makes objects of books and trades; with
`computeBookSnapshots` it also keeps a book, and gives the best 25 levels whenever they changed.
Nothing is stored. It is installed once, into the folder of kept data, and gets its slices from the
loopback Tardis before anything is timed. Where Node.js is not there, its rows say so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from benchmarks.job import EXCHANGE, Counted, Job, Measured
from benchmarks.node import AbsentError, TardisDev
from benchmarks.slices import span
from pipeline.simulator.tardis import TardisSimulator
from pipeline.slice_file import read_lines

__all__ = ["measure"]

_SCRIPT: Final = Path(__file__).with_name("tardis_dev.cjs")


def measure(job: Job) -> Measured:
    """Replay in a Node.js process; if there is none, or no package, say which."""
    try:
        client = TardisDev.installed(Path(job.kept))
    except AbsentError as reason:
        return Measured(absent=str(reason))
    with TardisSimulator(Path(job.slices)).running() as url:
        found = json.loads(client.run(_SCRIPT, _task(job, f"{url}/v1")))
    assert found["same"], f"two runs of {job.contender} differ"
    counted = Counted(found["messages"], snapshots=found["snapshots"] or None)
    return Measured(found["seconds"], found["cpu"], counted, found["peak"])


def _task(job: Job, endpoint: str) -> dict[str, Any]:
    start, end = span(job.files)
    lines = sum(bool(line) for path in job.files for line in read_lines(path))
    return {
        "endpoint": endpoint,
        "cache": str(Path(job.scratch) / "tardis-dev"),
        "exchange": EXCHANGE,
        "from": start,
        "to": end,
        "messages": lines,
        "snapshots": job.contender == "tardis_dev_snapshots",
        "runs": job.limits.runs,
        "seconds": job.limits.seconds,
    }
