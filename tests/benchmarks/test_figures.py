from __future__ import annotations

from pathlib import Path

from benchmarks.asking import BOOKS, CONNECT, QUOTES
from benchmarks.backfill import Backfilled
from benchmarks.contenders import ALL, OURS, find
from benchmarks.figures import figures
from benchmarks.job import Counted, Measured
from benchmarks.queries import Latency
from benchmarks.results import Results, Row
from benchmarks.slices import Slices
from benchmarks.table import table

_SLICES = Slices(
    Path("slices"), minutes=60, messages=72_000, bytes=5_000_000, raw_bytes=300_000_000
)


def row(part: str, name: str, seconds: float, cores: int = 1) -> Row:
    """Return a row of the generated workload: three runs, a disturbed one among them."""
    contender = find(name) if cores == 1 else OURS[1]
    measured = Measured([seconds, 9 * seconds, seconds], [seconds / 2] * 3)
    measured.counted = Counted(72_000, 300_000, disk_bytes=2_000_000)
    measured.peak_bytes = 400_000_000
    return Row("generated", part, contender, cores, _SLICES, measured)


def results(*rows: Row) -> Results:
    """Return these rows as what was found."""
    machine = {"cores": "2", "processor": "some", "system": "Linux", "python": "3.11"}
    return Results("full", machine, list(rows))


def test_what_was_not_measured_neither_holds_nor_fails() -> None:
    """A part alone gives no verdict on the others."""
    assert {figure.holds for figure in figures(results())} == {None}
    assert "not measured" in table(results())


def test_speeds_are_medians_and_ratios_are_of_speeds() -> None:
    """A figure holds by the clock; beside it stands what CPU time says."""
    found = results(
        row("short", "tardis_client_json", 11.0),
        row("short", "tardis_dev_normalized", 4.0),
        row("long", "ours", 0.5),
        row("long", "ours", 0.4, cores=2),
    )
    held = {figure.name: figure for figure in figures(found)}
    one = held["generated, slices to lake, one core"]
    assert (one.value, one.cpu, one.holds) == (600.0, 1200.0, True)
    both = held["generated, slices to lake, all cores"]
    assert (both.cpu, both.holds) == (None, False)
    over_client = held["generated, one core: ours over tardis-client with json"]
    assert (over_client.value, over_client.holds) == (22.0, True)
    over_dev = held["generated, one core: ours over tardis-dev replayNormalized"]
    assert (over_dev.value, over_dev.holds) == (8.0, False)
    assert held["generated, lake bytes over gzip slice bytes"].value == 0.4
    assert held["peak memory of an ingest, per worker"].value == 400.0


def test_snapshots_are_compared_in_messages_and_their_memory_as_it_is() -> None:
    """Ours of the day with theirs of the short part, each over its own time."""
    ours = row("day", "snapshots", 0.5), row("day", "derive", 2.0)
    found = results(row("short", "tardis_dev_snapshots", 12.0), *ours)
    held = {figure.name: figure for figure in figures(found)}
    over = held["generated, one core: snapshots of a day over tardis-dev's"]
    assert (over.value, over.cpu, over.holds) == (24.0, 24.0, True)
    for name in ("snapshots of a day, in batches", "derive"):
        memory = held[f"peak memory of {name}"]
        assert (memory.value, memory.holds) == (400.0, True)
    assert held["peak memory of an ingest, per worker"].value is None


def test_what_a_notebook_waits_for_is_of_the_small_lake_and_warm() -> None:
    """A median, in seconds."""
    found = results()
    for question in (BOOKS, QUOTES, CONNECT):
        latency = Latency(question)
        latency.warm_small, latency.warm_large = [0.25, 0.25, 9.0], [0.5]
        latency.cold_small = latency.cold_large = [1.0]
        found.queries.append(latency)
    held = {figure.name: figure for figure in figures(found)}
    assert [held[f"{name}, warm"].value for name in (BOOKS, QUOTES, CONNECT)] == [0.25] * 3
    assert [held[f"{name}, warm"].holds for name in (BOOKS, QUOTES, CONNECT)] == [
        True, True, False,
    ]  # fmt: skip


def test_a_contender_that_is_not_there_has_a_row_that_says_so() -> None:
    """Without Node.js the table is whole, and the figure about it not measured."""
    absent = Measured(absent="Node.js is not there")
    dev = Row("generated", "short", find("tardis_dev_normalized"), 1, _SLICES, absent)
    found = results(row("short", "ours", 0.5), dev)
    lines = table(found).splitlines()
    (line,) = [line for line in lines if "tardis-dev" in line and "figure" not in line][:1]
    assert line.endswith("1  (Node.js is not there)")
    assert all(figure.value is None for figure in figures(found) if "tardis-dev" in figure.name)


def test_a_large_lake_is_compared_by_medians() -> None:
    """Warm answers of both, whatever one of them had to wait for."""
    found = results()
    found.partitions = 2, 10_002
    latency = Latency("book_at in SQL", "at any time of the day")
    latency.warm_small, latency.warm_large = [0.008, 0.5, 0.008], [0.009, 0.009, 0.7]
    latency.cold_small = latency.cold_large = [0.3]
    found.queries = [latency]
    held = {figure.name: figure for figure in figures(found)}
    assert held["book_at in SQL, warm, a full day"].holds
    assert held["book_at in SQL, large lake over small one"].value == 0.009 / 0.008
    assert "10,002" in table(found)


def test_an_answer_comes_soon_after_the_last_byte() -> None:
    """However long the bytes took to arrive."""
    found = results()
    found.backfill = Backfilled(1440, 120_000_000, total=15.0, line=9.6, after_last_byte=4.5)
    held = {figure.name: figure for figure in figures(found)}
    waited = held["backfill over the line, from the last byte to the answer"]
    assert (waited.value, waited.unit, waited.holds) == (4.5, "s", True)


def test_every_contender_has_its_own_name() -> None:
    """Rows are told apart by it."""
    keys = [contender.key for contender in (*ALL, OURS[1])]
    assert len(set(keys)) == len(keys)
