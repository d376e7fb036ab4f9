"""Captures the loopback exchange in this process, and reads what was recorded."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.capture import record
from pipeline.config import Settings
from pipeline.recording.arrival_clock import ArrivalClock
from pipeline.slices import Door
from pipeline.sources.live import Tempo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.capture import CaptureReport
    from pipeline.simulator.exchange.server import Urls

DAY_NS = 86_400_000_000_000
# Waits as short as a loopback allows.
QUICK = Tempo(open=5.0, ping=5.0, first_pause=0.01, longest_pause=0.05, patience=0.2)


def noon() -> ArrivalClock:
    """Return a clock that begins at noon: no test is to meet a midnight by chance."""
    ahead = 1_600_000_000_000_000_000 // DAY_NS * DAY_NS + DAY_NS // 2 - time.time_ns()
    return ArrivalClock(lambda: time.time_ns() + ahead)


def live_settings(data: Path, urls: Urls, **more: str) -> Settings:
    """Return settings that lead to a loopback exchange."""
    given = {"COINFLEX_L2_WS_URL": urls.ws, "COINFLEX_L2_REST_URL": urls.rest} | more
    return Settings.load(data=data, environ=given)


class Capture:
    """A capture at work in a thread of its own; `report` when it has ended."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self.report: CaptureReport | None = None
        self.error: BaseException | None = None
        self._settings = settings
        self._shown: CaptureReport | None = None
        self._options: dict[str, Any] = {
            "tempo": QUICK,
            "clock": noon(),
            "raw_only": True,
            "show": self._show,
        } | options
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture")

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        assert self._begun.wait(30)

    def wait_for_frames(self, count: int, deadline: float = 60) -> None:
        """Return when so many frames were recorded."""
        until = time.monotonic() + deadline
        while self._shown is None or self._shown.feed.frames.total() < count:
            assert self._thread.is_alive(), self.error
            assert time.monotonic() < until, "the frames that were sent did not come"
            time.sleep(0.01)

    def wait_until(self, happened: Callable[[CaptureReport], object], deadline: float = 60) -> None:
        """Return when the capture is as asked."""
        until = time.monotonic() + deadline
        while self._shown is None or not happened(self._shown):
            assert self._thread.is_alive(), self.error
            assert time.monotonic() < until, "what was waited for did not happen"
            time.sleep(0.01)

    def stop(self) -> None:
        """Tell it to stop, and wait until all is on the disk."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _show(self, report: CaptureReport) -> None:
        self._shown = report

    def _run(self) -> None:
        async def run() -> CaptureReport:
            self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
            self._begun.set()
            return await record(self._settings, self._stop, **self._options)

        try:
            self.report = asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self.error = error


@contextmanager
def capturing(settings: Settings, **options: Any) -> Iterator[Capture]:
    """Capture while the block runs; raises what ended it early."""
    capture = Capture(settings, options)
    capture.start()
    try:
        yield capture
    finally:
        capture.stop()
    if capture.error:
        raise capture.error


class Line(NamedTuple):
    """A recorded line: when it arrived, as it stands there, and the frame. Both empty: a mark."""

    arrived: str
    frame: bytes


def recorded(data: Path, exchange: str = "coinflex") -> list[Line]:
    """Return all lines of the live recording, in order, through the door."""
    door = Door(data, exchange)
    lines: list[Line] = []
    for request in (request for request in door.requests() if not request.is_rest):
        for day in door.days(request):
            slices = door.day(request, day)
            assert not slices.corrupt
            for minute in sorted(slices.slices):
                content = slices.path(minute).read_bytes()
                text = gzip.decompress(content) if content else b""
                lines += [_line(line) for line in text.split(b"\n")[:-1]]
    return lines


def _line(text: bytes) -> Line:
    return Line(text[:28].decode(), text[29:])
