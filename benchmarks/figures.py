"""The figures that this project holds itself to, and whether what was measured holds them.

Throughput and memory are of this project's ingest and of its snapshots. `cpu` is the same figure by
CPU time, which others at work on the machine can't stretch; what does not hold by the clock but
does by CPU time was disturbed.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.asking import BOOKS, CONNECT, QUOTES
from benchmarks.contenders import DERIVE, OURS, SNAPSHOTS
from benchmarks.queries import ANY_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.results import Results

__all__ = ["Figure", "figures"]


@dataclass(frozen=True)
class Figure:
    """One figure: its unit, the value and the same by CPU time, and the bound that it has to keep.

    None is what was not measured.
    """

    name: str
    unit: str
    bound: float
    at_least: bool
    value: float | None
    cpu: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the bound is kept, by the clock."""
        if self.value is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def figures(results: Results) -> list[Figure]:
    """Return all figures, measured or not."""
    return [*_throughput(results), *_sizes(results), *_latencies(results)]


def _throughput(results: Results) -> Iterator[Figure]:
    for workload, contender, unit, bound in (
        ("generated", OURS[0], "MB/s", 500),
        ("generated", OURS[1], "MB/s", 900),
        ("order_flow", OURS[0], "MB/s", 300),
        ("thin", OURS[0], "messages/s", 300_000),
    ):
        row = results.row(workload, "long", contender.key)
        value = cpu = None
        if row:
            value = row.speed if unit == "MB/s" else row.rate
            # Only one process at a time can be told by its CPU time.
            cpu = value / row.cpu if row.cores == 1 else None
        cores = "one core" if contender.cores else "all cores"
        yield Figure(f"{workload}, slices to lake, {cores}", unit, bound, True, value, cpu)
    # Speed over speed: ours of the long part, in which what an ingest costs once is spread as it is
    # in use, theirs of the short one, since what they do with a minute depends on no other.
    ours = results.row("generated", "long", OURS[0].key)
    for key, name, bound in (
        ("tardis_dev_normalized", "tardis-dev replayNormalized", 10),
        ("tardis_client_json", "tardis-client with json", 20),
    ):
        other = results.row("generated", "short", key)
        value = cpu = None
        if ours and other:
            value = ours.speed / other.speed
            cpu = value / ours.cpu * other.cpu
        yield Figure(f"generated, one core: ours over {name}", "times", bound, True, value, cpu)
    yield _snapshots(results)


def _snapshots(results: Results) -> Figure:
    """Messages a second, ours of the whole day from the lake, theirs of the short part."""
    ours = results.row("generated", "day", SNAPSHOTS.key)
    theirs = results.row("generated", "short", "tardis_dev_snapshots")
    value = cpu = None
    if ours and theirs:
        value = ours.rate / theirs.rate
        cpu = value / ours.cpu * theirs.cpu
    name = "generated, one core: snapshots of a day over tardis-dev's"
    return Figure(name, "times", 20, True, value, cpu)


def _sizes(results: Results) -> Iterator[Figure]:
    # The workers of a day are threads of one process.
    ours = [row for row in results.rows if row.contender in OURS]
    peak = max((row.measured.peak_bytes / row.cores / 1e6 for row in ours), default=None)
    yield Figure("peak memory of an ingest, per worker", "MB", 500, False, peak)
    for name, contender in (("snapshots of a day, in batches", SNAPSHOTS), ("derive", DERIVE)):
        found = results.row("generated", "day", contender.key)
        peak = found.measured.peak_bytes / 1e6 if found else None
        yield Figure(f"peak memory of {name}", "MB", 600, False, peak)
    day = results.row("generated", "day", OURS[1].key)
    row = day or results.row("generated", "long", OURS[0].key)
    ratio = row.disk_ratio if row else None
    yield Figure("generated, lake bytes over gzip slice bytes", "", 0.6, False, ratio)


def _latencies(results: Results) -> Iterator[Figure]:
    asked = {latency.name: latency for latency in results.queries}
    for question in ("book_at in SQL", "book_at in Python"):
        latency = asked.get(f"{question} {ANY_TIME}")
        value = statistics.median(latency.warm_small) * 1e3 if latency else None
        yield Figure(f"{question}, warm, a full day", "ms", 10, False, value)
        ratio = latency.ratio if latency else None
        yield Figure(f"{question}, large lake over small one", "times", 1.2, False, ratio)
    for question, bound in ((BOOKS, 3.0), (QUOTES, 0.3), (CONNECT, 0.05)):
        latency = asked.get(question)
        value = statistics.median(latency.warm_small) if latency else None
        yield Figure(f"{question}, warm", "s", bound, False, value)
    commands = {command.name: command for command in results.commands}
    for name, bound in (
        ("--help", 0.4), ("plan of a month", 1.0), ("status", 1.0), ("coverage", 1.0),
        ("sync, nothing to do", 2.0), ("verify of a day", 30.0),
    ):  # fmt: skip
        command = commands.get(name)
        value = statistics.median(command.seconds) if command else None
        yield Figure(f"command: {name}", "s", bound, False, value)
    waited = results.backfill.after_last_byte if results.backfill else None
    name = "backfill over the line, from the last byte to the answer"
    yield Figure(name, "s", 10, False, waited)
