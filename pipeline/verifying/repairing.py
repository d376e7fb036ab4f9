"""What a verification found to be broken: slices are fetched again, days made again from raw."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING

from pipeline import durable
from pipeline.backfill import fetch_and_ingest
from pipeline.config import KEY_VARIABLES
from pipeline.errors import PipelineError
from pipeline.exchange_details import keep
from pipeline.ingest import ingest
from pipeline.progress import Quiet
from pipeline.query import rows_of
from pipeline.slices import TARDIS, Door, parse_minute_path
from pipeline.sources.event_loop import run_to_end
from pipeline.sources.tardis import exchange_details
from pipeline.sources.tardis_plan import make_plan, required_key
from pipeline.thinned_file import thinned_name
from pipeline.times import Range
from pipeline.views import connect, write_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from pipeline.config import Settings
    from pipeline.exchange_details import Details
    from pipeline.slices import Request
    from pipeline.verifying.findings import VerifyReport

__all__ = ["RepairReport", "repair"]

log = logging.getLogger(__name__)


@dataclass
class RepairReport:
    """What was done: slices put aside and fetched again, days made again; and what is left."""

    put_aside: list[str] = field(default_factory=list)
    fetched: int = 0
    days_made_again: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def repair(settings: Settings, found: VerifyReport, jobs: int | None = None) -> RepairReport:
    """Repair what a verification found; the caller holds the lock, and verifies again.

    Slices that are not what arrived are put aside, to raw/<exchange>/.broken, and fetched again if
    Tardis gave them; what came by other ways is left out of the day, and said.
    """
    report = RepairReport()
    door = Door(settings.data, settings.exchange)
    of_raw = {of.where.partition(" line ")[0]: of.day for of in found.differences if of.is_of_raw}
    for name in sorted(of_raw):
        _put_aside(door, name, report)
    ask = cache(partial(_details, settings, door))  # once, if at all
    for request, days in _requests(door, of_raw, found.days_to_repair()).items():
        if request.origin != TARDIS:
            report.left.append(f"{request.source} can't be asked again for {len(days)} days")
            continue
        for day in sorted(days):
            _fetch(settings, door, request, day, ask, jobs, report)
    to_do = [day for day in found.days_to_repair() if day.isoformat() not in report.days_made_again]
    done = ingest(settings.data, settings.exchange, days=to_do, rebuild=True, jobs=jobs)
    report.days_made_again = sorted({*report.days_made_again, *done.written})
    write_database(settings.data, settings.exchange)
    return report


def _put_aside(door: Door, name: str, report: RepairReport) -> None:
    """Move a slice that is broken out of the way, if it is there."""
    for form in (name, thinned_name(name)):
        path, aside = door.root / form, door.root / ".broken" / form
        if path.exists():
            with durable.writing(aside):
                aside.parent.mkdir(parents=True, exist_ok=True)
                path.replace(aside)
                durable.flush(path.parent)
            report.put_aside.append(form)


def _requests(door: Door, names: dict[str, date], days: list[date]) -> dict[Request, set[date]]:
    """Return of which requests and days slices are broken, gone, or dropped and needed again."""
    by_folder = {request.folder: request for request in door.requests()}
    found: dict[Request, set[date]] = {}
    for name in names:
        folder, _, place = name.partition("/")
        at = parse_minute_path(place)
        if folder in by_folder and at:
            found.setdefault(by_folder[folder], set()).add(at[0])
    for request in by_folder.values():
        if lacking := {day for day in days if door.day(request, day).dropped}:
            found.setdefault(request, set()).update(lacking)
    return found


def _fetch(
    settings: Settings,
    door: Door,
    request: Request,
    day: date,
    ask: Callable[[], Details],
    jobs: int | None,
    report: RepairReport,
) -> None:
    """Fetch what a request lacks of a day, which is made again by that."""
    try:
        plan = make_plan(
            ask(),
            door,
            Range.of_day(day),
            channels=request.channels,
            instruments=request.symbols,
            again=lambda _, facts: facts.dropped,
        )
        # Only what was there before: the rest of the day may never have been asked for.
        known = set(_known_minutes(settings, request, day))
        for of in plan.days:
            of.missing = [minute for minute in of.missing if minute in known]
        required_key(plan, settings.tardis.key, KEY_VARIABLES[0])
        downloaded, ingested = fetch_and_ingest(settings, plan, jobs, Quiet(0))
    except PipelineError as error:
        log.warning("%s of %s can't be fetched again: %s", day, request.source, error)
        report.left.append(f"{day}: {error}")
        return
    report.fetched += downloaded.fetched
    report.days_made_again += ingested.written
    report.left += [f"{name}: {reason}" for name, reason in downloaded.lacking.items()]


def _details(settings: Settings, door: Door) -> Details:
    details = run_to_end(exchange_details(settings))
    keep(door, details)
    return details


def _known_minutes(settings: Settings, request: Request, day: date) -> list[int]:
    """Return the minutes of a day that the lake was made from, by a request."""
    with connect(settings.data, settings.exchange) as connection:
        rows = rows_of(
            connection,
            "select slice from ingests where date = $1 and starts_with(slice, $2) order by slice",
            [day, f"{request.folder}/"],
        )
    found = (parse_minute_path(name.partition("/")[2]) for (name,) in rows)
    return [at[1] for at in found if at]
