"""Derived tables: what they hold, and that they go with the depth that they were made from."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

import pipeline
from pipeline.derive import DeriveReport, derive
from pipeline.derived_tables import DerivedTable
from pipeline.errors import LakeDamaged, LakeEmpty, UsageError
from pipeline.lake import Lake
from pipeline.views import connect, database_path, write_database

from .independent import in_microseconds
from .independent_books import on_change
from .lakes import EXCHANGE, bring_in, identities, minute_of, put
from .making import at, depth
from .test_lock import holder
from .worlds import END, NAMES, START, World, make

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.research import OpenLake

    from .conftest import Cli
    from .independent import Book

ON_CHANGE, SECONDS = "book_snapshot_3", "book_snapshot_3_1s"
DAYS = (date(2020, 8, 1), date(2020, 8, 2))
LEVELS = 3


def derived(data: Path, table: str = ON_CHANGE, **options: Any) -> DeriveReport:
    """Derive a table in this process."""
    return derive(data, EXCHANGE, table, **{"jobs": 1} | options)


def files(data: Path, table: str = ON_CHANGE) -> dict[str, bytes]:
    """Return the partitions of a derived table, byte by byte: instrument=…/date=…."""
    root = data / "lake" / table / f"exchange={EXCHANGE}"
    return {
        str(path.parent.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("data.parquet"))
    }


def wide(book: Book) -> list[float | None]:
    """Return the best levels as a row has them: bid price, bid amount, ask price, …."""
    sides = [side[:LEVELS] + [(None, None)] * (LEVELS - len(side)) for side in book]
    return [value for pair in zip(*sides, strict=True) for level in pair for value in level]


# --- what they hold ----------------------------------------------------------------------------


@pytest.fixture(name="world", scope="module", params=[1, 2])
def _world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return twenty minutes around a midnight with everything that goes wrong, derived."""
    world = make(tmp_path_factory.mktemp("world"), request.param)
    assert derived(world.data).made == len(NAMES) * len(DAYS)
    assert derived(world.data, step="1s").made == len(NAMES) * len(DAYS)
    return world


@pytest.fixture(name="lake", scope="module")
def _lake(world: World) -> OpenLake:
    return pipeline.open(world.data)


def of_day(lake: OpenLake, table: str, name: str, day: date) -> pl.DataFrame:
    """Return what a view says of an instrument's day, as it lies in the file."""
    query = f"select * exclude (instrument, date) from {table} where instrument = $1 and date = $2"
    return lake.sql(query, [name, day])


@pytest.mark.parametrize("name", NAMES)
def test_rows_on_change_are_those_of_an_independent_reader(
    world: World, lake: OpenLake, name: str
) -> None:
    """Across disconnects, minutes never fetched, restarts, midnight, empty and crossed books."""
    bounds = in_microseconds(START), in_microseconds(END)
    expected = [
        (message.timestamp, message.arrival, *wide(message.book))
        for message in on_change(world.reading, name, *bounds, LEVELS)
    ]
    rows = pl.concat(of_day(lake, ON_CHANGE, name, day) for day in DAYS)
    assert rows.with_columns(pl.col(pl.Datetime).to_physical()).rows() == expected
    assert len(expected) > 50


