"""How a live feed is doing, for whoever looks at it while it goes on."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

__all__ = ["LiveState", "exchange_ms"]

_TIMESTAMP: Final = re.compile(rb'"timestamp"\s*:\s*"?(\d{1,15})')
_TICKS_PER_MS: Final = 10_000


@dataclass
class LiveState:
    """How the feed is doing; changed by it all the time, for others to look at.

    `phase` is connecting, subscribing, live or waiting. Counts are since the start: frames and
    frames left out by channel. `refused` are subscriptions that don't stand, `silent` those that
    do and say nothing. `last_frame` has each channel's last frame and when it came (100 ns UTC),
    `heard` when that was by the clock that only goes forward. While `is_dropping` the disk is too
    slow, and frames are left out.
    """

    phase: str = "connecting"
    since: float = field(default_factory=time.time)
    connections: int = 0
    last_loss: str | None = None
    frames: Counter[str] = field(default_factory=Counter)
    size: int = 0  # of frames, in bytes
    dropped: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    subscriptions: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    last_frame: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)
    is_dropping: bool = False

    @property
    def is_connected(self) -> bool:
        """Whether a connection stands."""
        return self.phase in ("subscribing", "live")

    def enter(self, phase: str) -> None:
        """Begin a phase."""
        self.phase, self.since = phase, time.time()

    def lags(self) -> dict[str, float]:
        """Return, by channel, how long after the exchange's time its last frame came.

        In seconds by the two clocks: it may be negative.
        """
        found = {}
        for channel, (frame, at) in self.last_frame.items():
            if (sent := exchange_ms(frame)) is not None:
                found[channel] = (at // _TICKS_PER_MS - sent) / 1000
        return found

    def ages(self) -> dict[str, float]:
        """Return, by channel, how many seconds ago its last frame was recorded."""
        now = time.monotonic()
        return {channel: now - at for channel, at in self.heard.items()}

    def last_ms(self) -> int | None:
        """Return the time of the last frame with data, by the exchange's clock if it says one."""
        times = [
            at // _TICKS_PER_MS if (sent := exchange_ms(frame)) is None else sent
            for frame, at in self.last_frame.values()
        ]
        return max(times, default=None)


def exchange_ms(frame: bytes) -> int | None:
    """Return the exchange's time that a frame says, in milliseconds UTC."""
    match = _TIMESTAMP.search(frame)
    return int(match[1]) if match else None
