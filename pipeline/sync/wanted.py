"""Which days a sync wants, and which of them it can have: by exchange details, key and clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.sources.tardis_plan import available, request_of
from pipeline.times import Range, midnight, minute_text, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.config import SyncSettings
    from pipeline.exchange_details import Access, Details
    from pipeline.slices import Door, Request

__all__ = ["Wanted", "names_in", "wanted_of"]


@dataclass(frozen=True)
class Wanted:
    """Days to have, oldest first, of `[range.start, range.end)`: whole days of it, but at its ends.

    `need_key` are days that only a key opens, and there is none; `not_covered` those that the key
    does not open. `instruments` are None for all that the service has.
    """

    details: Details
    request: Request
    instruments: list[str] | None
    channels: list[str] | None
    range: Range
    days: list[date]
    need_key: list[date] = field(default_factory=list)
    not_covered: list[date] = field(default_factory=list)


def wanted_of(
    asked: SyncSettings,
    door: Door,
    details: Details,
    access: Sequence[Access] | None,
    now: datetime,
) -> Wanted:
    """Return what to have; `access` is what the key opens, None if there is no key.

    The day that runs is never among it. Raises UsageError for names that the service does not know,
    and for a range of which it has nothing.
    """
    channels, instruments = names_in(asked.channels), names_in(asked.instruments)
    if access and instruments is None:
        instruments = _all_that_keys_open(details, access)
    request = request_of(details, door, channels=channels, instruments=instruments)
    span = _span(asked, details, now)
    days = list(span.days()) if span.start < span.end else []
    is_free = [day.day == 1 for day in days]
    if access is None:
        opened = is_free
    else:
        opened = [
            free or any(of.opens(Range.of_day(day)) for of in access)
            for day, free in zip(days, is_free, strict=True)
        ]
    rest = [day for day, is_open in zip(days, opened, strict=True) if not is_open]
    return Wanted(
        details,
        request,
        instruments,
        channels,
        span,
        [day for day, is_open in zip(days, opened, strict=True) if is_open],
        need_key=rest if access is None else [],
        not_covered=[] if access is None else rest,
    )


def names_in(text: str) -> list[str] | None:
    """Return the names in a comma-separated list, once each; None if there are none."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip())) or None


def _span(asked: SyncSettings, details: Details, now: datetime) -> Range:
    """Return the minutes that are wanted and there may be, up to the last midnight."""
    has = available(details, now)
    start = parse_time(asked.start, "--from") if asked.start else has.start
    end = parse_time(asked.end, "--to") if asked.end else has.end
    if asked.start and asked.end and start >= end:
        raise UsageError("--to", asked.end, f"a time after --from {asked.start}")
    if (asked.start and start >= has.end) or (asked.end and end <= has.start):
        between = f"{minute_text(has.start)} to {minute_text(has.end)}"
        given = f"{asked.start or '…'} to {asked.end or '…'}"
        raise UsageError("--from/--to", given, f"a part of what {details.id} has, {between}")
    first, last = max(start, has.start), min(end, has.end, midnight(now))
    # Whole minutes, outwards.
    floor = first.replace(second=0, microsecond=0)
    ceiling = last.replace(second=0, microsecond=0)
    return Range(floor, ceiling if ceiling == last else ceiling + timedelta(minutes=1))


def _all_that_keys_open(details: Details, access: Sequence[Access]) -> list[str] | None:
    """Return the instruments that a key is bound to; None if it is not."""
    if any(not of.symbols for of in access):
        return None
    opened = {name for of in access for name in of.symbols or ()}
    return sorted(opened.intersection(symbol.id for symbol in details.available_symbols)) or None
