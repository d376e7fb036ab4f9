"""Which slices count for a day: in each minute, none that a wider one contains.

History leads; what was recorded live fills its gaps (filling/).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.errors import RawDropped
from pipeline.filling import Filling, filling_of
from pipeline.schemas import SCHEMA_VERSION
from pipeline.times import MINUTES_OF_DAY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.arrivals import Arrivals
    from pipeline.normalize.stretches import Cut
    from pipeline.slice_file import SliceFacts
    from pipeline.slices import DayOfSlices, Door, Request

__all__ = ["DaySources", "MinuteSources", "sources_of"]

_NOTHING: Final[Mapping[int, Collection[tuple[int, int]]]] = MappingProxyType({})


class MinuteSources(NamedTuple):
    """The slices of a minute that count: rank and path, those that count the most first.

    `cuts` are where one of them was deaf while another heard; `skipped` are trades by rank, line
    and item that another of them has too.
    """

    slices: list[tuple[int, Path]]
    cuts: Sequence[Cut] = ()
    skipped: Mapping[int, Collection[tuple[int, int]]] = _NOTHING


@dataclass
class DaySources:
    """The slices that count for a day: requests by rank (the leading first), ranks by minute.

    A minute that is still on its way (`arrivals`) is waited for when it is asked for.
    """

    day: date
    held: list[DayOfSlices]
    arrivals: Arrivals | None = None
    # What REST was asked on the day. It has no rank: it is beside what counts for a feed.
    answers: list[DayOfSlices] = field(default_factory=list)
    _ranks: dict[int, tuple[int, ...]] = field(default_factory=dict, init=False, repr=False)

    @property
    def requests(self) -> list[Request]:
        """The requests, by rank."""
        return [held.request for held in self.held]

    def all_ranks(self) -> list[tuple[int, ...]]:
        """Return the ranks that count, by minute; waits for all, raises Abandoned as `ranks`."""
        return [self.ranks(minute) for minute in range(MINUTES_OF_DAY)]

    def count(self) -> int:
        """Return how many slices count; waits for all, raises Abandoned as `ranks`."""
        return sum(map(len, self.all_ranks())) + sum(len(held.slices) for held in self.answers)

    @property
    def corrupt(self) -> dict[str, str]:
        """Files that are no whole slices, with the reason; they count as not fetched."""
        return {
            held.name(minute): reason
            for held in [*self.held, *self.answers]
            for minute, reason in sorted(held.corrupt.items())
        }

    def ranks(self, minute: int) -> tuple[int, ...]:
        """Return which slices of a minute count: none that a wider one of its recorder contains.

        Raises Abandoned if nobody is to read on, for what was on its way will not come.
        """
        ranks = self._ranks.get(minute)
        if ranks is None:
            if self.arrivals:
                self.arrivals.wait_for(self.day, [minute])
            present = [rank for rank, held in enumerate(self.held) if minute in held.slices]
            ranks = self._ranks[minute] = tuple(
                rank
                for place, rank in enumerate(present)
                if not any(
                    self._contains(wider, rank)
                    for wider in present[:place]
                    if self._leads(wider) == self._leads(rank)
                )
            )
        return ranks

    def minute(self, minute: int) -> MinuteSources:
        """Return what is read of a minute; raises SliceCorrupt, RawDropped, Abandoned (`ranks`)."""
        filling = self.filling
        if any(facts.dropped for facts in self.facts(minute)):
            raise RawDropped([self.day])
        slices = [(rank, self.held[rank].path(minute)) for rank in self._ranks_to_read(minute)]
        return MinuteSources(
            slices, filling.cuts.get(minute, ()), filling.skipped.get(minute, _NOTHING)
        )

    @property
    def dropped(self) -> int:
        """How many of the slices were dropped, so that only what is known of them is left."""
        return sum(len(held.dropped) for held in self.held)

    def facts(self, minute: int) -> list[SliceFacts]:
        """Return what is known of the slices that are read of a minute, in the same order."""
        return [self.held[rank].slices[minute] for rank in self._ranks_to_read(minute)]

    @cached_property
    def filling(self) -> Filling:
        """What live recordings fill of a day's history; waits for all of a day that has both.

        Raises SliceCorrupt, RawDropped, and Abandoned as `ranks`.
        """
        if not self._has_several_recorders:
            return Filling()
        self.all_ranks()
        if self.dropped:
            raise RawDropped([self.day])
        return filling_of(self.held)

    def _ranks_to_read(self, minute: int) -> list[int]:
        """Return which slices of a minute are read: live ones only where something is left to say.

        That is what no request of history was asked for, or what it does not hear, and whether
        their subscriptions were granted.
        """
        filling = self.filling
        ranks = [rank for rank in self.ranks(minute) if self._leads(rank) or not filling.conflict]
        if minute in filling.cuts or minute in filling.answered:
            return ranks
        return [
            rank
            for place, rank in enumerate(ranks)
            if not any(self._contains(wider, rank) for wider in ranks[:place])
        ]

    @property
    def _has_several_recorders(self) -> bool:
        return len({held.request.recorder for held in self.held}) > 1

    def _leads(self, rank: int) -> bool:
        return self.held[rank].request.recorder is None

    def _contains(self, wider: int, rank: int) -> bool:
        return self.held[wider].request.contains(self.held[rank].request)

    def digest(self) -> str:
        """Return what the day's lake depends on: the slices that count, and the schema.

        Where recorders are compared, that is all slices.
        """
        state = hashlib.sha256(f"schema {SCHEMA_VERSION}\n".encode())
        takes_all = self._has_several_recorders
        for minute, ranks in enumerate(self.all_ranks()):
            for rank, held in enumerate(self.held):
                if minute not in held.slices or not (takes_all or rank in ranks):
                    continue
                line = f"{held.request.folder} {minute} {held.slices[minute].sha256}\n"
                state.update(line.encode())
        for held in self.answers:
            for minute, facts in sorted(held.slices.items()):
                state.update(f"{held.request.folder} {minute} {facts.sha256}\n".encode())
        return state.hexdigest()[:32]

    def slice_name(self, rank: int, minute: int) -> str:
        """Return where a slice lies below raw/<exchange>."""
        return self.held[rank].name(minute)

    def origin(self, rank: int) -> str:
        """Return where a slice came from, as lineage says it: tardis:coinflex."""
        return self.held[rank].request.source


def sources_of(door: Door, day: date, arrivals: Arrivals | None = None) -> DaySources:
    """Return the slices of a day that count, also those that are still on their way."""
    coming = arrivals.days.get(day) if arrivals else None
    held, answers = [], []
    for request in door.requests():
        if request.is_rest:
            answers.append(door.day(request, day))
        elif coming and request == coming.request:
            held.append(coming)
        elif (slices := door.day(request, day)).slices or slices.corrupt:
            held.append(slices)
    answers = [of for of in answers if of.slices or of.corrupt]
    return DaySources(day, held, arrivals, answers)
