from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.reporting import MINUTE, lake_of, report_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.capture_report import CaptureReport


def waiting(report: CaptureReport) -> None:
    """Let it wait after a loss."""
    report.feed.enter("waiting")
    report.feed.last_loss = "HTTP 503"


def refused(report: CaptureReport) -> None:
    """Let nothing stand."""
    report.feed.subscriptions = 0
    report.feed.refused = {"depth:A": "no such market"}


def dropping(report: CaptureReport) -> None:
    """Let frames be left out."""
    report.feed.is_dropping = True
    report.feed.dropped["depth"] = 7


def slow(report: CaptureReport) -> None:
    """Let a line have waited for a minute."""
    report.recorder.connect()
    report.recorder._oldest = time.monotonic() - 60


def dead(report: CaptureReport) -> None:
    """Let the lake's process be gone."""
    lake_of(report).is_there = False


def late(report: CaptureReport) -> None:
    """Let the lake be behind."""
    lake_of(report).late = timedelta(minutes=9)


@pytest.mark.parametrize(
    ("befall", "sentence"),
    [
        (waiting, "not connected: waiting for 0 s (HTTP 503)"),
        (refused, "no subscription stands: 1 were refused"),
        (dropping, "the disk is too slow: 7 frames were left out"),
        (slow, "the disk is slow: a line has waited for 60 s"),
        (dead, "what is recorded no longer comes into the lake: its process has ended"),
        (late, "the lake is 9 minutes behind"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    tmp_path: Path, befall: Callable[[CaptureReport], None], sentence: str
) -> None:
    """Each trouble is told by itself, and a capture without any has none."""
    report = report_of(tmp_path)
    assert report.troubles() == []
    befall(report)
    assert report.troubles() == [sentence]
    assert report.figures()["troubles"] == [sentence]


def test_what_is_usual_is_no_trouble(tmp_path: Path) -> None:
    """Subscriptions that are still being made, a lake a few minutes behind, and none at all."""
    report = report_of(tmp_path)
    report.feed.enter("subscribing")
    report.feed.subscriptions = 0
    lake_of(report).late = timedelta(minutes=3)
    assert report.troubles() == []
    report.lake = None
    assert report.troubles() == []


def test_the_other_side_s_words_are_fit_to_be_shown(tmp_path: Path) -> None:
    """A server that echoes a key, moves the cursor or talks on and on does nothing of it here."""
    report = report_of(tmp_path, "k3y")
    assert report.last_loss is None
    report.feed.last_loss = "no k3y\x1b[2J\nü" + "x" * 1000
    assert report.last_loss is not None
    assert report.last_loss.startswith("no <key>?[2J??xxx")
    assert len(report.last_loss) == 200


def test_a_channel_that_has_said_nothing_is_counted_too(tmp_path: Path) -> None:
    """Zero is a figure; what came beside what was asked for is there as well."""
    report = report_of(tmp_path)
    report.feed.frames.update({"trade": 2, "depthL5": 1})
    figures = report.figures()
    assert figures["frames"] == {"depth": 0, "trade": 2, "ticker": 0, "depthL5": 1}
    assert list(figures["frames"]) == ["depth", "trade", "ticker", "depthL5"]


def test_there_is_no_lag_without_a_connection(tmp_path: Path) -> None:
    """The last frame's says nothing about now."""
    report = report_of(tmp_path)
    report.feed.last_frame["depth"] = b'{"timestamp":"1500"}', 20_000_000
    assert report.figures()["lag_seconds"] == {"depth": 0.5}
    report.feed.enter("waiting")
    assert report.figures()["lag_seconds"] == {}


def test_the_last_minutes_are_told(tmp_path: Path) -> None:
    """In raw and in the lake, apart."""
    report = report_of(tmp_path)
    assert report.figures()["last_minute_in_raw"] is None
    report.recorder.written.last = MINUTE
    lake_of(report).is_at = MINUTE - timedelta(minutes=1)
    figures = report.figures()
    assert figures["last_minute_in_raw"] == "2026-11-27T12:00Z"
    assert figures["last_minute_in_lake"] == "2026-11-27T11:59Z"
