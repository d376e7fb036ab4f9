from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tardis_client import Channel

from pipeline.backfill import plan_backfill
from pipeline.errors import UsageError
from pipeline.simulator import TardisSimulator
from pipeline.slices import Door
from pipeline.sources.files import adopt
from pipeline.times import Range
from tests.making import DAY, at, write_minute
from tests.simulator.client import replay
from tests.world import NEXT_DAY, SWAP, history, last_minutes, raw_minutes, served, settings

if TYPE_CHECKING:
    from pathlib import Path

SPAN = ("2020-08-01T23:54", "2020-08-02T00:00")


def cache_of(tmp_path: Path, url: str, filters: list[Channel]) -> Path:
    """Let Tardis's own client fill its cache, and return the folder of these filters."""
    replay(url, tmp_path / "cache", SPAN, filters)
    (folder,) = (tmp_path / "cache" / "feeds" / "coinflex").iterdir()
    return folder


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return all files below a folder, their sizes and times."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def test_cache_of_tardis_client(tmp_path: Path) -> None:
    """What the official client has cached unfiltered makes every download of it needless."""
    minutes = last_minutes(6)
    slices, data = history(tmp_path / "slices", minutes), tmp_path / "data"
    with TardisSimulator(slices).running() as url:
        folder = cache_of(tmp_path, url, [])
        before = files_of(folder)
        report = adopt(data, "coinflex", folder)
        for names in (None, [SWAP]):
            wanted = Range.parse(*SPAN)
            assert not list(plan_backfill(settings(data, url), wanted, instruments=names).minutes())
    assert (report.adopted, report.there, report.corrupt) == (6, 0, {})
    assert raw_minutes(data) == served(slices, minutes)
    assert files_of(folder) == before


def test_filtered_cache_of_tardis_client(tmp_path: Path) -> None:
    """A filtered cache counts for what it was filtered by, and for no more."""
    slices, data = history(tmp_path / "slices", last_minutes(6)), tmp_path / "data"
    with TardisSimulator(slices).running() as url:
        folder = cache_of(tmp_path, url, [Channel("futures/depth", [SWAP])])
        adopt(data, "coinflex", folder, channels=["depth"], instruments=[SWAP])

        def lacking(channels: list[str], instruments: list[str] | None) -> int:
            plan = plan_backfill(
                settings(data, url), Range.parse(*SPAN), channels=channels, instruments=instruments
            )
            return len(list(plan.minutes()))

        assert lacking(["depth"], [SWAP]) == 0
        assert lacking(["depth"], None) == 6
        assert lacking(["depth", "trade"], [SWAP]) == 6


def test_adopting_twice_writes_nothing(tmp_path: Path) -> None:
    """The second time everything is there already."""
    slices, data = history(tmp_path / "slices", last_minutes(6)), tmp_path / "data"
    adopt(data, "coinflex", slices)
    before = files_of(data / "raw")
    report = adopt(data, "coinflex", slices)
    assert (report.adopted, report.there) == (0, 5)
    assert files_of(data / "raw") == before


def test_broken_files_are_named_and_stay_out(tmp_path: Path) -> None:
    """A file that is no whole gzip is told with its reason, and takes no other with it."""
    slices, data = history(tmp_path / "slices", last_minutes(4)), tmp_path / "data"
    cut = slices / "2020/08/01/23/57.json.gz"
    cut.write_bytes(cut.read_bytes()[:-9])
    text = slices / "2020/08/01/23/59.json.gz"
    text.write_text("no gzip")
    report = adopt(data, "coinflex", slices)
    assert list(report.corrupt) == [str(cut), str(text)]
    assert all(report.corrupt.values())
    assert report.adopted == 1
    assert list(raw_minutes(data)) == ["2020/08/01/23/56"]
    assert not list((data / "raw" / "coinflex").glob(".drafts/*"))


def test_whole_slice_is_not_replaced(tmp_path: Path) -> None:
    """Slices are immutable: a file that says something else does not overwrite one."""
    data = tmp_path / "data"
    adopt(data, "coinflex", write_minute(tmp_path / "one", DAY, ["first"]).parents[4])
    report = adopt(data, "coinflex", write_minute(tmp_path / "two", DAY, ["second"]).parents[4])
    assert (report.adopted, report.there) == (0, 1)
    assert list(raw_minutes(data).values()) == [b"first\n"]


def test_broken_slice_is_replaced(tmp_path: Path) -> None:
    """Where raw/ has a damaged slice, a whole file takes its place."""
    data = tmp_path / "data"
    adopt(data, "coinflex", write_minute(tmp_path / "one", DAY, ["first"]).parents[4])
    (path,) = data.glob("raw/coinflex/*/2020/*/*/*/*.json.gz")
    path.write_bytes(path.read_bytes()[:-1])
    report = adopt(data, "coinflex", tmp_path / "one")
    assert (report.adopted, report.there) == (1, 0)
    assert list(raw_minutes(data).values()) == [b"first\n"]


def test_only_whole_minutes_by_name(tmp_path: Path) -> None:
    """Drafts of a client, impossible times and other files are no slices."""
    folder = tmp_path / "cache"
    good = write_minute(folder, at(0), ["x"])
    for name in ("2020/08/01/00/01.json.gz0a1b.unconfirmed", "2020/02/30/00/00.json.gz",
                 "2020/08/01/24/00.json.gz", "2020/08/01/00/60.json.gz",
                 "2020/08/01/00/002.json.gz", "notes/a/b/c/00.json.gz"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(good.read_bytes())
    assert adopt(tmp_path / "data", "coinflex", folder).adopted == 1
    assert list(raw_minutes(tmp_path / "data")) == ["2020/08/01/00/00"]


def test_folder_above_the_years(tmp_path: Path) -> None:
    """Given the cache instead of the folder of one request, it says which folder would work."""
    history(tmp_path / "cache/feeds/coinflex/0123abcd", [NEXT_DAY])
    with pytest.raises(UsageError) as caught:
        adopt(tmp_path / "data", "coinflex", tmp_path / "cache")
    assert str(tmp_path / "cache/feeds/coinflex/0123abcd") in str(caught.value)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["missing", "empty", "file", "flat"])
def test_folder_without_slices(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that holds none, or that isn't there, is named with the form that would work."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "05.json.gz").write_bytes(b"")
    with pytest.raises(UsageError, match=rf"{name}.*YYYY/MM/DD/HH/MM\.json\.gz"):
        adopt(tmp_path / "data", "coinflex", (tmp_path / name).relative_to(tmp_path))


@pytest.mark.parametrize("origin", ["", "Tardis", "../x", "a b", "9to5"])
def test_origin_is_a_word(tmp_path: Path, origin: str) -> None:
    """It becomes part of a folder's name and of every row's lineage."""
    slices = history(tmp_path / "slices", [DAY])
    with pytest.raises(UsageError, match="--origin"):
        adopt(tmp_path / "data", "coinflex", slices, origin=origin)


def test_origin_tells_whence(tmp_path: Path) -> None:
    """Slices keep apart by origin, so that two recordings of one minute are never mixed."""
    slices, data = history(tmp_path / "slices", [DAY]), tmp_path / "data"
    adopt(data, "coinflex", slices, origin="friend")
    adopt(data, "coinflex", slices)
    found = Door(data, "coinflex").requests()
    assert sorted(request.origin for request in found) == ["friend", "import"]
