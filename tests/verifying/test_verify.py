"""Whatever is planted is found, and mended where raw has it; a sound lake of messy raw is sound."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from pipeline.backfill import backfill
from pipeline.digest import sha256_of
from pipeline.lake import Lake
from pipeline.manifest import read_manifest
from pipeline.normalize import depth, trades
from pipeline.simulator import TardisSimulator
from pipeline.sources.files import adopt
from pipeline.times import Range
from pipeline.verifying import VerifyReport, repair, verify
from pipeline.verifying.replaying import check_books
from tests import two_recorders as two_recorders_of
from tests import worlds
from tests.lakes import EXCHANGE, TODAY, bring_in, ingest, put
from tests.making import at, trade, write_minute
from tests.making import depth as book_line
from tests.world import KEY, SWAP, around_midnight, history, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.config import Settings
    from pipeline.normalize.columns import Columns

SPAN = "2020-08-01T23:55", "2020-08-02T00:05"


@pytest.fixture(scope="module", name="sound")
def _sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder that a backfill has filled, and the service's slices beside it."""
    folder = tmp_path_factory.mktemp("sound")
    slices = history(folder / "slices", around_midnight(5))
    with TardisSimulator(slices, key=KEY).running() as url:
        backfill(settings(folder / "data", url, key=KEY), Range.parse(*SPAN), jobs=1)
    return folder


@pytest.fixture(name="data")
def _data(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound / "data", tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(name="service")
def _service(sound: Path, data: Path) -> Iterator[Settings]:
    with TardisSimulator(sound / "slices", key=KEY).running() as url:
        yield settings(data, url, key=KEY)


def found(report: VerifyReport) -> dict[str, int]:
    """Return how many differences each check found, of those that found any."""
    return {of.name: len(of.differences) for of in report.checks if of.differences}


def partition(data: Path, table: str = "depth") -> Path:
    """Return a file of the lake."""
    return Lake(data, EXCHANGE).partition(table, SWAP, TODAY)


def a_slice(data: Path) -> Path:
    """Return a slice with data."""
    (path,) = (data / "raw").glob("*/*/2020/08/01/23/57.json.gz")
    return path


def edit(data: Path, table: str, column: str, change: Callable[[Any], Any]) -> None:
    """Change a value in the middle of a file of the lake, which is whole and says so itself."""
    path = partition(data, table)
    before = pq.read_table(path)
    rows = pl.DataFrame(before)
    values = rows[column].to_list()
    place = len(values) // 2
    values[place] = change(values[place])
    edited = rows.with_columns(pl.Series(column, values, dtype=rows[column].dtype)).to_arrow()
    pq.write_table(edited.cast(before.schema).replace_schema_metadata(before.schema.metadata), path)


def with_hashes_again(data: Path) -> None:
    """Write the digests of the files as they are now into the manifest."""
    lake = Lake(data, EXCHANGE)
    manifest = read_manifest(lake, TODAY)
    assert manifest is not None
    path = lake.manifest(TODAY)
    told = json.loads(path.read_bytes())
    for of in told["files"]:
        file = lake.partition(of["table"], of.get("instrument"), TODAY)
        of["sha256"], of["bytes"] = sha256_of(file), file.stat().st_size
    path.write_text(json.dumps(told))


def flip(path: Path) -> None:
    """Turn one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def swap(one: Path, other: Path) -> None:
    """Let two files have each other's place."""
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def edit_and_hide(data: Path) -> None:
    """Change a price, and write digests over it."""
    edit(data, "trades", "price", lambda price: price + 1)
    with_hashes_again(data)


def stale(data: Path) -> None:
    """Put a manifest of raw in place of the one of that day that does not know a slice."""
    (path,) = (data / "raw").glob("*/*/2020/08/01/manifest.json")
    told = json.loads(path.read_bytes())
    told["slices"]["23:57"]["sha256"] = "0" * 64
    path.write_text(json.dumps(told))


PLANTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit in the lake": (lambda data: flip(partition(data)), "partitions"),
    "a flipped bit in raw": (lambda data: flip(a_slice(data)), "slices"),
    "a lost file of the lake": (lambda data: partition(data, "trades").unlink(), "partitions"),
    "a lost slice": (lambda data: a_slice(data).unlink(), "slices"),
    "a swapped partition": (
        lambda data: swap(
            partition(data), Lake(data, EXCHANGE).partition("depth", "FLEX-USD", TODAY)
        ),
        "partitions",
    ),
    "a truncated slice": (
        lambda data: a_slice(data).write_bytes(a_slice(data).read_bytes()[:-40]), "slices"
    ),
    "an edited row": (
        lambda data: edit(data, "depth", "bid_price", lambda price: price + 0.5), "partitions"
    ),
    "a stale manifest of raw": (stale, "slices"),
    "a stale manifest of the lake": (
        lambda data: shutil.copy(
            Lake(data, EXCHANGE).manifest(TODAY.replace(day=2)),
            Lake(data, EXCHANGE).manifest(TODAY),
        ),
        "partitions",
    ),
    "hashes written again over edited rows": (edit_and_hide, "remade"),
    "a file that nobody knows": (
        lambda data: shutil.copytree(
            partition(data).parent, Lake(data, EXCHANGE).partition("depth", "X", TODAY).parent
        ),
        "partitions",
    ),
}  # fmt: skip


