"""What to ask Tardis for: from exchange details, and from what is there already."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pipeline.arrivals import Arrivals
from pipeline.channels import CHANNELS, canonical_channel
from pipeline.errors import KeyRequired, UsageError
from pipeline.slices import TARDIS, DayOfSlices, Door, Request
from pipeline.times import MINUTE, Range, midnight, minute_text, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from pipeline.exchange_details import Details, Incident, Symbol
    from pipeline.slice_file import SliceFacts

__all__ = ["DayPlan", "Plan", "available", "make_plan", "request_of", "required_key"]


@dataclass
class DayPlan:
    """One day: the minutes (0 to 1439) to fetch, how many are there, and which are broken."""

    day: date
    missing: list[int]
    there: int
    corrupt: dict[int, str]
    slices: DayOfSlices

    @property
    def free(self) -> bool:
        """Whether Tardis serves the day without a key: the first of each month."""
        return self.day.day == 1


@dataclass
class Plan:
    """What a backfill will ask for, day by day, and what is known to be impaired."""

    details: Details
    request: Request
    range: Range
    days: list[DayPlan]
    skipped_days: list[date] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    @property
    def filters(self) -> list[dict[str, Any]]:
        """The request's filters as Tardis takes them; without symbols all of them come."""
        symbols = {"symbols": list(self.request.symbols)} if self.request.symbols else {}
        return [{"channel": channel, **symbols} for channel in self.request.channels or ()]

    def minutes(self) -> Iterator[tuple[DayPlan, int]]:
        """Yield the minutes to fetch, in order."""
        for day in self.days:
            for minute in day.missing:
                yield day, minute

    def arrivals(self) -> Arrivals:
        """Return the days that lack minutes, for those who wait for them."""
        coming = [day for day in self.days if day.missing]
        return Arrivals(
            {day.day: day.slices for day in coming}, {day.day: day.missing for day in coming}
        )

    def summary(self) -> dict[str, Any]:
        """Return the plan in figures, as `--dry-run` prints it."""
        missing = sum(len(day.missing) for day in self.days)
        return {
            "exchange": self.request.exchange,
            "from": minute_text(self.range.start),
            "to": minute_text(self.range.end),
            "channels": list(self.request.channels or ()),
            "instruments": list(self.request.symbols) if self.request.symbols else "all",
            "days": len(self.days),
            "days_not_available": [day.isoformat() for day in self.skipped_days],
            "minutes": missing + sum(day.there for day in self.days),
            "minutes_there_already": sum(day.there for day in self.days),
            "minutes_corrupt": sum(len(day.corrupt) for day in self.days),
            "requests": missing,
            "requests_free_without_a_key": sum(len(d.missing) for d in self.days if d.free),
            "requests_that_need_a_key": sum(len(d.missing) for d in self.days if not d.free),
            "incidents": [
                {"from": i.start, "to": i.to, "status": i.status, "details": i.details}
                for i in self.incidents
            ],
        }


def make_plan(
    details: Details,
    door: Door,
    wanted: Range,
    *,
    channels: Sequence[str] | None = None,
    instruments: Sequence[str] | None = None,
    now: datetime | None = None,
    only: Collection[date] | None = None,
    again: Callable[[datetime, SliceFacts], bool] = lambda *_: False,
) -> Plan:
    """Return what to fetch of a range; raises UsageError for what the service can't have.

    `only` these days of it, if given. A slice of which `again` says so, by the start of its minute
    and its facts, is to be fetched again.
    """
    _within_availability(details, wanted, now or datetime.now(UTC))
    request = request_of(details, door, channels=channels, instruments=instruments)
    symbols = _known_symbols(details, instruments or ())
    asked = [day for day in wanted.days() if only is None or day in only]
    days = [day for day in asked if _listed(symbols, day, wanted)]
    if not days and only is None:
        raise UsageError("--instruments", ",".join(instruments or ()), _spans(symbols))
    # What was recorded live only fills the gaps of what is fetched: it is no reason not to.
    wider = [
        other for other in door.requests() if other.recorder is None and other.contains(request)
    ]
    plans = [_plan_day(door, request, wider, day, wanted, again) for day in days]
    return Plan(
        details,
        request,
        wanted,
        plans,
        skipped_days=sorted(set(asked).difference(days)),
        incidents=[i for i in details.incident_reports if _overlaps(i, wanted)],
    )


