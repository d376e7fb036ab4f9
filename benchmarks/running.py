"""Starts contenders, each in a fresh process with as many cores and threads as its row says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.job import Counted, Job, Measured

if TYPE_CHECKING:
    from benchmarks.contenders import Contender
    from benchmarks.slices import Slices

__all__ = ["Limits", "cores_there", "run"]

_ROOT: Final = Path(__file__).parent.parent
# Whoever has a pool of threads makes it as large as one of these says.
_THREADS: Final = (
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


@dataclass(frozen=True)
class Limits:
    """How often each contender is timed, for how long at most (seconds), whether warmed up."""

    runs: int = 3
    seconds: float = 20.0
    warm_up: bool = True


def cores_there() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(
    contender: Contender, slices: Slices, kept: Path, scratch: Path, limits: Limits
) -> Measured:
    """Return what a contender measured on some slices, checked against what is known of them."""
    cores = contender.cores or cores_there()
    job = Job(contender.name, str(slices.folder), str(scratch), str(kept), cores, **asdict(limits))
    measured = _in_child(job)
    counted = measured.counted
    if counted is not None:
        assert counted.messages == slices.messages, (contender.key, counted, slices)
        assert counted.raw_bytes in {None, slices.raw_bytes}, (contender.key, counted, slices)
    return measured


def _in_child(job: Job) -> Measured:
    threads = dict.fromkeys(_THREADS, str(job.cores))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.child", json.dumps(asdict(job))],
        cwd=_ROOT, env=os.environ | threads, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    if found["counted"] is not None:
        found["counted"] = Counted(**found["counted"])
    return Measured(**found)
