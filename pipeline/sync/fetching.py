"""Fetches the days that a run wants, some at a time; each is ingested while others arrive."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.slices import Door
from pipeline.sources.tardis_plan import make_plan
from pipeline.times import Range, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from pipeline.config import Settings
    from pipeline.progress import Progress
    from pipeline.slice_file import SliceFacts
    from pipeline.sources.budget import Budget
    from pipeline.sources.tardis import DownloadReport
    from pipeline.sources.tardis_plan import Plan
    from pipeline.sync.runs import Run
    from pipeline.sync.settled import Settled
    from pipeline.sync.wanted import Wanted

__all__ = ["Fetching", "is_over"]

log = logging.getLogger(__name__)

_DAYS_AT_ONCE: Final = 8
# A capture may still write what belongs to a day that has just ended.
_RECORDED_LATE: Final = timedelta(hours=1)


def is_over(day: date, now: datetime) -> bool:
    """Say whether nobody records anything of a UTC day any more."""
    return Range.of_day(day).end + _RECORDED_LATE < now


class Fetching:
    """The fetching of a run; what comes of it is noted in the run's report.

    `lacking` has why minutes did not arrive, but for those of days that have just ended.
    `days_left` were not done, since the budget was spent. Of days `lacking_raw` what was dropped is
    fetched again.
    """

    def __init__(
        self,
        settings: Settings,
        run: Run,
        wanted: Wanted,
        settled: Settled,
        lacking_raw: Collection[date] = (),
    ) -> None:
        self.lacking: dict[str, str] = {}
        self.days_left = 0
        self._pending: dict[str, str] = {}
        self._settings = settings
        self._late = timedelta(hours=settings.sync.late_hours)
        self._run = run
        self._wanted = wanted
        self._settled = settled
        self._lacking_raw = lacking_raw
        self._door = Door(settings.data, settings.exchange)

    def fetch(self, budget: Budget, jobs: int | None, progress: Callable[[int], Progress]) -> None:
        """Fetch what lacks of the days that may not be complete, while the budget lasts."""
        todo = [day for day in self._wanted.days if not self._is_complete(day)]
        self._run.days_complete_before = len(self._wanted.days) - len(todo)
        self.days_left = len(todo)
        for days in _batches(todo, newest_first=self._settings.sync.newest_first):
            if reason := budget.spent:
                self._run.stopped_by = reason
                log.warning("%d days are left for the next run: %s", self.days_left, reason)
                return
            plan = self._plan(days)
            if missing := sum(len(day.missing) for day in plan.days):
                with progress(missing) as shown:
                    self._fetch(plan, jobs, shown, budget)
            self._settle(plan)
            if self._run.minutes_postponed:
                self._run.stopped_by = budget.spent
                return
            self.days_left -= len(days)

    def _fetch(self, plan: Plan, jobs: int | None, shown: Progress, budget: Budget) -> None:
        from pipeline.backfill import fetch_and_ingest  # noqa: PLC0415 - see job.py
        from pipeline.sources.tardis import DownloadReport  # noqa: PLC0415

        report = DownloadReport()
        try:
            _, ingested = fetch_and_ingest(self._settings, plan, jobs, shown, budget, report)
        finally:
            self._note(report)
        self._run.note_ingest(ingested)

    def _is_complete(self, day: date) -> bool:
        minutes = self._wanted.range.minutes_of(day)
        return self._settled.is_complete(self._wanted.request, day, minutes)

    def _plan(self, days: Collection[date]) -> Plan:
        wanted = self._wanted
        plan = make_plan(
            wanted.details,
            self._door,
            wanted.range,
            channels=wanted.channels,
            instruments=wanted.instruments,
            only=days,
            again=self._is_to_come_again,
            now=self._run.started,
        )
        self._run.minutes_asked_again += sum(
            minute in day.slices.slices for day in plan.days for minute in day.missing
        )
        return plan

    def _is_to_come_again(self, minute: datetime, facts: SliceFacts) -> bool:
        if facts.dropped:
            return minute.date() in self._lacking_raw
        return self._is_late(minute, facts)

    def _is_late(self, minute: datetime, facts: SliceFacts) -> bool:
        """Say whether a minute that was without data was asked for too early to be believed."""
        fetched = datetime.fromtimestamp(facts.mtime_ns / 1e9, UTC)
        return fetched < minute + self._late and not facts.lines and not facts.disconnects

    def _note(self, downloaded: DownloadReport) -> None:
        run = self._run
        run.requests += downloaded.requests
        run.minutes_fetched += downloaded.fetched
        run.minutes_without_data += downloaded.empty
        run.minutes_postponed += downloaded.postponed
        run.bytes_fetched += downloaded.size
        for name, reason in downloaded.lacking.items():
            is_pending = Range.of_day(parse_time(name)).end + self._late > run.started
            (self._pending if is_pending else self.lacking)[name] = reason
        run.minutes_lacking = len(self.lacking)
        run.minutes_pending = len(self._pending)
        run.lacking = _by_day(self.lacking | self._pending)

    def _settle(self, plan: Plan) -> None:
        """Take note of the days of a plan that have all of their minutes now."""
        for of in plan.days:
            there = of.slices.slices
            is_complete = all(
                minute in there
                and not there[minute].dropped
                and not self._is_late(self._door.minute_at(of.day, minute), there[minute])
                for minute in of.missing
            )
            if is_complete and is_over(of.day, self._run.started):
                minutes = plan.range.minutes_of(of.day)
                self._settled.complete(plan.request, of.day, minutes, has_changed=bool(of.missing))


def _batches(days: Sequence[date], *, newest_first: bool) -> Iterator[Sequence[date]]:
    """Yield days in the order in which they are fetched; the newest come alone, each at once."""
    if newest_first:
        yield from ([day] for day in reversed(days))
        return
    for first in range(0, len(days), _DAYS_AT_ONCE):
        yield days[first : first + _DAYS_AT_ONCE]


def _by_day(lacking: dict[str, str]) -> dict[str, str]:
    """Return by day how many minutes lack, and why the first of them does."""
    found: dict[str, list[str]] = {}
    for name, reason in sorted(lacking.items()):
        found.setdefault(name[:10], []).append(reason)
    return {
        day: f"{len(reasons)} minute{'s' if len(reasons) > 1 else ''}: {reasons[0]}"
        for day, reasons in found.items()
    }
