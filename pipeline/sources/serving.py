"""What Tardis would serve today: by exchange details, and by what the key opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.exchange_details import keep
from pipeline.slices import Door
from pipeline.sources.event_loop import run_to_end
from pipeline.sources.tardis import exchange_details, key_access
from pipeline.sources.tardis_plan import available
from pipeline.times import Range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from pipeline.config import Settings
    from pipeline.exchange_details import Access, Details
    from pipeline.slices import Request

__all__ = ["Serving", "ask"]


@dataclass(frozen=True)
class Serving:
    """An exchange as Tardis has it, and what a key opens of it; None if there is no key."""

    details: Details
    access: Sequence[Access] | None
    now: datetime

    def serves(self, request: Request, day: date) -> bool:
        """Say whether all of a day would be served for a request."""
        has, asked = available(self.details, self.now), Range.of_day(day)
        if asked.start < has.start or asked.end > has.end:
            return False
        return day.day == 1 or any(_opens(of, asked, request) for of in self.access or ())


def ask(settings: Settings, now: datetime) -> Serving:
    """Ask Tardis, and keep what it says of the exchange; raises ServiceUnreachable and -Refused."""
    details = run_to_end(exchange_details(settings))
    has_key = settings.tardis.key is not None
    access = run_to_end(key_access(settings)) if has_key else None
    keep(Door(settings.data, settings.exchange), details)
    return Serving(details, access, now)


def _opens(access: Access, asked: Range, request: Request) -> bool:
    is_named = request.symbols is not None and set(request.symbols) <= set(access.symbols or ())
    return access.opens(asked) and (not access.symbols or is_named)
