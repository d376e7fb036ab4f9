"""A thinned slice is the slice: the same lines, the same facts, and nothing else notices."""

from __future__ import annotations

import gzip
import os
import shutil
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from backports import zstd

from pipeline.catalogue import Catalogue
from pipeline.config import RetentionSettings
from pipeline.errors import SliceCorrupt, UsageError
from pipeline.lake import Lake
from pipeline.lake_version import version_of
from pipeline.retention import retain
from pipeline.retention.thinning import thin, thinnable
from pipeline.slice_file import examine
from pipeline.slices import Door
from pipeline.sources.files import adopt
from pipeline.verifying import verify
from tests.conftest import ROOT
from tests.lakes import EXCHANGE, ingest, rows, same_rows
from tests.making import at, write_minute

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.retention import RetentionReport
    from pipeline.slices import DayOfSlices

DAY = date(2020, 8, 1)
NOW = datetime(2020, 9, 15, 3, tzinfo=UTC)
SAMPLE = ROOT / "data" / "sample"
THIN = RetentionSettings("thin", after_days=30)
FIRST = 23 * 60 + 54
_MINUTES, _LINES = 3, 200


@pytest.fixture(scope="module", name="slices")
def _slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the beginnings of three recorded minutes."""
    folder = tmp_path_factory.mktemp("slices")
    for number, path in enumerate(sorted(SAMPLE.rglob("*.json.gz"))[:_MINUTES]):
        lines = gzip.decompress(path.read_bytes()).split(b"\n")
        write_minute(folder, at(FIRST + number), lines[:_LINES])
    return folder


@pytest.fixture(scope="module", name="sound")
def _sound(slices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with these minutes, which are in the lake."""
    data = tmp_path_factory.mktemp("sound")
    adopt(data, EXCHANGE, slices)
    ingest(data, EXCHANGE)
    return data


@pytest.fixture(name="data")
def _data(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "data")


def day_of(data: Path) -> DayOfSlices:
    """Return the day's slices, as the files say."""
    door = Door(data, EXCHANGE)
    (request,) = door.requests()
    return door.day(request, DAY)


def thinned(data: Path) -> RetentionReport:
    """Thin what is there."""
    return retain(data, EXCHANGE, THIN, NOW)


def test_the_same_lines_are_there_in_less(slices: Path, data: Path) -> None:
    """Each is a zstd file that anyone can read; the gzip is gone."""
    before = day_of(data)
    size = sum(path.stat().st_size for path in (data / "raw").rglob("*.json.gz"))
    report = thinned(data)
    assert not list((data / "raw").rglob("*.json.gz"))
    after = day_of(data)
    assert (report.slices_thinned, report.left) == (_MINUTES, {})
    assert size - report.bytes_freed == sum(
        path.stat().st_size for path in (data / "raw").rglob("*.json.zst")
    )
    assert report.bytes_freed > size / 10
    for minute, facts in before.slices.items():
        path = after.path(minute)
        told = zstd.decompress(path.read_bytes())
        assert told == gzip.decompress((slices / path.relative_to(after.folder.parents[2]))
                                       .with_suffix(".gz").read_bytes())  # fmt: skip
        now = after.slices[minute]
        assert (now.sha256, now.bytes, now.lines, now.first, now.last) == (
            facts.sha256, facts.bytes, facts.lines, facts.first, facts.last,
        )  # fmt: skip


def test_the_lake_is_as_it_was(data: Path) -> None:
    """It is up to date, made again it is the same, and it is proved from what is there."""
    before = rows(data)
    version = version_of(EXCHANGE, Catalogue(Lake(data, EXCHANGE)))
    thinned(data)
    assert ingest(data, EXCHANGE).up_to_date == [DAY.isoformat()]
    assert ingest(data, EXCHANGE, rebuild=True).written == [DAY.isoformat()]
    assert same_rows(rows(data), before)
    assert version_of(EXCHANGE, Catalogue(Lake(data, EXCHANGE))) == version
    report = verify(data, EXCHANGE, sample=None, minutes=None)
    assert [str(of) for of in report.differences] == []
    assert all(check.looked_at and not check.unprovable for check in report.checks)


