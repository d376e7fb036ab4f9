"""What a contender is given, and what it reports: the two sides of a child process.

Every contender runs in a process of its own, so that none inherits another one's memory, threads
or warm caches, on as many cores as its row says. Process start, imports and a first run, which
compiles and warms up, are not counted.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.slices import slice_files

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EXCHANGE", "Counted", "Job", "Limits", "Measured", "pin", "timed"]

EXCHANGE: Final = "coinflex"


@dataclass(frozen=True)
class Limits:
    """How often a contender is timed: at least once, and not again after so many seconds.

    `warm_up` asks for one more run, before them, that is not counted.
    """

    runs: int
    seconds: float
    warm_up: bool = True


@dataclass(frozen=True)
class Job:
    """All slices of a folder, read from end to end.

    `scratch` is a folder for what is written, `kept` one that outlives the benchmark.
    """

    contender: str
    slices: str
    scratch: str
    kept: str
    cores: int
    limits: Limits

    @property
    def files(self) -> list[Path]:
        """The slices, in order of time."""
        return slice_files(Path(self.slices))


@dataclass(frozen=True)
class Counted:
    """What one run found, by which contenders are compared; None is what it does not know.

    `changes` are levels that a message has and the one before had not, or with another amount, and
    those that are gone; all levels of an instrument's first message. `snapshots` are the messages
    on which one of the best 25 levels changed. `disk_bytes` is what it wrote.
    """

    messages: int
    changes: int | None = None
    raw_bytes: int | None = None
    disk_bytes: int | None = None
    snapshots: int | None = None


@dataclass
class Measured:
    """What a contender reports: wall and CPU seconds of each run, what it found, peak memory.

    `absent` says why there is nothing to report.
    """

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    counted: Counted | None = None
    peak_bytes: int = 0
    absent: str | None = None


def pin(cores: int) -> None:
    """Keep this process and its children on some cores, the last ones, where that can be done."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


def timed(job: Job, work: Callable[[], Counted]) -> Measured:
    """Run as the job's limits say, and report it; every run finds the same."""
    begun = time.perf_counter()
    first = work() if job.limits.warm_up else None
    measured = Measured()
    while len(measured.seconds) < job.limits.runs:
        cpu, wall = _cpu_seconds(), time.perf_counter()
        found = work()
        measured.seconds.append(time.perf_counter() - wall)
        measured.cpu_seconds.append(_cpu_seconds() - cpu)
        assert first in {None, found}, f"two runs of {job.contender} differ: {first}, {found}"
        measured.counted = first = found
        if time.perf_counter() - begun > job.limits.seconds:
            break
    measured.peak_bytes = _peak_memory()
    return measured


_OWN_AND_CHILDREN: Final = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _peak_memory() -> int:
    """Return the most bytes that this process, or any one of its ended children, ever held."""
    unit = 1 if sys.platform == "darwin" else 1024
    own, children = (resource.getrusage(who).ru_maxrss * unit for who in _OWN_AND_CHILDREN)
    # It is at least what the parent held when it started this process; Linux knows better.
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        own = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    return max(own, children)


def _cpu_seconds() -> float:
    """Return the CPU time of this process and its ended children: what other work can't stretch."""
    spent = [resource.getrusage(who) for who in _OWN_AND_CHILDREN]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)
