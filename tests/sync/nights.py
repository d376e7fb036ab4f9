"""A service with minutes around a midnight, and nights on which the job runs against it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.config import RetentionSettings, SyncSettings
from pipeline.simulator import Fault, TardisSimulator
from pipeline.sync import SyncReport, sync
from tests.lakes import leave_objects
from tests.world import KEY, Seen, around_midnight, history, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.sync.runs import Run

# Five minutes before the midnight after a free day, and five after it.
SPAN = {"start": "2020-08-01T23:55", "end": "2020-08-02T00:05"}
MINUTES = around_midnight(5)
NOW = datetime(2020, 8, 10, 3, tzinfo=UTC)


class Nights:
    """Runs of the job on a data folder, on one night or many."""

    def __init__(self, simulator: TardisSimulator, url: str, folder: Path) -> None:
        self.simulator = simulator
        self.url = url
        self.data = folder / "data"
        self._nights = 0

    def sync(
        self,
        *,
        key: str | None = KEY,
        now: datetime = NOW,
        url: str | None = None,
        retention: RetentionSettings = RetentionSettings(),  # noqa: B008 - it can't change
        **asked: Any,
    ) -> SyncReport:
        """Run the job, as if it were `now`; each time a second later."""
        self._nights += 1
        now += timedelta(seconds=self._nights)
        found = settings(self.data, url or self.url, key=key)
        wanted = SyncSettings(**(SPAN | {"verify": False} | asked))
        return sync(replace(found, sync=wanted, retention=retention), jobs=1, now=now)

    def run(self, **given: Any) -> Run:
        """Run the job, and return what it did; raises what it could not do."""
        report = self.sync(**given)
        report.raise_if_failed()
        return report.run

    def asked(self) -> list[datetime]:
        """Return the minutes that the service was asked for since the last time, in order."""
        minutes = [of.minute for of in self.simulator.requests if of.minute is not None]
        self.simulator.requests.clear()
        return minutes

    def reports(self) -> list[dict[str, Any]]:
        """Return what the files of runs/ say, in order."""
        files = sorted((self.data / "runs").glob("*.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in files]

    def let_time_pass(self) -> None:
        """Let the folders of raw be as they are for a while: nothing is young any more."""
        for folder in (self.data / "raw").rglob("*"):
            if folder.is_dir():
                age(folder, 60)


def age(path: Path, seconds: float) -> None:
    """Let a file or folder be older."""
    status = path.stat()
    before = status.st_mtime_ns - int(seconds * 1e9)
    os.utime(path, ns=(status.st_atime_ns, before))


@contextmanager
def nights(folder: Path, *faults: Fault, key: str | None = KEY, **service: Any) -> Iterator[Nights]:
    """Open a service, and nothing is there yet."""
    slices = history(folder / "slices", MINUTES)
    simulator = TardisSimulator(slices, key=key, faults=faults, **service)
    simulator.requests = Seen()
    with simulator.running() as url:
        it = Nights(simulator, url, folder)
        leave_objects(it.data)
        yield it
