"""Plays a schedule to a capture by hand: step by step, and each loss is seen to its end."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.config import Settings
from pipeline.recording.arrival_clock import ArrivalClock
from pipeline.simulator.exchange import ExchangeSimulator, Limits
from tests.capturing import DAY_NS, QUICK, Line, capturing, recorded
from tests.faults.schedule import LONG, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.capture import CaptureReport
    from pipeline.simulator.exchange.journal import ConnectionLog, Journal
    from pipeline.simulator.exchange.server import Urls
    from pipeline.simulator.feed import Event
    from pipeline.sources.live import Tempo

__all__ = ["ENDING", "LARGEST_FRAME", "Played", "ends", "play"]

# What a capture takes at most; what is longer is no book, and ends the connection.
LARGEST_FRAME: Final = 8 << 20
# Faults after which a connection is over, in any case.
ENDING: Final = ("drop", "close", "half-close")
# The documented limits, but for a frame that is longer than a client takes.
_LIMITS: Final = Limits(buffer=64 << 20)
_AFTER_ALL: Final = 10_000.0  # seconds of the feed: no delay is longer
_DEADLINE: Final = 60.0
_NOON_2020: Final = 1_600_000_000_000_000_000 // DAY_NS * DAY_NS + DAY_NS // 2
_KEY: Final = "the-key"
_SECRET: Final = "the-secret"


class Played(NamedTuple):
    """What was played, what really happened, and what was recorded of it."""

    schedule: Schedule
    events: list[Event]
    journal: Journal
    lines: list[Line]


def ends(kind: str, value: str) -> bool:
    """Tell whether a fault ends the connection that meets it."""
    if kind == "oversized":
        return int(value) > LARGEST_FRAME
    return kind in ENDING or (kind == "stall" and float(value) >= LONG)


def play(schedule: Schedule, data: Path) -> Played:
    """Capture what a schedule plays, all channels of all markets, into an empty data folder."""
    feed = schedule.feed()
    events = [*feed.events()]
    exchange = ExchangeSimulator(
        feed,
        dialect=schedule.dialect,
        speed="manual",
        faults=schedule.parsed_faults(),
        limits=_LIMITS,
        key=_KEY if schedule.login else None,
        secret=_SECRET if schedule.login else None,
    )
    reports: list[CaptureReport] = []
    with (
        exchange.running() as urls,
        capturing(
            _settings(schedule, data, urls),
            instruments=None if schedule.unnamed else [market.code for market in feed.markets],
            tempo=_tempo(schedule),
            clock=_clock(schedule.second),
            show=reports.append,
        ),
    ):
        _Stepping(exchange, reports, schedule).play([event.at for event in events])
    return Played(schedule, events, exchange.journal, recorded(data))


def _tempo(schedule: Schedule) -> Tempo:
    """Return short waits, but for a ping: its answer may come behind a large frame, slowly."""
    stale = {"depth": schedule.stale}
    return dataclasses.replace(QUICK, ping=_DEADLINE, too_many=0.5, stale_after=stale)


def _settings(schedule: Schedule, data: Path, urls: Urls) -> Settings:
    given = {"COINFLEX_L2_WS_URL": urls.ws, "COINFLEX_L2_REST_URL": urls.rest}
    if schedule.login:
        given |= {"COINFLEX_API_KEY": _KEY, "COINFLEX_API_SECRET": _SECRET}
    dialect = "us" if schedule.dialect == "v1" else "v2"
    return Settings.load(data=data, environ=given, dialect=dialect)


def _clock(second: float) -> ArrivalClock:
    """Return a clock that begins in a second of noon's minute."""
    ahead = _NOON_2020 + round(second * 1e9) - time.time_ns()
    return ArrivalClock(lambda: time.time_ns() + ahead)


class _Stepping:
    """Plays burst by burst. Who was cut off is let in again before all the rest is played."""

    def __init__(
        self, exchange: ExchangeSimulator, reports: list[CaptureReport], schedule: Schedule
    ) -> None:
        self._exchange = exchange
        self._journal = exchange.journal
        self._reports = reports
        self._burst, self._absent = schedule.burst, schedule.absent
        self._faults_seen = 0
        self._doomed: set[int] = set()  # connections that will end
        self._held = 0.0  # until then nothing is sent on the present one, not even its end
        self._size = 0  # of what was recorded before its data

    def play(self, times: list[float]) -> None:
        """Play all, and return when the client has taken all that was sent."""
        self._wait_for_client()
        played = 0
        while played < len(times):
            played = self._play(times, played + self._burst)
            if self._is_over(times[played - 1]):
                played = self._play(times, played + self._absent)
                self._wait_for_client()
        self._exchange.play_to(times[-1] + _AFTER_ALL)
        if self._is_over(times[-1] + _AFTER_ALL):
            self._wait_for_client()
        _wait(self._has_taken_all, "the client does not take what was sent")

    def _play(self, times: list[float], events: int) -> int:
        """Play so many events in all, if there are; return how many."""
        played = min(events, len(times))
        self._exchange.play_to(times[played - 1])
        return played

    def _is_over(self, at: float) -> bool:
        """Tell whether the connection has ended, and see it to its end if it is about to."""
        log = self._journal.connections[-1]
        for met in self._journal.faults[self._faults_seen :]:
            if met.connection is not None and ends(met.fault, met.value):
                self._doomed.add(met.connection)
            elif met.connection == log.number and met.fault in {"delay", "stall"}:
                self._held = max(self._held, met.at + float(met.value))
        self._faults_seen = len(self._journal.faults)
        if log.number in self._doomed and at >= self._held:
            _wait(lambda: bool(log.ending), f"connection {log.number} does not end")
        return bool(log.ending)

    def _wait_for_client(self) -> None:
        """Return when a connection stands, with all subscriptions that it will have."""
        _wait(self._is_live, "the client does not come back")
        self._held = 0.0
        self._size = self._reports[-1].feed.size

    def _is_live(self) -> bool:
        connections = self._journal.connections
        if not self._reports or not connections or connections[-1].ending:
            return False
        state = self._reports[-1].feed
        return state.connections == len(connections) and state.phase == "live"

    def _has_taken_all(self) -> bool:
        log: ConnectionLog = self._journal.connections[-1]
        assert not log.ending, f"connection {log.number} has ended: {log.ending}"
        return self._reports[-1].feed.size - self._size == log.sent_bytes


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait for what other threads do."""
    until = time.monotonic() + _DEADLINE
    while not condition():
        assert time.monotonic() < until, otherwise
        time.sleep(0.002)
