"""What many tests need: the sample, and the command line in a process of its own.

What is made of the sample is made once for all the files that a process runs, and is not written.
Files lie in memory where there is room: to wait for a disk is a third of the time otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.running import cores_there
from pipeline.sources.files import adopt
from tests import commands
from tests.holed import Read, holed_sample, read_sample
from tests.lakes import ingest

if TYPE_CHECKING:
    from tests.independent import Reading

ROOT = Path(__file__).parent.parent

Cli = Callable[..., subprocess.CompletedProcess[str]]

_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30  # bytes; at most a tenth of it is used at a time


def pytest_configure() -> None:
    """Let temporary files lie in memory, unless TMPDIR says where; workers inherit it."""
    is_open = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    if "TMPDIR" not in os.environ and is_open and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers `auto` is: one more than cores, since tests wait for others too."""
    return cores_there() + 1


@pytest.fixture(scope="session")
def sample() -> Path:
    """Return the folder of the committed six minutes of slices, 2020-08-01T23:54 to 24:00."""
    return ROOT / "data" / "sample"


@pytest.fixture(scope="session")
def sample_lake(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Path:
    """Return a data folder with the sample in its lake; it is read alone."""
    data = tmp_path_factory.mktemp("sample")
    adopt(data, "coinflex", sample)
    ingest(data, "coinflex")
    return data


@pytest.fixture(scope="session")
def sample_reading() -> Reading:
    """Return what an independent reader makes of the sample."""
    return read_sample()


@pytest.fixture(scope="session")
def holed(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Return the sample moved across midnight, with planted disconnects and a lacking minute."""
    return holed_sample(tmp_path_factory.mktemp("slices"), tmp_path_factory.mktemp("holed"))


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