def test_a_sound_lake_is_as_it_should_be(data: Path) -> None:
    """Every check has looked at something, and says what it proves and what it can't."""
    report = verify(data, EXCHANGE, sample=None, minutes=None)
    assert found(report) == {}
    for check in report.checks:
        assert check.looked_at > 0, check.name
        assert check.proves
        assert check.cannot
    report.raise_if_different()


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found_and_repaired(service: Settings, data: Path, name: str) -> None:
    """By the check that is for it, without looking at every day; then all is as it was."""
    plant, check = PLANTED[name]
    plant(data)
    report = verify(data, EXCHANGE)
    assert check in found(report), found(report)
    with pytest.raises(Exception, match="differ"):
        report.raise_if_different()
    repair(service, report, jobs=1)
    assert found(verify(data, EXCHANGE, sample=None, minutes=None)) == {}


EDITS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "a best price": ("bid_price", lambda price: price + 0.5, "1 row: has another best"),
    "a change": (
        "bid_change_amount", lambda amounts: [amount + 1 for amount in amounts] or [1], ""
    ),
    "an amount more than prices": (
        "ask_change_amount", lambda amounts: [*amounts, 1], "not of the same lengths"
    ),
    "a keyframe's name": ("keyframe", lambda _: 1, "rests on no keyframe"),
    "a row's place": ("message", lambda message: message + 1, "1 row: is not in its place"),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_rows_that_the_changes_do_not_lead_to_are_found(data: Path, name: str) -> None:
    """Without raw, by the lake alone."""
    column, change, words = EDITS[name]
    assert check_books(Lake(data, EXCHANGE), [(SWAP, TODAY)]).differences == []
    edit(data, "depth", column, change)
    (found,) = check_books(Lake(data, EXCHANGE), [(SWAP, TODAY)]).differences
    assert found.day == TODAY
    assert words in str(found)


def test_what_can_not_be_had_again_is_said(data: Path, service: Settings) -> None:
    """A slice that was imported and is broken: it is put aside, and the day made without it."""
    adopt(data, EXCHANGE, write_other(data), origin="import", instruments=["OTHER"])
    bring_in(data)
    (path,) = (data / "raw").glob("*/import-*/2020/08/01/23/50.json.gz")
    flip(path)
    done = repair(service, verify(data, EXCHANGE), jobs=1)
    assert any("import" in line for line in done.left)
    assert done.put_aside
    assert not path.exists()
    assert (data / "raw" / EXCHANGE / ".broken").is_dir()


def write_other(data: Path) -> Path:
    """Write a slice of an instrument that Tardis does not have."""
    folder = data.parent / "imported"
    lines = [book_line(at(1430, 1), [[1, 1]], [[2, 1]], instrument="OTHER")]
    lines += [trade(at(1430, 2 + n), str(10 + n), "1", instrument="OTHER") for n in range(50)]
    write_minute(folder, at(1430), lines)
    return folder


def test_raw_that_is_gone_leaves_a_day_unproved(data: Path) -> None:
    """It is not known to be wrong, and the check says so."""
    for folder in (data / "raw").glob("*/*/2020"):
        shutil.rmtree(folder)
    report = verify(data, EXCHANGE, sample=None)
    assert found(report) == {}
    unproved = {of.name for of in report.checks if of.unprovable}
    assert {"slices", "sources", "remade", "minutes"} <= unproved


