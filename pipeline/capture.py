"""Record the exchange's live feed, its WebSocket → minute slices, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from pipeline.capture_file import CaptureFile, lock_of
from pipeline.capture_report import CaptureReport
from pipeline.channels import CHANNELS
from pipeline.errors import UsageError
from pipeline.exposition import CONTENT_TYPE, exposition
from pipeline.live_lake import LiveLake
from pipeline.lock import holding
from pipeline.recording.open_minute import Recording
from pipeline.recording.recorder import Recorder
from pipeline.redaction import Redaction
from pipeline.slices import Door, Request
from pipeline.sources.coinflex.address import Address, address_of
from pipeline.sources.coinflex.login import Login
from pipeline.sources.daemon_threads import DaemonThreads
from pipeline.sources.health import Listen, serving
from pipeline.sources.live import Feed, Tempo
from pipeline.sources.rest import Rest, RestRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
    from datetime import datetime

    from pipeline.config import Settings
    from pipeline.recording.arrival_clock import ArrivalClock

__all__ = ["LIVE", "CaptureReport", "capture", "record"]

_T = TypeVar("_T")

log = logging.getLogger(__name__)

LIVE: Final = "live"  # the origin of what is captured over a socket
_BETWEEN_LISTS: Final = 60.0  # seconds between two looks at which markets there are
_BETWEEN_REPORTS: Final = 2.0
# Who looks whether the capture runs holds its lock for an instant.
_PATIENCE: Final = 0.5  # seconds


def capture(
    settings: Settings,
    *,
    instruments: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
    raw_only: bool = False,
    listen: str | None = None,
    show: Callable[[CaptureReport], None] = lambda _: None,
) -> CaptureReport:
    """Record until SIGTERM or SIGINT; then end the open minute, and return what was done.

    `instruments` None is all that the exchange has, also those that come later. `show` is called
    every few seconds. Each minute is in the lake moments after it is over, unless `raw_only`: then
    `ingest` brings in what is recorded. `listen` is a port, or a host on loopback and a port, that
    answers /metrics and /healthz. It returns within five seconds of the signal, whatever it was at.
    Raises LockHeld if another capture of the exchange runs here, ServiceRefused if the exchange
    lets nobody in, LakeUnwritable if the disk takes no more.
    """
    with _signals() as told:

        async def until_told() -> CaptureReport:
            loop, stop = asyncio.get_running_loop(), asyncio.Event()
            loop.set_default_executor(DaemonThreads())
            told.by = lambda: loop.call_soon_threadsafe(stop.set)
            return await record(
                settings, stop, instruments=instruments, channels=channels, raw_only=raw_only,
                listen=listen, show=show,
            )  # fmt: skip

        return asyncio.run(until_told())


class _Told:
    """Passes a signal on, as soon as there is somebody to pass it on to."""

    def __init__(self) -> None:
        self._came = False
        self._by: Callable[[], object] = lambda: None

    def __call__(self, *_: object) -> None:
        self._came = True
        with suppress(RuntimeError):  # the loop has ended already
            self._by()

    @property
    def by(self) -> Callable[[], object]:
        """What passes it on."""
        return self._by

    @by.setter
    def by(self, pass_on: Callable[[], object]) -> None:
        self._by = pass_on
        if self._came:
            pass_on()


@contextmanager
def _signals() -> Iterator[_Told]:
    """Take SIGTERM and SIGINT while the block runs: also before a loop runs in it, and after."""
    told = _Told()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, told) for number in numbers}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def record(  # noqa: PLR0913 - an option each
    settings: Settings,
    stop: asyncio.Event,
    *,
    instruments: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
    tempo: Tempo | None = None,
    clock: ArrivalClock | None = None,
    raw_only: bool = False,
    listen: str | None = None,
    show: Callable[[CaptureReport], None] = lambda _: None,
) -> CaptureReport:
    """Do what `capture` does, until `stop` is set."""
    address = address_of(settings)
    wanted = _known_channels(channels)
    door_of_metrics = None if listen is None else Listen.parse(listen)
    redaction = Redaction(settings.secrets)
    with (
        holding(settings.data, lock_of(address.exchange), _PATIENCE),
        CaptureFile(settings.data, address.exchange, redaction) as file,
    ):
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
            feed = _feed(settings, address, recorder, tempo or Tempo())
            report = CaptureReport(feed.state, recorder, address.exchange, wanted, lake, redaction)
            work = _Capture(address, wire, feed, report, stop, file, show)
            async with _watched(report, door_of_metrics):
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


def _feed(settings: Settings, address: Address, recorder: Recorder, tempo: Tempo) -> Feed:
    live = settings.live
    login = Login(live.key, live.secret) if live.key and live.secret else None
    return Feed(address.websocket, (), recorder, login=login, tempo=tempo)


@asynccontextmanager
async def _watched(report: CaptureReport, listen: Listen | None) -> AsyncIterator[None]:
    """Answer those who watch the capture, while the block runs, if that was asked for."""
    if listen is None:
        yield
        return
    async with serving(listen, lambda: exposition(report), CONTENT_TYPE, report.troubles) as url:
        log.info("how it is doing: %s/metrics and %s/healthz", url, url, extra={"listen": url})
        yield


class _Capture:
    """One capture at work."""

    def __init__(
        self,
        address: Address,
        channels: Sequence[str],
        feed: Feed,
        report: CaptureReport,
        stop: asyncio.Event,
        file: CaptureFile,
        show: Callable[[CaptureReport], None],
    ) -> None:
        self._address = address
        self._channels = channels
        self._feed = feed
        self._report = report
        self._stop = stop
        self._file = file
        self._show = show

    async def run(self, symbols: tuple[str, ...] | None) -> CaptureReport:
        """Record some instruments, or all, until told to stop."""
        beside = [asyncio.create_task(work) for work in (self._report_on(), self._keep_file())]
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
        """Subscribe to all markets that there are; asks until it is told, or stopped."""
        while not self._stop.is_set():
            try:
                self._want(await self._unless_stopped(rest.markets()) or ())
            except RestRefused as error:
                self._feed.state.last_loss = str(error)
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

    async def _keep_file(self) -> None:
        """Keep the file for `status` fresh, by a thread: the disk may be slow."""
        while not self._stop.is_set():
            await asyncio.to_thread(self._file.write, self._report.figures())
            await self._pause(_BETWEEN_REPORTS)

    async def _unless_stopped(self, work: Coroutine[None, None, _T]) -> _T | None:
        """Return what some work returns; None if the stop comes first."""
        tasks = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return tasks[0].result() if tasks[0].done() else None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