def test_a_thinned_folder_is_not_imported_in_part(data: Path, tmp_path: Path) -> None:
    """Its small slices are gzip still: they alone would be adopted."""
    thinned(data)
    (request,) = Door(data, EXCHANGE).requests()
    with pytest.raises(UsageError, match="thinned"):
        adopt(tmp_path / "other", EXCHANGE, data / "raw" / EXCHANGE / request.folder)


def test_a_second_run_has_nothing_to_do(data: Path) -> None:
    """Nor has one that keeps, or one for which the day is too young."""
    young = retain(data, EXCHANGE, THIN, datetime(2020, 8, 31, 23, tzinfo=UTC))
    kept = retain(data, EXCHANGE, RetentionSettings("keep", 1), NOW)
    assert young.slices_thinned == kept.slices_thinned == 0
    thinned(data)
    assert thinned(data).slices_thinned == 0


def test_a_budget_of_time_is_kept(data: Path) -> None:
    """What is left is for the next run."""
    report = retain(data, EXCHANGE, THIN, NOW, spent=lambda: "time")
    assert (report.slices_thinned, report.stopped_by) == (0, "time")


def test_what_a_slice_was_made_from_is_known_without_the_manifest(data: Path) -> None:
    """It says so itself: the lake is still up to date."""
    thinned(data)
    (manifest,) = (data / "raw").rglob("manifest.json")
    manifest.unlink()
    assert ingest(data, EXCHANGE).up_to_date == [DAY.isoformat()]


@pytest.mark.parametrize("left", ["before the gzip went", "before it was written down"])
def test_killed_while_it_thins(data: Path, left: str) -> None:
    """Both files are there, or the manifest says what was before: the day is the same."""
    day = day_of(data)
    gzip_file, facts = day.path(FIRST), day.slices[FIRST]
    kept = gzip_file.read_bytes()
    thin(day, FIRST)  # nothing saves the manifest
    if left == "before the gzip went":
        gzip_file.write_bytes(kept)
    found = day_of(data)
    assert (found.slices[FIRST].sha256, found.corrupt) == (facts.sha256, {})
    assert ingest(data, EXCHANGE).up_to_date == [DAY.isoformat()]
    assert len(thinnable(found)) == _MINUTES - 1 + (left == "before the gzip went")
    assert thinned(data).left == {}
    assert not list((data / "raw").rglob("*.json.gz"))
    assert not [path for path in (data / "raw").rglob(".drafts/*") if path.is_file()]


def test_a_gzip_that_is_not_what_arrived_stays(data: Path) -> None:
    """A failing disk is not written down as the truth."""
    path = day_of(data).path(FIRST)
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    content = bytearray(path.read_bytes())
    content[4] ^= 1  # the time in its header, which no checksum holds
    path.write_bytes(content)
    os.utime(path, ns=times)
    report = thinned(data)
    assert path.exists()
    assert report.slices_thinned == _MINUTES - 1
    assert "not those that arrived" in report.left[DAY.isoformat()]


@pytest.mark.parametrize("place", [0, 20, -20])
def test_a_damaged_one_is_no_slice(data: Path, place: int) -> None:
    """Wherever it is: what it says of itself, its frame, its lines, its checksum."""
    thinned(data)
    path = day_of(data).path(FIRST)
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)
    found = {of.name: len(of.differences) for of in verify(data, EXCHANGE).checks if of.differences}
    assert "slices" in found
    if place != 20:  # a digit of a digest says nothing by itself; the lake's knows another one
        with pytest.raises(SliceCorrupt):
            examine(path)


@pytest.mark.parametrize("kept", [0, 8, 100, 0.5, -1])
def test_one_that_was_cut_off_is_no_slice(data: Path, kept: float) -> None:
    """Also where the cut is just behind what it says of itself, and nothing follows."""
    thinned(data)
    path = day_of(data).path(FIRST)
    content = path.read_bytes()
    end = int(len(content) * kept) if 0 < kept < 1 else int(kept)
    path.write_bytes(content[:end])
    assert FIRST in day_of(data).corrupt


def test_one_that_ends_behind_its_head_is_no_slice(data: Path) -> None:
    """Zstd finds nothing wrong with it: it says that it had lines."""
    thinned(data)
    path = day_of(data).path(FIRST)
    content = path.read_bytes()
    path.write_bytes(content[: 8 + int.from_bytes(content[4:8], "little")])
    assert "lines" in day_of(data).corrupt[FIRST]