def test_messy_raw_in_a_true_lake_is_no_difference(tmp_path: Path) -> None:
    """Rubbish, repeats, restarts, bad checksums, other channels, holes: the lake says so."""
    for minute in (0, 1, 3, 4):
        good = [
            book_line(at(minute, n), [[1 + n, 1], [0.5, 2]], [[20, 1]], seq=minute * 100 + 3 * n,
                      checksum=5 * (n % 2)) for n in range(6)
        ]  # fmt: skip
        lines = [*good, "rubbish", good[-1], "", *good[:2],
                 book_line(at(minute, 30), [[1, 1]], [[2, 1]], table="depthL5"),
                 book_line(at(minute, 31), [], [[2, 1]], seq=1),
                 trade(at(minute, 32), "1.5", "2"), trade(at(minute, 32), "1.5", "2"),
                 book_line(at(minute, 31), [[3, 1]], [[2, 1], [2, 5]], seq=10**12)]  # fmt: skip
        put(tmp_path, at(minute), lines)
    ingest(tmp_path, EXCHANGE)
    report = verify(tmp_path, EXCHANGE, sample=None, minutes=None)
    assert [str(of) for of in report.differences] == []


def a_market(folder: Path) -> Path:
    """Make a market with everything that goes wrong in one, messages that are no book too."""
    return worlds.make(folder, 0).data


def two_recorders(folder: Path) -> Path:
    """Make a history, and what was recorded live, which fills its holes."""
    two_recorders_of.World.of(0).write(folder)
    ingest(folder, EXCHANGE)
    return folder


@pytest.mark.parametrize("world", [a_market, two_recorders])
def test_a_random_world_is_no_difference(tmp_path: Path, world: Callable[[Path], Path]) -> None:
    """Whatever is in it, to the last minute."""
    report = verify(world(tmp_path), EXCHANGE, sample=None, minutes=None, jobs=1)
    assert [str(of) for of in report.differences] == []
    assert all(check.looked_at for check in report.checks)


def swapped(messages: Columns) -> None:
    """Take bids for asks."""
    for what in ("change_price", "change_amount"):
        lists = messages.lists
        lists[f"bid_{what}"], lists[f"ask_{what}"] = lists[f"ask_{what}"], lists[f"bid_{what}"]
    rows = messages.rows
    rows["bid_changes"], rows["ask_changes"] = (
        rows["ask_changes"].copy(), rows["bid_changes"].copy(),
    )  # fmt: skip


@pytest.mark.parametrize("mutation", ["swap sides", "drop a level", "carry a book", "lose amounts"])
def test_a_wrong_normalizer_is_found(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    """Though it makes the same mistake again: some minutes are read without it."""
    _mutate(monkeypatch, mutation)
    adopt(tmp_path / "data", EXCHANGE, sound / "slices")
    ingest(tmp_path / "data", EXCHANGE, jobs=1)
    report = verify(tmp_path / "data", EXCHANGE, jobs=1)
    assert "minutes" in found(report), found(report)
    assert "remade" not in found(report)


def _mutate(monkeypatch: pytest.MonkeyPatch, mutation: str) -> None:
    """Let the normalizer make a mistake."""
    take = depth.DepthFeed.take
    if mutation == "swap sides":

        def wrongly(self: depth.DepthFeed, messages: Columns, last: Any) -> None:
            swapped(messages)
            take(self, messages, last)

        monkeypatch.setattr(depth.DepthFeed, "take", wrongly)
    elif mutation == "drop a level":

        def without(self: depth.DepthFeed, messages: Columns, last: Any) -> None:
            amounts = messages.lists["bid_change_amount"]
            amounts[amounts == 3] = 0.0
            take(self, messages, last)

        monkeypatch.setattr(depth.DepthFeed, "take", without)
    elif mutation == "carry a book":
        monkeypatch.setattr("pipeline.normalize.day.Coverage.disconnect", lambda _self, _at: None)
    else:
        made = trades.trades_frame
        monkeypatch.setattr(
            "pipeline.normalize.day.trades_frame", lambda of: made(of).with_columns(amount=0.0)
        )
