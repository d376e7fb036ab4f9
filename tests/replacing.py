"""A day in two versions, and processes that put one in the place of the other, again and again."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .conftest import ROOT, clean_environment
from .lakes import bring_in, partitions, put
from .making import at, depth, trade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def book_of(version: int, second: float) -> set[tuple[str, float, float]]:
    """Return the book of a version of the day at a second: `version` messages a second."""
    top = 1000 * version + int(second * version)
    bids = {("bid", float(top - level), float(version)) for level in range(10)}
    return bids | {("ask", float(top + 1 + level), float(version)) for level in range(10)}


def lines_of(version: int) -> list[str]:
    """Return a minute's lines in which every price and amount says the version."""
    lines = []
    for number in range(60 * version):
        time = at(0, number / version)
        book = book_of(version, number / version)
        sides = [
            [[price, amount] for side, price, amount in sorted(book) if side == wanted]
            for wanted in ("bid", "ask")
        ]
        lines.append(depth(time, *sides, instrument="A", seq=number + 1))
        lines.append(trade(time, str(1000 * version), "1", instrument="A", id_=str(number)))
    return lines


# Both versions by turns, each file as a run replaces it, whichever comes first; with pauses
# of so many seconds on average, or as fast as that goes.
REPLACE = """
import random, sys, time
from itertools import cycle
from pathlib import Path
from pipeline import durable

root, pause, versions = Path(sys.argv[1]), float(sys.argv[2]), map(Path, sys.argv[3:])
files = [{p.relative_to(v): p.read_bytes() for p in v.rglob("*.parquet")} for v in versions]
for version in cycle(files):
    for name in random.sample(sorted(version), len(version)):
        with durable.replacing(root / name, root / "_drafts") as draft:
            draft.write_bytes(version[name])
        time.sleep(random.expovariate(1 / pause) if pause else 0)
    print(end=".", flush=True)
"""
# Both versions by turns, each time from raw.
REBUILD = """
import sys
from itertools import cycle
from pathlib import Path
from tests.lakes import bring_in, put
from tests.making import at
from tests.replacing import lines_of

for lines in cycle([lines_of(1), lines_of(2)]):
    put(Path(sys.argv[1]), at(0), lines)
    bring_in(Path(sys.argv[1]))
    print(end=".", flush=True)
"""


@contextmanager
def at_work(script: str, *arguments: Path | float) -> Iterator[None]:
    """Run a script in another process until the end of the block; it must have got round twice."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=clean_environment(), cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.read(2) == b".."
        yield
        assert process.poll() is None, "the writer has failed"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def replaced_constantly(data: Path) -> Iterator[None]:
    """Have both versions put in each other's place until the end of the block."""
    for version in (1, 2):
        put(data, at(0), lines_of(version))
        bring_in(data)
        keep_partitions(data, data / f"version{version}")
    with at_work(REPLACE, data / "lake", 0, data / "version1", data / "version2"):
        yield


def keep_partitions(data: Path, folder: Path) -> Path:
    """Copy the partitions of a lake to a folder, for REPLACE to put them back; return that."""
    for path in partitions(data):
        kept = folder / path.relative_to(data / "lake")
        kept.parent.mkdir(parents=True)
        kept.write_bytes(path.read_bytes())
    return folder
