"""Starts contenders, each in a fresh process with as many cores and threads as its row says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from benchmarks.job import Job, Measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.contenders import Contender
    from benchmarks.job import Limits
    from benchmarks.slices import Slices

__all__ = ["cores_there", "run", "run_module"]

_ROOT: Final = Path(__file__).parent.parent
# Whoever has a pool of threads makes it as large as one of these says.
_THREADS: Final = (
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


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
    job = Job(contender.name, str(slices.folder), str(scratch), str(kept), cores, limits)
    environment = os.environ | dict.fromkeys(_THREADS, str(cores))
    argument = msgspec.json.encode(job).decode()
    text = run_module("benchmarks.child", argument, environment=environment)
    measured = msgspec.json.decode(text, type=Measured)
    counted = measured.counted
    if counted is not None:
        assert counted.messages == slices.messages, (contender.key, counted, slices)
        assert counted.raw_bytes in {None, slices.raw_bytes}, (contender.key, counted, slices)
    return measured


def run_module(name: str, *arguments: str, environment: Mapping[str, str] = os.environ) -> str:
    """Run a Python module in a fresh process; return its stdout, show its stderr if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", name, *arguments],
        cwd=_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return done.stdout
