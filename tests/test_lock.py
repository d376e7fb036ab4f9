from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import LakeUnwritable, LockHeld
from pipeline.lock import holding

from .conftest import ROOT, Cli, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = """
    import sys
    from pathlib import Path
    from pipeline.lock import holding

    sys.argv = ["coinflex-l2", "backfill", "--secret-that-must-not-show"]
    with holding(Path(DATA)):
        print("held", flush=True)
        sys.stdin.read()
"""


@contextmanager
def holder(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold a folder's lock in another process, until its input is closed."""
    script = textwrap.dedent(HOLD).replace("DATA", repr(str(data)))
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=clean_environment(), cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        if process.poll() is None:
            process.communicate()


def test_second_run_is_refused_with_the_holder(tmp_path: Path) -> None:
    """Two runs never write into one folder; the second learns who holds it, not its arguments."""
    with holder(tmp_path / "data") as other:
        with pytest.raises(LockHeld) as refusal, holding(tmp_path / "data"):
            pytest.fail("the lock was given twice")
        assert f"process {other.pid} (coinflex-l2 backfill) since 20" in str(refusal.value)
        assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("arguments", [("ingest",), ("import-slices", "data/sample")])
def test_command_line_exits_75(cli: Cli, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A script can tell "someone else is at it" from a failure, by exit code 75."""
    with holder(tmp_path / "data") as other:
        done = cli(*arguments)
        before = sorted((tmp_path / "data").rglob("*"))
    assert done.returncode == 75
    assert done.stderr.startswith("coinflex-l2: another run works on this data folder: process ")
    assert f"process {other.pid} " in done.stderr
    assert [path.name for path in before] == [".lock", ".lock-holder"], "it wrote all the same"


def test_reading_needs_no_lock(cli: Cli, tmp_path: Path) -> None:
    """A question can be asked while a backfill runs for hours."""
    with holder(tmp_path / "data"):
        assert cli("sql", "select 1 as one", "--format", "csv").stdout == "one\n1\n"
        assert cli("status").returncode == 0


def test_lock_goes_with_its_process(tmp_path: Path) -> None:
    """After kill -9 nobody has to remove a lock file by hand."""
    with holder(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        assert other.wait() == -signal.SIGKILL
    with holding(tmp_path):
        assert f"process {os.getpid()} " in (tmp_path / ".lock-holder").read_text()


def test_lock_is_given_back(tmp_path: Path) -> None:
    """A run that ends, well or badly, leaves the folder to the next one, in its process too."""
    with pytest.raises(ZeroDivisionError), holding(tmp_path):
        raise ZeroDivisionError
    with holding(tmp_path), holder(tmp_path / "other"):
        pass
    with holder(tmp_path):
        pass
    assert not (tmp_path / ".lock-holder").exists()


def test_one_process_can_not_hold_it_twice(tmp_path: Path) -> None:
    """Two threads of a notebook are two runs as well."""
    with holding(tmp_path):
        with pytest.raises(LockHeld), holding(tmp_path):
            pytest.fail("the lock was given twice")
        with pytest.raises(LockHeld), holding(tmp_path):
            pytest.fail("being refused once gave the lock away")


def test_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    """A data folder whose place is taken by a file is a sentence, not a traceback."""
    (tmp_path / "data").write_text("mine")
    with pytest.raises(LakeUnwritable, match=r"can't write .*data"), holding(tmp_path / "data"):
        pytest.fail("a lock without a folder")
