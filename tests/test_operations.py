"""The operations guide: what it tells to type is understood, what it tells to watch is there."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.cli import cli
from pipeline.query import ask
from pipeline.sync.runs import Run
from pipeline.sync.textfile import exposition_of
from pipeline.views import connect

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
# In blocks and in the midst of sentences; … stands for what is the reader's.
COMMANDS = sorted({
    line.partition("  #")[0].strip("` ").replace("…", "2020-08-01")
    for line in [*TEXT.splitlines(), *re.findall(r"`(coinflex-l2 [^`]+)`", TEXT)]
    if line.startswith("coinflex-l2 ")
})  # fmt: skip


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_understood(line: str) -> None:
    """With all of its options and values."""
    words = shlex.split(line)[1:]
    place = next(n for n, word in enumerate(words) if word in cli.commands)
    with cli.make_context("coinflex-l2", words[:place], resilient_parsing=True) as context:
        command = cli.commands[words[place]]
        with command.make_context(words[place], words[place + 1 :], parent=context) as made:
            assert made.args == []


def test_there_are_commands_of_each_kind() -> None:
    """The guide was read: it tells of all that an operator needs."""
    told = {word for line in COMMANDS for word in shlex.split(line) if word in cli.commands}
    assert {"sync", "doctor", "verify", "report", "sql", "ingest", "status", "versions"} <= told


def test_each_query_can_be_asked(tmp_path: Path) -> None:
    """Also of a lake that has nothing yet."""
    queries = [shlex.split(line)[-1] for line in COMMANDS if " sql " in line]
    assert len(queries) >= 3
    with connect(tmp_path) as connection:
        for query in queries:
            assert list(ask(connection, query).rows) == []


def test_each_metric_of_the_alerts_is_exposed() -> None:
    """By the file that a run leaves for Prometheus."""
    now = datetime(2026, 11, 27, tzinfo=UTC)
    run = Run(
        run="it", command="sync", exchange="coinflex", release="1", process=1, started=now,
        ended=now, outcome="done", exit_code=0, seconds=1.0, free_bytes=1,
    )  # fmt: skip
    exposed = set(re.findall(r"^(coinflex_l2_sync_\w+)", exposition_of(run), re.MULTILINE))
    told = set(re.findall(r"coinflex_l2_sync_\w+", TEXT))
    assert len(told) >= 6
    assert told <= exposed


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    """Each that `--help` tells, and Ctrl-C's."""
    codes = set(re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE))
    assert cli.epilog is not None
    assert codes == {*re.findall(r"(?:^|· |: )(\d+) [a-z]", cli.epilog), "130"}
