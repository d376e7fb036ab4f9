"""The files for systemd: it takes them, and what they start is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from pipeline.cli import cli

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "coinflex-l2-capture@.service"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze")


def unit() -> dict[str, list[str]]:
    """Return the values of each setting of the unit."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def installed(folder: Path) -> Path:
    """Return the unit with a command that is there, so that only the unit is looked at."""
    command = folder / "coinflex-l2"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    copy = folder / UNIT.name.replace("@", "@coinflex")
    copy.write_text(UNIT.read_text().replace("ExecStart=/usr/local/bin/", f"ExecStart={folder}/"))
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    assert ANALYZE is not None
    return subprocess.run(
        [ANALYZE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@needs_systemd
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Without a word: no setting is unknown, misspelled or in the wrong section."""
    done = analyze("verify", "--man=no", "--recursive-errors=no", str(installed(tmp_path)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_systemd_would_notice(tmp_path: Path) -> None:
    """A misspelled setting is told, so silence means something."""
    path = installed(tmp_path)
    path.write_text(path.read_text().replace("NoNewPrivileges", "NoNewPriviledges"))
    assert "NoNewPriviledges" in analyze("verify", "--man=no", str(path)).stderr


@needs_systemd
def test_the_service_is_shut_in(tmp_path: Path) -> None:
    """Systemd's own measure of what a service may do, from 0 to 10: 2 is what it calls ok."""
    path = str(installed(tmp_path))
    done = analyze("security", "--offline=true", "--threshold=20", "--no-pager", path)
    assert done.returncode == 0, done.stdout + done.stderr


def options_in(text: str) -> set[str]:
    """Return the options that a command line names."""
    return {word for word in text.split() if word.startswith("--")}


def test_every_option_is_one_of_the_command_line() -> None:
    """What the unit, the example of its environment and the README name exists."""
    (start,) = unit()["ExecStart"]
    before, after = map(options_in, start.split(" capture "))
    known = {name for one in cli.params for name in one.opts}
    of_capture = {name for one in cli.commands["capture"].params for name in one.opts}
    assert before
    assert before <= known
    example = (DEPLOY / "coinflex-l2.env.example").read_text()
    (more,) = re.findall(r"^OPTIONS=(.*)$", example, re.MULTILINE)
    assert after
    assert after | options_in(more) <= of_capture


def test_the_command_of_the_unit_is_understood() -> None:
    """With the example's values each option takes what stands behind it, and nothing is left."""
    (start,) = unit()["ExecStart"]
    line = start.replace("${INSTRUMENTS}", "all").replace("$OPTIONS", "--listen 9464")
    words = line.replace("%i", "coinflex").replace("%S", "state").split()[1:]
    place = words.index("capture")
    with cli.make_context("coinflex-l2", words[:place], resilient_parsing=True) as context:
        command = cli.commands["capture"]
        with command.make_context("capture", words[place + 1 :], parent=context) as made:
            assert made.args == []
            assert made.params["instruments"] == "all"
            assert made.params["log_format"] == "json"
            assert made.params["listen"] == "9464"


def test_it_is_started_again_whatever_happens() -> None:
    """No number of failures is the last, and a stop has more time than a capture takes."""
    settings = unit()
    assert settings["Restart"] == ["always"]
    assert settings["StartLimitIntervalSec"] == ["0"]
    assert int(settings["TimeoutStopSec"][0]) > 5
    assert settings["Type"] == ["exec"]


def test_what_is_compiled_may_run() -> None:
    """The one hardening that a capture's lake could not live with is not there."""
    assert "MemoryDenyWriteExecute" not in unit()


def test_every_variable_of_the_example_is_read() -> None:
    """By the unit, or by the settings."""
    text = (DEPLOY / "coinflex-l2.env.example").read_text()
    read = UNIT.read_text() + (ROOT / "pipeline" / "config.py").read_text()
    names = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE)
    assert len(names) == 6
    assert [name for name in names if name not in read] == []