@pytest.mark.parametrize("name", NAMES)
def test_every_time_of_a_grid_is_that_of_an_independent_reader(
    world: World, lake: OpenLake, name: str
) -> None:
    """From midnight to midnight; unknown is NULL in all but t, and an empty book has its times."""
    known = 0
    for day in DAYS:
        rows = of_day(lake, SECONDS, name, day).with_columns(pl.col(pl.Datetime).to_physical())
        start = in_microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
        assert rows["t"].to_list() == list(range(start, start + 86_400_000_000, 1_000_000))
        within = pl.col("t").is_between(in_microseconds(START), in_microseconds(END))
        nothing = rows.filter(~within).drop("t")
        assert nothing.null_count().row(0) == (len(nothing),) * nothing.width
        for t, sent, arrived, age, *levels in rows.filter(within).iter_rows():
            standing = world.reading.standing_at(name, t)
            if standing is None:
                assert [sent, arrived, age, *levels] == [None] * (3 + 4 * LEVELS), t
            else:
                assert (sent, arrived) == (standing.timestamp, standing.arrival)
                assert age == timedelta(microseconds=t - arrived)
                assert levels == wide(standing.book)
                known += 1
    assert known > 300


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_day_is_what_is_asked_for_anew(lake: OpenLake, name: str) -> None:
    """In Python: names, types and rows. What arrived after midnight lies in its slice's day."""
    both = pl.concat(of_day(lake, ON_CHANGE, name, day) for day in DAYS)
    for day in DAYS:
        span = name, day, day + timedelta(1)
        asked = lake.snapshots(*span, LEVELS)
        stored = both.filter(pl.col("local_timestamp").dt.date() == day)
        assert stored.equals(asked)
        assert stored.schema == asked.schema
        seconds, grid = of_day(lake, SECONDS, name, day), lake.snapshots(*span, LEVELS, "1s")
        assert seconds.equals(grid)
        assert seconds.schema == grid.schema


def test_a_table_as_deep_as_the_macro_is_the_macro(world: World, tmp_path: Path) -> None:
    """`from book_snapshot_25` is the view, `from book_snapshot_25(…)` the macro."""
    data = shutil.copytree(world.data, tmp_path / "data")
    for table in ("book_snapshot_5", "book_snapshot_25"):
        derived(data, table)
        with pipeline.open(data) as lake:
            for name in NAMES:
                stored = [of_day(lake, table, name, day) for day in DAYS]
                asked = lake.sql(f"from {table}($1, $2, $3)", [name, DAYS[0], date(2020, 8, 3)])
                assert pl.concat(stored).equals(asked)
                assert stored[0].schema == asked.schema


def test_what_arrived_beyond_midnight_lies_in_the_day_of_its_slice(tmp_path: Path) -> None:
    """As in all tables; one day after the other they are what is asked for at once."""
    before, after = at(1439, 59.9), at(1440, 0.2)
    put(tmp_path, at(1439), [book(before, 1), book(after, 2), book(at(1440, 0.3), 2)])
    put(tmp_path, at(1440), [book(at(1439, 59.95), 3), book(at(1440, 0.1), 3), book(after, 4)])
    bring_in(tmp_path)
    assert derived(tmp_path).rows == 4
    with pipeline.open(tmp_path) as lake:
        days = [of_day(lake, ON_CHANGE, "A", day) for day in DAYS]
        asked = lake.snapshots("A", "2020-07-31", "2020-08-04", LEVELS)
    assert [day["bid_px_00"].to_list() for day in days] == [[1, 2], [3, 4]]
    assert pl.concat(days).equals(asked)


def book(time: datetime, price: float, instrument: str = "A") -> str:
    """Return the line of a book of one bid."""
    return depth(time, [[price, 1]], [], instrument=instrument)


def test_a_day_without_a_single_book_is_derived_once(tmp_path: Path) -> None:
    """Its file has no row, and is there, so that nobody tries again."""
    line = depth(at(0, 1), [[1, 1]], [], instrument="A", action="increment")
    put(tmp_path, at(0), [line])
    bring_in(tmp_path)
    assert (derived(tmp_path).made, derived(tmp_path).up_to_date) == (1, 1)
    with pipeline.open(tmp_path) as lake:
        assert of_day(lake, ON_CHANGE, "A", DAYS[0]).shape == (0, 2 + 4 * LEVELS)
        derived(tmp_path, step="1h")
    with pipeline.open(tmp_path) as lake:
        hours = of_day(lake, "book_snapshot_3_1h", "A", DAYS[0])
    assert (len(hours), hours["local_timestamp"].null_count()) == (24, 24)


