"""What a benchmark found, as it goes into JSON and into the table."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.backfill import Backfilled
    from benchmarks.commands import Command
    from benchmarks.contenders import Contender
    from benchmarks.job import Measured
    from benchmarks.queries import Latency
    from benchmarks.slices import Slices

__all__ = ["Results", "Row"]


@dataclass(frozen=True)
class Row:
    """What one contender measured on one part ("short", "long", "day") of a workload."""

    workload: str
    part: str
    contender: Contender
    cores: int
    slices: Slices
    measured: Measured

    @property
    def seconds(self) -> float:
        """The median of its runs."""
        return statistics.median(self.measured.seconds)

    @property
    def cpu(self) -> float:
        """CPU time, of all its processes and threads, over wall time."""
        return statistics.median(self.measured.cpu_seconds) / self.seconds

    @property
    def speed(self) -> float:
        """Megabytes of raw JSON a second."""
        return self.slices.raw_bytes / 1e6 / self.seconds

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.slices.messages / self.seconds

    @property
    def disk_ratio(self) -> float | None:
        """Bytes that it wrote over bytes of the gzip slices, if it wrote any."""
        counted = self.measured.counted
        if counted is None or counted.disk_bytes is None:
            return None
        return counted.disk_bytes / self.slices.bytes


@dataclass
class Results:
    """All that was measured; empty where it was not asked for."""

    size: str
    machine: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    partitions: tuple[int, int] = (0, 0)
    queries: list[Latency] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    backfill: Backfilled | None = None

    def row(self, workload: str, part: str, key: str) -> Row | None:
        """Return what a contender measured there, if it did."""
        for row in self.rows:
            named = (row.workload, row.part, row.contender.key)
            if named == (workload, part, key) and row.measured.absent is None:
                return row
        return None
