"""The lake of a recording, kept up with it by a process of its own.

Recording never waits for it: it is told which minutes are over, and has what it needs in raw. Where
it fails it begins anew, from raw; what it had written stays, and is whole.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import sys
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from pipeline import logs
from pipeline.errors import LockHeld, PipelineError
from pipeline.ingest import clear_drafts, ingest
from pipeline.lake import Lake
from pipeline.live_day import LiveDay
from pipeline.lock import holding
from pipeline.slices import Door

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from multiprocessing.connection import Connection
    from pathlib import Path

__all__ = ["LiveLake"]

log = logging.getLogger(__name__)

# Seconds that a capture waits at its end for the last minutes to get into the lake. They are in
# raw: the next ingest, or capture, brings them in if that is too short. A capture ends within five.
_LAST: Final = 2.5
_MINUTE: Final = timedelta(minutes=1)


class LiveLake:
    """Brings the minutes of a host's recording into the lake, each when it is over."""

    def __init__(self, data: Path, exchange: str, host: str) -> None:
        self._given = data, exchange, host
        self._through: datetime | None = None
        self._first: datetime | None = None
        self._last: datetime | None = None

    def __enter__(self) -> Self:
        # Spawned: a fork of a process with threads in it may hang.
        context = multiprocessing.get_context("spawn")
        # One for each way: what is on its way is not lost when the other end closes.
        told, self._tell = context.Pipe(duplex=False)
        self._heard, say = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_follow, args=(*self._given, told, say, logs.in_force())
        )
        # Blocked for good in what is started: it ends with its capture, not beside it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        told.close()
        say.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._tell.close()
        self._process.join(_LAST)
        if self._process.is_alive():
            self._process.kill()  # which costs nothing: every file is whole
            self._process.join()
        self._heard.close()

    def minute_is_over(self, start: datetime) -> None:
        """Say that the slice of a minute is whole. From one thread; never waits."""
        self._first, self._last = self._first or start, start
        with suppress(OSError):  # it was killed: the next capture makes up for it
            self._tell.send(start)

    @property
    def through(self) -> datetime | None:
        """The last minute (its start) of which the lake has all that was recorded, if any."""
        with suppress(OSError, EOFError):
            while self._heard.poll():
                self._through = self._heard.recv()
        return self._through

    @property
    def behind(self) -> timedelta:
        """How much of what this run recorded in whole minutes the lake does not have yet."""
        if self._first is None or self._last is None:
            return timedelta(0)
        return self._last - (self.through or self._first - _MINUTE)

    @property
    def is_alive(self) -> bool:
        """Whether it is at work."""
        return self._process.is_alive()


def _follow(
    data: Path,
    exchange: str,
    host: str,
    told: Connection,
    say: Connection,
    setup: logs.LogSetup | None,
) -> None:
    """Bring in minutes as they are told, until nobody tells any more."""
    logs.begin(setup or logs.LogSetup())
    try:
        with _Days(data, exchange, host) as days:
            for minutes in _batches(told):
                if days.bring_in(minutes):
                    with suppress(OSError):
                        say.send(minutes[-1])
    except Exception:
        # Not left to multiprocessing, which would print it as it is.
        log.critical("what is recorded no longer comes into the lake", exc_info=True)
        sys.exit(1)


def _batches(told: Connection) -> Iterator[list[datetime]]:
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

    def bring_in(self, minutes: list[datetime]) -> bool:
        """Bring in some minutes, in order; say whether the last one is there.

        Where that fails, all of the day is tried again with the next minute.
        """
        last = {start.date(): start for start in minutes}
        try:
            for day, start in last.items():
                self._turn_to(day)
                if self._day is None:
                    return False
                self._day.advance(start.hour * 60 + start.minute)
        except PipelineError as error:
            log.error("%s; the day is tried again", error)  # noqa: TRY400 - it is a sentence
            self._leave()
            return False
        return True

    def _turn_to(self, day: date) -> None:
        """Hold a day, unless an ingest does; end the one before it."""
        if self._date not in (None, day) and self._day:
            self._day.finish()
            self._leave()
            self._make_whole()
        if self._day is None:
            self._date = day
            if self._held.enter_context(self._lake.holding_day(day)):
                self._day = self._held.enter_context(
                    LiveDay(self._lake, self._door, self._host, day)
                )
            else:
                self._held.close()
                log.info("%s is being ingested; what is recorded comes into the lake after", day)

    def _leave(self) -> None:
        self._held.close()
        self._day = None

    def _make_whole(self) -> None:
        """Have days that are over made one file each, unless another run is at work."""
        context = multiprocessing.get_context("spawn")
        given = self._data, self._lake.exchange, logs.in_force()
        context.Process(target=_ingest_days_in_parts, args=given).start()


def _ingest_days_in_parts(data: Path, exchange: str, setup: logs.LogSetup | None) -> None:
    logs.begin(setup or logs.LogSetup())
    lake = Lake(data, exchange)
    try:
        with holding(data):
            clear_drafts(data, exchange)
            ingest(data, exchange, days=lake.days_in_parts())
    except LockHeld:
        log.info("days that are over stay in parts until the next ingest")
