"""The line that says how a capture is doing, on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, TYPE_CHECKING

from pipeline.cli.live import LiveLine
from pipeline.logs import CLEARED
from tests.reporting import lake_of, report_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.capture_report import CaptureReport


class Terminal:
    """A terminal: what it was sent, and how wide it is."""

    def __init__(self, columns: int) -> None:
        self._ours, theirs = pty.openpty()
        self.file: IO[str] = os.fdopen(theirs, "w", encoding="utf-8")
        self.resize(columns)

    def resize(self, columns: int) -> None:
        """Be so wide from now on."""
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.file.fileno(), termios.TIOCSWINSZ, size)

    def sent(self) -> str:
        """Return what was sent since the last time."""
        return os.read(self._ours, 1 << 16).decode()

    def close(self) -> None:
        """Be gone."""
        self.file.close()
        os.close(self._ours)


@contextmanager
def terminal(columns: int) -> Iterator[Terminal]:
    """Have a terminal while the block runs."""
    made = Terminal(columns)
    try:
        yield made
    finally:
        made.close()


def shown(report: CaptureReport, columns: int) -> str:
    """Return the line of a report on a terminal that is so wide."""
    with terminal(columns) as screen:
        LiveLine(screen.file)(report)
        text = screen.sent()
    assert text.startswith(CLEARED)
    line = text.removeprefix(CLEARED)
    assert line.isprintable()
    assert len(line) < columns, "it does not fit, or fills the last column"
    return line


def busy(data: Path) -> CaptureReport:
    """Return the report of a capture that has lived through something, and is well again."""
    report = report_of(data)
    feed = report.feed
    feed.connections, feed.subscriptions = 3, 6
    feed.dropped.update({"depth": 70, "trade": 3})
    feed.refused, feed.silent = {"depth:A": "no"}, ["trade:B", "trade:C"]
    feed.last_frame["depth"] = b'{"timestamp":"1500"}', 20_000_000
    lake_of(report).late = timedelta(minutes=9)
    return report


def test_a_wide_terminal_shows_all(tmp_path: Path) -> None:
    """Rates and drops by channel, lag, reconnects, and whatever is not as it should be."""
    line = shown(busy(tmp_path), 300)
    assert line == (
        "live 0 s · dropped depth 70, trade 3 · 0.0/s (depth 0.0, trade 0.0, ticker 0.0) · "
        "lag 500 ms · reconnects 2 · 1 refused · 2 silent · lake 9 min behind · disk 0.00 s · "
        "6 subscriptions"
    )


def test_a_narrow_terminal_shows_what_matters_first(tmp_path: Path) -> None:
    """In brief where the whole does not fit; no part is cut through, however narrow it is."""
    report = busy(tmp_path)
    assert shown(report, 51) == "live 0 s · dropped 73 · 0.0/s · lag 500 ms"
    assert shown(report, 80) == (
        "live 0 s · dropped depth 70, trade 3 · 0.0/s · lag 500 ms · reconnects 2"
    )
    assert shown(report, 86).endswith("0.0/s · lag 500 ms · reconnects 2 · 1 refused")
    whole = shown(report, 300)
    parts = {
        *whole.split(" · "), "dropped 73", "0.0/s",
    }  # fmt: skip
    for columns in range(10, 200):
        assert set(shown(report, columns).split(" · ")) <= parts


def test_a_very_narrow_terminal_shows_the_phase_as_far_as_it_goes(tmp_path: Path) -> None:
    """Never more than one line."""
    report = report_of(tmp_path)
    report.feed.enter("subscribing")
    assert shown(report, 6) == "subsc"
    assert shown(report, 2) == "s"


def test_nothing_is_dropped_is_said_after_what_matters(tmp_path: Path) -> None:
    """All is well: rate, lag and reconnects stand before it."""
    report = report_of(tmp_path)
    report.lake = None
    assert shown(report, 200).startswith(
        "live 0 s · 0.0/s (depth 0.0, trade 0.0, ticker 0.0) · reconnects 0 · dropped 0 · disk "
    )


def test_why_there_is_no_connection_is_said(tmp_path: Path) -> None:
    """In the other side's words, of which none moves the cursor."""
    report = report_of(tmp_path)
    report.feed.last_loss = "gone\x1b[H\r\nfar"
    assert "gone" not in shown(report, 200)
    report.feed.enter("waiting")
    assert shown(report, 200).startswith("waiting 0 s (gone?[H??far) · 0.0/s")


def test_the_rate_is_of_the_time_since_the_last_line(tmp_path: Path) -> None:
    """All frames since, over that time; none since is none."""
    report = report_of(tmp_path)
    with terminal(300) as screen:
        began = time.monotonic()
        line = LiveLine(screen.file)
        line(report)
        screen.sent()
        report.feed.frames.update({"depth": 3_000_000, "trade": 1_000_000})
        line(report)
        longest = max(time.monotonic() - began, 1e-3)
        total = float(screen.sent().split(" · ")[1].split("/s")[0])
        assert total >= 4_000_000 / longest - 0.1
        line(report)
        assert " · 0.0/s (depth 0.0, " in screen.sent()


def test_the_line_follows_the_terminal_s_width(tmp_path: Path) -> None:
    """A window that was made smaller has no line of the old width; at the end it is cleared."""
    report = busy(tmp_path)
    with terminal(300) as screen:
        with LiveLine(screen.file) as line:
            line(report)
            screen.sent()
            screen.resize(30)
            line(report)
            assert len(screen.sent().removeprefix(CLEARED)) < 30
        assert screen.sent() == CLEARED
