"""Record the exchange's live feed, its WebSocket → minute slices, until told to stop.

Beside it REST is asked for what the feed does not say (sources/rest_beside.py); its answers are
recorded as slices of their own.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from pipeline.capture_file import CaptureFile, lock_of
from pipeline.capture_report import CaptureReport
from pipeline.channels import CHANNELS
from pipeline.errors import PipelineError, UsageError
from pipeline.exposition import CONTENT_TYPE, exposition
from pipeline.live_lake import LiveLake
from pipeline.lock import holding
from pipeline.recording.arrival_clock import ArrivalClock
from pipeline.recording.minutes import Answers
from pipeline.recording.open_minute import Recording
from pipeline.recording.recorder import Recorder
from pipeline.redaction import Redaction
from pipeline.slices import REST, REST_CHANNELS, Door, Request
from pipeline.sources.coinflex.address import Address, address_of
from pipeline.sources.coinflex.login import Login
from pipeline.sources.daemon_threads import DaemonThreads
from pipeline.sources.health import Listen, serving
from pipeline.sources.holes import Holes
from pipeline.sources.live import Feed, Tempo
from pipeline.sources.rest import Rest, RestRefused
from pipeline.sources.rest_beside import Beside, RestTempo
from pipeline.stamp import split_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
    from datetime import datetime

    from pipeline.config import Settings
    from pipeline.sources.live import Sink

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
    rest_tempo: RestTempo | None = None,
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
        of_rest = Request(address.exchange, REST, REST_CHANNELS, None, address.host)
        clock = clock or ArrivalClock()  # one, so that no answer is earlier than what it follows
        with ExitStack() as beside:
            # Entered first, so that it is told of the last minute before it is left.
            lake = None if raw_only else LiveLake(settings.data, address.exchange, address.host)
            if lake:
                beside.enter_context(lake)
            ended = (lake.minute_is_over, lake.answers_are_over) if lake else (_ignore, _ignore)
            answers = beside.enter_context(
                Recorder(Recording(door, of_rest), clock, minutes=Answers(), ended=ended[1])
            )
            recorder = beside.enter_context(
                Recorder(Recording(door, request), clock, ended=ended[0])
            )
            holes = Holes(recorder, lambda: feed.state, _last_heard(door, address.host))
            feed = _feed(settings, address, holes, tempo or Tempo())
            rest_tempo = rest_tempo or RestTempo()
            asking = Beside(
                Rest(address.rest, address.dialect.rest, rest_tempo.between_requests), answers,
                feed.state, holes, channels=wanted, clock=clock, tempo=rest_tempo,
            )  # fmt: skip
            report = CaptureReport(
                feed.state, recorder, address.exchange, wanted, lake, redaction, asking.asked
            )
            work = _Capture(wire, feed, asking, report, stop, file, show)
            async with _watched(report, door_of_metrics):
                return await work.run(symbols)


def _ignore(_: datetime) -> None:
    pass


def _known_channels(channels: Sequence[str] | None) -> list[str]:
    for name in channels or ():
        if name not in CHANNELS:
            raise UsageError.not_among("--channels", name, CHANNELS)
    return list(dict.fromkeys(channels or CHANNELS))


def _last_heard(door: Door, host: str) -> int | None:
    """Return when the last line of a host's feed arrived, in milliseconds, if any was recorded."""
    times = []
    for request in door.requests():
        if (request.origin, request.host) == (LIVE, host):
            for day in door.days(request)[-1:]:
                last = [of.last for of in door.day(request, day).slices.values() if of.last]
                times += [split_line(f"{stamp} ".encode())[0] // 1000 for stamp in last]
    return max(times, default=None)


def _check_host(door: Door, address: Address) -> None:
    """Raise UsageError if the exchange id stands for a feed of another host already."""
    for known in door.requests():
        if known.host not in (None, address.host):
            raise UsageError(
                "exchange", address.exchange,
                f"--exchange with another id: this one has recordings of {known.source}, and "
                f"{address.host} may show other books",
            )  # fmt: skip


def _feed(settings: Settings, address: Address, sink: Sink, tempo: Tempo) -> Feed:
    live = settings.live
    login = Login(live.key, live.secret) if live.key and live.secret else None
    return Feed(address.websocket, (), sink, login=login, tempo=tempo)


@asynccontextmanager
async def _watched(report: CaptureReport, listen: Listen | None) -> AsyncIterator[None]:
    """Answer those who watch the capture, while the block runs, if that was asked for."""
    if listen is None:
        yield
        return
    async with serving(listen, lambda: exposition(report), CONTENT_TYPE, report.troubles) as url:
        log.info("how it is doing: %s/metrics and %s/healthz", url, url, extra={"listen": url})
        yield


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Capture:
    """One capture at work."""

    def __init__(
        self,
        channels: Sequence[str],
        feed: Feed,
        beside: Beside,
        report: CaptureReport,
        stop: asyncio.Event,
        file: CaptureFile,
        show: Callable[[CaptureReport], None],
    ) -> None:
        self._channels = channels
        self._feed = feed
        self._beside = beside
        self._report = report
        self._stop = stop
        self._file = file
        self._show = show

    async def run(self, symbols: tuple[str, ...] | None) -> CaptureReport:
        """Record some instruments, or all, until told to stop."""
        beside = [asyncio.create_task(work) for work in (self._report_on(), self._keep_file())]
        try:
            async with self._beside.rest:
                if symbols is None:
                    await self._find_markets()
                self._want(symbols or ())
                beside.append(asyncio.create_task(self._look_at_markets(symbols)))
                beside.append(asyncio.create_task(self._ask_beside()))
                try:
                    await self._feed.run(self._stop)
                finally:
                    await _cancel(beside)
        finally:
            await _cancel(beside)
        return self._report

    def _want(self, markets: Sequence[str]) -> None:
        self._feed.want(f"{channel}:{name}" for name in markets for channel in self._channels)
        self._beside.want(markets)

    async def _ask_beside(self) -> None:
        """Ask REST beside the feed; what the disk does not take any more ends the capture."""
        try:
            await self._beside.run()
        except* PipelineError:  # raised again where the recorder is left
            self._stop.set()

    async def _find_markets(self) -> None:
        """Subscribe to all markets that there are; asks until it is told, or stopped."""
        while not self._stop.is_set():
            try:
                self._want(await self._unless_stopped(self._beside.markets()) or ())
            except RestRefused as error:
                self._feed.state.last_loss = str(error)
                log.warning("which markets there are is not known (%s); asked again", error)
                await self._pause(5.0)
            else:
                return

    async def _look_at_markets(self, symbols: tuple[str, ...] | None) -> None:
        """Look every minute at which markets there are, and how they are defined."""
        if symbols is None:
            await self._pause(_BETWEEN_LISTS)
        while not self._stop.is_set():
            with suppress(RestRefused):
                found = await self._beside.markets()
                self._want(found if symbols is None else ())
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
