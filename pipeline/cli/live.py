"""How a capture is doing, in a line: on a terminal always the same one, else in the log."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from typing import IO, TYPE_CHECKING, Final, NamedTuple, Self

from pipeline.logs import CLEARED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.capture import CaptureReport

__all__ = ["LiveLine", "LiveLog"]

log = logging.getLogger(__name__)

_LOG_EVERY: Final = 60.0
_USUAL_WIDTH: Final = 80
_BETWEEN: Final = " · "


class LiveLine:
    """Writes the line over the one before it, as much of it as the terminal is wide."""

    def __init__(self, terminal: IO[str]) -> None:
        self._terminal = terminal
        self._rates = _Rates()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the line to whoever writes next."""
        self._write(CLEARED)

    def __call__(self, report: CaptureReport) -> None:
        """Show how it is doing now."""
        # One column is left free: some terminals begin a new line after the last one.
        self._write(CLEARED + _fitted(_parts(report, self._rates.of(report)), self._width() - 1))

    def _write(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()

    def _width(self) -> int:
        # Of this very terminal, and now: stdout may be a file, and a window grows.
        return os.get_terminal_size(self._terminal.fileno()).columns or _USUAL_WIDTH


class LiveLog:
    """Logs a line a minute, with all figures as facts."""

    def __init__(self) -> None:
        self._rates = _Rates()
        self._next = 0.0

    def __call__(self, report: CaptureReport) -> None:
        """Log how it is doing, if it is time to."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _LOG_EVERY
            parts = _parts(report, self._rates.of(report))
            log.info("%s", _BETWEEN.join(part.whole for part in parts), extra=report.figures())


class _Rates:
    """Frames a second, by channel, since the last time."""

    def __init__(self) -> None:
        self._before: Counter[str] = Counter()
        self._at = time.monotonic()

    def of(self, report: CaptureReport) -> dict[str, float]:
        now, frames = time.monotonic(), Counter(report.feed.frames)
        seconds = max(now - self._at, 1e-3)
        rates = {name: (frames[name] - self._before[name]) / seconds for name in frames}
        self._before, self._at = frames, now
        return report.by_channel(rates)


class _Part(NamedTuple):
    """A part of the line: with all that it has to say, and in brief."""

    whole: str
    brief: str


def _fitted(parts: Sequence[_Part], width: int) -> str:
    """Return as much as fits: first as many parts as possible, from the front, then in full."""
    while len(parts) > 1 and len(_BETWEEN.join(part.brief for part in parts)) > width:
        parts = parts[:-1]
    shown = [part.brief for part in parts]
    for place, part in enumerate(parts):
        fuller = [*shown[:place], part.whole, *shown[place + 1 :]]
        if len(_BETWEEN.join(fuller)) <= width:
            shown = fuller
    return _BETWEEN.join(shown)[:width]


def _parts(report: CaptureReport, rates: Mapping[str, float]) -> list[_Part]:
    """Return the parts of the line: first what is wrong, then what matters, then the rest."""
    feed, recorder = report.feed, report.recorder
    dropped = _dropped(report)
    is_trouble = feed.dropped.total() > 0
    return [
        _phase(report),
        *([dropped] if is_trouble else []),
        _rate(rates),
        *_lag(report),
        _plain(f"reconnects {max(0, feed.connections - 1)}"),
        *([] if is_trouble else [dropped]),
        *([_plain(f"{len(feed.refused)} refused")] if feed.refused else []),
        *([_plain(f"{len(feed.silent)} silent")] if feed.silent else []),
        *_lake(report),
        _plain(f"disk {recorder.slowest():.2f} s"),
        _plain(f"{feed.subscriptions} subscriptions"),
    ]


def _plain(text: str) -> _Part:
    return _Part(text, text)


def _phase(report: CaptureReport) -> _Part:
    """Return what it is at, for how long, and why if it is not connected."""
    feed = report.feed
    brief = f"{feed.phase} {max(time.time() - feed.since, 0):.0f} s"
    reason = None if feed.is_connected else report.last_loss
    return _Part(f"{brief} ({reason})" if reason else brief, brief)


def _rate(rates: Mapping[str, float]) -> _Part:
    brief = f"{sum(rates.values()):.1f}/s"
    told = ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items())
    return _Part(f"{brief} ({told})", brief)


def _lag(report: CaptureReport) -> list[_Part]:
    """Return the lag of books, or of what is recorded in their place."""
    lags = report.by_channel(report.lags())
    known = [name for name in lags if name in report.lags()]
    return [_plain(f"lag {lags[known[0]] * 1000:.0f} ms")] if known else []


def _dropped(report: CaptureReport) -> _Part:
    total = report.feed.dropped.total()
    told = ", ".join(f"{name} {count}" for name, count in report.feed.dropped.items())
    return _Part(f"dropped {told}" if total else "dropped 0", f"dropped {total}")


def _lake(report: CaptureReport) -> list[_Part]:
    """Return how far the lake is behind, if it is."""
    if report.lake is None:
        return []
    minutes = int(report.lake.behind.total_seconds() // 60)
    return [_plain(f"lake {minutes} min behind")] if minutes > 1 else []
