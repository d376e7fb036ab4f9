"""Reports of captures that are not at work, in whatever state a test wants to look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.capture_report import CaptureReport
from pipeline.live_lake import LiveLake
from pipeline.recording.open_minute import Recording
from pipeline.recording.recorder import Recorder
from pipeline.redaction import Redaction
from pipeline.slices import Door, Request
from pipeline.sources.live_state import LiveState

if TYPE_CHECKING:
    from pathlib import Path

MINUTE: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)
_REQUEST: Final = Request("x", "live", ("depth",), None, "api.example.com")


class Lake(LiveLake):
    """A lake of which a test says how far it is; no process is behind it."""

    def __init__(self, data: Path) -> None:
        super().__init__(data, "x", "api.example.com")
        self.is_there = True
        self.is_at: datetime | None = None
        self.late = timedelta(0)

    @property
    def is_alive(self) -> bool:
        """What the test says."""
        return self.is_there

    @property
    def through(self) -> datetime | None:
        """What the test says."""
        return self.is_at

    @property
    def behind(self) -> timedelta:
        """What the test says."""
        return self.late


def report_of(data: Path, *secrets: str, exchange: str = "x") -> CaptureReport:
    """Return the report of a capture that is live and well, with one subscription."""
    feed = LiveState(connections=1, subscriptions=1)
    feed.enter("live")
    recorder = Recorder(Recording(Door(data, "x"), _REQUEST))
    return CaptureReport(feed, recorder, exchange, lake=Lake(data), redaction=Redaction(secrets))


def lake_of(report: CaptureReport) -> Lake:
    """Return the lake of a report, to change it."""
    assert isinstance(report.lake, Lake)
    return report.lake