def test_a_file_says_what_it_is(world: World) -> None:
    """Also when it was copied out of the tree: whose, which day, how many rows, made from what."""
    depth_of = {
        day: pq.read_metadata(Lake(world.data, EXCHANGE).partition("depth", NAMES[0], day))
        for day in DAYS
    }
    sources = [found.metadata[b"source"].decode() for found in depth_of.values()]
    for table in (ON_CHANGE, SECONDS):
        for day, made_from in zip(DAYS, [(sources[0], "none"), (sources[1], sources[0])],
                                  strict=True):  # fmt: skip
            file = pq.read_metadata(Lake(world.data, EXCHANGE).partition(table, NAMES[0], day))
            about = {key.decode(): value.decode() for key, value in file.metadata.items()}
            assert (about["depth"], about["depth_before"]) == made_from
            assert (about["table"], about["instrument"]) == (table, NAMES[0])
            assert (about["exchange"], about["date"]) == (EXCHANGE, day.isoformat())
            assert about["rows"] == str(file.num_rows)


def test_the_tree_is_read_without_this_project(world: World, lake: OpenLake) -> None:
    """By Polars alone, keys from the folders; times are UTC without a zone."""
    found = pl.scan_parquet(world.data / "lake" / ON_CHANGE, hive_partitioning=True).collect()
    ours = lake.sql(f"from {ON_CHANGE}").with_columns(
        pl.col(pl.Datetime).dt.replace_time_zone(None)
    )
    keys = pl.col("instrument", "date").cast(pl.String)
    order = ["instrument", "date"]
    both = (one.with_columns(keys).sort(order, maintain_order=True) for one in (found, ours))
    theirs, mine = both
    assert theirs.select(mine.columns).equals(mine)


# --- never stale -------------------------------------------------------------------------------


@pytest.fixture(name="shared_week", scope="module")
def _shared_week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return four days of two instruments, a book that stands at each midnight, derived."""
    data = tmp_path_factory.mktemp("week")
    for day in range(4):
        put(data, at(1440 * day), minute_of(at(1440 * day)))
        put(data, at(1440 * day + 1439), minute_of(at(1440 * day + 1439)))
    bring_in(data)
    derived(data)
    derived(data, step="1h")
    return data


@pytest.fixture(name="week")
def _week(shared_week: Path, tmp_path: Path) -> Path:
    """Return a copy of these days that may be changed."""
    return shutil.copytree(shared_week, tmp_path / "data")


def dates(data: Path, table: str = ON_CHANGE, instrument: str = "A") -> list[int]:
    """Return the days of August of which an instrument has a partition."""
    return [int(name[-2:]) for name in files(data, table) if f"instrument={instrument}/" in name]


def change(data: Path, day: int) -> None:
    """Bring another minute of a day through the door: the day's slices are others now."""
    put(data, at(1440 * (day - 1) + 5), minute_of(at(5), base=500))


def test_what_was_derived_from_a_day_goes_with_it(week: Path) -> None:
    """So does the next day, whose first row depends on the day's last book; nothing else does."""
    change(week, 2)
    report = bring_in(week)
    assert report.written == ["2020-08-02"]
    assert report.derived_removed == 8  # two days of two instruments in two tables
    for table in (ON_CHANGE, "book_snapshot_3_1h"):
        for name in "AB":
            assert dates(week, table, name) == [1, 4]
    kept = identities(week / "lake" / ON_CHANGE)
    again = derived(week)
    assert (again.made, again.up_to_date) == (4, 4)
    assert kept.items() <= identities(week / "lake" / ON_CHANGE).items()


def test_what_is_derived_again_is_as_if_derived_at_once(week: Path, tmp_path: Path) -> None:
    """Byte for byte that of a lake that never was another."""
    change(week, 2)
    bring_in(week)
    fresh = tmp_path / "fresh"
    shutil.copytree(week / "raw", fresh / "raw")
    bring_in(fresh)
    for step, table in ((None, ON_CHANGE), ("1h", "book_snapshot_3_1h")):
        derived(week, step=step)
        derived(fresh, step=step)
        assert files(week, table) == files(fresh, table)


def test_the_first_book_of_a_day_is_compared_with_the_new_one_before_it(tmp_path: Path) -> None:
    """What was no change at midnight is one when the day before ends otherwise, or is not there."""
    put(tmp_path, at(1440), [book(at(1440, 1), 1), book(at(1440, 2), 2)])
    prices = "select bid_px_00 from book_snapshot_3 where date = '2020-08-02' order by all"
    for ending, expected in ((None, [1, 2]), (1, [2]), (5, [1, 2]), (1, [2])):
        if ending is not None:
            put(tmp_path, at(1439), [book(at(1439, 59), ending)])
        bring_in(tmp_path)
        assert date(2020, 8, 2).day not in dates(tmp_path)
        derived(tmp_path)
        with connect(tmp_path) as connection:
            assert [price for (price,) in connection.execute(prices).fetchall()] == expected


