from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.capture_file import CaptureFile, found_capture, lock_of
from pipeline.errors import LakeUnwritable, LockHeld, UsageError
from pipeline.lock import holding, is_held
from pipeline.redaction import Redaction

if TYPE_CHECKING:
    from pathlib import Path


def capture_file(data: Path, *secrets: str) -> CaptureFile:
    """Return the file of a capture of x."""
    return CaptureFile(data, "x", Redaction(secrets))


def found(data: Path) -> dict[str, Any]:
    """Return what is found of a capture of x; there is something."""
    facts = found_capture(data, "x")
    assert facts is not None
    return facts


def test_a_running_capture_is_found_until_it_ends(tmp_path: Path) -> None:
    """With its figures and how old they are; nothing is left of it after a clean end."""
    assert found_capture(tmp_path, "x") is None
    with holding(tmp_path, lock_of("x")):
        assert found(tmp_path)["state"] == "running; it has not said anything yet"
        with capture_file(tmp_path) as file:
            assert found(tmp_path)["state"] == "running"
            file.write({"frames": {"depth": 5}})
            facts = found(tmp_path)
            assert (facts["state"], facts["frames"]) == ("running", {"depth": 5})
            assert 0 <= facts["age_seconds"] < 60
            assert found_capture(tmp_path, "y") is None
        assert [path.name for path in tmp_path.glob(".capture*")] == []
    assert found_capture(tmp_path, "x") is None


def test_a_capture_that_was_killed_has_not_said_so(tmp_path: Path) -> None:
    """Its last figures are there, and when it was last heard of."""
    file = capture_file(tmp_path)
    file.write({"frames": {"depth": 5}})  # and nobody holds the lock
    path = tmp_path / ".capture-x.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"written": 1_800_000_000}))
    facts = found(tmp_path)
    assert facts["state"] == "not running (ended without saying so at 2027-01-15T08:00:00Z)"
    assert facts["frames"] == {"depth": 5}


def test_a_start_that_was_refused_says_nothing_of_the_capture_before(tmp_path: Path) -> None:
    """How that ended is still to be seen; where there was none, there is none."""

    def refused_start() -> None:
        with holding(tmp_path, lock_of("x")), pytest.raises(UsageError), capture_file(tmp_path):
            raise UsageError("--listen", "9464", "a port that is free")

    refused_start()
    assert found_capture(tmp_path, "x") is None
    capture_file(tmp_path).write({"frames": {"depth": 5}})
    before = found(tmp_path)
    refused_start()
    assert found(tmp_path) == before | {"age_seconds": found(tmp_path)["age_seconds"]}


def test_a_capture_that_an_error_ended_has_said_so(tmp_path: Path) -> None:
    """The error is there, without any key; the next start takes its place."""
    file = capture_file(tmp_path, "k3y")
    file.write({"frames": {"depth": 5}})
    with pytest.raises(LakeUnwritable), file:
        raise LakeUnwritable(tmp_path / "k3y", "the disk is full")
    facts = found(tmp_path)
    assert facts["state"].startswith("not running (ended at 20")
    assert "LakeUnwritable: " in facts["state"]
    assert "the disk is full" in facts["state"]
    assert facts["frames"] == {"depth": 5}
    assert "k3y" not in (tmp_path / ".capture-x.json").read_text()
    with holding(tmp_path, lock_of("x")), capture_file(tmp_path):
        assert found(tmp_path)["state"] == "running"


def test_what_is_written_late_does_not_bring_it_back(tmp_path: Path) -> None:
    """A thread that writes while the capture ends comes too late."""
    with capture_file(tmp_path) as file:
        pass
    file.write({"frames": {}})
    assert found_capture(tmp_path, "x") is None


def test_a_disk_that_takes_nothing_ends_no_capture(tmp_path: Path) -> None:
    """It is how things are that can't be said then, not the lines."""
    (tmp_path / ".capture-x.json-draft").mkdir()
    with capture_file(tmp_path) as file:
        file.write({"frames": {}})
        assert found_capture(tmp_path, "x") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"written": "now"}', "\x00"])
def test_a_file_that_says_nothing_is_none(tmp_path: Path, text: str) -> None:
    """As a power cut may leave it."""
    (tmp_path / ".capture-x.json").write_text(text)
    assert found_capture(tmp_path, "x") is None


def test_who_looks_holds_nobody_up(tmp_path: Path) -> None:
    """While others look all the time, a run that has a little patience gets the lock each time."""
    with holding(tmp_path, "-x"):
        assert is_held(tmp_path, "-x")
    over, looks = threading.Event(), [0]

    def look() -> None:
        while not over.is_set():
            looks[0] += 1
            is_held(tmp_path, "-x")

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            with holding(tmp_path, "-x", patience=10):
                assert is_held(tmp_path, "-x")
                with pytest.raises(LockHeld), holding(tmp_path, "-x"):
                    pytest.fail("the lock was given twice")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert looks[0] > 0
    assert not is_held(tmp_path, "-x")
