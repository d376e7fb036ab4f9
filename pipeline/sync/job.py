"""One run of the scheduled job, from the lock to the report.

It does as much as it can: what can't be fetched does not keep what is there from being ingested,
and what can't be done is said at the end, by the report and the exit code.
"""

from __future__ import annotations

import logging
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from pipeline.catalogue import Catalogue
from pipeline.drafts import clear_drafts
from pipeline.errors import (
    DiskNearlyFull,
    KeyOpensNothing,
    LakeDiffers,
    MinutesLacking,
    PipelineError,
    RawDropped,
    ServiceRefused,
    ServiceUnreachable,
)
from pipeline.lake import Lake
from pipeline.lock import holding
from pipeline.progress import Quiet
from pipeline.slices import Door
from pipeline.sources.budget import Budget
from pipeline.sources.serving import Serving, ask
from pipeline.sync.fetching import Fetching, is_over
from pipeline.sync.reporting import reported
from pipeline.sync.runs import Run, Runs
from pipeline.sync.settled import Settled
from pipeline.sync.wanted import Wanted, wanted_of
from pipeline.views import write_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipeline.config import Settings
    from pipeline.progress import Progress

__all__ = ["SyncReport", "sync"]

log = logging.getLogger(__name__)

# Between these it is seen whether the disk still has room.
_DAYS_AT_ONCE: Final = 8
_MINUTES_READ_ANEW: Final = 2
_DISK: Final = "disk"
_GB: Final = 1e9


@dataclass(frozen=True)
class SyncReport:
    """What a run did, as its file has it, and what it could not do, if anything."""

    run: Run
    failure: PipelineError | None = None

    def raise_if_failed(self) -> None:
        """Raise what kept the run from being done, if anything: MinutesLacking, say."""
        if self.failure:
            raise self.failure


def sync(
    settings: Settings,
    *,
    jobs: int | None = None,
    progress: Callable[[int], Progress] = Quiet,
    now: datetime | None = None,
) -> SyncReport:
    """Fetch and ingest what is missing of the days that `settings.sync` wants, look after the rest.

    A second run changes nothing. What went wrong on the way is in the report, which is in
    `runs/` too, however the run ends. Raises LockHeld at once, UsageError before anything was
    fetched, ServiceRefused if it does not even say what it has, and LakeError where the lake can't
    be read or written.
    """
    with (
        holding(settings.data),
        reported(settings, "sync", now or datetime.now(UTC), settings.sync.textfile) as it,
    ):
        job = _Job(settings, it.run, jobs, progress)
        job.work()
        it.failure = job.failure()
    return SyncReport(it.run, it.failure)


