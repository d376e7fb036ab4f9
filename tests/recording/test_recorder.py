from __future__ import annotations

import gzip
import threading
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import LakeUnwritable
from pipeline.recording.arrival_clock import TICKS_PER_MINUTE, TICKS_PER_SECOND, ArrivalClock
from pipeline.recording.minutes import minute_start
from pipeline.recording.open_minute import OpenMinute, Recording
from pipeline.recording.recorder import Recorder
from pipeline.slices import Door, Request

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

REQUEST = Request("x", "live", ("depth",), None, "api.example.com")
NOON = 26_608_320  # 2020-08-04T00:00 UTC: the first minute of a day, counted from 1970


class Clock(ArrivalClock):
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOON * TICKS_PER_MINUTE

    def ticks(self) -> int:
        """Return the time that was set."""
        return self.at

    def set(self, minute: int, second: float = 0) -> None:
        """Set it to a time after the first minute."""
        self.at = (NOON + minute) * TICKS_PER_MINUTE + round(second * TICKS_PER_SECOND)


class Waiting(threading.Event):
    """Told of minutes that were ended."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.minutes: list[datetime] = []
        self._count = count

    def __call__(self, start: datetime) -> None:
        """One more."""
        self.minutes.append(start)
        if len(self.minutes) == self._count:
            self.set()


def recording(data: Path) -> Recording:
    """Return a recording as a new process has it."""
    return Recording(Door(data, "x"), REQUEST)


def text(data: Path) -> bytes:
    """Return what all slices of the day say, one after the other."""
    day = Door(data, "x").day(REQUEST, minute_start(NOON).date())
    files = [day.path(minute) for minute in sorted(day.slices)]
    return b"".join(gzip.decompress(path.read_bytes()) for path in files)


def test_all_that_was_handed_in_is_whole_on_the_disk_when_it_ends(tmp_path: Path) -> None:
    """Lines of several minutes, in their order, with where a connection was lost."""
    clock = Clock()
    with Recorder(recording(tmp_path), clock) as recorder:
        recorder.connect()
        for minute in range(3):
            for second in range(60):
                clock.set(minute, second)
                recorder.line(b"%d" % (60 * minute + second))
            recorder.pass_time()
        recorder.disconnect()
        recorder.line(b"180")
    lines = text(tmp_path).split(b"\n")
    assert [line[29:] for line in lines if line] == [b"%d" % number for number in range(181)]
    assert [number for number, line in enumerate(lines) if not line] == [0, 181, 183, 184]


def test_a_minute_is_ended_when_it_is_over_though_no_line_comes(tmp_path: Path) -> None:
    """Whoever reads along need not wait for the next message of a quiet market."""
    clock, ended = Clock(), Waiting(1)
    with Recorder(recording(tmp_path), clock, ended=ended) as recorder:
        recorder.connect()
        recorder.line(b"a")
        clock.set(1)
        recorder.pass_time()
        assert ended.wait(30)
        assert text(tmp_path) == b"\n2020-08-04T00:00:00.0000000Z a\n"
    assert ended.minutes[0] == minute_start(NOON)


def test_the_second_process_goes_on_where_the_first_was_killed(tmp_path: Path) -> None:
    """Within one minute: its head, an empty line, and what came since."""
    left = recording(tmp_path).begin(minute_start(NOON))
    left.append(b"2020-08-04T00:00:00.0000000Z a\n")
    left.close()
    clock = Clock()
    clock.set(0, 30)
    with Recorder(recording(tmp_path), clock) as recorder:
        recorder.line(b"b")
    assert [line[29:] for line in text(tmp_path).split(b"\n")[:-1]] == [b"a", b"", b"b", b""]


def test_a_disk_that_takes_no_more_stops_the_recording(tmp_path: Path) -> None:
    """The next line that is handed in says so, and what was written is there for the next start."""
    folder = tmp_path / "raw" / "x" / REQUEST.folder / "2020"
    clock, full = Clock(), pytest.raises(LakeUnwritable)
    with full, Recorder(recording(tmp_path), clock) as recorder:
        recorder.line(b"a")
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_bytes(b"")  # a file where the year's folder should be
        for second in range(60, 120):
            clock.set(0, second)
            recorder.line(b"b")
            threading.Event().wait(0.1)
        pytest.fail("nobody was told")
    folder.unlink()
    clock.set(2)
    with Recorder(recording(tmp_path), clock):
        pass
    assert b"Z a\n" in text(tmp_path)


def test_who_hands_in_is_told_that_the_disk_is_behind(tmp_path: Path) -> None:
    """No more waits in memory than was allowed, and one line; then there is room again."""
    gate = threading.Event()
    recorder = Recorder(_Slow(Door(tmp_path, "x"), gate), Clock(), most_waiting=10_000)
    with recorder:
        recorder.connect()
        handed = 0
        while not recorder.is_full:
            recorder.line(b"x" * 100)
            handed += 1
        assert handed <= 10_000 // 100
        assert not recorder.has_room
        gate.set()
        while not recorder.has_room:
            threading.Event().wait(0.01)
        recorder.line(b"y")
    assert text(tmp_path).count(b"x" * 100) == handed
    assert text(tmp_path).count(b" y\n") == 1


def test_how_slow_the_disk_is_can_be_asked_at_any_time(tmp_path: Path) -> None:
    """While a line waits, and after: whoever asks does not take it from others who ask."""
    gate = threading.Event()
    recorder = Recorder(_Slow(Door(tmp_path, "x"), gate), Clock())
    assert recorder.behind() == recorder.slowest() == 0
    with recorder:
        recorder.connect()
        recorder.line(b"a")
        while (waited := recorder.behind()) < 0.05:
            threading.Event().wait(0.01)
        assert recorder.slowest() >= waited
        assert recorder.waiting > 0
        gate.set()
        while recorder.waiting:
            threading.Event().wait(0.01)
        assert recorder.behind() == 0
        assert recorder.slowest() >= waited
        assert recorder.slowest() >= waited
    assert recorder.written.last == minute_start(NOON)


class _Slow(Recording):
    """A recording whose disk does not answer until a gate opens."""

    def __init__(self, door: Door, gate: threading.Event) -> None:
        super().__init__(door, REQUEST)
        self._gate = gate

    def begin(self, start: datetime) -> OpenMinute:
        """Open a minute, once the gate is open."""
        assert self._gate.wait(30)
        return super().begin(start)
