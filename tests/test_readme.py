"""The README's commands are run, and print what the README shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.cli import cli
from pipeline.simulator.tardis import TardisSimulator
from tests import commands
from tests.conftest import ROOT, clean_environment

if TYPE_CHECKING:
    from pathlib import Path

_README = (ROOT / "README.md").read_text()
_ANYTHING = "…"


def _commands() -> list[tuple[str, list[str]]]:
    """Return each command of the console blocks, and the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", _README, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


@pytest.fixture(scope="module")
def tour_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the README is run in."""
    return tmp_path_factory.mktemp("tour")


@pytest.fixture(scope="module")
def tour(tour_folder: Path) -> dict[str, str]:
    """Run the README from top to bottom in one folder; command → stdout. Each exits with 0.

    The first of each kind starts from nothing.
    """
    folder = tour_folder
    (folder / "data").mkdir()
    (folder / "data" / "sample").symlink_to(ROOT / "data" / "sample")
    printed = {}
    started = set()
    # The real service stands in the README; here the loopback one answers in its place.
    with TardisSimulator(ROOT / "data" / "sample").running() as url:
        for command, _ in _commands():
            if command == "make test":  # which is what runs this
                continue
            words = shlex.split(command)
            arguments = ["demo"] if words == ["make", "demo"] else words[1:]
            assert words[0] in {"make", "coinflex-l2"}
            environment = clean_environment(COINFLEX_L2_TARDIS_URL=url, PYTHONPATH=os.fspath(ROOT))
            kind = next(word for word in arguments if word in cli.commands)
            if kind in started:
                result = commands.run((*arguments,), environment, timeout=120, folder=folder)
            else:
                result = subprocess.run(
                    [sys.executable, "-m", "pipeline", *arguments],
                    cwd=folder, capture_output=True, text=True, check=False, env=environment,
                )  # fmt: skip
            started.add(kind)
            assert result.returncode == 0, (command, result.stderr)
            printed[command] = result.stdout
    return printed


@pytest.mark.parametrize(
    ("command", "shown"), [pair for pair in _commands() if pair[0] != "make test"]
)
def test_a_command_of_the_readme_prints_what_is_shown(
    tour: dict[str, str], command: str, shown: list[str]
) -> None:
    """Line by line; an ellipsis alone on a line stands for the rest."""
    lines = tour[command].splitlines()
    if _ANYTHING in shown:
        shown = shown[: shown.index(_ANYTHING)]
        lines = lines[: len(shown)]
    assert lines == shown


def test_the_first_two_commands_are_demo_and_test() -> None:
    """What a new user types first."""
    assert [command for command, _ in _commands()][:2] == ["make demo", "make test"]


def test_the_python_example_runs(tour: dict[str, str], tour_folder: Path) -> None:
    """The notebook lines give the two best levels."""
    assert tour
    code, _ = re.findall(r"```python\n(.*?)```", _README, re.DOTALL)
    shown = code.strip().splitlines()
    script = "\n".join([*shown[:-1], f"print({shown[-1]}.rows())"])
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=tour_folder, capture_output=True, text=True, check=True,
        env=clean_environment(PYTHONPATH=os.fspath(ROOT)),
    )  # fmt: skip
    assert result.stdout == "[('bid', 0, 61645.3, 0.976), ('ask', 0, 61645.4, 3.628)]\n"


def test_the_lake_is_read_by_others(tour: dict[str, str], tour_folder: Path) -> None:
    """Polars, pandas and pyarrow, as the README has them, find every book of the instrument."""
    assert tour
    _, code = re.findall(r"```python\n(.*?)```", _README, re.DOTALL)
    script = f"{code}\nprint(len(best), len(best_pd), len(best_pa))"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=tour_folder, capture_output=True, text=True,
        check=False, env=clean_environment(),
    )  # fmt: skip
    assert (result.stdout, result.returncode) == ("6579 6579 6579\n", 0), result.stderr


def test_the_configuration_example_is_accepted(tmp_path: Path) -> None:
    """Every key of the README's TOML is known."""
    from pipeline.config import Settings  # noqa: PLC0415 - only here

    sync, top = re.findall(r"```toml\n(.*?)```", _README, re.DOTALL)
    path = tmp_path / "l2.toml"
    path.write_text(top + sync)
    found = Settings.load(config=path, environ={})
    assert (found.tardis.timeout, found.sync.max_minutes) == (60, 240)
