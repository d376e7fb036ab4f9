"""What a capture's process holds, from day to day: it must not be more each day."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

__all__ = ["Daily", "Held", "check_holdings", "daily", "read_samples"]

# A day of which less was seen says nothing.
_SAMPLES: Final = 8
# From the first midnight on there is a process that has made a day whole, until the next one.
_FIRST: Final = 1
# Pools of libraries begin a thread when they first need it.
_THREADS_SLACK: Final = 2
_MEMORY_GROWTH: Final = 1.25
_MEMORY_SLACK: Final = 40_000  # kB


class Held(NamedTuple):
    """What a process holds: open descriptors, threads, and kilobytes of memory."""

    descriptors: int
    threads: int
    memory: int

    @classmethod
    def by(cls, process: int | str) -> Self:
        """Look what a process holds now."""
        about = Path(f"/proc/{process}/status").read_text("ascii", "replace").splitlines()
        told = dict(line.split(":", 1) for line in about if ":" in line)
        files = len([*Path(f"/proc/{process}/fd").iterdir()])
        return cls(files, int(told["Threads"]), int(told["VmRSS"].split()[0]))


def read_samples(path: Path) -> list[dict[str, Any]]:
    """Return what a process said it held, in order; a last line may be cut."""
    lines = path.read_text().split("\n")[:-1]
    return [json.loads(line) for line in lines]


class Daily(NamedTuple):
    """What a process held on a day, while its feed was live: in most moments, memory at most."""

    day: date
    tasks: int
    capture: Held
    lake: Held
    behind: float  # minutes at worst


def daily(samples: Path) -> list[Daily]:
    """Return what was held on each day of which enough was seen."""
    by_day: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for sample in read_samples(samples):
        assert sample["is_alive"], f"the lake's process has ended: {sample}"
        if sample["phase"] == "live" and sample["lake"]:
            by_day[datetime.fromisoformat(sample["at"]).date()].append(sample)
    return [_of_day(*of) for of in by_day.items() if len(of[1]) >= _SAMPLES]


def check_holdings(days: list[Daily]) -> None:
    """Raise AssertionError if a process held more at the end than at the beginning."""
    if len(days) <= _FIRST:
        return
    first, last = days[_FIRST], days[-1]
    told = f"from {first} to {last}"
    assert last.tasks <= first.tasks, told
    for one, other in ((first.capture, last.capture), (first.lake, last.lake)):
        assert other.descriptors <= one.descriptors, told
        assert other.threads <= one.threads + _THREADS_SLACK, told
        assert other.memory <= one.memory * _MEMORY_GROWTH + _MEMORY_SLACK, told


def _of_day(day: date, samples: list[dict[str, Any]]) -> Daily:
    return Daily(
        day,
        round(median(sample["tasks"] for sample in samples)),
        _held(Held(*sample["capture"]) for sample in samples),
        _held(Held(*sample["lake"][0]) for sample in samples),
        max(sample["behind"] for sample in samples),
    )


def _held(of: Iterable[Held]) -> Held:
    descriptors, threads, memory = zip(*of, strict=True)
    return Held(round(median(descriptors)), round(median(threads)), max(memory))