def test_an_instrument_brought_in_alone_leaves_what_others_have(week: Path) -> None:
    """Its own derived days go."""
    change(week, 2)
    assert bring_in(week, instruments=["A"]).derived_removed == 4
    assert (dates(week, instrument="A"), dates(week, instrument="B")) == ([1, 4], [1, 2, 3, 4])


def test_a_day_that_is_up_to_date_keeps_what_was_derived(week: Path) -> None:
    """A second ingest removes nothing, and so does one of a day whose raw is gone."""
    before = identities(week / "lake")
    assert bring_in(week).derived_removed == 0
    for path in (week / "raw").rglob("2020/08/02/**/*.json.gz"):
        path.unlink()
    assert bring_in(week).derived_removed == 0
    assert identities(week / "lake") == before


def test_an_instrument_that_is_gone_leaves_nothing_derived(week: Path) -> None:
    """Slices that no longer hold it take its depth, and what was made from it."""
    put(week, at(1440), minute_of(at(1440), instruments=["A"]))
    put(week, at(1440 + 1439), minute_of(at(1440 + 1439), instruments=["A"]))
    bring_in(week)
    assert dates(week, instrument="B") == [1, 4]
    derived(week)
    assert (dates(week, instrument="A"), dates(week, instrument="B")) == ([1, 2, 3, 4], [1, 3, 4])


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_second_run_writes_nothing(week: Path, *, rebuild: bool) -> None:
    """Unless it is asked to; then every byte comes out as before."""
    write_database(week, EXCHANGE)  # since the folder has moved
    before, content = identities(week), files(week)
    report = derived(week, rebuild=rebuild)
    assert (report.made, report.up_to_date) == ((8, 0) if rebuild else (0, 8))
    assert (identities(week) == before) != rebuild
    assert files(week) == content


def test_days_at_a_time_do_not_matter(week: Path) -> None:
    """Two processes make what one does, byte for byte."""
    content = files(week)
    assert derived(week, rebuild=True, jobs=2).made == 8
    assert files(week) == content


