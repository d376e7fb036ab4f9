"""What was compiled once is not compiled again, unless it would be something else now."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .conftest import ROOT, clean_environment

if TYPE_CHECKING:
    from pathlib import Path

INNER = """
from pipeline.compiled import compiled

@compiled
def inner(x):
    return x + {}
"""
OUTER = """
from compiled_here.inner import inner
from pipeline.compiled import compiled

@compiled
def outer(x):
    return inner(x) * 10
"""
ASK = """
from compiled_here.outer import outer
print(outer(1), sum(outer.stats.cache_hits.values()))
"""
NOWHERE = """
from pipeline import compiled

def refuse(self):
    raise OSError("nothing can be written")

for place in (compiled.Named, compiled.Beside, compiled.OfTheUser):
    place.ensure_cache_path = refuse
""" + ASK  # fmt: skip


@pytest.fixture(name="package")
def _package(tmp_path: Path) -> Path:
    folder = tmp_path / "compiled_here"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "inner.py").write_text(INNER.format(1))
    (folder / "outer.py").write_text(OUTER)
    return folder


def ask(package: Path, script: str = ASK, **environment: str) -> tuple[int, int]:
    """Return what a fresh process gets from the outer function, and how often from the cache."""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True,
        env=clean_environment(PYTHONPATH=f"{package.parent}:{ROOT}", **environment),
    )  # fmt: skip
    result, hits = done.stdout.split()
    return int(result), int(hits)


def test_a_second_process_does_not_compile(package: Path) -> None:
    """The machine code lies beside the source."""
    assert ask(package) == (20, 0)
    assert ask(package) == (20, 1)


def test_a_change_in_what_a_function_calls_is_noticed(package: Path) -> None:
    """Numba alone would look at the function's own file, and answer 20."""
    ask(package)
    (package / "inner.py").write_text(INNER.format(2))
    assert ask(package) == (30, 0)


def test_the_cache_may_lie_elsewhere(package: Path, tmp_path: Path) -> None:
    """Where NUMBA_CACHE_DIR says, and nowhere else."""
    assert ask(package, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == (20, 0)
    assert ask(package, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == (20, 1)
    assert not list(package.rglob("*.nbi"))


def test_it_works_where_nothing_can_be_written(package: Path) -> None:
    """On a read-only installation without a home each process compiles for itself."""
    assert ask(package, NOWHERE) == (20, 0)
    assert ask(package, NOWHERE) == (20, 0)


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_a_torn_cache_is_no_reason_to_fail(package: Path, ending: str) -> None:
    """What was lost with the power is compiled again."""
    ask(package)
    for path in package.rglob(f"*.{ending}"):
        path.write_bytes(path.read_bytes()[:20])
    assert ask(package) == (20, 0)


def test_a_full_disk_is_no_reason_to_fail(package: Path, tmp_path: Path) -> None:
    """Each process then compiles for itself."""
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    # Python's own cache of compiled modules would be torn too, and that is a reason to fail.
    place = {"NUMBA_CACHE_DIR": str(tmp_path / "full"), "PYTHONDONTWRITEBYTECODE": "1"}
    assert ask(package, ignore + full + ASK, **place) == (20, 0)
    assert ask(package, ignore + full + ASK, **place) == (20, 0)


ALL = """
from pipeline.normalize import scan
from pipeline.normalize.scan import text
from pipeline.reading import compile_scan

compile_scan()
called = scan.scan_lines, scan.scan_books, scan.levels_at_most, text._gather
print(min(len(function.signatures) for function in called), len(text._gather.signatures))
"""


def test_an_installation_compiles_all_that_an_ingest_calls(package: Path) -> None:
    """`make install` leaves nothing to the first run: numbers and text are gathered too."""
    assert ask(package, ALL) == (1, 2)
