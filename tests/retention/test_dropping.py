"""What Tardis could serve again goes once its day is proved; nobody misses it, it comes back."""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING

import pytest

from pipeline.backfill import backfill
from pipeline.config import RetentionSettings
from pipeline.errors import LakeDiffers, RawDropped, SliceCorrupt
from pipeline.ingest import ingest
from pipeline.normalize import day
from pipeline.normalize.trades import trades_frame
from pipeline.retention import retain
from pipeline.slices import Door
from pipeline.sources.files import adopt
from pipeline.times import Range
from pipeline.verifying import repair, verify
from tests.lakes import EXCHANGE, rows, same_rows
from tests.making import at, trade, write_minute
from tests.sync.nights import MINUTES, NOW, SPAN, nights
from tests.world import KEY, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sync.nights import Nights

DROP = RetentionSettings("drop", after_days=1)
FREE, PAID = date(2020, 8, 1), date(2020, 8, 2)


@pytest.fixture(name="it")
def _it(tmp_path: Path) -> Iterator[Nights]:
    """Return a service, and what a night without any retention has left."""
    with nights(tmp_path) as it:
        it.run()
        it.asked()
        yield it


def raw_files(data: Path) -> list[Path]:
    """Return all files of slices."""
    return sorted((data / "raw").glob("*/*/*/*/*/*/*.json.*"))


def test_what_was_dropped_is_neither_missed_nor_asked_for(it: Nights) -> None:
    """The lake is as it was, and the nights that follow have nothing to do."""
    before, size = rows(it.data), sum(path.stat().st_size for path in raw_files(it.data))
    run = it.run(retention=DROP)
    assert raw_files(it.data) == []
    assert (run.slices_dropped, run.bytes_freed, run.outcome) == (10, size, "done")
    for retention in (DROP, RetentionSettings()):
        later = it.run(retention=retention)
        assert (later.requests, later.days_ingested, later.slices_dropped) == (0, 0, 0)
    assert it.asked() == []
    assert same_rows(rows(it.data), before)


def test_it_can_not_be_proved_any_more_and_is_not_called_wrong(it: Nights) -> None:
    """Each check that needs raw says so."""
    it.run(retention=DROP)
    report = verify(it.data, EXCHANGE, sample=None)
    assert [str(of) for of in report.differences] == []
    unproved = {of.name for of in report.checks if of.unprovable}
    assert {"slices", "remade", "minutes"} <= unproved


def test_a_day_is_left_as_it_is_rather_than_made_of_less(it: Nights) -> None:
    """Also where something else of it has come in, or somebody wants all days made again."""
    before = rows(it.data)
    it.run(retention=DROP)
    put_another(it.data)
    report = ingest(it.data, EXCHANGE, rebuild=True)
    assert (report.written, report.lacking_raw) == ([], [FREE, PAID])
    assert same_rows(rows(it.data), before)


def put_another(data: Path, minute: int = 1430) -> None:
    """Import a slice of another instrument, of the free day if not said otherwise."""
    folder = data.parent / "imported"
    write_minute(folder, at(minute), [trade(at(minute, 5), "10", "1", instrument="OTHER")])
    adopt(data, EXCHANGE, folder, instruments=["OTHER"])


def test_the_next_night_fetches_again_what_is_needed(it: Nights) -> None:
    """Of the day that is to be made again alone; then the lake has both."""
    it.run(retention=DROP)
    put_another(it.data)
    run = it.run()
    assert sorted(it.asked()) == MINUTES[:5]
    assert (run.days, run.days_lacking_raw) == ({"2020-08-01": "ingested"}, 0)
    assert not verify(it.data, EXCHANGE, days=[FREE], sample=None).differences
    assert list((it.data / "lake" / "trades").glob("*/instrument=OTHER/*/data.parquet"))


def test_a_night_that_can_not_fetch_what_is_needed_says_so(it: Nights) -> None:
    """The key is gone, and a paid day would be made again: it is not done, and not called so."""
    it.run(retention=DROP)
    put_another(it.data, 24 * 60 + 30)
    report = it.sync(key=None)
    assert isinstance(report.failure, RawDropped)
    assert (report.run.outcome, report.run.exit_code) == ("lacking", 3)
    assert (report.run.days_lacking_raw, report.run.days_ingested) == (1, 0)


def test_a_backfill_fetches_it_again_if_told_to(it: Nights) -> None:
    """And has nothing to do if not."""
    before = rows(it.data)
    it.run(retention=DROP)
    found = settings(it.data, it.url, key=KEY)
    assert backfill(found, Range.parse(*SPAN.values()), jobs=1).download.fetched == 0
    report = backfill(found, Range.parse(*SPAN.values()), dropped=True, jobs=1)
    assert report.download.fetched == len(MINUTES)
    assert len(raw_files(it.data)) == len(MINUTES)
    assert same_rows(rows(it.data), before)
    assert not verify(it.data, EXCHANGE, sample=None).differences


