"""A day that is being recorded, in the lake: brought up to each minute that is over.

It is normalized as every day is, minute by minute, and written in parts (live_writer.py). Once the
day is over, or nobody records it any more, `ingest` makes it anew from raw, as one file, with the
same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import polars as pl

import pipeline
from pipeline.answer_reading import AnswerReading
from pipeline.day_ingest import ingest_row, slice_row
from pipeline.day_sources import DaySources
from pipeline.live_writer import LiveWriter
from pipeline.normalize.day import DayNormalizer
from pipeline.normalize.depth import Lineage
from pipeline.reading import Extent, PartReading
from pipeline.schemas import INGESTS
from pipeline.times import MINUTES_OF_DAY, day_start_us

if TYPE_CHECKING:
    from datetime import date

    from pipeline.lake import Lake
    from pipeline.slices import Door

__all__ = ["LiveDay"]


class LiveDay:
    """The lake's partitions of a day, from the recordings of one host, while they grow.

    What the lake has of the day is replaced when the first minutes are brought in. The caller holds
    the day (Lake.holding_day).
    """

    def __init__(self, lake: Lake, door: Door, host: str, day: date) -> None:
        self._lake = lake
        self._door = door
        self._day = day
        requests = [request for request in door.requests() if request.host == host]
        self._requests = [request for request in requests if not request.is_rest]
        self._of_rest = [request for request in requests if request.is_rest]
        self._writer = LiveWriter(lake, day, pipeline.__version__)
        self._answers = AnswerReading(self._writer.write)
        sources = self._sources()
        lineage = Lineage(sources.origin, sources.slice_name)
        self._normalizer = DayNormalizer(
            self._requests, day_start_us(day), lineage, self._writer.write
        )
        self._next = 0
        self._reading: PartReading | None = None
        self._extent = Extent()
        self._is_first = True

    def __enter__(self) -> Self:
        self._lake.prepare(as_reader=True)  # the lock that clears drafts is another's
        self._lake.clear_live_drafts(self._day)
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.__exit__(*error)

    def advance(self, minute: int) -> None:
        """Bring in all minutes up to one (0 to 1439), which is over; then they can be asked for.

        Raises SliceCorrupt for a slice that is none.
        """
        self._bring_in(minute)
        self._commit(self._normalizer.settle())

    def answer(self) -> None:
        """Bring in what REST answered in minutes that are over; raises SliceCorrupt.

        Nothing comes of it before the feed's first minute is there: it comes along with that.
        """
        if not self._is_first and self._take_answers():
            self._commit(self._normalizer.settle())

    def finish(self) -> None:
        """Bring in what is left of a day that is over; raises SliceCorrupt."""
        self._bring_in(MINUTES_OF_DAY - 1)
        self._commit(self._normalizer.finish())

    def _bring_in(self, minute: int) -> None:
        """Take all minutes up to one, and what REST has answered."""
        sources = self._sources()
        while self._next <= minute:
            self._take(sources, self._next)
            self._next += 1
        self._take_answers()

    def _commit(self, facts: dict[str, dict[str, int]]) -> None:
        self._writer.commit(facts)
        if self._is_first:
            self._writer.remove_others()
            self._is_first = False

    def _sources(self) -> DaySources:
        """Return the day's slices as they are now."""
        return DaySources(self._day, [self._door.day(of, self._day) for of in self._requests])

    def _take_answers(self) -> bool:
        """Read the slices of answers that came since the last time; say whether there were any."""
        days = [self._door.day(request, self._day) for request in self._of_rest]
        rows = [slice_row(*of) for of in self._answers.read(days)]
        self._say_ingested(rows)
        return bool(rows)

    def _take(self, sources: DaySources, minute: int) -> None:
        """Read a minute; a part of the day ends where it would end in a whole day."""
        if self._reading is None:
            delivered = self._normalizer.delivered
            self._reading = PartReading(self._day, self._requests, minute, delivered)
            self._extent = Extent()
        self._reading.take(sources.minute(minute))
        self._extent.add(sources.facts(minute))
        if self._extent.is_whole or minute == MINUTES_OF_DAY - 1:
            part, self._reading = self._reading.finish(), None
        else:
            part = self._reading.piece()
        self._normalizer.take(part)
        rows = [ingest_row(sources, *at, tally) for at, tally in sorted(part.tallies.items())]
        self._say_ingested(rows)

    def _say_ingested(self, rows: list[dict[str, Any]]) -> None:
        self._writer.write(INGESTS.name, None, pl.DataFrame(rows, schema=INGESTS.schema))
