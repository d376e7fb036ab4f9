"""Derived tables under SIGKILL at every step, and under readers: never older than their depth."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from pipeline.derive import derive
from pipeline.derived_tables import DerivedTable
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.query import rows_of
from pipeline.snapshots import changes_of_day, on_grid, wide_table
from pipeline.times import DAY_US, day_start_us
from pipeline.views import connect

from .conftest import ROOT, clean_environment
from .lakes import EXCHANGE, bring_in, minute_of, put, rows, same_rows
from .making import at
from .replacing import at_work

if TYPE_CHECKING:
    from pathlib import Path

TABLES = (DerivedTable(3), DerivedTable(3, DAY_US // 24))
DAYS = tuple(date(2020, 8, day) for day in (1, 2, 3))

# Each time in a copy of a data folder and in a child of its own, which is killed before its n-th
# change of what folders hold, for every third n: whatever is made, renamed or removed. Forked,
# since to begin takes seconds; whatever has threads is asked for by the children alone.
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from pipeline.derive import derive
from tests.lakes import ingest
from pipeline.reading import compile_scan
from pipeline.snapshots import compile_replay

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir"}

def die_before(step, data):
    left = [step]
    def look(event, arguments):
        if event in CHANGES and os.fspath(arguments[0]).startswith(data):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
    sys.addaudithook(look)

def run(what, data):
    if what == "ingest":
        ingest(Path(data), "coinflex", jobs=1)
    else:
        derive(Path(data), "coinflex", "book_snapshot_3", jobs=1)

what, data, folder = sys.argv[1:]
compile_scan()
compile_replay()
for step in range(0, 1000, 3):
    copy = os.path.join(folder, str(step))
    shutil.copytree(data, copy)
    child = os.fork()
    if not child:
        die_before(step, copy)
        run(what, copy)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status != signal.SIGKILL:
        sys.exit(status)
"""


def killed_copies(what: str, data: Path, folder: Path) -> list[Path]:
    """Run something in copies of a data folder, killed three steps later each; the last is not."""
    subprocess.run(
        [sys.executable, "-c", KILLED, what, str(data), str(folder)],
        check=True, cwd=ROOT, env=clean_environment(),
    )  # fmt: skip
    return sorted(folder.iterdir(), key=lambda copy: int(copy.name))


def stored(data: Path) -> dict[tuple[DerivedTable, date], list[dict[str, Any]]]:
    """Return the rows of each derived partition that there is."""
    lake = Lake(data, EXCHANGE)
    found = {}
    for table in TABLES:
        for day in DAYS:
            path = lake.partition(table.name, "A", day)
            if path.exists():
                found[table, day] = pq.ParquetFile(path).read().to_pylist()
    return found


def due(data: Path, table: DerivedTable, day: date) -> list[dict[str, Any]]:
    """Return the rows that a derived partition has to have, by the depth that there is."""
    lake, start = Lake(data, EXCHANGE), day_start_us(day)
    grid = range(start, start + DAY_US, table.step or DAY_US)
    pieces = (
        changes_of_day(lake, "A", start // DAY_US, table.depth)
        if table.step is None
        else on_grid(lake, "A", grid, table.depth)
    )
    names = [column.name for column in table.table]
    rows = [row for piece in pieces for row in wide_table(piece).select(names).to_pylist()]
    times = ("t", "timestamp", "local_timestamp")
    return [
        {name: value.replace(tzinfo=None) if name in times and value else value
         for name, value in row.items()}
        for row in rows
    ]  # fmt: skip


def derive_all(data: Path) -> None:
    """Derive both tables."""
    derive(data, EXCHANGE, "book_snapshot_3", jobs=1)
    derive(data, EXCHANGE, "book_snapshot_3", step="1h", jobs=1)


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three days with all derived, and other slices of the second day at the door."""
    data = tmp_path_factory.mktemp("derived")
    for day in range(3):
        for minute in (0, 1439):
            start = at(1440 * day + minute)
            put(data, start, minute_of(start, instruments=["A"]))
    bring_in(data)
    derive_all(data)
    for minute in (1440 + 1, 1440 + 1439):
        put(data, at(minute), minute_of(at(minute), instruments=["A"], base=300))
    return data


def test_ingest_killed_at_any_step_leaves_nothing_stale(data: Path, tmp_path: Path) -> None:
    """What is derived is what the depth says that lies beside it; the next runs mend the rest."""
    undisturbed = shutil.copytree(data, tmp_path / "undisturbed")
    bring_in(undisturbed)
    assert {day for _, day in stored(undisturbed)} == {DAYS[0]}
    derive_all(undisturbed)
    expected = rows(undisturbed)
    copies = killed_copies("ingest", data, _folder(tmp_path))
    assert len({frozenset(stored(copy)) for copy in copies}) >= 4  # was killed in between
    for copy in copies:
        assert_nothing_is_stale(copy)
    for copy in some(copies):
        bring_in(copy)
        assert_nothing_is_stale(copy)
        derive_all(copy)
        assert same_rows(rows(copy), expected), copy.name


def test_derive_killed_at_any_step_is_done_by_the_next(data: Path, tmp_path: Path) -> None:
    """With each file as it would have been; nothing of the killed run is left."""
    undisturbed = shutil.copytree(data, tmp_path / "undisturbed")
    bring_in(undisturbed)
    copies = killed_copies("derive", undisturbed, _folder(tmp_path))
    derive_all(undisturbed)
    expected = rows(undisturbed)
    for copy in copies:
        assert_nothing_is_stale(copy)
    for copy in some(copies):
        derive_all(copy)
        assert same_rows(rows(copy), expected), copy.name
        assert not (copy / "lake" / "_drafts" / EXCHANGE).exists()


def assert_nothing_is_stale(data: Path) -> None:
    """Check that what is derived is what the depth says that lies beside it."""
    for (table, day), found in stored(data).items():
        assert found == due(data, table, day), (data.name, table.name, day)


def some(copies: list[Path]) -> list[Path]:
    """Return two of the copies, by one seed, and the last."""
    return [*random.Random(10).sample(copies[:-1], 2), copies[-1]]


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    return folder


# A day again and again, each time in a higher version, which every price and amount says.
REPLACE = """
import sys
from itertools import count
from pathlib import Path
from pipeline.derive import derive
from tests.lakes import bring_in, put
from tests.making import at, depth

data = Path(sys.argv[1])
for version in count(1):
    lines = [
        depth(at(0, second), [[1000 * version + second, version]], [], instrument="A")
        for second in range(20)
    ]
    put(data, at(0), lines)
    bring_in(data)
    derive(data, "coinflex", "book_snapshot_1", jobs=1)
    print(end=".", flush=True)
"""


def test_a_reader_never_meets_what_is_older_than_the_depth_it_saw(tmp_path: Path) -> None:
    """Nor two versions at once: the derived day of that depth or of a later one, or none."""
    of_depth = "select max(bid_amount) from depth_messages"
    of_derived = """select count(*), min(bid_sz_00), max(bid_sz_00), min(bid_px_00 // 1000)
    from book_snapshot_1"""
    seen = set()
    with at_work(REPLACE, tmp_path), connect(tmp_path) as connection:
        for _ in range(150):
            try:
                ((before,),) = rows_of(connection, of_depth)
                ((count, least, most, price),) = rows_of(connection, of_derived)
            except UsageError:  # it failed aloud, again and again
                continue
            assert count in {0, 20}
            if count:
                assert before <= least == most == price
            seen.add(most)
    assert len(seen - {None}) > 1, "the reader met one version only"
