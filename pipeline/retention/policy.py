"""The retention of raw, carried out: oldest days first, each left whole whatever ends the run."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.catalogue import Catalogue
from pipeline.day_sources import sources_of
from pipeline.errors import LakeDiffers, SliceCorrupt
from pipeline.lake import Lake
from pipeline.retention.dropping import droppable, prove
from pipeline.retention.thinning import thin, thinnable
from pipeline.slices import Door

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.config import RetentionSettings
    from pipeline.slices import DayOfSlices, Request

__all__ = ["RetentionReport", "retain"]

log = logging.getLogger(__name__)


@dataclass
class RetentionReport:
    """What was done: slices, bytes that are free now, and why days were left as they are.

    `days_not_served` are days with slices that Tardis gave once, and would not give today.
    """

    slices_thinned: int = 0
    slices_dropped: int = 0
    bytes_freed: int = 0
    days_not_served: int = 0
    left: dict[str, str] = field(default_factory=dict)
    stopped_by: str | None = None

    def summary(self) -> dict[str, Any]:
        """Return the report as facts."""
        return {
            "slices_thinned": self.slices_thinned,
            "slices_dropped": self.slices_dropped,
            "bytes_freed": self.bytes_freed,
            "days_not_served": self.days_not_served,
            "days_left": self.left,
            "stopped_by": self.stopped_by,
        }


def retain(
    data: Path,
    exchange: str,
    policy: RetentionSettings,
    now: datetime,
    *,
    serves: Callable[[Request, date], bool] | None = None,
    jobs: int | None = None,
    spent: Callable[[], str | None] = lambda: None,
    progress: Callable[[str], None] = lambda _: None,
) -> RetentionReport:
    """Thin or drop the raw slices of days that are old enough; the caller holds the lock.

    `serves` says of a request and a day whether Tardis would serve it today; None if it could not
    be asked. `spent` says why to go no further, which is asked before each day. What can't be
    proved is left as it is, and said.
    """
    report = RetentionReport()
    if policy.raw == "keep":
        return report
    door = Door(data, exchange)
    last = now.date() - timedelta(policy.after_days)
    for day in door.all_days():
        if day >= last:
            break
        held = [door.day(request, day) for request in door.requests()]
        given = droppable(held) if policy.raw == "drop" else None
        is_served = given is not None and serves is not None and serves(given.request, day)
        report.days_not_served += given is not None and serves is not None and not is_served
        drops = given if is_served else None
        # What may go is not thinned the night before, because Tardis could not be asked.
        spared = given if serves is None else drops
        thins = [of for of in held if of is not spared and thinnable(of)]
        if drops is None and not thins:
            continue
        if reason := spent():
            report.stopped_by = reason
            break
        progress(f"{day}: raw is {'dropped' if drops else 'thinned'}")
        if drops is not None:
            _drop(data, exchange, drops, report, jobs)
        for of in thins:
            _thin(of, report)
    return report


def _drop(
    data: Path,
    exchange: str,
    held: DayOfSlices,
    report: RetentionReport,
    jobs: int | None,
) -> None:
    """Drop slices of a day, once it is proved that the lake says what they say."""
    day = held.day
    if held.dropped and not _is_in_lake(data, exchange, day):
        return  # it is about to come again, and part of it is here
    try:
        prove(data, exchange, day, has_begun=bool(held.dropped), jobs=jobs)
    except LakeDiffers as error:
        log.warning("raw of %s stays: %s", day, error.first)
        report.left[day.isoformat()] = error.first
        return
    count, size = len(held.slices) - len(held.dropped), held.file_bytes
    held.drop()
    report.slices_dropped += count
    report.bytes_freed += size


def _is_in_lake(data: Path, exchange: str, day: date) -> bool:
    sources = sources_of(Door(data, exchange), day)
    return Catalogue(Lake(data, exchange)).source_of(day) == {sources.digest()}


def _thin(held: DayOfSlices, report: RetentionReport) -> None:
    """Thin what can be thinned of a request's day."""
    before = held.file_bytes
    try:
        for minute in thinnable(held):
            try:
                thin(held, minute)
            except SliceCorrupt as error:
                log.warning("%s; it stays as it is", error)
                report.left.setdefault(held.day.isoformat(), f"{held.name(minute)}: {error.reason}")
            else:
                report.slices_thinned += 1
    finally:
        held.save()
    report.bytes_freed += before - held.file_bytes
