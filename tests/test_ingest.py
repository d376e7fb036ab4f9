from __future__ import annotations

import json
import multiprocessing
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipeline.catalogue import Catalogue
from pipeline.cli import cli as command_line
from pipeline.errors import SliceCorrupt, UsageError, WorkerLost
from pipeline.ingest import ingest_range
from pipeline.lake import Lake
from pipeline.slices import Request
from pipeline.verifying.comparing import compare_books
from pipeline.views import connect

from . import commands
from .conftest import ROOT, Cli, clean_environment
from .lakes import (
    EVERYTHING,
    EXCHANGE,
    TODAY,
    bring_in,
    contents,
    identities,
    minute_of,
    partitions,
    put,
    rows,
    same_rows,
)
from .making import at, depth

if TYPE_CHECKING:
    from pathlib import Path

DAYS = [date(2020, 8, 1), date(2020, 8, 2), date(2020, 8, 3)]
# What depends on which slice a row was taken from, not on what it says.
LINEAGE = ["arrival", "origin", "slice", "line", "version"]


@pytest.fixture(name="three_days", scope="module")
def _three_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw of three days, each with a hole, the books moving on from one to the next."""
    data = tmp_path_factory.mktemp("raw")
    for day in range(3):
        for minute in (0, 1, 3, 1439):
            start = at(minute + 1440 * day)
            put(data, start, minute_of(start, base=100 + day))
    return data


def copy_of(raw: Path, to: Path) -> Path:
    """Return a data folder of its own with the same slices."""
    shutil.copytree(raw, to)
    return to


@pytest.fixture(name="undisturbed", scope="module")
def _undisturbed(three_days: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder after one run that nothing came in the way of."""
    data = copy_of(three_days, tmp_path_factory.mktemp("undisturbed") / "data")
    ingest_range(data, EXCHANGE, None, None, jobs=1)
    return data


