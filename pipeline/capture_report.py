"""How a capture is doing: in figures, and what is wrong with it if anything is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.channels import CHANNELS
from pipeline.redaction import Redaction
from pipeline.sources.rest_beside import Asked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.live_lake import LiveLake
    from pipeline.recording.recorder import Recorder
    from pipeline.sources.live_state import LiveState

__all__ = ["CaptureReport"]

# A line waits for the disk for half a second at most, while the disk keeps up.
_SLOW_DISK: Final = 5.0  # seconds
_FAR_BEHIND: Final = timedelta(minutes=5)
_LONGEST_REASON: Final = 200


@dataclass
class CaptureReport:
    """How a capture is doing, or did: the feed's state, what is on the disk and in the lake.

    `lake` is None if `ingest` is left to bring in what is recorded. `began` is in seconds UTC.
    """

    feed: LiveState
    recorder: Recorder
    exchange: str
    channels: Sequence[str] = tuple(CHANNELS)
    lake: LiveLake | None = None
    redaction: Redaction = field(default_factory=Redaction, repr=False)
    asked: Asked = field(default_factory=Asked)
    began: float = field(default_factory=time.time)

    def summary(self) -> dict[str, Any]:
        """Return the report in figures, as they stand at the end."""
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
            "holes_filled": self.asked.holes_filled,
            "rest_answers": self.asked.answers.total(),
            "refused": sorted(feed.refused),
        }

    @property
    def last_loss(self) -> str | None:
        """Why there is no connection, or why the last one ended; in words fit for any terminal.

        They may be the other side's: no secret, no control character, no end of a line is in them.
        """
        if self.feed.last_loss is None:
            return None
        words = self.redaction.text(self.feed.last_loss)[:_LONGEST_REASON]
        return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in words)

    def lags(self) -> dict[str, float]:
        """Return each channel's lag in seconds, while a connection stands; see LiveState."""
        return self.feed.lags() if self.feed.is_connected else {}

    def by_channel(self, counts: Mapping[str, float]) -> dict[str, float]:
        """Return counts of the channels that were asked for, and of others that came, in order."""
        others = sorted(counts.keys() - set(self.channels))
        return {name: counts.get(name, 0) for name in [*self.channels, *others]}

    def figures(self) -> dict[str, Any]:
        """Return all that is known of how it is doing now."""
        feed, recorder, lake = self.feed, self.recorder, self.lake
        return {
            "exchange": self.exchange,
            "phase": feed.phase,
            "phase_since": _utc(feed.since),
            "running_since": _utc(self.began),
            "troubles": self.troubles(),
            "frames": self.by_channel(feed.frames),
            "frames_dropped": self.by_channel(feed.dropped),
            "frames_unreadable": feed.unreadable,
            "bytes": feed.size,
            "connections": feed.connections,
            "last_loss": self.last_loss,
            "subscriptions": feed.subscriptions,
            "refused": sorted(feed.refused),
            "silent": sorted(feed.silent),
            "lag_seconds": self.lags(),
            "last_frame_age_seconds": feed.ages(),
            "waiting_bytes": recorder.waiting,
            "slowest_seconds_to_disk": recorder.slowest(),
            "slices": recorder.written.slices,
            "last_minute_in_raw": _minute(recorder.written.last),
            "last_minute_in_lake": _minute(lake.through if lake else None),
        }

    def troubles(self) -> list[str]:
        """Return what is wrong, a sentence each; nothing, if all is well."""
        return [*self._of_the_feed(), *self._of_the_disk(), *self._of_the_lake()]

    def _of_the_feed(self) -> list[str]:
        feed = self.feed
        if not feed.is_connected:
            why = f" ({self.last_loss})" if self.last_loss else ""
            return [f"not connected: {feed.phase} for {time.time() - feed.since:.0f} s{why}"]
        if feed.phase == "live" and not feed.subscriptions:
            return [f"no subscription stands: {len(feed.refused)} were refused"]
        return []

    def _of_the_disk(self) -> list[str]:
        if self.feed.is_dropping:
            return [f"the disk is too slow: {self.feed.dropped.total()} frames were left out"]
        if (behind := self.recorder.behind()) > _SLOW_DISK:
            return [f"the disk is slow: a line has waited for {behind:.0f} s"]
        return []

    def _of_the_lake(self) -> list[str]:
        if self.lake is None:
            return []
        if not self.lake.is_alive:
            return ["what is recorded no longer comes into the lake: its process has ended"]
        if (behind := self.lake.behind) > _FAR_BEHIND:
            return [f"the lake is {behind.total_seconds() / 60:.0f} minutes behind"]
        return []


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _minute(start: datetime | None) -> str | None:
    return f"{start:%Y-%m-%dT%H:%MZ}" if start else None
