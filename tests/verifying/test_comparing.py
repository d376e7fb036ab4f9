"""The comparison of the lake with raw finds what is planted, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipeline.sources.files import adopt
from pipeline.verifying.comparing import compare_books
from tests.lakes import ingest
from tests.making import at, depth, write_minute

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder with a lake of three books, the first of them a keyframe."""
    lines = [depth(at(0, n), [[1, n + 1], [0.5, 2]], [[2, 1]]) for n in range(3)]
    write_minute(tmp_path / "slices", at(0), lines)
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices")
    ingest(tmp_path / "data", "coinflex")
    return tmp_path / "data"


def _tamper(data: Path, column: str, row: int, value: list[float]) -> None:
    (path,) = (data / "lake" / "depth").rglob("data.parquet")
    rows = pl.read_parquet(path, hive_partitioning=False)
    lists = rows[column].to_list()
    lists[row] = value
    rows.with_columns(pl.Series(column, lists, dtype=rows[column].dtype)).write_parquet(path)


def test_a_sound_lake_is_equal(data: Path) -> None:
    """All books are compared, and all are equal."""
    comparison = compare_books(data, "coinflex")
    assert (comparison.compared, comparison.equal) == (3, 3)
    assert comparison.first_different is None


@pytest.mark.parametrize(
    ("column", "row", "value", "wrong"),
    [
        ("bid_change_amount", 1, [2.5], 1),  # until the next message says it anew
        ("ask_change_price", 0, [2.5], 3),
        ("book_bid_amount", 0, [1.0, 2.5], 1),  # of the keyframe alone
        ("bid_change_price", 0, [1.0, 0.25], 3),
    ],
)
def test_an_edited_number_is_found(
    data: Path, column: str, row: int, value: list[float], wrong: int
) -> None:
    """In changes as in keyframes; the first wrong book is named by its line."""
    _tamper(data, column, row, value)
    comparison = compare_books(data, "coinflex")
    assert (comparison.compared, comparison.equal) == (3, 3 - wrong)
    assert comparison.first_different is not None
    assert "00/00.json.gz" in comparison.first_different


def test_a_lost_message_is_found(data: Path) -> None:
    """A message that raw has and the lake has not is no equality."""
    (path,) = (data / "lake" / "depth").rglob("data.parquet")
    pl.read_parquet(path, hive_partitioning=False).head(2).write_parquet(path)
    comparison = compare_books(data, "coinflex")
    assert comparison.equal < comparison.compared
