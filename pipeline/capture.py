"""Record the exchange's live feed, its WebSocket → minute slices, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.channels import CHANNELS
from pipeline.errors import UsageError
from pipeline.live_lake import LiveLake
from pipeline.lock import holding
from pipeline.recording.open_minute import Recording
from pipeline.recording.recorder import Recorder
from pipeline.slices import Door, Request
from pipeline.sources.coinflex.address import Address, address_of
from pipeline.sources.coinflex.login import Login
from pipeline.sources.live import Feed, Tempo
from pipeline.sources.rest import Rest, RestRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pipeline.config import Settings
    from pipeline.recording.arrival_clock import ArrivalClock
    from pipeline.sources.live_state import LiveState

__all__ = ["LIVE", "CaptureReport", "capture", "record"]

log = logging.getLogger(__name__)

LIVE: Final = "live"  # the origin of what is captured over a socket
_BETWEEN_LISTS: Final = 60.0  # seconds between two looks at which markets there are
_BETWEEN_REPORTS: Final = 2.0


@dataclass
class CaptureReport:
    """How a capture is doing, or did: the feed's state, and what is on the disk."""

    feed: LiveState
    recorder: Recorder
    exchange: str

    def summary(self) -> dict[str, Any]:
        """Return the report in figures."""
        feed, written = self.feed, self.recorder.written
        return {
            "exchange": self.exchange,
            "frames": feed.frames.total(),
            **{f"frames_{name}": feed.frames[name] for name in CHANNELS},
            "frames_unreadable": feed.unreadable,
            "frames_dropped": feed.dropped.total(),
            "bytes": feed.size,
            "connections": feed.connections,
            "slices": written.slices,
            "refused": sorted(feed.refused),
        }


def capture(
    settings: Settings,
    *,
    instruments: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
    raw_only: bool = False,
    show: Callable[[CaptureReport], None] = lambda _: None,
) -> CaptureReport:
    """Record until SIGTERM or SIGINT; then end the open minute, and return what was done.

    `instruments` None is all that the exchange has, also those that come later. `show` is called
    every few seconds. Each minute is in the lake moments after it is over, unless `raw_only`: then
    `ingest` brings in what is recorded.
    Raises LockHeld if another capture of the exchange runs here, ServiceRefused if the exchange
    lets nobody in, LakeUnwritable if the disk takes no more.
    """

    async def until_told() -> CaptureReport:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await record(
            settings, stop, instruments=instruments, channels=channels, raw_only=raw_only, show=show
        )

    return asyncio.run(until_told())


async def record(
    settings: Settings,
    stop: asyncio.Event,
    *,
    instruments: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
    tempo: Tempo | None = None,
    clock: ArrivalClock | None = None,
    raw_only: bool = False,
    show: Callable[[CaptureReport], None] = lambda _: None,
) -> CaptureReport:
    """Do what `capture` does, until `stop` is set."""
    address = address_of(settings)
    wanted = _known_channels(channels)
    with holding(settings.data, f"-capture-{address.exchange}"):
        door = Door(settings.data, address.exchange)
        _check_host(door, address)
        symbols = None if instruments is None else tuple(instruments)
        wire = tuple(address.dialect.channel(name) for name in wanted)
        request = Request(address.exchange, LIVE, wire, symbols, address.host)
        with ExitStack() as beside:
            # Entered first, so that it is told of the last minute before it is left.
            lake = None if raw_only else LiveLake(settings.data, address.exchange, address.host)
            ended = beside.enter_context(lake).minute_is_over if lake else _ignore
            recorder = beside.enter_context(Recorder(Recording(door, request), clock, ended=ended))
            work = _Capture(settings, address, wire, recorder, stop, tempo or Tempo(), show)
            return await work.run(symbols)


def _ignore(_: datetime) -> None:
    pass


def _known_channels(channels: Sequence[str] | None) -> list[str]:
    for name in channels or ():
        if name not in CHANNELS:
            raise UsageError.not_among("--channels", name, CHANNELS)
    return list(dict.fromkeys(channels or CHANNELS))


def _check_host(door: Door, address: Address) -> None:
    """Raise UsageError if the exchange id stands for a feed of another host already."""
    for known in door.requests():
        if known.host not in (None, address.host):
            raise UsageError(
                "exchange", address.exchange,
                f"--exchange with another id: this one has recordings of {known.source}, and "
                f"{address.host} may show other books",
            )  # fmt: skip


class _Capture:
    """One capture at work."""

    def __init__(
        self,
        settings: Settings,
        address: Address,
        channels: Sequence[str],
        recorder: Recorder,
        stop: asyncio.Event,
        tempo: Tempo,
        show: Callable[[CaptureReport], None],
    ) -> None:
        live = settings.live
        login = Login(live.key, live.secret) if live.key and live.secret else None
        self._address = address
        self._channels = channels
        self._show = show
        self._feed = Feed(address.websocket, (), recorder, login=login, tempo=tempo)
        self._report = CaptureReport(self._feed.state, recorder, address.exchange)
        self._stop = stop

    async def run(self, symbols: tuple[str, ...] | None) -> CaptureReport:
        """Record some instruments, or all, until told to stop."""
        beside = [asyncio.create_task(self._report_on())]
        try:
            async with Rest(self._address.rest, self._address.dialect.rest) as rest:
                if symbols is None:
                    await self._find_markets(rest)
                    beside.append(asyncio.create_task(self._find_new_markets(rest)))
                self._want(symbols or ())
                await self._feed.run(self._stop)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        return self._report

    def _want(self, markets: Sequence[str]) -> None:
        self._feed.want(f"{channel}:{name}" for name in markets for channel in self._channels)

    async def _find_markets(self, rest: Rest) -> None:
        """Subscribe to all markets that there are; asks until it is told."""
        while not self._stop.is_set():
            try:
                self._want(await rest.markets())
            except RestRefused as error:
                log.warning("which markets there are is not known (%s); asked again", error)
                await self._pause(5.0)
            else:
                return

    async def _find_new_markets(self, rest: Rest) -> None:
        await self._pause(_BETWEEN_LISTS)
        while not self._stop.is_set():
            with suppress(RestRefused):
                self._want(await rest.markets())
            await self._pause(_BETWEEN_LISTS)

    async def _report_on(self) -> None:
        while not self._stop.is_set():
            self._show(self._report)
            await self._pause(_BETWEEN_REPORTS)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
