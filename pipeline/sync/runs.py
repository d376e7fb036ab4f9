"""What each run did, as a file of its own: `runs/<when it began>.json`, whatever ended the run.

The file is there from the beginning, and says `running`. A run that ends says how; one that could
not, because it was killed or the disk was full, is found by the next one, which holds the lock, so
that nobody else can be at work: it is `cut_short`. `sql/marts/runs.sql` has them all as rows.
"""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

import pipeline
from pipeline import durable
from pipeline.errors import LakeUnwritable

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ingest import IngestReport

__all__ = [
    "CUT_SHORT",
    "DONE",
    "FAILED",
    "INTERRUPTED",
    "LACKING",
    "RUNNING",
    "Run",
    "Runs",
    "unwritten",
]

log = logging.getLogger(__name__)

RUNNING: Final = "running"
DONE: Final = "done"
LACKING: Final = "lacking"
FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"
CUT_SHORT: Final = "cut_short"
_LACKS_RAW: Final = "raw was dropped"


class Run(msgspec.Struct, kw_only=True):
    """One run: when, how it ended, what it did. Times are UTC; counts are of this run alone.

    `minutes_lacking` did not arrive and should have, of days that are over for long; those of days
    that have just ended are `minutes_pending`; `minutes_postponed` were left for the next run,
    since `stopped_by` came first: the budget of time or requests, or the disk.
    """

    run: str
    command: str
    exchange: str
    release: str
    process: int
    started: datetime
    ended: datetime | None = None
    seconds: float | None = None
    outcome: str = RUNNING
    exit_code: int | None = None
    error: str | None = None
    wanted_from: datetime | None = None
    wanted_to: datetime | None = None
    days_wanted: int = 0
    days_complete_before: int = 0
    days_that_need_a_key: int = 0
    days_not_covered_by_key: int = 0
    stopped_by: str | None = None
    requests: int = 0
    minutes_fetched: int = 0
    minutes_without_data: int = 0
    minutes_asked_again: int = 0
    minutes_lacking: int = 0
    minutes_pending: int = 0
    minutes_postponed: int = 0
    bytes_fetched: int = 0
    days_ingested: int = 0
    days_in_conflict: int = 0
    days_being_recorded: int = 0
    slices_corrupt: int = 0
    derived_removed: int = 0
    days_verified: int = 0
    differences: int = 0
    lines: int = 0
    lines_quarantined: int = 0
    disconnects: int = 0
    days_lacking_raw: int = 0
    slices_thinned: int = 0
    slices_dropped: int = 0
    bytes_freed: int = 0
    runs_pruned: int = 0
    free_bytes: int | None = None
    days: dict[str, str] = {}
    lacking: dict[str, str] = {}
    phases: dict[str, float] = {}

    def note_ingest(self, report: IngestReport) -> None:
        """Add what an ingest did."""
        self.days_ingested += len(report.written)
        self.days_being_recorded = len(report.being_recorded)
        self.slices_corrupt += len(report.corrupt)
        self.derived_removed += report.derived_removed
        self.lines += report.counts.get("lines", 0)
        self.lines_quarantined += report.counts.get("quarantined", 0)
        self.disconnects += report.counts.get("disconnects", 0)
        self.days |= {day.isoformat(): _LACKS_RAW for day in report.lacking_raw}
        self.days |= dict.fromkeys(report.written, "ingested")
        self.days_lacking_raw = len(self.names_lacking_raw())
        self.days |= dict.fromkeys(report.conflicts, "in conflict")
        self.days_in_conflict = sum(word == "in conflict" for word in self.days.values())

    def names_lacking_raw(self) -> list[str]:
        """Return the days that are to be made again, and can't be: raw of them was dropped."""
        return sorted(day for day, word in self.days.items() if word == _LACKS_RAW)


def unwritten(command: str, exchange: str, now: datetime, exit_code: int) -> Run:
    """Return what there is to tell of a run that could not even begin a report."""
    about = Run(
        run="",
        command=command,
        exchange=exchange,
        release=pipeline.__version__,
        process=os.getpid(),
        started=now,
    )
    about.ended, about.outcome, about.exit_code = now, FAILED, exit_code
    return about


class Runs:
    """The reports of a data folder; whoever changes them holds its lock."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "runs"
        self._drafts = self.folder / ".drafts"
        self._open = self.folder / ".open"  # the name of the report whose run is not over
        self._began = time.monotonic()

    def begin(self, command: str, exchange: str, now: datetime) -> Run:
        """Begin a report, and end that of a run before which could not."""
        durable.clear(self._drafts)
        self._close_the_open_one()
        self._began = time.monotonic()
        name = f"{now:%Y%m%dT%H%M%S.%fZ}-{os.getpid()}"
        while self._path(name).exists():  # a clock that was set back, say
            name += "-again"
        run = Run(
            run=name,
            command=command,
            exchange=exchange,
            release=pipeline.__version__,
            process=os.getpid(),
            started=now,
        )
        with durable.replacing(self._open, self._drafts) as draft:
            draft.write_text(name, encoding="utf-8")
        self.save(run)
        return run

    def save(self, run: Run) -> None:
        """Write a report as it stands."""
        with durable.replacing(self._path(run.run), self._drafts) as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1))

    def end(self, run: Run, outcome: str, exit_code: int, error: str | None = None) -> None:
        """Say how a run ended; where that can't be written, the log has it."""
        run.ended = datetime.now(UTC)
        run.seconds = round(time.monotonic() - self._began, 3)  # clocks may be set meanwhile
        run.outcome, run.exit_code, run.error = outcome, exit_code, error
        try:
            self.save(run)
            self._open.unlink()
        except (LakeUnwritable, OSError) as unwritable:
            log.error("the run's report: %s", unwritable)  # noqa: TRY400 - its words say it all

    def prune(self, keep: int) -> int:
        """Remove the oldest reports, all but the last `keep`; return how many went."""
        old = self.names()[:-keep]
        for name in old:
            self._path(name).unlink(missing_ok=True)
        return len(old)

    def names(self) -> list[str]:
        """Return the names of all reports, the oldest first."""
        return sorted(path.stem for path in self.folder.glob("[0-9]*.json"))

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a report; None if it can't be read."""
        try:
            found: dict[str, Any] = msgspec.json.decode(self._path(name).read_bytes(), type=dict)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return found

    def _close_the_open_one(self) -> None:
        """End the report that was begun and not ended: its run is gone, since the lock is ours."""
        try:
            name = self._open.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        found = self.read(name)
        if found and found.get("outcome") == RUNNING:
            found |= {"outcome": CUT_SHORT}
            with durable.replacing(self._path(name), self._drafts) as draft:
                draft.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"
