"""What many tests need: the sample, and the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests import commands

ROOT = Path(__file__).parent.parent

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def sample() -> Path:
    """Return the folder of the committed six minutes of slices, 2020-08-01T23:54 to 24:00."""
    return ROOT / "data" / "sample"


def clean_environment(**settings: str) -> dict[str, str]:
    """Return the environment without this project's settings and without any key."""
    ours = ("COINFLEX_", "TARDIS_", "TM_API_KEY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | settings


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run `coinflex-l2` with arguments; `env` adds variables; the data folder is tmp_path/data."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        settings = {"COINFLEX_L2_DATA": str(tmp_path / "data"), **(env or {})}
        return commands.run(arguments, clean_environment(**settings), timeout)

    return run