def request_of(
    details: Details,
    door: Door,
    *,
    channels: Sequence[str] | None = None,
    instruments: Sequence[str] | None = None,
) -> Request:
    """Return the request that stands for channels and instruments, all of them if None.

    Raises UsageError for names that the service does not know.
    """
    exchange, known = details_exchange(door, details), _known_channels(details, channels)
    return Request(exchange, TARDIS, known, _ids(_known_symbols(details, instruments or ())))


def available(details: Details, now: datetime) -> Range:
    """Return the whole minutes that the service may have; the one that runs is none yet."""
    since = _minute_of(parse_time(details.available_since, "availableSince"))
    last = _minute_of(now)
    if details.available_to:
        told = parse_time(details.available_to, "availableTo")
        if told < last:  # rounded up: 23:59:59.999 is how some say midnight
            last = told if told == _minute_of(told) else _minute_of(told) + MINUTE
    return Range(since, last)


def required_key(plan: Plan, key: str | None, variable: str) -> None:
    """Raise KeyRequired if anything to fetch needs a key and there is none."""
    paid = [day.day.isoformat() for day in plan.days if day.missing and not day.free]
    if paid and not key:
        raise KeyRequired(paid, variable)


def details_exchange(door: Door, details: Details) -> str:
    """Return the exchange id, the service's word for which must be the one that was asked for."""
    if details.id != door.exchange:
        raise UsageError("--exchange", door.exchange, f"{details.id!r}, as the service calls it")
    return door.exchange


def _within_availability(details: Details, wanted: Range, now: datetime) -> None:
    since, last = available(details, now)
    has = f"{details.id} is recorded from {minute_text(since)} to {minute_text(last)}"
    if wanted.start < since:
        raise UsageError(
            "--from", minute_text(wanted.start), f"{minute_text(since)} or later; {has}"
        )
    if wanted.end > last:
        limit = f"{minute_text(last)} or earlier; {has}"
        raise UsageError("--to", minute_text(wanted.end), limit)


def _minute_of(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)


def _known_channels(details: Details, asked: Sequence[str] | None) -> tuple[str, ...]:
    """Return the channels as Tardis spells them for this exchange; all three if none is named."""
    known = {canonical_channel(name): name for name in details.available_channels}
    names = [canonical_channel(name) for name in asked or CHANNELS]
    for name in names:
        if name not in known:
            raise UsageError.not_among("--channels", name, known)
    return tuple(known[name] for name in names)


def _known_symbols(details: Details, asked: Iterable[str]) -> list[Symbol]:
    known = {symbol.id: symbol for symbol in details.available_symbols}
    for name in asked:
        if name not in known:
            raise UsageError.not_among("--instruments", name, known)
    return [known[name] for name in asked]


def _ids(symbols: list[Symbol]) -> tuple[str, ...] | None:
    return tuple(symbol.id for symbol in symbols) or None


def _listed(symbols: list[Symbol], day: date, wanted: Range) -> bool:
    """Say whether any of the symbols was listed in the part of a day that is wanted."""
    minutes = wanted.minutes_of(day)
    first, last = (midnight(day) + minute * MINUTE for minute in (minutes.start, minutes.stop))
    return not symbols or any(symbol.is_listed(first, last) for symbol in symbols)


def _spans(symbols: list[Symbol]) -> str:
    spans = (f"{s.id} from {s.available_since} to {s.available_to or 'now'}" for s in symbols)
    return f"days on which one of them was listed: {'; '.join(spans)}"


def _plan_day(
    door: Door,
    request: Request,
    wider: list[Request],
    day: date,
    wanted: Range,
    again: Callable[[datetime, SliceFacts], bool],
) -> DayPlan:
    """Return what a day lacks: a whole slice of this request, or of a wider one, will do."""
    minutes = wanted.minutes_of(day)
    own = door.day(request, day)
    there = {
        minute
        for minute, facts in own.slices.items()
        if not again(door.minute_at(day, minute), facts)
    }
    for other in wider:
        if other != request:
            there |= door.day(other, day).slices.keys()
    missing = [minute for minute in minutes if minute not in there]
    corrupt = {minute: own.corrupt[minute] for minute in missing if minute in own.corrupt}
    return DayPlan(day, missing, len(minutes) - len(missing), corrupt, own)


def _overlaps(incident: Incident, wanted: Range) -> bool:
    return parse_time(incident.start) < wanted.end and parse_time(incident.to) > wanted.start
