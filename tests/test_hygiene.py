from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Put together here, so that this file names none of them itself.
INDEX_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("pypi", "python", "org"),
        ("anaconda", "org"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("jfrog", "io"),
    )
]
FLAGS_OF_AN_INDEX = ["--" + "index-url", "--" + "extra-index-url", "--" + "find-links"]
HOMES = ["home", "Users", "root", "work", "mnt", "tmp", "private", "opt", "var"]
MACHINE_PATH = re.compile(rf"(?<![\w.*~/}}\])>-])/(?:{'|'.join(HOMES)})/[\w.]")


@lru_cache(maxsize=1)
def tracked() -> list[Path]:
    """Return the files that git tracks, or would with the next commit."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        return []
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    found = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return [path for path in found if path.is_file()]


@pytest.fixture(name="texts")
def _texts() -> dict[str, str]:
    """Return the tracked text files by name."""
    if not tracked():
        pytest.skip("no checkout")
    return {
        str(path.relative_to(ROOT)): path.read_bytes().decode("utf-8", errors="replace")
        for path in tracked()
        if path.suffix not in {".gz", ".png", ".parquet"}
    }


def test_no_file_names_a_package_index(texts: dict[str, str]) -> None:
    """Whoever installs this chooses where packages come from; no file chooses for them."""
    wanted = [*INDEX_HOSTS, *FLAGS_OF_AN_INDEX]
    allowed = {"Makefile": ["--no-emit-" + "index-url", "--no-emit-" + "find-links"]}
    found = []
    for name, text in texts.items():
        for harmless in allowed.get(name, []):
            text = text.replace(harmless, "")  # noqa: PLW2901 - the text without it
        found += [(name, word) for word in wanted if word in text]
    assert not found


def test_no_file_names_a_machine_s_folder(texts: dict[str, str]) -> None:
    """Nothing works only where it was written: no absolute path of somebody's machine."""
    found = [
        f"{name}: {line.strip()[:100]}"
        for name, text in texts.items()
        for line in text.splitlines()
        if MACHINE_PATH.search(line)
    ]
    assert not found


def test_machine_paths_would_be_found() -> None:
    """The pattern above finds what it is for, and leaves what is none."""
    for path in ("home/me/x", "root/x", "tmp/x"):
        assert MACHINE_PATH.search(f'data = "/{path}"')
        assert MACHINE_PATH.search(f" /{path}")
    for harmless in ("https://example.org/home/x", "data/home/x", "lake/tmp/x", "#!/usr/bin/env"):
        assert not MACHINE_PATH.search(harmless)


def test_every_sql_file_begins_with_its_grain() -> None:
    """Whoever opens a SQL file reads first what one row of it, or its result, stands for."""
    files = sorted((ROOT / "sql").rglob("*.sql"))
    assert files
    for path in files:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert re.match(r"-- [A-Z]\w* .{10,}", first), f"{path.name}: {first}"


def test_no_file_is_too_large_to_clone(texts: dict[str, str]) -> None:
    """What a run writes is never committed by accident."""
    assert texts
    assert [path.name for path in tracked() if path.stat().st_size > 5_000_000] == []
    assert not [path for path in tracked() if path.suffix in {".duckdb", ".pyc", ".wal"}]
