"""`coinflex-l2 report`."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pipeline.cli import cli as command
from pipeline.errors import LakeDamaged, LakeEmpty, UsageError

from .looking import read

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def _report(data: Path, *arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(command, ["report", "--data", str(data), *arguments])


def test_a_page_of_the_name_that_was_given(sample_lake: Path, tmp_path: Path) -> None:
    """Its name is printed, and no other file is there; a page in its place is replaced."""
    output = tmp_path / "deep" / "it.html"
    for _ in range(2):
        result = _report(sample_lake, "--output", str(output))
        assert (result.output, result.exit_code) == (f"{output}\n", 0)
    assert [path.name for path in output.parent.iterdir()] == ["it.html"]
    assert read(output.read_text(encoding="utf-8")).numbers["totals.days"].value == "1"


def test_by_default_it_is_called_report(
    sample_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies where one stands, and programs are told so as JSON."""
    monkeypatch.chdir(tmp_path)
    asked = "--instrument", "BTC-USD-SWAP-LIN", "--day", "2020-08-01", "--json"
    result = _report(sample_lake, *asked)
    found = json.loads(result.output)
    assert found == {"output": "report.html", "bytes": (tmp_path / "report.html").stat().st_size}
    seen = read((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert seen.numbers["timing.1.count"].value == "6545"


def test_a_damaged_lake_has_a_page_and_an_exit_code(sample_lake: Path, tmp_path: Path) -> None:
    """The rest of the page is whole; that something could not be read is told to scripts too."""
    data = tmp_path / "data"
    shutil.copytree(sample_lake / "lake", data / "lake")
    for path in data.glob("lake/gaps/*/*/*/*.parquet"):
        path.write_bytes(b"no Parquet")
    result = _report(data, "--output", str(tmp_path / "it.html"))
    assert isinstance(result.exception, LakeDamaged)
    assert "Could not be read" in (tmp_path / "it.html").read_text(encoding="utf-8")


def test_without_a_lake_there_is_no_page(tmp_path: Path) -> None:
    """It says so, and leaves no file."""
    result = _report(tmp_path / "nothing", "--output", str(tmp_path / "it.html"))
    assert isinstance(result.exception, LakeEmpty)
    assert not (tmp_path / "it.html").exists()


@pytest.mark.parametrize(
    "wrong", [("--instrument", "NONE"), ("--day", "2021-01-01"), ("--to", "x")]
)
def test_what_can_not_be_asked_leaves_no_page(
    sample_lake: Path, tmp_path: Path, wrong: tuple[str, str]
) -> None:
    """It says what would work."""
    result = _report(sample_lake, *wrong, "--output", str(tmp_path / "it.html"))
    assert isinstance(result.exception, UsageError)
    assert not (tmp_path / "it.html").exists()
