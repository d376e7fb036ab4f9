from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.lake import Lake

from .conftest import ROOT, Cli, clean_environment

if TYPE_CHECKING:
    from pathlib import Path

SECRET = 'se"cret'


def logged(script: str, *, check: bool = True) -> list[str]:
    """Return the lines that a script in a process of its own writes to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, env=clean_environment(),
        capture_output=True, text=True, check=check, timeout=60,
    )  # fmt: skip
    return done.stderr.splitlines()


BEGIN = f"""
    import logging, warnings
    from pipeline import logs
    logs.begin(logs.LogSetup(as_json=True, secrets=({SECRET!r},)))
    log = logging.getLogger("pipeline.x")
"""


def test_each_line_is_one_object_with_its_facts() -> None:
    """Time in UTC, level, logger and message, then what the code passed; in one line, always."""
    (line,) = logged(
        BEGIN
        + """
    log.info("two\\n%s", "lines", extra={"pause": 1.5, "left": {"a": [1]}, "odd": float("nan")})
    log.debug("not shown")
    """
    )
    found = json.loads(line)
    at = datetime.fromisoformat(found.pop("time"))
    assert at.tzinfo == UTC
    assert abs((datetime.now(UTC) - at).total_seconds()) < 3600
    assert found == {
        "level": "info", "logger": "pipeline.x", "message": "two\nlines", "pause": 1.5,
        "left": {"a": [1]}, "odd": None,
    }  # fmt: skip


def test_a_fact_takes_no_other_s_place() -> None:
    """A fact that is named like what each line has does not hide it."""
    (line,) = logged(BEGIN + '    log.error("is said", extra={"level": "none", "time": 0})')
    found = json.loads(line)
    assert found["level"] == "error"
    assert isinstance(found["time"], str)


def test_no_secret_is_in_a_line() -> None:
    """Not in the message, nor in a fact, a traceback or what JSON makes of it."""
    lines = logged(
        BEGIN
        + f"""
    secret = {SECRET!r}
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed: %s", secret, extra={{"frame": '{{"key": "%s"}}' % secret}})
    """
    )
    (found,) = map(json.loads, lines)
    assert found["message"] == "failed: <key>"
    assert found["frame"] == '{"key": "<key>"}'
    assert "ValueError: <key>" in found["exception"]
    assert "cret" not in lines[0].replace("secret = ", "").replace("ValueError(secret)", "")


def test_no_secret_is_in_a_traceback_for_people() -> None:
    """An error that nobody took is printed as Python prints it, but for the secret."""
    begin = BEGIN.replace("as_json=True, ", "")
    lines = logged(begin + f"    raise ValueError('x' + {SECRET!r})", check=False)
    assert lines[0].startswith("Traceback")
    assert lines[-1] == "ValueError: x<key>"


def test_what_nobody_logged_is_a_line_too() -> None:
    """A warning of Python's and an error that nobody took: no line is anything but JSON."""
    lines = logged(
        BEGIN + '    warnings.warn("old", stacklevel=1)\n    raise ValueError("lost")', check=False
    )
    warned, lost = map(json.loads, lines)
    assert "old" in warned["message"]
    assert (lost["level"], lost["message"]) == ("critical", "lost")
    assert "Traceback" in lost["exception"]


def test_the_lake_s_process_logs_like_its_capture(tmp_path: Path) -> None:
    """What it has to say is a JSON line on the same stderr, though it is a process of its own."""
    script = f"""
        import sys
        from datetime import UTC, datetime
        from pathlib import Path
        from pipeline import logs
        from pipeline.live_lake import LiveLake

        if __name__ == "__main__":
            logs.begin(logs.LogSetup(as_json=True))
            with LiveLake(Path({str(tmp_path)!r}), "x", "api.example.com") as lake:
                lake.minute_is_over(datetime(2026, 11, 27, 12, tzinfo=UTC))
                sys.stdin.read()
    """
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(script))
    day = datetime(2026, 11, 27, tzinfo=UTC).date()
    with (
        Lake(tmp_path, "x").holding_day(day) as mine,
        subprocess.Popen(
            [sys.executable, str(path)], cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stderr=subprocess.PIPE, env=clean_environment(PYTHONPATH=str(ROOT)),
        ) as process,
    ):  # fmt: skip
        assert mine
        assert process.stderr is not None
        line = process.stderr.readline()
        process.communicate(timeout=60)
    found: dict[str, Any] = json.loads(line)
    assert (found["level"], found["logger"]) == ("info", "pipeline.live_following")
    assert "2026-11-27 is being ingested" in found["message"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_any_command_logs_as_the_environment_says(form: str, cli: Cli, tmp_path: Path) -> None:
    """A warning, and the sentence that it ends with, are of the form that was asked for."""
    arguments = "book", "BTC-USD", "--at", "2020-08-01", "--data", str(tmp_path / "typo")
    done = cli(*arguments, env={"COINFLEX_L2_LOG_FORMAT": form})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    if form == "json":
        found = json.loads(line)
        assert found["level"] == "error"
        assert found["message"].startswith("there is nothing of coinflex")
    else:
        assert line.startswith("coinflex-l2: there is nothing of coinflex")


def test_a_form_that_is_not_known_is_refused(cli: Cli) -> None:
    """With those that are."""
    done = cli("status", env={"COINFLEX_L2_LOG_FORMAT": "yaml"})
    assert done.returncode == 1
    assert done.stderr == "coinflex-l2: log_format was 'yaml'; what would work: one of json, text\n"
