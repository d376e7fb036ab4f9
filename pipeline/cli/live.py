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
        rates = self._rates.of(report)
        shown = _fitted(_first(report, rates), _rest(report), self._width() - 1)
        self._write(CLEARED + shown)

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
            first = [part.whole for part in _first(report, self._rates.of(report))]
            log.info("%s", _BETWEEN.join(first + _rest(report)), extra=report.figures())


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


def _fitted(first: Sequence[_Part], rest: Sequence[str], width: int) -> str:
    """Return as much as fits: of `first` as many as possible, then in full, then of the rest."""
    shown = _heads([part.brief for part in first], width) or [first[0].brief[:width]]
    for place, part in enumerate(first[: len(shown)]):
        fuller = [*shown[:place], part.whole, *shown[place + 1 :]]
        if len(_BETWEEN.join(fuller)) <= width:
            shown = fuller
    if len(shown) == len(first):
        shown = _heads([*shown, *rest], width)
    return _BETWEEN.join(shown)


def _heads(texts: Sequence[str], width: int) -> list[str]:
    """Return as many texts from the front as fit."""
    many = len(texts)
    while many and len(_BETWEEN.join(texts[:many])) > width:
        many -= 1
    return [*texts[:many]]


def _first(report: CaptureReport, rates: Mapping[str, float]) -> list[_Part]:
    """Return what matters, what is wrong before all else."""
    dropped = _dropped(report)
    is_trouble = report.feed.dropped.total() > 0
    return [
        _phase(report),
        *([dropped] if is_trouble else []),
        _rate(rates),
        *_lag(report),
        _plain(f"reconnects {max(0, report.feed.connections - 1)}"),
        *([] if is_trouble else [dropped]),
    ]


def _rest(report: CaptureReport) -> list[str]:
    """Return what else there is to say."""
    feed = report.feed
    behind = int(report.lake.behind.total_seconds() // 60) if report.lake else 0
    return [
        *([f"{len(feed.refused)} refused"] if feed.refused else []),
        *([f"{len(feed.silent)} silent"] if feed.silent else []),
        *([f"lake {behind} min behind"] if behind > 1 else []),
        f"disk {report.recorder.slowest():.2f} s",
        f"{feed.subscriptions} subscriptions",
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
    lags = report.lags()
    known = [name for name in report.by_channel(lags) if name in lags]
    return [_plain(f"lag {lags[known[0]] * 1000:.0f} ms")] if known else []


def _dropped(report: CaptureReport) -> _Part:
    total = report.feed.dropped.total()
    told = ", ".join(f"{name} {count}" for name, count in report.feed.dropped.items())
    return _Part(f"dropped {told}" if total else "dropped 0", f"dropped {total}")