def items(data: Path, table: str = "depth") -> pl.DataFrame:
    """Return a table's rows, without their lineage, in order of instrument and time."""
    with connect(data) as connection:
        source = "depth_rows" if table == "depth" else table
        found = pl.from_arrow(connection.sql(f"from {source}").to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    return found.drop(LINEAGE, strict=False).sort("instrument", "local_timestamp", "item")


# --- a day is a function of its own slices -----------------------------------------------------


@pytest.mark.parametrize("order", [DAYS[::-1], [DAYS[1], DAYS[2], DAYS[0]]], ids=["back", "turned"])
def test_order_of_days_does_not_matter(
    three_days: Path, undisturbed: Path, tmp_path: Path, order: list[date]
) -> None:
    """A range that is filled in from the end, or a day at a time, gives the same lake."""
    data = copy_of(three_days, tmp_path / "data")
    for day in order:
        assert bring_in(data, day).written == [day.isoformat()]
    assert contents(data) == contents(undisturbed)


def test_days_at_a_time_do_not_matter(three_days: Path, undisturbed: Path, tmp_path: Path) -> None:
    """Two processes bring in what one does, byte for byte."""
    data = copy_of(three_days, tmp_path / "data")
    bring_in(data, jobs=2)
    assert contents(data) == contents(undisturbed)


def test_second_run_writes_nothing(undisturbed: Path) -> None:
    """What is up to date is left alone: no file is written again, in raw, lake or database."""
    before = identities(undisturbed)
    report = ingest_range(undisturbed, EXCHANGE, None, None)
    assert report.written == []
    assert report.up_to_date == [day.isoformat() for day in DAYS]
    assert identities(undisturbed) == before


def test_rebuild_gives_the_same_lake(three_days: Path, undisturbed: Path, tmp_path: Path) -> None:
    """--rebuild writes every day again, and every byte comes out as before."""
    data = copy_of(three_days, tmp_path / "data")
    bring_in(data)
    first = identities(data / "lake")
    assert bring_in(data, rebuild=True).written == [day.isoformat() for day in DAYS]
    again = identities(data / "lake")
    for path in partitions(data):
        name = str(path.relative_to(data / "lake"))
        assert first[name] != again[name], f"{name} was not written again"
    assert contents(data) == contents(undisturbed)


def test_lost_or_torn_manifest_changes_nothing(
    three_days: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """Manifests are a cache: without them the lake is the same, and still known as current."""
    data = copy_of(three_days, tmp_path / "data")
    manifests = sorted((data / "raw").rglob("manifest.json"))
    assert len(manifests) == 3
    manifests[0].unlink()
    manifests[1].write_bytes(manifests[1].read_bytes()[:100])
    bring_in(data)
    assert contents(data) == contents(undisturbed)
    manifests[2].unlink()
    assert bring_in(data).written == []


def test_every_book_is_the_one_in_raw(undisturbed: Path) -> None:
    """A simple reader of gzip and JSON finds no book that the lake tells differently."""
    comparison = compare_books(undisturbed, EXCHANGE)
    assert (comparison.compared, comparison.first_different) == (3 * 4 * 6 * 2, None)
    assert comparison.equal == comparison.compared


# --- only what is new, only what is asked for --------------------------------------------------


def test_new_minute_renews_its_day_only(three_days: Path, tmp_path: Path) -> None:
    """A minute that arrived later comes in with the next run; other days are left alone."""
    data = copy_of(three_days, tmp_path / "data")
    bring_in(data)
    before = identities(data / "lake")
    put(data, at(2 + 1440), minute_of(at(2 + 1440)))
    assert bring_in(data).written == ["2020-08-02"]
    after = identities(data / "lake")
    changed = {name for name in after if before.get(name) != after[name]}
    assert {part for name in changed for part in name.split("/") if "date=" in part} == {
        "date=2020-08-02"
    }
    with connect(data) as connection:
        counted = connection.execute(
            "select date::varchar, sum(depth_messages) from coverage group by 1 order by 1"
        ).fetchall()
    assert counted == [("2020-08-01", 48), ("2020-08-02", 60), ("2020-08-03", 48)]


def test_period_chooses_whole_days(three_days: Path, tmp_path: Path) -> None:
    """--from and --to bring in the days that they touch, whole, and no other."""
    data = copy_of(three_days, tmp_path / "data")
    report = ingest_range(data, EXCHANGE, "2020-08-01T23:59", "2020-08-02T00:01", jobs=1)
    assert report.written == ["2020-08-01", "2020-08-02"]
    with pytest.raises(UsageError, match="there are some from 2020-08-01 to 2020-08-03"):
        ingest_range(data, EXCHANGE, "2021-01-01", "2021-02-01")


def test_instruments_touch_only_their_partitions(three_days: Path, tmp_path: Path) -> None:
    """--instruments A renews A; B keeps its files and its rows until its own turn."""
    data = copy_of(three_days, tmp_path / "data")
    bring_in(data)
    before = identities(data / "lake")
    put(data, at(2), minute_of(at(2)))
    assert bring_in(data, instruments=["A"]).written == ["2020-08-01"]
    after = identities(data / "lake")
    of_instruments = {name for name in after if "instrument=" in name}
    changed = {name for name in of_instruments if before.get(name) != after[name]}
    assert changed == {
        f"{table}/exchange=coinflex/instrument=A/date=2020-08-01/data.parquet"
        for table in ("depth", "trades", "gaps", "trade_gaps")
    }
    messages = {
        row["instrument"]: row["depth_messages"]
        for row in Catalogue(Lake(data, EXCHANGE)).rows.iter_rows(named=True)
        if row["date"] == TODAY
    }
    assert messages == {"A": 30, "B": 24}
    assert bring_in(data, instruments=["A"]).written == []
    assert bring_in(data).written == ["2020-08-01"]
    whole = copy_of(data, tmp_path / "whole")
    shutil.rmtree(whole / "lake")
    bring_in(whole)
    assert contents(data) == contents(whole)


def test_unknown_instrument_is_named(undisturbed: Path) -> None:
    """A mistyped instrument is no success: it is named, with what there is."""
    with pytest.raises(UsageError, match="'C'; what would work: one of A, B"):
        bring_in(undisturbed, instruments=["A", "C"])


# --- overlapping requests ----------------------------------------------------------------------

A_ONLY = Request(EXCHANGE, "tardis", None, ("A",))
AB = Request(EXCHANGE, "tardis", None, ("A", "B"))
BC = Request(EXCHANGE, "tardis", None, ("B", "C"))
IMPORTED = Request(EXCHANGE, "import")


def _lines(minute: int, *names: str) -> list[str]:
    return minute_of(at(minute), instruments=names)


def test_narrower_request_adds_nothing(tmp_path: Path) -> None:
    """A minute that was fetched twice, for all and for one instrument, has its rows once."""
    for data, narrow_first in ((tmp_path / "x", True), (tmp_path / "y", False)):
        asked = [(A_ONLY, ("A",)), (EVERYTHING, ("A", "B"))]
        for request, names in asked if narrow_first else reversed(asked):
            put(data, at(0), _lines(0, *names), request)
            bring_in(data)
    put(tmp_path / "alone", at(0), _lines(0, "A", "B"))
    bring_in(tmp_path / "alone")
    assert same_rows(rows(tmp_path / "x"), rows(tmp_path / "alone"))
    assert same_rows(rows(tmp_path / "y"), rows(tmp_path / "alone"))
    before = identities(tmp_path / "x" / "lake")
    put(tmp_path / "x", at(0), _lines(0, "B"), Request(EXCHANGE, "tardis", None, ("B",)))
    assert bring_in(tmp_path / "x").written == []
    assert identities(tmp_path / "x" / "lake") == before


def test_same_minute_from_two_origins_counts_once(tmp_path: Path) -> None:
    """What was imported and downloaded as well is in the lake once, from one of the two."""
    for request in (EVERYTHING, IMPORTED):
        put(tmp_path, at(0), _lines(0, "A", "B"), request)
    bring_in(tmp_path)
    assert items(tmp_path).height == 12
    assert items(tmp_path, "trades").height == 2
    with connect(tmp_path) as connection:
        origins = connection.execute("select distinct origin from depth_messages").fetchall()
    assert len(origins) == 1


def test_partly_overlapping_requests_merge(tmp_path: Path) -> None:
    """A from one request, C from another, B from both: each once, as if asked at once."""
    put(tmp_path / "merged", at(0), _lines(0, "A", "B"), AB)
    put(tmp_path / "merged", at(0), _lines(0, "B", "C"), BC)
    put(tmp_path / "once", at(0), _lines(0, "A", "B", "C"))
    for data in (tmp_path / "merged", tmp_path / "once"):
        bring_in(data)
    assert items(tmp_path / "merged").equals(items(tmp_path / "once"))
    assert items(tmp_path / "merged", "trades").equals(items(tmp_path / "once", "trades"))
    assert compare_books(tmp_path / "merged", EXCHANGE).first_different is None
    with connect(tmp_path / "merged") as connection:
        shadowed = connection.execute("select sum(shadowed) from ingests").fetchone()
    assert shadowed == (7,)  # B's six books and one trade in the slice that does not count


def test_minutes_of_several_requests_make_one_day(tmp_path: Path) -> None:
    """A wide request and a narrow one that lie side by side in time are one feed without a hole."""
    put(tmp_path / "both", at(0), _lines(0, "A", "B"))
    put(tmp_path / "both", at(1), _lines(1, "A", "B"), AB)
    put(tmp_path / "one", at(0), _lines(0, "A", "B"))
    put(tmp_path / "one", at(1), _lines(1, "A", "B"))
    for data in (tmp_path / "both", tmp_path / "one"):
        bring_in(data)
    assert items(tmp_path / "both").equals(items(tmp_path / "one"))


# --- corrupt slices ----------------------------------------------------------------------------


def _stored(data: Path) -> None:
    for minute in range(3):
        put(data, at(minute), [depth(at(minute, 0), [[10 + minute, 1]], [[20, 1]], instrument="A")])
    bring_in(data)


def _book(data: Path, second: int) -> list[tuple[float]]:
    with connect(data) as connection:
        time = at(0, second).replace(tzinfo=None)
        query = "select price from book_at('A', ?) where side = 'bid'"
        return connection.execute(query, [time]).fetchall()


@pytest.mark.parametrize("hidden", [False, True])
def test_corrupt_slice_counts_as_not_fetched(cli: Cli, tmp_path: Path, *, hidden: bool) -> None:
    """A slice that broke on disk is named, exit code 3, and no book is known in its minute."""
    data = tmp_path / "data"
    _stored(data)
    assert [_book(data, second) for second in (30, 90, 150)] == [[(10.0,)], [(11.0,)], [(12.0,)]]
    path = data / "raw" / EXCHANGE / EVERYTHING.folder / "2020/08/01/00/01.json.gz"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF  # in the checksum: only a reader who goes to the end can tell
    path.write_bytes(content)
    if hidden:  # and the manifest still vouches for it, until someone reads it
        os.utime(path, ns=times)
    done = cli("ingest", "--rebuild") if hidden else cli("ingest")
    assert done.returncode == 3, done.stderr
    assert f"{EVERYTHING.folder}/2020/08/01/00/01.json.gz" in done.stderr
    assert "slices_corrupt       1\n" in done.stdout
    assert [_book(data, second) for second in (30, 90, 150)] == [[(10.0,)], [], [(12.0,)]]
    with connect(data) as connection:
        gaps = connection.execute(
            "select start::varchar, stop::varchar from gaps where cause = 'not_fetched' order by 1"
        ).fetchall()
    assert gaps[0] == ("2020-08-01 00:01:00", "2020-08-01 00:02:00")
    again = cli("ingest", "--json")
    assert again.returncode == 3, "still lacking, so still said"
    assert json.loads(again.stdout)["days_ingested"] == 0
    put(data, at(1), [depth(at(1), [[11, 1]], [[20, 1]], instrument="A")])
    assert bring_in(data).corrupt == {}
    assert _book(data, 90) == [(11.0,)]


def test_day_of_corrupt_slices_only_is_no_empty_day(cli: Cli, tmp_path: Path) -> None:
    """A day of which nothing can be read is lacking; it is not a day on which nothing happened."""
    path = put(tmp_path / "data", at(0), ["x"])
    path.write_bytes(path.read_bytes()[:-1])
    done = cli("ingest")
    assert done.returncode == 3, done.stderr
    assert "00/00.json.gz" in done.stderr
    assert partitions(tmp_path / "data") == []


# --- kill -9 -----------------------------------------------------------------------------------


def _dying(data: str, last: int) -> None:
    """Run the command line, and kill it at the n-th time that it touches the data folder.

    Says how often that was, if it lives to its end.
    """
    touched = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal touched
        if event in {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}:
            path = arguments[0]
            if isinstance(path, str | bytes) and os.fsdecode(path).startswith(data):
                touched += 1
                if touched == last:
                    os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    command_line.main(standalone_mode=False)
    print(touched)  # noqa: T201 - to who counts


def _killed_at(data: Path, touches: int) -> subprocess.CompletedProcess[str]:
    arguments = ("--data", str(data), "ingest", "--jobs", "1")
    main = partial(_dying, str(data), touches)
    return commands.run(arguments, clean_environment(), timeout=60, main=main)


def _drafts(data: Path) -> list[Path]:
    try:
        found = [path for path in data.rglob("*") if path.is_file()]
    except FileNotFoundError:  # a folder of drafts went while it was looked at
        return _drafts(data)
    return [path for path in found if "_drafts" in path.parts or ".drafts" in path.parts]


def _check_after_kill(data: Path, undisturbed: Path) -> None:
    """Whatever is there is whole; then the next run, and the lake is as if nothing had happened."""
    for path in partitions(data):
        pl.read_parquet(path, hive_partitioning=False)
    ingest_range(data, EXCHANGE, None, None, jobs=1)
    assert _drafts(data) == []
    assert same_rows(rows(data), rows(undisturbed))
    assert contents(data) == contents(undisturbed)


def test_killed_anywhere_the_next_run_ends_in_the_same_lake(
    three_days: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """A kill -9 at any of its steps costs a run what it was at, never a row; no litter stays."""
    done = _killed_at(copy_of(three_days, tmp_path / "counted"), 0)
    steps = int(done.stdout.splitlines()[-1])
    assert steps > 100
    chosen = random.Random(20200801)
    width = steps // 3
    kills = [start + chosen.randrange(width) for start in range(1, width * 3, width)]
    for kill in kills:
        data = copy_of(three_days, tmp_path / f"killed{kill}")
        assert _killed_at(data, kill).returncode == -signal.SIGKILL
        _check_after_kill(data, undisturbed)


def test_killed_again_and_again_it_still_arrives(
    three_days: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """A machine that goes down during every run loses nothing of the days that were done."""
    data = copy_of(three_days, tmp_path / "data")
    for kill in (90, 30):
        assert _killed_at(data, kill).returncode == -signal.SIGKILL
    _check_after_kill(data, undisturbed)


def test_killed_with_workers(three_days: Path, undisturbed: Path, tmp_path: Path) -> None:
    """Only the run itself is killed: its workers end with it, and the next run does not mind."""
    data = copy_of(three_days, tmp_path / "data")
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "--data", str(data), "ingest", "--jobs", "2"],
        env=clean_environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        # Ends by itself when the files are there, or when the run is over.
        while process.poll() is None and len(partitions(data)) + len(_drafts(data)) < 10:
            pass
        assert process.poll() is None, "it was over before it could be killed"
        process.kill()
        process.wait()
        _check_after_kill(data, undisturbed)
        # Workers hold the other end of the pipe: it is at its end when the last one has gone.
        assert select.select([process.stdout], [], [], 20)[0], "workers outlive their run"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
    assert contents(data) == contents(undisturbed)
    assert bring_in(data).written == []


def test_a_slice_that_is_found_whole_but_cannot_be_read_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that fails now and then. It must not be read again and again for ever."""
    path = put(tmp_path, at(0), minute_of(at(0)))

    def fail(*_: object) -> None:
        raise SliceCorrupt(path, "an error of the disk")

    monkeypatch.setattr("pipeline.day_ingest.read_part", fail)
    with pytest.raises(SliceCorrupt, match="an error of the disk"):
        bring_in(tmp_path)
    monkeypatch.undo()
    bring_in(tmp_path)
    assert rows(tmp_path)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_to_a_process_that_ingests_a_day(tmp_path: Path, sent: signal.Signals) -> None:
    """An interrupt is left to the run. One that is killed ends the run with a sentence."""
    for day in range(3):
        put(tmp_path, at(1440 * day), minute_of(at(1440 * day)))
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(bring_in, tmp_path, jobs=2)
        while len(multiprocessing.active_children()) < 2 and not done.done():  # both are started
            time.sleep(0.001)
        os.kill(multiprocessing.active_children()[0].pid or 0, sent)
        if sent == signal.SIGKILL:
            with pytest.raises(WorkerLost, match="was killed"):
                done.result(60)
            bring_in(tmp_path)
        else:
            done.result(60)
    assert len(Catalogue(Lake(tmp_path, EXCHANGE)).days) == 3
    for child in multiprocessing.active_children():
        child.join(60)  # one that had yet to begin ends as soon as it sees that the run is over
    assert multiprocessing.active_children() == []


def test_lines_that_can_not_be_read_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many only the beginning is shown; how long they are is told of all."""
    monkeypatch.setattr("pipeline.normalize.slice_reader._RAW_SHOWN_OF_A_PART", 200_000)
    monkeypatch.setattr("pipeline.normalize.day._BYTES_PER_FLUSH", 100_000)
    lengths = [70_000, 60_000, 70_000, 50_000, 2_000, 900, 70_000]
    put(tmp_path, at(0), ["x" * length for length in lengths])
    bring_in(tmp_path)
    with connect(tmp_path) as connection:
        found = connection.execute("select len(raw), raw_bytes from quarantine order by line")
        shown, whole = zip(*found.fetchall(), strict=True)
    assert list(whole) == lengths
    assert list(shown) == [65_536, 60_000, 65_536, 8_928, 1_024, 900, 1_024]
