"""Fetches what a plan lacks, through the door. One minute a request, up to 60 in flight.

The last minute and the first are asked for before the rest, as Tardis's own clients do: a range
that the key does not cover fails at once, not after hours. A minute that fails for good is named
and does not take the others with it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import stamina

from pipeline import durable
from pipeline.errors import ServiceRefused, ServiceUnreachable, SliceCorrupt
from pipeline.slices import Door
from pipeline.sources.budget import Budget, BudgetSpent
from pipeline.sources.event_loop import run_to_end
from pipeline.sources.tardis_http import Answer, NoAnswer, Oversized, TardisHttp, verdict
from pipeline.sources.tardis_plan import Plan, make_plan
from pipeline.times import minute_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Sequence
    from datetime import date

    from pipeline.arrivals import Arrivals
    from pipeline.config import Settings
    from pipeline.exchange_details import Access, Details
    from pipeline.sources.tardis_plan import DayPlan
    from pipeline.times import Range

__all__ = [
    "DownloadReport",
    "Progress",
    "download",
    "exchange_details",
    "key_access",
    "plan_backfill",
]

log = logging.getLogger(__name__)

_Answered = TypeVar("_Answered")

_NO_ACCESS = (401, 403)


class Progress(Protocol):
    """Told of each minute as it is done."""

    def advance(self, size: int, *, arrived: bool) -> None:
        """Take note of one more minute done: `size` in bytes, and whether it did arrive."""


@dataclass
class DownloadReport:
    """What a download did: minutes and bytes that arrived, and why others did not.

    `postponed` minutes were not asked for, since a budget was spent. `requests` has each attempt.
    """

    requests: int = 0
    postponed: int = 0
    fetched: int = 0
    size: int = 0
    empty: int = 0
    lacking: dict[str, str] = field(default_factory=dict)


async def exchange_details(settings: Settings) -> Details:
    """Return what the service has; raises ServiceRefused or ServiceUnreachable."""
    what = f"details of exchange {settings.exchange}"
    async with TardisHttp(settings.tardis, settings.exchange) as http:
        return await _told(settings, what, http.details)


async def key_access(settings: Settings) -> list[Access]:
    """Return what the key opens of the exchange; raises ServiceRefused or ServiceUnreachable."""
    async with TardisHttp(settings.tardis, settings.exchange) as http:
        found = await _told(settings, "what the key opens", http.key_info)
    return [access for access in found if access.exchange == settings.exchange]


async def _told(
    settings: Settings, what: str, ask: Callable[[], Awaitable[_Answered]]
) -> _Answered:
    """Return what the service says on whichever attempt."""
    try:
        async for attempt in _attempts(settings, what):
            with attempt:
                return await ask()
    except Answer as answer:
        raise _final(settings, what, answer) from None
    except NoAnswer as error:
        attempts = 1 if isinstance(error, Oversized) else settings.tardis.attempts
        raise ServiceUnreachable(what, attempts, error.reason) from None
    raise AssertionError("an attempt returns or raises")


def plan_backfill(
    settings: Settings,
    wanted: Range,
    *,
    channels: Sequence[str] | None = None,
    instruments: Sequence[str] | None = None,
    dropped: bool = False,
) -> Plan:
    """Return what a backfill of a range would ask for, if so also what was `dropped`."""
    details = run_to_end(exchange_details(settings))
    door = Door(settings.data, settings.exchange)
    return make_plan(
        details,
        door,
        wanted,
        channels=channels,
        instruments=instruments,
        again=lambda _, facts: dropped and facts.dropped,
    )


async def download(
    settings: Settings,
    plan: Plan,
    door: Door,
    arrivals: Arrivals,
    progress: Progress,
    budget: Budget | None = None,
    report: DownloadReport | None = None,
) -> DownloadReport:
    """Fetch what the plan lacks; every minute that arrives is whole and stays, whatever follows.

    What comes is noted in `report`, which is returned: who gives one has it however this ends.

    Each minute is settled in `arrivals`, whether it did arrive or never will. Who gives a budget,
    after which nothing more is asked for, does not watch: then only a lack of access is a reason to
    stop at once.

    Raises ServiceRefused, with nothing more asked, when the key check is refused. Minutes that did
    not arrive are in the report.
    """
    door.open(plan.request)
    async with TardisHttp(settings.tardis, settings.exchange) as http:
        run = _Download(settings, plan, door, http, arrivals, progress, budget)
        run.report = report or run.report
        try:
            await run.check_access()
            await run.rest()
        finally:
            for day in plan.days:
                day.slices.save()
    return run.report


class _Download:
    """One download at work."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        door: Door,
        http: TardisHttp,
        arrivals: Arrivals,
        progress: Progress,
        budget: Budget | None,
    ) -> None:
        self.report = DownloadReport()
        self._budget = budget or Budget()
        self._is_watched = budget is None
        self._settings = settings
        self._plan = plan
        self._door = door
        self._http = http
        self._arrivals = arrivals
        self._progress = progress
        self._todo = list(plan.minutes())
        self._open = {day.day: len(day.missing) for day in plan.days}
        self._no_access: dict[date, str] = {}
        self._failed_in_a_row = 0
        self._calm = asyncio.Event()
        self._calm.set()

    async def check_access(self) -> None:
        """Ask for the last and the first minute; raises ServiceRefused if the answer is no."""
        edges = [self._todo.pop()] if self._todo else []
        edges += [self._todo.pop(0)] if self._todo else []
        refusals = []
        for day, minute in edges:
            refusal = await self._minute(day, minute)
            if refusal is None:
                continue
            refusals.append(refusal)
            all_refused = self._is_watched and len(refusals) == len(edges)
            if refusal.status in _NO_ACCESS or all_refused:
                raise refusal

    async def rest(self) -> None:
        """Fetch all other minutes, in order, many at a time."""
        queue = iter(self._todo)
        workers = min(self._settings.tardis.in_flight, len(self._todo))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(queue))
        except ExceptionGroup as errors:  # one reason to stop is enough: a full disk, say
            raise errors.exceptions[0] from None

    async def _work(self, queue: Iterator[tuple[DayPlan, int]]) -> None:
        for day, minute in queue:
            if day.day in self._no_access:
                self._lacks(day, minute, self._no_access[day.day])
            elif self._failed_in_a_row >= 2 * self._settings.tardis.in_flight:
                self._lacks(day, minute, "not asked for: the service stopped answering")
            else:
                await self._minute(day, minute)

    async def _minute(self, day: DayPlan, minute: int) -> ServiceRefused | None:
        """Fetch one minute; return the service's final no, if that is what came."""
        refusal = None
        try:
            size = await self._attempted(day, minute)
        except Answer as answer:
            what = minute_text(self._door.minute_at(day.day, minute))
            final = _final(self._settings, what, answer)
            refusal = final if isinstance(final, ServiceRefused) else None
            if answer.status in _NO_ACCESS:  # access is by the day
                self._no_access[day.day] = str(answer)
            self._lacks(day, minute, str(answer))
            self._failed_in_a_row += refusal is None
        except (NoAnswer, SliceCorrupt) as error:
            self._failed_in_a_row += 1
            self._lacks(day, minute, error.reason)
        except BudgetSpent:
            self.report.postponed += 1
            self._arrivals.settle(day.day, minute)
        else:
            self._arrived(day, minute, size)
        self._close(day)
        return refusal

    async def _attempted(self, day: DayPlan, minute: int) -> int:
        """Return the size of the slice that arrived, on whichever attempt."""
        time = self._door.minute_at(day.day, minute)
        async for attempt in _attempts(self._settings):
            await self._calm.wait()
            self._budget.take()
            self.report.requests += 1
            with durable.writing(self._door.drafts):
                draft = durable.new_draft(self._door.drafts)
            with attempt:
                try:
                    await self._http.fetch_minute(time, self._plan.filters, draft)
                    facts = await asyncio.to_thread(day.slices.commit, minute, draft)
                except Answer as answer:
                    await self._calm_down(answer)
                    raise
                else:
                    return facts.bytes
                finally:
                    draft.unlink(missing_ok=True)
        raise AssertionError("an attempt returns or raises")

    async def _calm_down(self, answer: Answer) -> None:
        """After a 429 nobody asks for anything until the wait is over."""
        pause = verdict(answer, self._settings.tardis.rate_limit_wait).wait
        if answer.status == 429 and pause and self._calm.is_set():  # noqa: PLR2004 - HTTP's number
            log.warning("the service asks for a pause of %.0f s (%s)", pause, answer)
            self._calm.clear()
            asyncio.get_running_loop().call_later(pause, self._calm.set)

    def _arrived(self, day: DayPlan, minute: int, size: int) -> None:
        self._failed_in_a_row = 0
        self.report.fetched += 1
        self.report.size += size
        self.report.empty += size == 0
        self._arrivals.settle(day.day, minute)
        self._progress.advance(size, arrived=True)

    def _lacks(self, day: DayPlan, minute: int, reason: str) -> None:
        name = minute_text(self._door.minute_at(day.day, minute))
        log.debug("%s did not arrive: %s", name, reason)
        self.report.lacking[name] = reason
        self._arrivals.settle(day.day, minute)
        self._progress.advance(0, arrived=False)

    def _close(self, day: DayPlan) -> None:
        """Write the manifest of a day as soon as none of its minutes is under way."""
        self._open[day.day] -= 1
        if not self._open[day.day]:
            day.slices.save()


def _attempts(settings: Settings, what: str | None = None) -> AsyncIterable[stamina.Attempt]:
    """Return the attempts at one request: exponential with jitter, a 429's own wait.

    A request that all others wait for has a name, `what`: it does not fail in silence.
    """
    tardis = settings.tardis
    level = logging.WARNING if what else logging.DEBUG

    def again(error: Exception) -> bool | float:
        told = verdict(error, tardis.rate_limit_wait)
        if told.retry:
            log.log(level, "%s: it failed and may be tried again: %s", what or "a request", error)
        return told.wait if told.retry and told.wait else told.retry

    return stamina.retry_context(
        on=again,
        attempts=tardis.attempts,
        timeout=None,
        wait_initial=tardis.retry_wait,
        wait_max=tardis.retry_wait_max,
        wait_jitter=tardis.retry_wait,
    )


def _final(settings: Settings, what: str, answer: Answer) -> ServiceRefused | ServiceUnreachable:
    """Return an answer that ended the attempts as the error that it is."""
    if verdict(answer, 0).retry:
        return ServiceUnreachable(what, settings.tardis.attempts, str(answer))
    return ServiceRefused(what, answer.status, answer.words)
