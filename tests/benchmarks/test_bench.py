from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.node import AbsentError, TardisDev
from benchmarks.slices import link
from tests.benchmarks.reading import read
from tests.benchmarks.running import bench
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of generated data, with the package that is kept for all runs."""
    folder = tmp_path_factory.mktemp("kept")
    with suppress(AbsentError):
        installed = TardisDev.installed(ROOT / "data" / "bench").package.parents[1]
        (folder / installed.name).symlink_to(installed)
    return folder


@pytest.fixture(scope="module")
def found(kept: Path) -> dict[str, Any]:
    """Run every contender on a minute of recorded order flow, and return what was found."""
    path = kept / "found.json"
    text = bench("--tiny", "--only", "order_flow", "--kept", str(kept), "--json", str(path))
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts | {"table": text}


def test_every_contender_ran(found: dict[str, Any]) -> None:
    """Nobody is left out but Tardis's client for Node.js, where there is no Node.js."""
    rows = {(row["part"], row["contender"]["name"], row["cores"]): row for row in found["rows"]}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wanted = {("short", each.name, each.cores or cores) for each in CONTENDERS}
    wanted |= {("long", each.name, each.cores or cores) for each in OURS}
    assert rows.keys() == wanted
    for (_, name, _), row in rows.items():
        measured = row["measured"]
        if measured["absent"] is None:
            assert measured["seconds"]
            assert measured["peak_bytes"] > 1e6
        else:
            assert name.startswith("tardis_dev")


def test_they_agree_with_each_other_and_with_json(
    found: dict[str, Any], kept: Path, tmp_path: Path
) -> None:
    """Messages and changed levels, counted by gzip, json and dictionaries alone."""
    (folder,) = kept.glob("order_flow-*")
    counts = read(link(folder, [0], tmp_path))
    changes = {}
    for row in found["rows"]:
        counted = row["measured"]["counted"]
        if row["part"] == "short" and counted:
            assert counted["messages"] == row["slices"]["messages"] == counts.lines
            changes[row["contender"]["name"]] = counted["changes"]
    assert {name for name, number in changes.items() if number is not None} == {
        "dict_difference", "duckdb_alone", "polars_alone", "ours",
    }  # fmt: skip
    assert {number for number in changes.values() if number is not None} == {counts.changes}


def test_snapshots_from_the_lake_are_as_many_as_tardis_makes(kept: Path) -> None:
    """Of the same slices; the lake is made for it where no ingest was measured."""
    path = kept / "snapshots.json"
    arguments = ["--tiny", "--only", "thin", "--kept", str(kept), "--json", str(path)]
    bench(*arguments, "--contender", "tardis_dev_snapshots", "--contender", "snapshots")
    found = json.loads(path.read_text())["rows"]
    rows = {row["contender"]["name"]: row["measured"] for row in found}
    assert rows.keys() == {"tardis_dev_snapshots", "snapshots"}
    snapshots = {row["counted"]["snapshots"] for row in rows.values() if row["absent"] is None}
    assert len(snapshots) == 1
    assert 100 < snapshots.pop() < 1200


def test_the_table_has_a_row_for_each_and_the_figures_to_hold(found: dict[str, Any]) -> None:
    """Titles, units, and what was not measured said to be so."""
    table = found["table"]
    for contender in CONTENDERS:
        assert contender.title in table
    for words in ("MB/s", "messages/s", "peak MB", "disk/gz", "figures to hold", "not measured"):
        assert words in table
    assert len(found["figures"]) == 25


def test_nothing_is_left_behind(kept: Path, found: dict[str, Any]) -> None:
    """What was written on the way is gone; what is kept are data and a package."""
    assert found
    assert not list(kept.glob("run-*"))


def test_help_names_parts_contenders_and_examples() -> None:
    """Enough to run any part of it alone."""
    text = bench("--help")
    for word in ("order_flow", "backfill", "tardis_dev_normalized", "--only", "examples:"):
        assert word in text
