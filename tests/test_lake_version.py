"""The version of a lake: the same of the same data wherever it is made, another for other rows."""

from __future__ import annotations

import gzip
import json
import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import pipeline
from pipeline.content import Content
from pipeline.digest import sha256_of
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.lake_version import compare, lake_version, versions
from pipeline.manifest import read_manifest
from pipeline.schemas import SCHEMA_VERSION
from pipeline.sources.files import adopt
from pipeline.status import status_of
from tests.lakes import EXCHANGE, TODAY, bring_in, partitions, put
from tests.lakes import minute_of as lines_of
from tests.making import at, write_minute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli


def lake(data: Path, minutes: int = 3, *, level: int = 6) -> str:
    """Make a lake of some minutes of two days, compressed at a level; return its version."""
    for day in range(2):
        for minute in range(minutes):
            time = at(1440 * day + minute)
            path = write_minute(data / "slices", time, lines_of(time))
            path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), level))
    adopt(data, EXCHANGE, data / "slices")
    bring_in(data)
    version = lake_version(data, EXCHANGE)
    assert version is not None
    return version


def test_the_same_data_have_the_same_version(tmp_path: Path) -> None:
    """Whoever compressed the slices, and however often the lake was made."""
    first = lake(tmp_path / "one", level=1)
    other = lake(tmp_path / "other", level=9)
    assert first == other
    bring_in(tmp_path / "one", rebuild=True)
    assert lake_version(tmp_path / "one", EXCHANGE) == first
    assert first.startswith(f"coinflex-{SCHEMA_VERSION}-{pipeline.__version__}-")
    assert status_of(tmp_path / "one", EXCHANGE)["lake_version"] == first


def test_other_data_have_another_version(tmp_path: Path) -> None:
    """One more minute is enough; the versions before are known, and which days changed since."""
    data = tmp_path / "data"
    first = lake(data)
    put(data, at(5), lines_of(at(5)))
    bring_in(data)
    second = lake_version(data, EXCHANGE)
    assert second is not None
    assert second != first
    assert [of.version for of in versions(data, EXCHANGE)] == [first, second]
    found = compare(data, EXCHANGE, first)
    assert (found.old, found.new, found.is_same) == (first, second, False)
    assert (found.days_changed, found.days_added, found.days_removed) == (["2020-08-01"], [], [])
    assert not found.release_changed
    back = compare(data, EXCHANGE, second.rpartition("-")[2], first)
    assert (back.old, back.new) == (second, first)
    with pytest.raises(UsageError, match=first):
        compare(data, EXCHANGE, "coinflex-5-0.1.0-000000000000")


def test_an_ingest_of_some_instruments_keeps_what_others_have(tmp_path: Path) -> None:
    """The day's manifest has the files of all, and they are as it says."""
    data = tmp_path / "data"
    version = lake(data)
    bring_in(data, instruments=["A"], rebuild=True)
    assert lake_version(data, EXCHANGE) == version
    assert_manifest_is_true(data)


def test_the_manifest_says_what_the_files_are(tmp_path: Path) -> None:
    """Each file of the day, its bytes and rows."""
    lake(tmp_path)
    assert_manifest_is_true(tmp_path)


def assert_manifest_is_true(data: Path) -> None:
    """Check a day's manifest against the files, read by hashlib and pyarrow alone."""
    at_hand = Lake(data, EXCHANGE)
    manifest = read_manifest(at_hand, TODAY)
    assert manifest is not None
    of_day = [path for path in partitions(data) if f"date={TODAY}" in path.parts]
    paths = [at_hand.partition(of.table, of.instrument, of_day_) for of, of_day_ in
             ((one, TODAY) for one in manifest.files)]  # fmt: skip
    assert sorted(paths) == sorted(of_day)
    for of, path in zip(manifest.files, paths, strict=True):
        assert of.sha256 == sha256_of(path)
        assert of.bytes == path.stat().st_size
        with pq.ParquetFile(path) as file:
            assert of.rows == file.metadata.num_rows
            content = Content()
            content.add(file.read())
        assert of.content == content.digest()


def test_pieces_of_rows_do_not_matter_and_every_value_does() -> None:
    """The digest is of what rows say; NULL is not zero, nor an empty list or text."""
    rows = pa.table({
        "number": pa.array([1, None, 3, 0, 5]),
        "real": pa.array([0.5, None, 0.0, -1.0, 2.0]),
        "flag": pa.array([True, None, False, True, False]),
        "text": pa.array(["a", None, "", "bc", "d"]),
        "list": pa.array([[1.0], None, [], [2.0, 3.0], [4.0]]),
        "time": pa.array([1, None, 3, 4, 5], pa.timestamp("us")),
    })  # fmt: skip
    whole = Content()
    whole.add(rows)
    chance = random.Random(1)
    for _ in range(20):
        pieces, place = Content(), 0
        while place < rows.num_rows:
            size = chance.randrange(1, 4)
            pieces.add(rows.slice(place, size))
            place += size
        assert pieces.digest() == whole.digest()
    seen = {whole.digest()}
    for name in rows.column_names:
        for row in range(rows.num_rows):
            values = rows[name].to_pylist()
            values[row] = values[row - 1]
            if values == rows[name].to_pylist():
                continue
            changed = rows.set_column(
                rows.column_names.index(name), name, pa.array(values, rows[name].type)
            )
            other = Content()
            other.add(changed)
            assert other.digest() not in seen, (name, row)
            seen.add(other.digest())


def test_exports_say_of_which_version_they_are(tmp_path: Path, cli: Cli) -> None:
    """A Parquet file and a picture in themselves; beside others lies a file that does."""
    version = lake(tmp_path / "data")
    query = "select instrument, depth_messages from coverage order by all"
    files = {form: tmp_path / f"it.{form}" for form in ("parquet", "csv", "json")}
    for path in files.values():
        assert cli("sql", query, "--output", str(path)).returncode == 0
    metadata = pq.read_metadata(files["parquet"]).metadata
    assert metadata[b"coinflex_l2.lake_version"] == version.encode()
    for form in ("csv", "json"):
        about = json.loads((tmp_path / f"it.{form}.meta.json").read_text())
        assert about == {
            "coinflex_l2.lake_version": version,
            "query": query,
        }
    picture = tmp_path / "it.png"
    assert cli("plot", "coverage", "--output", str(picture)).returncode == 0
    with Image.open(picture) as image:
        assert version in image.info["Description"]
    with pipeline.open(tmp_path / "data") as opened:
        assert opened.version == version


def test_versions_are_listed(tmp_path: Path, cli: Cli) -> None:
    """With when they came, and how two of them differ."""
    first = lake(tmp_path / "data")
    put(tmp_path / "data", at(5), lines_of(at(5)))
    bring_in(tmp_path / "data")
    listed = cli("versions").stdout.splitlines()
    assert len(listed) == 2
    assert f"  {first}  2 days changed" in listed[0]
    compared = cli("versions", first).stdout
    assert "days_changed     2020-08-01" in compared
    assert json.loads(cli("versions", first, first, "--json").stdout)["is_same"] is True
    wrong = cli("versions", "nonsense")
    assert (wrong.returncode, first in wrong.stderr) == (1, True)


def test_a_lake_of_an_older_release_has_no_version(tmp_path: Path) -> None:
    """Until its days are made anew: of some it is not known what they say."""
    assert lake_version(tmp_path, EXCHANGE) is None
    assert versions(tmp_path, EXCHANGE) == []
