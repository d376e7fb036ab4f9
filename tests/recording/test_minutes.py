from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.recording.arrival_clock import TICKS_PER_MINUTE, TICKS_PER_SECOND
from pipeline.recording.minutes import Append, Ended, Minutes, minute_of, minute_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.recording.minutes import Step

NOON = minute_of(datetime(2020, 8, 1, 12, tzinfo=UTC))


def at(minute: float, second: float = 0.0) -> int:
    """Return a time so many minutes and seconds after noon, in ticks."""
    return round((NOON + minute) * TICKS_PER_MINUTE + second * TICKS_PER_SECOND)


class Written:
    """What the steps so far have written, by minutes after noon."""

    def __init__(self) -> None:
        self.open: dict[int, bytes] = {}
        self.ended: dict[int, bytes] = {}

    def take(self, steps: Iterable[Step]) -> None:
        """Do as the disk does."""
        for step in steps:
            minute = step.minute - NOON
            if isinstance(step, Append):
                assert not set(self.open) - {minute}, "two minutes are open at once"
                assert minute not in self.ended, "a minute goes on after its end"
                self.open[minute] = self.open.get(minute, b"") + step.text
            else:
                assert isinstance(step, Ended)
                self.ended[minute] = self.open.pop(minute)


def test_a_line_is_a_time_a_space_and_the_frame() -> None:
    """The form of Tardis's slices: 28 characters, 100 ns."""
    minutes, written = Minutes(), Written()
    written.take(minutes.connect(at(0)))
    written.take(minutes.line(at(0, 1.2345678), b'{"a":1}'))
    written.take(minutes.stop(at(0, 2)))
    assert written.ended[0].split(b"\n")[1] == b'2020-08-01T12:00:01.2345678Z {"a":1}'


def test_what_was_sent_before_the_recording_began_is_marked() -> None:
    """The first slice begins with an empty line: its minute was not recorded from its start."""
    minutes, written = Minutes(), Written()
    written.take(minutes.connect(at(0, 30)))
    written.take(minutes.line(at(0, 31), b"a"))
    written.take(minutes.pass_time(at(1)))
    assert written.ended[0].startswith(b"\n2020")
    written.take(minutes.line(at(1, 1), b"b"))
    written.take(minutes.pass_time(at(2)))
    assert written.ended[1].startswith(b"2020")


def test_a_connection_without_a_line_is_a_minute_that_was_recorded() -> None:
    """Silence is known; it is no hole."""
    minutes, written = Minutes(), Written()
    written.take(minutes.connect(at(0)))
    written.take(minutes.line(at(0, 1), b"a"))
    written.take(minutes.pass_time(at(3, 1)))
    assert written.ended[1] == written.ended[2] == b""


def test_a_minute_without_a_connection_has_no_slice() -> None:
    """Nobody listened: it is not to look as if nothing was said."""
    minutes, written = Minutes(), Written()
    written.take(minutes.connect(at(0)))
    written.take(minutes.line(at(0, 1), b"a"))
    written.take(minutes.disconnect(at(0, 2)))
    written.take(minutes.pass_time(at(3)))
    written.take(minutes.connect(at(3, 1)))
    written.take(minutes.line(at(3, 2), b"b"))
    written.take(minutes.stop(at(3, 3)))
    assert written.ended.keys() == {0, 3}
    assert written.ended[0].endswith(b" a\n\n")
    assert written.ended[3].startswith(b"\n2020")
    assert written.ended[3].endswith(b" b\n\n")


def test_one_loss_is_marked_once() -> None:
    """Connections that bring nothing, and the turn of a minute, add no further empty line."""
    minutes, written = Minutes(), Written()
    written.take(minutes.line(at(0, 1), b"a"))
    for second in (2, 20, 40):
        written.take(minutes.disconnect(at(0, second)))
        written.take(minutes.connect(at(0, second + 1)))
    written.take(minutes.disconnect(at(0, 50)))
    written.take(minutes.line(at(1, 1), b"b"))
    written.take(minutes.stop(at(1, 2)))
    assert written.ended[0].endswith(b" a\n\n")
    assert written.ended[1].startswith(b"2020-08-01T12:01:01")


