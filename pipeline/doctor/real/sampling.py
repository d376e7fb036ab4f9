"""A few minutes of some days: chosen, fetched through the door, ingested in a folder of their own.

All instruments and channels are fetched. The folder holds parts of days, which no lake that
somebody works with should have; fetched again into the same one, only what lacks is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.channels import CHANNELS, canonical_channel
from pipeline.config import KEY_VARIABLES
from pipeline.drafts import clear_drafts
from pipeline.errors import MinutesLacking, UsageError
from pipeline.ingest import ingest
from pipeline.lock import holding
from pipeline.slices import Door
from pipeline.sources.event_loop import run_to_end
from pipeline.sources.tardis import download, exchange_details
from pipeline.sources.tardis_plan import Plan, make_plan, required_key
from pipeline.times import MINUTES_OF_DAY, Range, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.config import Settings
    from pipeline.exchange_details import Details
    from pipeline.progress import Progress

__all__ = [
    "DAYS",
    "Sample",
    "chosen_minutes",
    "parse_days",
    "parse_times_of_day",
    "sampled",
]

# Free days of each era: the first months, before and after the levels lost two of their elements,
# before and after the sequence began anew, and the last months.
DAYS: Final = (
    date(2020, 8, 1), date(2021, 2, 1), date(2022, 5, 1), date(2022, 10, 1), date(2023, 1, 1),
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """What was fetched: where it lies, and of each day the minutes (0 to 1439) that arrived."""

    settings: Settings
    details: Details
    plan: Plan
    minutes: dict[date, list[int]]
    lacking: dict[str, str]

    def path(self, day: date, minute: int) -> Path:
        """Return where a minute's slice lies."""
        door = Door(self.settings.data, self.settings.exchange)
        return door.day(self.plan.request, day).path(minute)

    def paths(self, day: date) -> list[Path]:
        """Return the slices of a day, in order."""
        return [self.path(day, minute) for minute in self.minutes[day]]


def parse_days(text: str) -> list[date]:
    """Return the days of a comma-separated list, in order."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("--days", text, "days like 2020-08-01,2022-10-01")
    return sorted({parse_time(name, "--days").date() for name in names})


def parse_times_of_day(text: str) -> list[int]:
    """Return the minutes of the day (0 to 1439) that a list like 00:00,12:30 names, in order."""
    found = set()
    for name in text.split(","):
        try:
            time = datetime.strptime(name.strip(), "%H:%M").replace(tzinfo=UTC)
        except ValueError:
            raise UsageError("--at", name, "times of day, UTC, like 00:00,12:30") from None
        found.add(time.hour * 60 + time.minute)
    return sorted(found)


def chosen_minutes(count: int, times: Sequence[int]) -> list[int]:
    """Return `count` minutes of a day: as many from each time on, the first ones one more."""
    each, more = divmod(count, len(times))
    found = {
        start + number
        for place, start in enumerate(sorted(times))
        for number in range(each + (place < more))
    }
    return sorted(minute for minute in found if minute < MINUTES_OF_DAY)


def sampled(
    settings: Settings,
    days: Sequence[date] | None,
    minutes: Sequence[int],
    progress: Callable[[int], Progress],
) -> Sample:
    """Fetch and ingest minutes of some days (None: DAYS, as far as there are any).

    Raises UsageError for a day that the service does not have, KeyRequired for one that is not
    free, ServiceRefused and ServiceUnreachable, MinutesLacking if none of the minutes arrived.
    """
    details = run_to_end(exchange_details(settings))
    chosen = _available(details, days)
    with holding(settings.data):
        clear_drafts(settings.data, settings.exchange)
        door = Door(settings.data, settings.exchange)
        plan = _plan(details, door, chosen, minutes)
        required_key(plan, settings.tardis.key, KEY_VARIABLES[0])
        with progress(sum(len(day.missing) for day in plan.days)) as shown:
            report = run_to_end(download(settings, plan, door, plan.arrivals(), shown))
            ingest(settings.data, settings.exchange, days=chosen, progress=shown.ingested)
        there = {
            day: [minute for minute in minutes if minute in door.day(plan.request, day).slices]
            for day in chosen
        }
    if not any(there.values()):
        raise MinutesLacking(report.lacking)
    return Sample(settings, details, plan, there, report.lacking)


def _available(details: Details, days: Sequence[date] | None) -> list[date]:
    """Return the days that are recorded from end to end; raises UsageError for one that is not."""
    since = parse_time(details.available_since, "availableSince")
    to = parse_time(details.available_to, "availableTo") if details.available_to else None
    last = min(to or datetime.now(UTC), datetime.now(UTC)) + timedelta(seconds=1)
    chosen = []
    for day in days or DAYS:
        start, end = Range.of_day(day)
        if since <= start and end <= last:
            chosen.append(day)
        elif days:
            whole = f"whole days from {details.available_since} to {details.available_to or 'now'}"
            raise UsageError("--days", day.isoformat(), whole)
    if not chosen:
        whole = f"--days with some from {details.available_since} to {details.available_to}"
        raise UsageError("--days", "none", whole)
    return chosen


def _plan(details: Details, door: Door, days: Sequence[date], minutes: Sequence[int]) -> Plan:
    """Return what to fetch: those minutes of the days that are not there yet."""
    there = {canonical_channel(name) for name in details.available_channels}
    channels = [name for name in CHANNELS if name in there]
    whole = [make_plan(details, door, Range.of_day(day), channels=channels) for day in days]
    plans = []
    for plan in whole:
        [day_plan] = plan.days
        missing = [minute for minute in minutes if minute in day_plan.missing]
        plans.append(replace(day_plan, missing=missing, there=len(minutes) - len(missing)))
    span = Range(whole[0].range.start, whole[-1].range.end)
    return Plan(details, whole[0].request, span, plans)
