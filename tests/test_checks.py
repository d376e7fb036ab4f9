"""`coinflex-l2 check`, and what it rests on: each check counted, and whose fault its rows are."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.catalogue import Catalogue
from pipeline.checks import CHECKS, CheckResult, raise_if_inconsistent, run_checks
from pipeline.errors import LakeInconsistent, UsageError
from pipeline.lake import Lake
from pipeline.sql_objects import sql_objects
from pipeline.views import connect
from tests.lakes import bring_in, put
from tests.making import at, depth

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

_RANGE = ("--from", "2020-08-01", "--to", "2020-08-02")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder whose recording is suspect in every way; it is the one `cli` asks."""
    lines = [
        depth(at(0, 1), [[1, 1]], [[2, 1]], seq=1),
        depth(at(0, 1), [[1, 1]], [[2, 1]], seq=1),
        depth(at(0, 2), [[3, 1]], [[2, 1]], seq=4, checksum=1),
        depth(at(0, 1), [[1, 1], [2, 1]], [], seq=5),
    ]
    put(tmp_path / "data", at(0), lines)
    for minute in (1, 2, 3):
        put(tmp_path / "data", at(minute), [])
    bring_in(tmp_path / "data")
    return tmp_path / "data"


def test_every_check_of_sql_is_asked() -> None:
    """Whoever adds one to sql/checks adds it here."""
    names = {one.name for one in sql_objects().values() if one.name.startswith("check_")}
    assert names == {f"check_{check}" for check in CHECKS}


def test_what_is_in_the_recording_is_counted_and_no_fault_of_the_lake(data: Path) -> None:
    """Each check finds its row, and the lake agrees with itself."""
    with connect(data) as lake:
        results = list(run_checks(lake, "BTC-USD", *(at(0), at(1440))))
    assert [result.check for result in results] == list(CHECKS)
    found = {result.check: result.found for result in results}
    assert found == dict.fromkeys(CHECKS[:7], 1) | dict.fromkeys(CHECKS[7:], 0)
    raise_if_inconsistent(results)
    first = next(result.first for result in results if result.check == "missed")
    assert first is not None
    assert (first["message"], first["missed"]) == (2, 2)


def test_a_range_is_exact_and_a_naive_time_is_utc(data: Path) -> None:
    """Half a second decides."""
    with connect(data) as lake:
        start = datetime(2020, 8, 1, 0, 0, 1, 500_000)  # noqa: DTZ001 - as people write it
        results = run_checks(lake, "BTC-USD", start, start + timedelta(seconds=1))
        assert {one.check for one in results if one.found} == {"crossed", "missed", "checksums"}


def test_an_instrument_that_is_not_there_is_a_usage_error(data: Path) -> None:
    """With the names that would have worked."""
    with connect(data) as lake, pytest.raises(UsageError, match="BTC-USD"):
        list(run_checks(lake, "BTC-USDT", at(0), at(1)))


def test_where_nothing_is_there_nothing_was_checked(data: Path, cli: Cli) -> None:
    """Ten zeros alone would read like a clean bill."""
    assert data.exists()
    result = cli("check", "BTC-USD", "--from", "2031-08-01", "--to", "2031-08-02")
    assert result.returncode == 1
    assert result.stderr == (
        "coinflex-l2: range was '2031-08-01T00:00:00Z to 2031-08-02T00:00:00Z'; what would work: "
        "one in which the lake has a message: see `status`\n"
    )


def test_the_command_prints_a_line_for_each_check(data: Path, cli: Cli) -> None:
    """Count, first bad row; 0 for whatever is wrong in the recording."""
    assert data.exists()
    result = cli("check", "BTC-USD", *_RANGE)
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[:2] for line in lines] == [
        [check, "1" if check in CHECKS[:7] else "0"] for check in CHECKS
    ]
    assert lines[0][2:5] == ["first:", "date=2020-08-01", "message=2"]
    assert "lasted=238.0s" in lines[6]


def test_a_lake_that_disagrees_with_itself_ends_with_2(data: Path, cli: Cli) -> None:
    """And says which checks say so; as JSON too."""
    catalogue = Catalogue(Lake(data, "coinflex"))
    catalogue.rows = catalogue.rows.with_columns(trades=7)
    catalogue.save()
    result = cli("check", "BTC-USD", *_RANGE, "--json")
    assert result.returncode == 2
    assert result.stderr == (
        "coinflex-l2: the lake disagrees with itself: catalogue (1 bad row), rows (1 bad row). "
        "Rebuild with: coinflex-l2 ingest --rebuild\n"
    )
    found = {one["check"]: one for one in json.loads(result.stdout)}
    assert found["rows"]["first"] == {
        "date": "2020-08-01", "kind": "trades", "in_catalogue": 7, "in_slices": 0,
    }  # fmt: skip
    assert found["stale"]["first"]["lasted"] == 238
    assert cli("ingest", "--rebuild").returncode == 0
    assert cli("check", "BTC-USD", *_RANGE).returncode == 0


def test_a_file_that_is_no_parquet_is_a_fault_of_the_lake(data: Path, cli: Cli) -> None:
    """Each check that needs it says that it can't be read; the others answer."""
    (path,) = (data / "lake" / "depth").rglob("data.parquet")
    path.write_bytes(b"no Parquet")
    result = cli("check", "BTC-USD", *_RANGE)
    assert result.returncode == 2
    lines = dict(line.split()[:2] for line in result.stdout.splitlines())
    assert lines == dict.fromkeys(CHECKS[:-1], "unreadable") | {"rows": "0"}
    assert "crossed (unreadable)" in result.stderr


def test_an_empty_range_is_a_usage_error(data: Path, cli: Cli) -> None:
    """As everywhere: [from, to)."""
    assert data.exists()
    result = cli("check", "BTC-USD", "--from", "2020-08-01", "--to", "2020-08-01")
    assert result.returncode == 1
    assert "--to" in result.stderr


def test_only_bad_rows_of_the_lakes_own_checks_are_its_fault() -> None:
    """A result without rows is no fault, with rows only of the lake's own checks."""
    raise_if_inconsistent([CheckResult("crossed", 5), CheckResult("rows")])
    with pytest.raises(LakeInconsistent) as raised:
        raise_if_inconsistent([CheckResult("crossed", 5), CheckResult("keyframes", 2)])
    assert raised.value.bad == {"keyframes": 2}
