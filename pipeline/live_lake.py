"""The lake of a recording, kept up with it by a process of its own.

Recording never waits for it: it is told which minutes are over, and has what it needs in raw. What
it does is live_following.py's; that is heavy, and loaded by it alone.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Final, Self

from pipeline import logs

if TYPE_CHECKING:
    from datetime import datetime
    from multiprocessing.connection import Connection
    from pathlib import Path

__all__ = ["LiveLake"]

log = logging.getLogger(__name__)

# Seconds that a capture waits at its end for the last minutes to get into the lake. They are in
# raw: the next ingest, or capture, brings them in if that is too short. A capture ends within five.
_LAST: Final = 2.0
_MINUTE: Final = timedelta(minutes=1)


class LiveLake:
    """Brings the minutes of a host's recording into the lake, each when it is over."""

    def __init__(self, data: Path, exchange: str, host: str) -> None:
        self._given = data, exchange, host
        self._telling = threading.Lock()
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
        # It ends with its capture, not beside it: blocked in what is started, until it ignores
        # them itself. To start the tracker, which all processes share, lifts any block.
        resource_tracker.ensure_running()
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
        self._say(start, of_rest=False)

    def answers_are_over(self, start: datetime) -> None:
        """Say that the slice of REST's answers of a minute is whole, likewise."""
        self._say(start, of_rest=True)

    def _say(self, start: datetime, *, of_rest: bool) -> None:
        with self._telling, suppress(OSError):  # it was killed: the next capture makes up for it
            self._tell.send((start, of_rest))

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
    """Be the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logs.begin(setup or logs.LogSetup())
    try:
        # Polars and numba are three times as large as all that a capture needs for months.
        from pipeline.live_following import follow  # noqa: PLC0415 - in this process alone

        follow(data, exchange, host, told, say)
    except Exception:
        # Not left to multiprocessing, which would print it as it is.
        log.critical("what is recorded no longer comes into the lake", exc_info=True)
        sys.exit(1)