def test_a_day_can_be_read_without_the_one_before() -> None:
    """After midnight a loss is marked again, for nobody looks back to where it began."""
    minutes, written = Minutes(), Written()
    midnight = 12 * 60
    written.take(minutes.line(at(midnight - 1, 59), b"a"))
    written.take(minutes.disconnect(at(midnight - 1, 59.5)))
    written.take(minutes.line(at(midnight, 1), b"b"))
    written.take(minutes.stop(at(midnight, 2)))
    assert written.ended[midnight].startswith(b"\n2020-08-02T00:00:01")


def test_a_frame_stays_one_line() -> None:
    """Line ends between JSON's tokens become blanks; an empty frame has its arrival time."""
    minutes, written = Minutes(), Written()
    for frame in (b'{"a":\n 1}\n', b"", b"\n\n", b"\xff\x00"):
        written.take(minutes.line(at(0, 1), frame))
    written.take(minutes.stop(at(0, 2)))
    lines = written.ended[0].split(b"\n")
    assert [line[29:] for line in lines[1:-2]] == [b'{"a":  1} ', b"", b"  ", b"\xff\x00"]
    assert all(line.strip() for line in lines[1:-2])


def test_a_resumed_minute_goes_on_after_its_empty_line() -> None:
    """What was left of it is its head, which ends with an empty line; there is no second one."""
    minutes, written = Minutes(), Written()
    written.open[0] = b"head\n\n"
    minutes.resume(NOON)
    written.take(minutes.disconnect(at(0, 20)))
    written.take(minutes.line(at(0, 30), b"a"))
    written.take(minutes.pass_time(at(1)))
    assert written.ended[0] == b"head\n\n2020-08-01T12:00:30.0000000Z a\n"


def test_whatever_comes_a_line_stands_in_its_minute_and_after_its_marks() -> None:
    """In random histories no line is lost, doubled, moved or joined to what it did not follow."""
    for seed in range(300):
        history = list(_history(random.Random(seed)))
        minutes, written = Minutes(), Written()
        for what, time in history:
            written.take(
                minutes.line(time, str(time).encode()) if what == "line"
                else getattr(minutes, what)(time)
            )  # fmt: skip
        written.take(minutes.stop(history[-1][1]))
        assert not written.open
        lines = [
            (minute, line)
            for minute, text in sorted(written.ended.items())
            for line in text.split(b"\n")[:-1]
        ]
        sent = [time for what, time in history if what == "line"]
        assert [int(line[29:]) for _, line in lines if line] == sent
        assert all(int(line[29:]) // TICKS_PER_MINUTE - NOON == m for m, line in lines if line)
        assert _runs([line for _, line in lines], written.ended) == _runs_told(history)


def _history(chance: random.Random) -> Iterator[tuple[str, int]]:
    time = at(0)
    for _ in range(chance.randrange(1, 40)):
        time += chance.choice([0, 1, TICKS_PER_SECOND, 40 * TICKS_PER_SECOND, 3 * TICKS_PER_MINUTE])
        yield chance.choice(["line", "line", "line", "connect", "disconnect", "pass_time"]), time


def _runs(lines: list[bytes], ended: dict[int, bytes]) -> list[list[int]]:
    """Return lines between which nothing is said to lack: by marks and missing minutes."""
    runs: list[list[int]] = [[]]
    for line in lines:
        if not line:
            runs.append([])
            continue
        time = int(line[29:])
        minute = time // TICKS_PER_MINUTE - NOON
        if runs[-1]:
            last = runs[-1][-1] // TICKS_PER_MINUTE - NOON
            if any(between not in ended for between in range(last, minute)):
                runs.append([])
        runs[-1].append(time)
    return [run for run in runs if run]


def _runs_told(history: list[tuple[str, int]]) -> list[list[int]]:
    """Return the lines between which no connection was lost."""
    runs: list[list[int]] = [[]]
    for what, time in history:
        if what == "line":
            runs[-1].append(time)
        elif what == "disconnect":
            runs.append([])
    return [run for run in runs if run]


def test_minutes_are_counted_from_1970() -> None:
    """And back."""
    time = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
    assert minute_start(minute_of(time)) == time