@pytest.mark.parametrize("what", ["depth of the day", "depth of the day before", "version", "file"])
def test_what_was_changed_behind_our_back_is_made_again(
    week: Path, what: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A depth file put there by hand, a newer program, a damaged file: looked at by every run."""
    lake, made = Lake(week, EXCHANGE), 1
    if what == "version":
        monkeypatch.setattr("pipeline.day_derive.DERIVED_VERSION", 99)
        made = 8
    elif what == "file":
        lake.partition(ON_CHANGE, "A", date(2020, 8, 2)).write_bytes(b"PAR1")
    else:
        other = week / "other"
        put(other, at(1440), minute_of(at(1440), base=7))
        bring_in(other)
        day = 2 if what == "depth of the day" else 4
        made = 2 if day == 2 else 1
        source = Lake(other, EXCHANGE).partition("depth", "A", date(2020, 8, 2))
        shutil.copy(source, lake.partition("depth", "A", date(2020, 8, day)))
    report = derived(week)
    assert (report.made, report.up_to_date) == (made, 8 - made)
    assert caplog.text.count("it is not what its depth gives now") == made
    assert derived(week).made == 0


@pytest.mark.parametrize("damage", [None, b"PAR1"])
def test_damaged_depth_is_named(week: Path, damage: bytes | None, cli: Cli) -> None:
    """Exit code 2; all else is derived."""
    path = Lake(week, EXCHANGE).partition("depth", "A", date(2020, 8, 2))
    path.write_bytes(damage) if damage else path.unlink()
    report = derived(week, "book_snapshot_1")
    assert list(report.damaged) == [str(path)]
    assert dates(week, "book_snapshot_1") == ([1, 4] if damage else [1, 3, 4])
    with pytest.raises(LakeDamaged, match="coinflex-l2 ingest --rebuild"):
        report.raise_if_damaged()
    result = cli("derive", "book_snapshot_1", "--data", str(week))
    assert result.returncode == 2
    assert str(path) in result.stderr.splitlines()[-1]


# --- the view ----------------------------------------------------------------------------------


def test_there_is_a_view_while_the_lake_has_the_table(week: Path) -> None:
    """In memory and in the database file, in both catalogues, each column with its meaning."""
    views = {ON_CHANGE, "book_snapshot_3_1h", "book_snapshot_1"}
    derived(week, "book_snapshot_1")
    with duckdb.connect(str(database_path(week, EXCHANGE)), read_only=True) as client:
        for connection in (client, connect(week)):
            for view in views:
                query = f"select count(*) > 0, count(distinct date) from {view}"
                assert connection.execute(query).fetchall() == [(True, 4)]
            listed = connection.execute("select name, kind from catalogue").fetchall()
            assert {(view, "view") for view in views} <= set(listed)
            for view in views:
                columns = [row[0] for row in connection.execute(f"describe {view}").fetchall()]
                told = connection.execute(
                    "select column_name from catalogue_columns where view_name = ? order by place",
                    [view],
                ).fetchall()
                assert [name for (name,) in told] == columns
                assert columns[:2] == ["instrument", "date"]
        undescribed = client.execute(
            "select column_name from duckdb_columns() where comment is null and "
            "table_name like 'book_snapshot%'"
        ).fetchall()
        assert undescribed == []


def test_a_range_is_read_from_the_files_of_its_days(lake: OpenLake) -> None:
    """As sql/README.md has it: the rows of the view, without a look at all folders."""
    days = "$name, '2020-08-01', '2020-08-03'"
    where = "t >= '2020-08-01 23:59' and t < '2020-08-02 00:01'"
    for name in NAMES:
        found = [
            lake.sql(f"from {source} where {where} order by t", {"name": name})
            for source in (
                f"lake_rows(files_between('{SECONDS}', {days}))",
                f"(select * exclude (age) from {SECONDS} where instrument = $name)",
            )
        ]
        assert found[0].equals(found[1])
        assert len(found[0]) == 120


def test_without_the_table_there_is_no_view(week: Path) -> None:
    """Of another exchange neither, nor of a folder whose name is none of ours."""
    for name in ("book_snapshot_0", "book_snapshot_03", "book_snapshot_3_60s", "book_snapshot_x"):
        (week / "lake" / name / f"exchange={EXCHANGE}").mkdir(parents=True)
    (week / "lake" / "book_snapshot_7" / "exchange=other").mkdir(parents=True)
    shutil.rmtree(week / "lake" / ON_CHANGE)
    query = "select view_name from duckdb_views() where view_name like 'book_snapshot%'"
    with connect(week) as connection:
        assert connection.execute(query).fetchall() == [("book_snapshot_3_1h",)]
    with duckdb.connect(str(write_database(week, EXCHANGE)), read_only=True) as client:
        assert client.execute(query).fetchall() == [("book_snapshot_3_1h",)]
        assert len(client.execute("from book_snapshot_3_1h").fetchall()) == 2 * 4 * 24


def test_a_table_of_which_no_day_is_left_has_no_rows(week: Path) -> None:
    """Its view is there, with its columns, for whoever had it open."""
    with connect(week) as connection:
        bring_in(week, rebuild=True)
        assert connection.execute(f"from {ON_CHANGE}").fetchall() == []
    with connect(week) as connection:
        assert connection.execute(f"from {ON_CHANGE}").fetchall() == []
    shutil.rmtree(week / "lake" / "_empty")
    with connect(week) as connection:
        assert connection.execute(f"from {ON_CHANGE}").fetchall() == []


# --- the command -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        ("book_snapshot", {}, "TABLE was 'book_snapshot'; what would work: book_snapshot_N"),
        ("book_snapshot_0", {}, "1 to 400 levels"),
        ("book_snapshot_401", {}, "1 to 400 levels"),
        ("book_snapshot_025", {}, "1 to 400 levels"),
        ("book_snapshot_25_1s", {}, "a grid by --step"),
        ("trades", {}, "1 to 400 levels"),
        (ON_CHANGE, {"step": "1 month"}, "--step was '1 month'; what would work: a time span"),
        (ON_CHANGE, {"step": "7s"}, "--step was '7s'; what would work: 1ms or more, of which"),
        (ON_CHANGE, {"step": "500us"}, "--step was '500us'; what would work: 1ms or more"),
        (ON_CHANGE, {"step": "2d"}, "--step was '2d'"),
        (ON_CHANGE, {"step": "0s"}, "--step was '0s'"),
        (ON_CHANGE, {"instruments": ["a"]}, "--instruments was 'a'; what would work: one of A, B"),
        (ON_CHANGE, {"start": "2021-01-01"}, "some from 2020-08-01 to 2020-08-04"),
        (ON_CHANGE, {"start": "2020-08-02", "end": "2020-08-01"}, "--to was '2020-08-01'"),
        (ON_CHANGE, {"end": "noon"}, "--to was 'noon'"),
    ],
)
def test_what_can_t_be_derived_is_refused(
    shared_week: Path, table: str, options: dict[str, Any], words: str
) -> None:
    """With what was given and what would work; nothing is written."""
    before = identities(shared_week / "lake")
    with pytest.raises(UsageError) as refusal:
        derived(shared_week, table, **options)
    assert words in str(refusal.value)
    assert identities(shared_week / "lake") == before


def test_where_there_is_no_lake_none_is_made(tmp_path: Path) -> None:
    """A mistyped folder stays as it is."""
    with pytest.raises(LakeEmpty):
        derived(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()


def test_days_and_instruments_can_be_chosen(week: Path) -> None:
    """Days that the range touches, end not included."""
    options = {"start": "2020-08-01T12:00", "end": "2020-08-03", "instruments": ["B"]}
    assert derived(week, "book_snapshot_1", **options).made == 2
    assert dates(week, "book_snapshot_1", "B") == [1, 2]
    assert dates(week, "book_snapshot_1", "A") == []


@pytest.mark.parametrize(
    ("depth_", "step", "name"),
    [(1, None, "book_snapshot_1"), (400, 500_000, "book_snapshot_400_500ms"),
     (25, 1_000_000, "book_snapshot_25_1s"), (25, 60_000_000, "book_snapshot_25_1m"),
     (25, 90_000_000, "book_snapshot_25_90s"), (25, 86_400_000_000, "book_snapshot_25_1d")],
)  # fmt: skip
def test_a_table_has_one_name(depth_: int, step: int | None, name: str) -> None:
    """However its step is told; and the name says the table."""
    assert DerivedTable(depth_, step).name == name
    assert DerivedTable.named(name) == DerivedTable(depth_, step)


def test_the_deepest_table_has_all_levels(week: Path) -> None:
    """Of levels that no book has there is NULL."""
    derived(week, "book_snapshot_400", end="2020-08-02", instruments=["A"])
    with connect(week) as connection:
        found = connection.execute(
            "select count(bid_px_04), count(bid_px_05), count(ask_sz_399) from book_snapshot_400"
        ).fetchone()
    assert found is not None
    assert found[0] > 0
    assert found[1:] == (0, 0)


def test_the_command_prints_figures(week: Path, cli: Cli) -> None:
    """As JSON too; a terminal hears of each day, and `ingest` of what it removed."""
    environment = {"COINFLEX_L2_DATA": str(week)}
    change(week, 2)
    ingested = cli("ingest", "--json", env=environment)
    assert json.loads(ingested.stdout)["derived_removed"] == 8
    done = cli("derive", ON_CHANGE, "--json", env=environment)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["table"], facts["partitions_derived"]) == (ON_CHANGE, 4)
    assert facts["rows"] > 0
    assert "derived A 2020-08-02 (1 of 4 days)" in done.stderr


def test_one_run_at_a_time(week: Path, cli: Cli) -> None:
    """Exit code 75 while another run works on the folder."""
    with holder(week) as other:
        done = cli("derive", ON_CHANGE, "--data", str(week))
    assert (done.returncode, done.stdout) == (75, "")
    assert f"process {other.pid} " in done.stderr