def test_one_more_minute_of_a_day_needs_the_others(it: Nights) -> None:
    """The day is made of all of them: it stays as it is until they are there."""
    before = rows(it.data)
    it.run(retention=DROP)
    found = settings(it.data, it.url, key=KEY)
    wider = Range.parse("2020-08-01T23:54", SPAN["end"])
    report = backfill(found, wider, jobs=1)
    assert it.asked() == [at(1434)]
    with pytest.raises(RawDropped):
        report.raise_if_lacking()
    assert same_rows(rows(it.data), before)
    backfill(found, wider, dropped=True, jobs=1).raise_if_lacking()


def test_a_broken_day_is_repaired_by_fetching_it_again(it: Nights) -> None:
    """Though nothing of raw is broken: it is needed."""
    before = rows(it.data)
    it.run(retention=DROP)
    (lost,) = (it.data / "lake" / "trades").glob("*/instrument=BTC*/date=2020-08-01/data.parquet")
    lost.unlink()
    report = verify(it.data, EXCHANGE)
    repair(settings(it.data, it.url, key=KEY), report, jobs=1)
    assert not verify(it.data, EXCHANGE).differences
    assert same_rows(rows(it.data), before)


def test_what_can_not_be_proved_stays(it: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake that says other than raw: raw is what it is repaired from."""
    monkeypatch.setattr(day, "trades_frame", lambda of: trades_frame(of).with_columns(amount=9.0))
    ingest(it.data, EXCHANGE, rebuild=True)
    monkeypatch.undo()
    there = raw_files(it.data)
    report = it.sync(retention=DROP)
    assert isinstance(report.failure, LakeDiffers)
    assert (report.run.outcome, report.run.exit_code) == ("failed", 2)
    assert raw_files(it.data) == there


def test_only_what_would_be_served_again_goes(it: Nights) -> None:
    """Without the key that is the free day; what is not served is counted."""
    run = it.run(key=None, retention=DROP)
    assert run.slices_dropped == 5
    left = [path.relative_to(it.data / "raw" / EXCHANGE).parts for path in raw_files(it.data)]
    assert {day for _, _, _, day, *_ in left} == {"02"}
    serves = {FREE: True, PAID: False}
    report = retain(it.data, EXCHANGE, DROP, NOW, serves=lambda _, day: serves[day], jobs=1)
    assert (report.slices_dropped, report.days_not_served) == (0, 1)


def test_a_day_of_which_there_is_anything_else_stays(it: Nights) -> None:
    """Were its manifest lost, it would be made of what is left."""
    put_another(it.data)
    it.run()
    run = it.run(retention=DROP)
    assert run.slices_dropped == 5
    assert len(raw_files(it.data)) == 6


def test_a_manifest_that_can_not_be_read_now_is_not_lost(it: Nights) -> None:
    """What was dropped is known by it alone: nothing is written over it."""
    it.run(retention=DROP)
    door = Door(it.data, EXCHANGE)
    (request,) = door.requests()
    manifest = door.day(request, FREE).folder / "manifest.json"
    kept = manifest.read_bytes()
    manifest.unlink()
    manifest.mkdir()
    with pytest.raises(SliceCorrupt, match="manifest"):
        door.day(request, FREE)
    manifest.rmdir()
    manifest.write_bytes(kept)
    assert len(door.day(request, FREE).dropped) == 5


def test_a_service_that_can_not_be_asked_would_serve_nothing(it: Nights) -> None:
    """Then nothing goes."""
    there = raw_files(it.data)
    it.sync(url="http://127.0.0.1:9", retention=DROP)
    assert raw_files(it.data) == there


@pytest.mark.parametrize("files", [0, 4])
def test_killed_while_it_drops(it: Nights, files: int) -> None:
    """What it had written down counts for files that are gone; those that are there are there."""
    door = Door(it.data, EXCHANGE)
    (request,) = door.requests()
    held = door.day(request, FREE)
    kept = {
        held.path(minute): held.path(minute).read_bytes() for minute in list(held.slices)[files:]
    }
    times = {path: path.stat() for path in kept}
    held.drop()
    for path, content in kept.items():
        put_back(path, content, times[path].st_mtime_ns)
    found = door.day(request, FREE)
    assert len(found.dropped) == files
    assert ingest(it.data, EXCHANGE).written == []
    report = retain(it.data, EXCHANGE, DROP, NOW, serves=lambda *_: True, jobs=1)
    assert report.left == {}
    assert raw_files(it.data) == []


def test_the_rest_of_a_day_goes_only_if_the_lake_was_made_of_it(it: Nights) -> None:
    """A part that came again is of no use to a proof; as long as another lacks it stays."""
    it.run(retention=DROP)
    found = settings(it.data, it.url, key=KEY)
    part = Range.parse("2020-08-01T23:56", "2020-08-01T23:57")
    backfill(found, part, dropped=True, jobs=1)
    (there,) = raw_files(it.data)
    assert ingest(it.data, EXCHANGE).written == []
    retain(it.data, EXCHANGE, DROP, NOW, serves=lambda *_: True, jobs=1)
    assert not there.exists()
    assert ingest(it.data, EXCHANGE).lacking_raw == []


def put_back(path: Path, content: bytes, mtime_ns: int) -> None:
    """Put a file back as it was."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(mtime_ns, mtime_ns))
