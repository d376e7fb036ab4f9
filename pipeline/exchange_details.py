"""What Tardis says of an exchange and of a key; of the exchange the last answer is kept, in raw.

    raw/<exchange>/exchange.json

Beside the slices, since with it can be told what was there to be had, and what is known to be
impaired: the lake's `listings` and `incidents` are made of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from pipeline import durable
from pipeline.times import parse_time

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.slices import Door
    from pipeline.times import Range

__all__ = ["Access", "Details", "Incident", "Symbol", "details_path", "keep", "kept"]


class Symbol(msgspec.Struct, rename="camel"):
    """An instrument as `GET /exchanges/<exchange>` lists it. Times are ISO 8601, `to` exclusive."""

    id: str
    type: str | None = None
    available_since: str | None = None
    available_to: str | None = None

    def is_listed(self, start: datetime, end: datetime) -> bool:
        """Say whether it was listed at some time of [start, end)."""
        since, to = self.available_since, self.available_to
        return (not since or parse_time(since) < end) and (not to or parse_time(to) > start)


class Incident(msgspec.Struct):
    """A time in which the recording is known to be impaired."""

    start: str = msgspec.field(name="from")
    to: str
    status: str = ""
    details: str = ""


class Details(msgspec.Struct, rename="camel"):
    """What `GET /exchanges/<exchange>` says of availability, as far as it is read here."""

    id: str
    available_since: str
    available_to: str | None = None
    available_channels: list[str] = []
    available_symbols: list[Symbol] = []
    incident_reports: list[Incident] = []


class Access(msgspec.Struct, rename="camel"):
    """What `GET /api-key-info` says that a key opens: an exchange's days [from, to), some symbols.

    Without `to` there is no end; without symbols all are open.
    """

    exchange: str
    start: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    symbols: list[str] | None = None
    access_type: str | None = None
    data_plan: str | None = None

    def opens(self, span: Range) -> bool:
        """Say whether it opens all of a span of time, of the symbols that it opens."""
        since = not self.start or parse_time(self.start) <= span.start
        return since and (not self.to or parse_time(self.to) >= span.end)


class _Kept(msgspec.Struct):
    asked: datetime
    details: Details


def details_path(door: Door) -> Path:
    """Return where the last answer is kept."""
    return door.root / "exchange.json"


def keep(door: Door, details: Details) -> None:
    """Keep an answer, if it says other than the one before; the caller holds the lock."""
    if kept(door) == details:
        return
    text = msgspec.json.encode(_Kept(datetime.now(UTC), details))
    with durable.replacing(details_path(door), door.drafts) as draft:
        draft.write_bytes(msgspec.json.format(text, indent=1))


def kept(door: Door) -> Details | None:
    """Return the answer that is kept; None if there is none that can be read."""
    try:
        return msgspec.json.decode(details_path(door).read_bytes(), type=_Kept).details
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
