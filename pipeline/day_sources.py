"""Which slices count for a day: in each minute, none that a wider one contains."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.schemas import SCHEMA_VERSION
from pipeline.slices import DayOfSlices, Door, Request, minute_path

if TYPE_CHECKING:
    from datetime import date

__all__ = ["DaySources", "sources_of"]


@dataclass
class DaySources:
    """The slices that count for a day: requests by rank (the widest first), ranks by minute."""

    day: date
    held: list[DayOfSlices]
    minutes: list[tuple[int, ...]]

    @property
    def requests(self) -> list[Request]:
        """The requests, by rank."""
        return [held.request for held in self.held]

    @property
    def corrupt(self) -> dict[str, str]:
        """Files that are no whole slices, with the reason; they count as not fetched."""
        return {
            self.slice_name(rank, minute): reason
            for rank, held in enumerate(self.held)
            for minute, reason in sorted(held.corrupt.items())
        }

    def digest(self) -> str:
        """Return what the day's lake depends on: the slices that count, and the schema."""
        state = hashlib.sha256(f"schema {SCHEMA_VERSION}\n".encode())
        for minute, ranks in enumerate(self.minutes):
            for rank in ranks:
                held = self.held[rank]
                line = f"{held.request.folder} {minute} {held.slices[minute].sha256}\n"
                state.update(line.encode())
        return state.hexdigest()[:32]

    def slice_name(self, rank: int, minute: int) -> str:
        """Return where a slice lies below raw/<exchange>."""
        return f"{self.held[rank].request.folder}/{minute_path(self.day, minute)}"

    def origin(self, rank: int) -> str:
        """Return where a slice came from, as lineage says it: tardis:coinflex."""
        request = self.held[rank].request
        return f"{request.origin}:{request.exchange}"


def sources_of(door: Door, day: date) -> DaySources:
    """Return the slices of a day that count: in each minute, none that a wider one contains."""
    held = [slices for request in door.requests() if _any(slices := door.day(request, day))]
    minutes = []
    for minute in range(1440):
        present = [rank for rank, slices in enumerate(held) if minute in slices.slices]
        minutes.append(
            tuple(
                rank
                for place, rank in enumerate(present)
                if not any(held[w].request.contains(held[rank].request) for w in present[:place])
            )
        )
    return DaySources(day, held, minutes)


def _any(slices: DayOfSlices) -> bool:
    return bool(slices.slices or slices.corrupt)
