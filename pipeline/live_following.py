"""Brings the minutes of a recording into the lake as they are told, in a process of its own.

Where that fails it begins anew, from raw; what was written stays, and is whole.
"""

from __future__ import annotations

import logging
import multiprocessing
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from pipeline import logs
from pipeline.drafts import clear_drafts
from pipeline.errors import LockHeld, PipelineError
from pipeline.ingest import ingest
from pipeline.lake import Lake
from pipeline.live_day import LiveDay
from pipeline.lock import holding
from pipeline.slices import Door

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from multiprocessing.connection import Connection
    from pathlib import Path

__all__ = ["follow"]

log = logging.getLogger(__name__)

# A minute's start, and whether it is told of REST's answers alone.
_Over = tuple["datetime", bool]


def follow(data: Path, exchange: str, host: str, told: Connection, say: Connection) -> None:
    """Bring in minutes as they are told, until nobody tells any more; say which are there."""
    with _Days(data, exchange, host) as days:
        for minutes in _batches(told):
            if (through := days.bring_in(minutes)) is not None:
                with suppress(OSError):
                    say.send(through)


def _batches(told: Connection) -> Iterator[list[_Over]]:
    """Yield minutes as they come: all that there are, where it takes longer than a minute."""
    with suppress(EOFError):
        while True:
            minutes = [told.recv()]
            with suppress(EOFError):
                while told.poll():
                    minutes.append(told.recv())
            yield minutes


class _Days:
    """The day that is being brought in, and those before it that are over."""

    def __init__(self, data: Path, exchange: str, host: str) -> None:
        self._data = data
        self._host = host
        self._lake = Lake(data, exchange)
        self._door = Door(data, exchange)
        self._held = ExitStack()
        self._date: date | None = None
        self._day: LiveDay | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def bring_in(self, minutes: list[_Over]) -> datetime | None:
        """Bring in some minutes, in order; return the feed's last one, if it is there now.

        Where that fails, all of the day is tried again with the next minute.
        """
        last = {start.date(): start for start, of_rest in minutes if not of_rest}
        try:
            for day, start in last.items():
                self._turn_to(day)
                if self._day is None:
                    return None
                self._day.advance(start.hour * 60 + start.minute)
            if self._day and any(of_rest for _, of_rest in minutes):
                self._day.answer()
        except PipelineError as error:
            log.error("%s; the day is tried again", error)  # noqa: TRY400 - it is a sentence
            self._leave()
            return None
        return max(last.values(), default=None)

    def _turn_to(self, day: date) -> None:
        """Hold a day, unless an ingest does; end those before it."""
        if self._date not in (None, day) and self._day:
            self._day.finish()
            self._leave()
            self._make_whole(day)
        if self._day is None:
            is_first, self._date = self._date is None, day
            if self._held.enter_context(self._lake.holding_day(day)):
                self._day = self._held.enter_context(
                    LiveDay(self._lake, self._door, self._host, day)
                )
                # A capture that ended before midnight left some.
                if is_first and _parts_before(self._lake, day):
                    self._make_whole(day)
            else:
                self._held.close()
                log.info("%s is being ingested; what is recorded comes into the lake after", day)

    def _leave(self) -> None:
        self._held.close()
        self._day = None

    def _make_whole(self, today: date) -> None:
        """Have days that are over made one file each, unless another run is at work."""
        context = multiprocessing.get_context("spawn")
        given = self._data, self._lake.exchange, today, logs.in_force()
        context.Process(target=_ingest_days_in_parts, args=given).start()


def _parts_before(lake: Lake, today: date) -> list[date]:
    return [day for day in lake.days_in_parts() if day < today]


def _ingest_days_in_parts(
    data: Path, exchange: str, today: date, setup: logs.LogSetup | None
) -> None:
    """Be the process. Today is left alone, though its capture may end meanwhile."""
    logs.begin(setup or logs.LogSetup())
    lake = Lake(data, exchange)
    try:
        with holding(data):
            clear_drafts(data, exchange)
            ingest(data, exchange, days=_parts_before(lake, today))
    except LockHeld:
        log.info("days that are over stay in parts until the next ingest")