class _Job:
    """One run at work; the caller holds the lock."""

    def __init__(
        self,
        settings: Settings,
        run: Run,
        jobs: int | None,
        progress: Callable[[int], Progress],
    ) -> None:
        self._settings = settings
        self._asked = settings.sync
        self._run = run
        self._jobs = jobs
        self._progress = progress
        self._door = Door(settings.data, settings.exchange)
        self._budget = Budget(
            requests=self._asked.max_requests,
            seconds=60 * self._asked.max_minutes,
            guard=self._why_the_disk_is_full,
        )
        self._serving: Serving | None = None
        self._fetching: Fetching | None = None
        self._unreachable: ServiceUnreachable | None = None
        self._refused: ServiceRefused | None = None
        self._opens_nothing = False
        self._different: LakeDiffers | None = None

    def work(self) -> None:
        """Do all that is to be done."""
        clear_drafts(self._settings.data, self._settings.exchange)  # of runs that were killed
        with self._phase("plan"):
            self._settled = Settled(self._door)
            wanted = self._wanted()
        if wanted:
            with self._phase("fetch"):
                self._fetching = Fetching(
                    self._settings, self._run, wanted, self._settled, self._lacking_raw(wanted)
                )
                try:
                    self._fetching.fetch(self._budget, self._jobs, self._progress)
                except ServiceRefused as error:
                    log.warning("%s; what is in raw is ingested all the same", error)
                    self._refused = error
        with self._phase("ingest"):
            self._ingest_the_rest()
        with self._phase("tidy"):
            self._tidy()
        if self._asked.verify and self._run.days_ingested:
            with self._phase("verify"):
                self._verify()
        if self._settings.retention.raw != "keep":
            with self._phase("retention"):
                self._retain()
        self._run.free_bytes = _free(self._settings.data)

    def failure(self) -> PipelineError | None:
        """Return what the run could not do, the worst of it."""
        fetching = self._fetching
        if self._different:
            return self._different
        if self._run.stopped_by == _DISK:
            return DiskNearlyFull(self._settings.data, _free(self._settings.data), self._least_free)
        if self._refused:
            return self._refused
        if self._opens_nothing:
            return KeyOpensNothing(self._settings.exchange, self._run.days_not_covered_by_key)
        if fetching and fetching.lacking:
            return MinutesLacking(fetching.lacking)
        lacking = [date.fromisoformat(day) for day in self._run.names_lacking_raw()]
        return RawDropped(lacking) if lacking else self._unreachable

    # --- what is wanted ------------------------------------------------------------------------

    def _wanted(self) -> Wanted | None:
        """Ask the service what it has; None, which is noted, if it can't be reached."""
        try:
            serving = self._serving = ask(self._settings, self._run.started)
        except ServiceUnreachable as error:
            log.warning("%s; what is in raw is ingested all the same", error)
            self._unreachable = error
            return None
        wanted = wanted_of(
            self._asked, self._door, serving.details, serving.access, self._run.started
        )
        run = self._run
        run.wanted_from, run.wanted_to = wanted.range
        run.days_wanted = len(wanted.days)
        run.days_that_need_a_key = len(wanted.need_key)
        run.days_not_covered_by_key = len(wanted.not_covered)
        self._opens_nothing = serving.access == [] and bool(wanted.not_covered)
        return wanted

    # --- the rest ------------------------------------------------------------------------------

    def _ingest_the_rest(self) -> None:
        """Bring in what came by other ways, or was recorded, and days that are still in parts."""
        lake = Lake(self._settings.data, self._settings.exchange)
        catalogue = Catalogue(lake)
        days = self._door.all_days()
        todo = [day for day in days if not self._settled.is_in_lake(day, catalogue.source_of(day))]
        for first in range(0, len(todo), _DAYS_AT_ONCE):
            if reason := self._why_the_disk_is_full():
                self._run.stopped_by = reason
                return
            self._ingest(todo[first : first + _DAYS_AT_ONCE])
        if todo:
            catalogue = Catalogue(lake)
        for day in todo:
            source = catalogue.days.get(day.isoformat(), {}).get("source")
            if source and catalogue.source_of(day) == {source} and is_over(day, self._run.started):
                self._settled.in_lake(day, source)

    def _ingest(self, days: Sequence[date]) -> None:
        from pipeline.ingest import ingest  # noqa: PLC0415 - half of what a quiet night takes

        with self._progress(0) as shown:
            report = ingest(
                self._settings.data,
                self._settings.exchange,
                days=days,
                jobs=self._jobs,
                progress=shown.ingested,
            )
        self._run.note_ingest(report)

    def _tidy(self) -> None:
        """Leave what the next run and every reader need, and nothing else."""
        self._settled.save()
        write_database(self._settings.data, self._settings.exchange)
        clear_drafts(self._settings.data, self._settings.exchange)
        self._run.runs_pruned = Runs(self._settings.data).prune(self._asked.keep_runs)

    def _verify(self) -> None:
        """Hold what was just ingested against raw: all of its files, and one day to the row."""
        from pipeline.verifying import verify  # noqa: PLC0415 - see _ingest

        days = [date.fromisoformat(day) for day in self._run.days]
        report = verify(
            self._settings.data,
            self._settings.exchange,
            days=days,
            sample=1,
            minutes=_MINUTES_READ_ANEW,
            seed=int(self._run.started.timestamp()),
            jobs=self._jobs,
        )
        self._run.days_verified, self._run.differences = len(days), len(report.differences)
        if report.differences:
            self._different = LakeDiffers(len(report.differences), str(report.differences[0]))

    def _lacking_raw(self, wanted: Wanted) -> list[date]:
        """Return the days of which dropped slices are to be fetched again: the lake needs them."""
        catalogue = Catalogue(Lake(self._settings.data, self._settings.exchange))
        found = []
        for day in wanted.days:
            there = catalogue.source_of(day)
            if not self._settled.is_in_lake(day, there):
                from pipeline.day_sources import sources_of  # noqa: PLC0415 - see _ingest

                sources = sources_of(self._door, day)
                if sources.dropped and there != {sources.digest()}:
                    found.append(day)
        return found

    def _retain(self) -> None:
        """Thin or drop what is old of raw."""
        from pipeline.retention import retain  # noqa: PLC0415 - see _ingest

        report = retain(
            self._settings.data,
            self._settings.exchange,
            self._settings.retention,
            self._run.started,
            serves=self._serving.serves if self._serving else None,
            jobs=self._jobs,
            spent=lambda: self._budget.time_is_up,
        )
        self._run.slices_thinned = report.slices_thinned
        self._run.slices_dropped = report.slices_dropped
        self._run.bytes_freed = report.bytes_freed
        self._run.stopped_by = self._run.stopped_by or report.stopped_by
        self._run.differences += len(report.left)
        if report.left and not self._different:
            self._different = LakeDiffers(len(report.left), next(iter(report.left.values())))

    # --- bounds and times ----------------------------------------------------------------------

    @property
    def _least_free(self) -> int:
        return int(self._asked.min_free_gb * _GB)

    def _why_the_disk_is_full(self) -> str | None:
        return _DISK if _free(self._settings.data) < self._least_free else None

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        """Take the time of what is done, in seconds, also where it fails."""
        began = time.monotonic()
        try:
            yield
        finally:
            known = self._run.phases.get(name, 0.0)
            self._run.phases[name] = round(known + time.monotonic() - began, 3)


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
