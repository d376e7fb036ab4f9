from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.recording.open_minute import Recording
from pipeline.slices import Door, Request

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2020, 8, 1, 12, tzinfo=UTC)
NEXT = NOON.replace(minute=1)
REQUEST = Request("x", "live", ("depth",), None, "api.example.com")


def recording(data: Path) -> Recording:
    """Return a recording as a new process has it."""
    return Recording(Door(data, "x"), REQUEST)


def slices(data: Path) -> dict[str, bytes]:
    """Return what the slices of the day say, by minute, as a reader of the door finds them."""
    day = Door(data, "x").day(REQUEST, NOON.date())
    assert not day.corrupt
    return {
        f"{minute // 60:02}:{minute % 60:02}": gzip.decompress(day.path(minute).read_bytes())
        for minute in day.slices
    }


def the_open_file(data: Path) -> Path:
    """Return the one slice that is open."""
    (path,) = (data / "raw" / "x" / REQUEST.folder / "open").iterdir()
    return path


def torn(data: Path) -> list[bytes]:
    """Return what was not whole, and is kept."""
    return [path.read_bytes() for path in (data / "raw" / "x" / REQUEST.folder / "torn").glob("*")]


def test_an_ended_minute_is_a_slice_like_any_other(tmp_path: Path) -> None:
    """With its real name, its facts in the manifest, and nothing left beside it."""
    minute = recording(tmp_path).begin(NOON)
    minute.append(b"a\n")
    minute.sync()
    assert not slices(tmp_path)
    minute.append(b"b\n\n")
    facts = minute.end()
    assert (facts.lines, facts.disconnects) == (2, 1)
    assert slices(tmp_path) == {"12:00": b"a\nb\n\n"}
    assert not list((tmp_path / "raw" / "x" / REQUEST.folder / "open").iterdir())


def test_a_minute_without_a_line_is_an_empty_slice(tmp_path: Path) -> None:
    """As Tardis serves one: recorded, and nothing said."""
    recording(tmp_path).begin(NOON).end()
    day = Door(tmp_path, "x").day(REQUEST, NOON.date())
    assert [facts.lines for facts in day.slices.values()] == [0]


def test_what_a_crash_left_is_ended_by_the_next_start(tmp_path: Path) -> None:
    """All lines that were written are kept, and an empty one says that no more is known."""
    left = recording(tmp_path).begin(NOON)
    left.append(b"a\nb\n")
    left.close()
    current = recording(tmp_path).recover(NEXT)
    assert current is None
    assert not torn(tmp_path)
    assert slices(tmp_path) == {"12:00": b"a\nb\n\n"}


def test_the_present_minute_is_gone_on_with(tmp_path: Path) -> None:
    """What was there is its head, then an empty line, then what comes."""
    left = recording(tmp_path).begin(NOON)
    left.append(b"a\n")
    left.close()
    current = recording(tmp_path).recover(NOON.replace(second=40))
    assert current is not None
    current.append(b"b\n")
    current.end()
    assert slices(tmp_path) == {"12:00": b"a\n\nb\n"}


def test_a_minute_that_was_ended_early_is_reopened(tmp_path: Path) -> None:
    """After a clean stop and a start within one minute its slice is replaced by a longer one."""
    first = recording(tmp_path).begin(NOON)
    first.append(b"a\n\n")
    first.end()
    current = recording(tmp_path).recover(NOON.replace(second=40))
    assert current is not None
    assert slices(tmp_path) == {"12:00": b"a\n\n"}
    current.append(b"b\n")
    current.end()
    assert slices(tmp_path) == {"12:00": b"a\n\nb\n"}


def test_the_end_that_is_marked_is_not_marked_again(tmp_path: Path) -> None:
    """However often it crashes before a line comes."""
    left = recording(tmp_path).begin(NOON)
    left.append(b"a\n")
    left.append(b"\n")
    left.close()
    for _ in range(3):
        current = recording(tmp_path).recover(NOON)
        assert current is not None
        current.close()
    recording(tmp_path).recover(NEXT)
    assert slices(tmp_path) == {"12:00": b"a\n\n"}


@pytest.mark.parametrize("cut", [1, 9, 20, -9, -8, -1])
def test_what_is_not_whole_is_kept_apart(tmp_path: Path, cut: int) -> None:
    """A write that a crash cut off is no data, however much of it can be read; it is not lost."""
    left = recording(tmp_path).begin(NOON)
    left.append(b"a\n")
    whole = the_open_file(tmp_path).stat().st_size
    left.append(b"b\n" * 100)
    left.close()
    path = the_open_file(tmp_path)
    content = path.read_bytes()
    kept = content[: whole + cut] if cut > 0 else content[:cut]
    path.write_bytes(kept)
    assert recording(tmp_path).recover(NEXT) is None
    assert slices(tmp_path) == {"12:00": b"a\n\n"}
    assert torn(tmp_path) == [kept[whole:]]


def test_a_write_that_a_power_cut_left_empty_is_not_believed(tmp_path: Path) -> None:
    """Some file systems leave zeros where the bytes should be."""
    left = recording(tmp_path).begin(NOON)
    left.append(b"a\n")
    left.close()
    with the_open_file(tmp_path).open("ab") as file:
        file.write(bytes(4096))
    assert recording(tmp_path).recover(NEXT) is None
    assert torn(tmp_path) == [bytes(4096)]
    assert slices(tmp_path) == {"12:00": b"a\n\n"}


def test_what_was_open_for_a_moment_is_a_mark(tmp_path: Path) -> None:
    """A crash before the first line says as much: somebody listened, and then did not."""
    recording(tmp_path).begin(NOON).close()
    recording(tmp_path).recover(NEXT)
    assert slices(tmp_path) == {"12:00": b"\n"}


def test_minutes_of_several_days_are_ended(tmp_path: Path) -> None:
    """A start after weeks puts each where it belongs."""
    days = [NOON, NOON.replace(day=2), NOON.replace(month=9)]
    for start in days:
        left = recording(tmp_path).begin(start)
        left.append(b"a\n")
        left.close()
    recording(tmp_path).recover(NOON.replace(year=2021))
    door = Door(tmp_path, "x")
    assert door.days(REQUEST) == [start.date() for start in days]
    assert all(list(door.day(REQUEST, start.date()).slices) == [720] for start in days)
