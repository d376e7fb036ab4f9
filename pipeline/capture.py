"""Record the exchange's live feed, its WebSocket → minute slices, until told to stop.

Beside it REST is asked for what the feed does not say (sources/rest_beside.py); its answers are
recorded as slices of their own.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from pipeline.capture_file import CaptureFile, lock_of
from pipeline.capture_recording import recording
from pipeline.capture_report import CaptureReport
from pipeline.channels import CHANNELS
from pipeline.errors import PipelineError, UsageError
from pipeline.exposition import CONTENT_TYPE, exposition
from pipeline.lock import holding
from pipeline.recording.arrival_clock import ArrivalClock
from pipeline.redaction import Redaction
from pipeline.signals import taking_signals
from pipeline.sources.coinflex.address import address_of
from pipeline.sources.coinflex.login import Login
from pipeline.sources.daemon_threads import DaemonThreads
from pipeline.sources.health import Listen, serving
from pipeline.sources.holes import Holes
from pipeline.sources.live import Feed
from pipeline.sources.live_state import LiveState
from pipeline.sources.rest import Rest, RestRefused
from pipeline.sources.rest_beside import Beside, RestTempo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from pipeline.config import Settings
    from pipeline.sources.live import Tempo

__all__ = ["CaptureReport", "capture", "record"]

_T = TypeVar("_T")

log = logging.getLogger(__name__)

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
    with taking_signals() as signals:

        async def until_told() -> CaptureReport:
            loop, stop = asyncio.get_running_loop(), asyncio.Event()
            loop.set_default_executor(DaemonThreads())
            signals.pass_to(lambda: loop.call_soon_threadsafe(stop.set))
            return await record(
                settings, stop, instruments=instruments, channels=channels, raw_only=raw_only,
                listen=listen, show=show,
            )  # fmt: skip

        return asyncio.run(until_told())


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
    wire = tuple(map(address.dialect.channel, wanted))
    symbols = None if instruments is None else tuple(instruments)
    watched_at = None if listen is None else Listen.parse(listen)
    redaction = Redaction(settings.secrets)
    clock = clock or ArrivalClock()  # one, so that no answer is earlier than what it follows
    data, exchange = settings.data, address.exchange
    with (
        holding(data, lock_of(exchange), _PATIENCE),
        CaptureFile(data, exchange, redaction) as file,
        recording(data, address, wire, symbols, clock, raw_only=raw_only) as kept,
    ):
        state = LiveState()
        holes = Holes(kept.feed, state, kept.last_heard)
        feed = Feed(address.websocket, (), holes, login=_login(settings), tempo=tempo, state=state)
        pace = rest_tempo or RestTempo()
        rest = Rest(address.rest, address.dialect.rest, pace.between_requests)
        beside = Beside(rest, kept.answers, state, holes, channels=wanted, clock=clock, tempo=pace)
        report = CaptureReport(
            state, kept.feed, exchange, wanted, kept.lake, redaction, beside.asked
        )
        work = _Capture(wire, feed, beside, report, stop, file, show)
        async with _watched(report, watched_at):
            return await work.run(symbols)


def _login(settings: Settings) -> Login | None:
    live = settings.live
    return Login(live.key, live.secret) if live.key and live.secret else None


def _known_channels(channels: Sequence[str] | None) -> list[str]:
    for name in channels or ():
        if name not in CHANNELS:
            raise UsageError.not_among("--channels", name, CHANNELS)
    return list(dict.fromkeys(channels or CHANNELS))


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
        async with self._beside.rest:
            beside = [self._begin(work) for work in (self._report_on(), self._keep_file())]
            try:
                if symbols is None:
                    await self._find_markets()
                self._want(symbols or ())
                work_beside = self._look_at_markets(symbols), self._ask_beside()
                beside += [self._begin(work) for work in work_beside]
                await self._feed.run(self._stop)
            finally:
                await _cancel(beside)
        for task in beside:
            if not task.cancelled() and (error := task.exception()):
                raise error
        return self._report

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Have some work done beside the feed; what nobody foresaw ends the capture with it.

        Whoever watches over it starts it again. Nobody would see that half of it is gone.
        """
        task = asyncio.create_task(work)

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and task.exception():
                self._stop.set()

        task.add_done_callback(ended)
        return task

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
