"""How a capture is doing, in a line: on a terminal always the same one, else in the log."""

from __future__ import annotations

import logging
import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from pipeline.capture import CaptureReport

__all__ = ["LiveLine", "LiveLog"]

log = logging.getLogger(__name__)

_LOG_EVERY: Final = 60.0


class LiveLine:
    """Writes the line over the one before it."""

    def __init__(self) -> None:
        self._rates = _Rates()

    def __call__(self, report: CaptureReport) -> None:
        """Show how it is doing now."""
        width = shutil.get_terminal_size().columns - 1
        line = _line(report, self._rates.of(report))[:width]
        click.echo(f"\r{line:<{width}}", err=True, nl=False)


class LiveLog:
    """Logs a line a minute."""

    def __init__(self) -> None:
        self._rates = _Rates()
        self._next = 0.0

    def __call__(self, report: CaptureReport) -> None:
        """Log how it is doing, if it is time to."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _LOG_EVERY
            log.info("%s", _line(report, self._rates.of(report)))


class _Rates:
    """Frames a second, by channel, since the last time."""

    def __init__(self) -> None:
        self._before: Counter[str] = Counter()
        self._at = time.monotonic()

    def of(self, report: CaptureReport) -> dict[str, float]:
        now, frames = time.monotonic(), Counter(report.feed.frames)
        seconds = max(now - self._at, 1e-3)
        rates = {name: (frames[name] - self._before[name]) / seconds for name in sorted(frames)}
        self._before, self._at = frames, now
        return rates


def _line(report: CaptureReport, rates: dict[str, float]) -> str:
    feed, recorder = report.feed, report.recorder
    lag = feed.lags().get("depth")
    parts = [
        f"{feed.phase} {time.time() - feed.since:.0f} s",
        f"{feed.subscriptions} subscriptions",
        *(f"{name} {rate:.1f}/s" for name, rate in rates.items()),
        *([] if lag is None else [f"lag {lag * 1000:.0f} ms"]),
        f"disk {recorder.slowest():.2f} s",
        f"reconnects {max(0, feed.connections - 1)}",
        f"dropped {feed.dropped.total()}",
        *([f"{len(feed.refused)} refused"] if feed.refused else []),
        *([f"{len(feed.silent)} silent"] if feed.silent else []),
    ]
    return " · ".join(parts)
