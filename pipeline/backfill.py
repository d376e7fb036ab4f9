"""Download, then ingest: the product's main job as one function."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.catalogue import Catalogue
from pipeline.config import KEY_VARIABLES, Settings
from pipeline.drafts import clear_drafts
from pipeline.errors import MinutesLacking, RawDropped
from pipeline.exchange_details import keep
from pipeline.ingest import IngestReport, ingest
from pipeline.lake import Lake
from pipeline.lock import holding
from pipeline.progress import Quiet
from pipeline.slices import Door
from pipeline.sources.event_loop import run_to_end
from pipeline.sources.tardis import DownloadReport, download, plan_backfill
from pipeline.sources.tardis_plan import Plan, required_key
from pipeline.views import write_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from pipeline.progress import Progress
    from pipeline.sources.budget import Budget
    from pipeline.times import Range

__all__ = ["BackfillReport", "backfill", "fetch_and_ingest", "plan_backfill"]

log = logging.getLogger(__name__)


@dataclass
class BackfillReport:
    """What a backfill planned, fetched and ingested."""

    plan: Plan
    download: DownloadReport
    ingest: IngestReport

    def summary(self) -> dict[str, Any]:
        """Return the report in figures."""
        counts = self.ingest.counts
        return {
            "minutes_fetched": self.download.fetched,
            "minutes_there_already": sum(day.there for day in self.plan.days),
            "minutes_lacking": len(self.download.lacking),
            "minutes_without_data": self.download.empty,
            "bytes_fetched": self.download.size,
            "days_ingested": len(self.ingest.written),
            "days_up_to_date": len(self.ingest.up_to_date),
            "days_in_conflict": len(self.ingest.conflicts),
            "derived_removed": self.ingest.derived_removed,
            "lines": counts.get("lines", 0),
            "lines_quarantined": counts.get("quarantined", 0),
            "lines_foreign": counts.get("foreign_lines", 0),
            "disconnects": counts.get("disconnects", 0),
        }

    def raise_if_lacking(self) -> None:
        """Raise MinutesLacking if minutes that were asked for are not there, and RawDropped."""
        if self.download.lacking:
            raise MinutesLacking(self.download.lacking)
        if self.ingest.lacking_raw:
            raise RawDropped(self.ingest.lacking_raw)


def backfill(
    settings: Settings,
    wanted: Range,
    *,
    channels: Sequence[str] | None = None,
    instruments: Sequence[str] | None = None,
    dropped: bool = False,
    jobs: int | None = None,
    progress: Callable[[int], Progress] = Quiet,
) -> BackfillReport:
    """Fetch what the range lacks, and bring its days into the lake; a second run changes nothing.

    What the retention of raw `dropped` is not lacking, unless that is said.
    Works in a notebook as well, where an event loop runs already.
    Raises LockHeld, UsageError and KeyRequired before anything is fetched, ServiceRefused at the
    latest after the last and the first minute, ServiceUnreachable without exchange details. Minutes
    that did not arrive are in the report, and those that did are in the lake all the same.
    """
    with holding(settings.data):
        door = Door(settings.data, settings.exchange)
        clear_drafts(settings.data, settings.exchange)  # of runs that were killed
        plan = plan_backfill(
            settings, wanted, channels=channels, instruments=instruments, dropped=dropped
        )
        required_key(plan, settings.tardis.key, KEY_VARIABLES[0])
        keep(door, plan.details)
        with progress(sum(1 for _ in plan.minutes())) as shown:
            downloaded, ingested = fetch_and_ingest(settings, plan, jobs, shown)
        write_database(settings.data, settings.exchange)
        for name, day in _suspect(settings, plan):
            log.warning("%s was asked for on %s, and there is not a line: suspect", name, day)
        # The folders too: the next run has nothing left to tidy.
        clear_drafts(settings.data, settings.exchange)
    return BackfillReport(plan, downloaded, ingested)


def fetch_and_ingest(
    settings: Settings,
    plan: Plan,
    jobs: int | None,
    shown: Progress,
    budget: Budget | None = None,
    report: DownloadReport | None = None,
) -> tuple[DownloadReport, IngestReport]:
    """Ingest each day of a plan while it arrives, so that all is there moments after the last byte.

    What is downloaded is noted in `report` too, if given. The caller holds the lock. Raises what
    `backfill` does once it fetches.
    """
    door = Door(settings.data, settings.exchange)
    door.open(plan.request)
    arrivals = plan.arrivals()
    with ThreadPoolExecutor(1, "ingest") as beside:
        ingesting = beside.submit(
            ingest,
            settings.data,
            settings.exchange,
            days=[day.day for day in plan.days],
            jobs=jobs,
            arrivals=arrivals,
            progress=shown.ingested,
        )
        try:
            work = download(settings, plan, door, arrivals, shown, budget, report)
            downloaded = run_to_end(work)
            return downloaded, ingesting.result()
        finally:
            arrivals.abandon()  # whoever still waits need not: the download is over


def _suspect(settings: Settings, plan: Plan) -> list[tuple[str, date]]:
    """Return the instruments that were named and listed on a day which brought no line of them."""
    days = [day.day for day in plan.days]
    rows = Catalogue(Lake(settings.data, settings.exchange)).rows
    there = set(rows.select("instrument", "date").iter_rows())
    named = plan.request.symbols or ()
    return [(name, day) for day in days for name in named if (name, day) not in there]
