"""The SQL as a codebase, and the lake as any DuckDB client sees it."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest

from pipeline.errors import UsageError
from pipeline.query import ask
from pipeline.sources.files import adopt
from pipeline.sql_objects import SqlObject, sql_objects
from pipeline.views import connect, cursor_of, database_path, write_database
from tests.conftest import ROOT, Cli, clean_environment
from tests.lakes import ingest
from tests.making import at, depth, trade, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SQL = sql_objects()
_PATHS = sorted((ROOT / "sql").glob("**/*.sql"))
# What has a view and a macro for a range of time.
_RANGES = sorted(one.name for one in _SQL.values() if one.place.startswith("macros/ranges/"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a small lake; it is read alone."""
    folder = tmp_path_factory.mktemp("shared")
    lines = [
        depth(at(0, 1), [[1, 1], [0.5, 2]], [[2, 1]], seq=2**62),
        trade(at(0, 2), "1.5", "0.25"),
    ]
    write_minute(folder / "slices", at(0), lines)
    adopt(folder / "data", "coinflex", folder / "slices")
    ingest(folder / "data", "coinflex")
    return folder / "data"


@pytest.fixture
def data(shared: Path, tmp_path: Path) -> Path:
    """Return a copy of it that a test may change, beside the slices that it was made of."""
    shutil.copytree(shared.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "data"


@pytest.fixture(scope="module", params=["UTC", "America/New_York", "Asia/Tokyo"])
def in_a_zone(request: pytest.FixtureRequest, shared: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection whose client is at home in a zone."""
    with connect(shared) as connection:
        connection.execute(f"set TimeZone = '{request.param}'")
        yield connection


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: path.stem)
def test_each_file_makes_the_one_object_of_its_name(path: Path) -> None:
    """The first comment is the grain, the object is the file's name, its folder says the kind."""
    text = path.read_text()
    made = re.findall(r"create or replace (view|macro) (\w+)", text)
    folder = path.relative_to(ROOT / "sql").parts[0]
    kinds = {"staging": {"view"}, "marts": {"view"}, "macros": {"macro"}}
    (found,) = made
    assert found[1] == path.stem
    assert found[0] in kinds.get(folder, {"view", "macro"})
    table = found[0] == "view" or " as table" in text
    assert text.startswith("-- One row per " if table else "-- ")


def test_the_catalogue_lists_every_object_once() -> None:
    """sql/README.md names each view and macro, with its kind and parameters, and nothing else."""
    text = (ROOT / "sql" / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)(?:\(([\w, :=.'\"]*)\))?` \| (.*?) \|", text, re.MULTILINE)
    listed = {
        (name, *(one.strip() for one in parameters.split(",") if one)): kind
        for name, parameters, kind in rows
    }
    assert len(listed) == len(rows)
    kinds = {"view": "view", "macro": "macro", "macro table": "table macro"}
    found = {(one.name, *_parameters(one)): kinds[one.kind] for one in _SQL.values()}
    assert listed == found
    assert len(_SQL) == len(_PATHS)


def _parameters(one: SqlObject) -> list[str]:
    return [name.strip() for name in one.called.split(",") if name]


def test_meaning_reaches_the_client(data: Path) -> None:
    """Every view and macro carries its file's first comment: what a row is, and more."""
    with connect(data) as connection:
        views = connection.execute(
            "select view_name, comment from duckdb_views() where not internal"
        ).fetchall()
        macros = connection.execute(
            "select distinct function_name, comment from duckdb_functions() "
            "where function_type like '%macro' and not internal"
        ).fetchall()
    ours = {
        "data_root", "lake_root", "exchange_id", "instrument_name", "catalogue_json",
        "columns_json",
    }  # fmt: skip
    assert sorted([*views, *((name, text) for name, text in macros if name not in ours)]) == sorted(
        (one.name, one.comment) for one in _SQL.values()
    )


def test_the_columns_that_others_rely_on_are_there(data: Path) -> None:
    """Names and types of the documented columns."""
    promised = {
        "depth_messages": "instrument date message channel local_timestamp timestamp valid_until "
        "seq_num seq_step missed epoch duplicate checksum checksum_status bid_levels ask_levels "
        "bid_price bid_amount ask_price ask_amount crossed reset",
        "depth_changes": "instrument date message side price amount",
        "coverage": "instrument date depth_messages depth_changes trades missed_snapshots restarts "
        "duplicates checksum_mismatches disconnects minutes_fetched first_local_timestamp "
        "last_local_timestamp",
        "gaps": "start stop cause",
        "quarantine": "slice line reason raw",
    }
    with connect(data) as connection:
        for view, columns in promised.items():
            found = {name for name, *_ in connection.execute(f"describe {view}").fetchall()}
            assert set(columns.split()) <= found, view
        kinds = dict(
            connection.execute(
                "select column_name, column_type from (describe depth_messages)"
            ).fetchall()
        )
    assert (kinds["seq_num"], kinds["local_timestamp"], kinds["date"]) == (
        "BIGINT", "TIMESTAMP", "DATE",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'2020-08-01'", "2020-08-01 00:00:00"),
        ("'2020-08-01 23:54:00.5'", "2020-08-01 23:54:00.5"),
        ("'2020-08-01T23:54'", "2020-08-01 23:54:00"),
        ("'2020-08-01T23:54:00Z'", "2020-08-01 23:54:00"),
        ("'2020-08-02 01:54:00+02:00'", "2020-08-01 23:54:00"),
        ("'2020-08-02T01:54:00.25+02'", "2020-08-01 23:54:00.25"),
        ("date '2020-08-01'", "2020-08-01 00:00:00"),
        ("timestamp '2020-08-01 12:00:00'", "2020-08-01 12:00:00"),
        ("timestamptz '2020-08-01 12:00:00-05'", "2020-08-01 17:00:00"),
        ("'2020-08-01 12:00:00.1234569'", "2020-08-01 12:00:00.123456"),
        ("timestamp_ns '2020-08-01 12:00:00.1234569'", "2020-08-01 12:00:00.123456"),
        ("timestamp_s '2020-08-01 12:00:00'", "2020-08-01 12:00:00"),
    ],
)
def test_a_time_in_sql_is_utc_whatever_the_clients_zone(
    in_a_zone: duckdb.DuckDBPyConnection, text: str, expected: str
) -> None:
    """An offset is converted, never dropped; a literal means the same in every client."""
    for macro in ("utc", "moment"):
        query = f"select {macro}({text}) = '{expected}'::timestamp"
        assert in_a_zone.execute(query).fetchone() == (True,), macro


def test_any_duckdb_client_opens_the_database_file(data: Path, tmp_path: Path) -> None:
    """From another folder, read-only, without this project: views, macro, comments."""
    path = write_database(data, "coinflex")
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True);"
        "q = \"select count(*) from book_at('BTC-USD', '2020-08-01 00:00:01')\";"
        "print(c.execute(q).fetchall(),"
        "c.execute('select count(*) from trades').fetchall())"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert result.stdout == "[(3,)] [(1,)]\n"


def test_the_database_file_is_written_again_only_when_the_folder_has_moved(
    data: Path, tmp_path: Path
) -> None:
    """It holds absolute paths: untouched while they hold, new when they don't."""
    path = write_database(data, "coinflex")
    before = path.stat().st_mtime_ns
    assert write_database(data, "coinflex").stat().st_mtime_ns == before
    moved = tmp_path / "it's moved"
    shutil.move(data, moved)
    write_database(moved, "coinflex")
    with duckdb.connect(str(database_path(moved, "coinflex")), read_only=True) as connection:
        assert connection.execute("select count(*) from trades").fetchall() == [(1,)]


def _all_objects(data: Path) -> list[tuple[Any, ...]]:
    """Return what a connection has: each view and macro, how it is called, and its comment."""
    with connect(data) as connection:
        return connection.execute(
            """select function_name, function_type, parameters, comment from duckdb_functions()
            where not internal
            union all
            select view_name, 'view', null, comment from duckdb_views() where not internal
            union all
            select table_name, 'table', null, comment from duckdb_tables()
            order by all"""
        ).fetchall()


@pytest.mark.parametrize("harm", ["none", "lacks", "damaged", "of another folder", "held"])
@pytest.mark.parametrize("file", [".objects/coinflex.duckdb", "coinflex.duckdb"])
def test_a_connection_is_the_same_with_any_database_file(
    data: Path, tmp_path: Path, file: str, harm: str
) -> None:
    """Objects are copied where a file holds the same, and made where it does not."""
    made = _all_objects(data)
    write_database(data, "coinflex")
    path = data / file
    if harm == "lacks":
        path.unlink()
    elif harm == "damaged":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif harm == "of another folder":
        shutil.copytree(data, tmp_path / "other")
        write_database(tmp_path / "other", "coinflex")
        shutil.copy(tmp_path / "other" / file, path)
    with duckdb.connect(str(path)) if harm == "held" else nullcontext():
        found = _all_objects(data)
        with connect(data) as connection:
            root = connection.execute("select lake_root()").fetchall()
            trades = connection.execute("select count(*) from trades").fetchall()
    assert found == made
    assert root == [(str(data / "lake"),)]
    assert trades == [(1,)]


def test_what_a_client_makes_in_the_database_file_stays_there(data: Path) -> None:
    """Its own objects, and one that it put in the place of ours, are no connection's."""
    made = _all_objects(data)
    with duckdb.connect(str(write_database(data, "coinflex"))) as client:
        client.execute("create or replace macro mid(bid_price, ask_price) as bid_price")
        client.execute("create table mine as select 1 as x")
    assert _all_objects(data) == made
    with connect(data) as connection:
        assert connection.execute("select mid(10, 11)").fetchall() == [(10.5,)]
    with duckdb.connect(str(write_database(data, "coinflex"))) as client:
        assert client.execute("select mid(10, 11), x from mine").fetchall() == [(10, 1)]


def test_the_order_of_objects_is_the_same_in_each_process() -> None:
    """However a process orders its sets: the database file says what was made, in order."""
    script = "from pipeline.sql_objects import sql_objects; print(*sql_objects())"
    orders = {
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True,
            env=clean_environment(PYTHONHASHSEED=seed),
        ).stdout
        for seed in "123"
    }  # fmt: skip
    assert len(orders) == 1


def test_an_empty_lake_answers_with_no_rows(tmp_path: Path) -> None:
    """Before the first ingest every view is there and empty, and no book is known."""
    with connect(tmp_path / "new") as connection:
        for one in _SQL.values():
            if one.kind == "view" and not one.name.startswith("catalogue"):
                assert connection.execute(f"from {one.name}").fetchall() == [], one.name
        for name in _RANGES:
            query = f"from {name}('X', '2020-08-01', '2020-08-03')"
            assert connection.execute(query).fetchall() == [], name
        assert connection.execute("from book_at('X', '2020-08-01')").fetchall() == []


def test_two_exchanges_never_mix(data: Path) -> None:
    """A connection is bound to one exchange, in one data folder with several."""
    adopt(data, "other", data.parent / "slices")
    ingest(data, "other")
    for exchange in ("coinflex", "other"):
        with connect(data, exchange) as connection:
            assert connection.execute("select count(*) from depth_messages").fetchone() == (1,)


@pytest.mark.parametrize(
    "query",
    ["copy (select 1) to 'x'", "attach 'x.db'", "create table t (a int)", "set threads = 1",
     "select 1; select 2", "drop view trades", "", "install httpfs", "call pragma_version()"],
)  # fmt: skip
def test_a_query_from_outside_only_reads(data: Path, query: str) -> None:
    """What is not one SELECT or EXPLAIN is refused before it runs."""
    with connect(data) as connection, pytest.raises(UsageError, match="QUERY"):
        ask(connection, query)


def test_sql_prints_json_csv_table_and_parquet(data: Path, cli: Cli, tmp_path: Path) -> None:
    """JSON is one array of objects, integers are numbers; CSV has a header; files are whole."""
    query = (
        "select seq_num, bid_price, ask_price, local_timestamp, null as nothing from depth_messages"
    )
    env = {"COINFLEX_L2_DATA": str(data)}
    (row,) = json.loads(cli("sql", query, "--format", "json", env=env).stdout)
    assert row == {
        "seq_num": 2**62, "bid_price": 1.0, "ask_price": 2.0,
        "local_timestamp": "2020-08-01T00:00:01", "nothing": None,
    }  # fmt: skip
    assert json.loads(cli("--json", "sql", query, env=env).stdout) == [row]
    (cells,) = csv.DictReader(io.StringIO(cli("sql", query, "--format", "csv", env=env).stdout))
    assert cells["seq_num"] == str(2**62)
    assert cells["nothing"] == ""
    assert "NULL" in cli("sql", query, env=env).stdout
    output = tmp_path / "out.parquet"
    result = cli("sql", query, "--format", "parquet", "--output", str(output), env=env)
    assert (result.returncode, result.stdout) == (0, "")
    assert pl.read_parquet(output)["seq_num"].to_list() == [2**62]


def test_a_big_sum_and_not_a_number_are_json(data: Path, cli: Cli) -> None:
    """HUGEINT is a number, NaN and infinity are null, an empty result is an empty array."""
    env = {"COINFLEX_L2_DATA": str(data)}
    query = "select sum(9223372036854775807::bigint) as s, 'nan'::double as n from range(3)"
    assert json.loads(cli("sql", query, "--json", env=env).stdout) == [
        {"s": 3 * (2**63 - 1), "n": None}
    ]
    assert json.loads(cli("sql", "from trades where false", "--json", env=env).stdout) == []


def test_book_prints_a_ladder_and_converts_offsets(data: Path, cli: Cli) -> None:
    """Asks above bids; --depth limits each side; a time with an offset is converted."""
    env = {"COINFLEX_L2_DATA": str(data)}
    shown = cli("book", "BTC-USD", "--at", "2020-08-01T02:00:01+02:00", "--depth", "1", env=env)
    assert shown.stdout.split() == [
        "side",
        "price",
        "amount",
        "ask",
        "2.0",
        "1.0",
        "bid",
        "1.0",
        "1.0",
    ]
    found = json.loads(
        cli("book", "BTC-USD", "--at", "2020-08-01T00:00:01", "--json", env=env).stdout
    )
    assert [(level["side"], level["level"], level["price"]) for level in found] == [
        ("bid", 0, 1.0), ("bid", 1, 0.5), ("ask", 0, 2.0),
    ]  # fmt: skip


def test_an_unknown_book_says_why(data: Path, cli: Cli) -> None:
    """No rows, exit 0, and the reason on stderr; an unknown instrument is a usage error."""
    env = {"COINFLEX_L2_DATA": str(data)}
    unknown = cli("book", "BTC-USD", "--at", "2020-08-01T12:00", env=env)
    assert (unknown.returncode, unknown.stdout) == (0, "")
    assert "end_of_coverage" in unknown.stderr
    wrong = cli("book", "BTC-US", "--at", "2020-08-01T12:00", env=env)
    assert wrong.returncode == 1
    assert "BTC-USD" in wrong.stderr


@pytest.mark.parametrize("time", ["0001-01-01", "9999-12-31T23:59:59.9999999"])
def test_a_book_at_the_ends_of_time_is_unknown(data: Path, cli: Cli, time: str) -> None:
    """As at any other time that the lake has nothing of."""
    unknown = cli("book", "BTC-USD", "--at", time, env={"COINFLEX_L2_DATA": str(data)})
    assert (unknown.returncode, unknown.stdout) == (0, "")
    assert "no message of that day or the day before reaches it" in unknown.stderr


def test_a_cursor_has_the_settings_of_its_connection(data: Path) -> None:
    """It is a connection of its own, which would have DuckDB's."""
    ours = {
        "TimeZone": "UTC", "parquet_metadata_cache": True, "disable_parquet_prefetching": True,
        "read_ahead_depth": 0, "late_materialization_max_rows": 0, "enable_progress_bar": False,
    }  # fmt: skip
    with connect(data) as connection, cursor_of(connection) as cursor:
        for client in (connection, cursor):
            for name, value in ours.items():
                found = client.execute(f"select current_setting('{name}')").fetchone()
                assert found == (value,), name


def test_a_read_only_lake_is_read(data: Path) -> None:
    """Reading needs no permission to write: connect changes nothing in a whole lake."""
    connect(data).close()
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    with connect(data) as connection:
        connection.execute("from coverage").fetchall()
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


@pytest.mark.parametrize(
    "text",
    ["2020-08-01 02:01:30 Europe/Berlin", "2020-08-01 02:01:30 CEST", "2020-08-01 02:01:30+2",
     "2020-08-01 02:01:30.5+02:00:00", "noon", "20200801", "infinity", ""],
)  # fmt: skip
def test_a_time_whose_zone_can_t_be_told_is_refused_in_sql(data: Path, text: str) -> None:
    """Never an answer for a time that was not asked for."""
    with connect(data) as connection, pytest.raises(duckdb.Error, match="what would work"):
        connection.execute("from book_at('BTC-USD', ?)", [text]).fetchall()


def test_an_empty_book_is_known_and_said_to_be_empty(tmp_path: Path, cli: Cli) -> None:
    """No levels is not the same as not knowing."""
    write_minute(tmp_path / "slices", at(0), [depth(at(0, 1), [], [])])
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices")
    ingest(tmp_path / "data", "coinflex")
    done = cli("book", "BTC-USD", "--at", "2020-08-01T00:00:30")
    assert (done.returncode, done.stdout) == (0, "")
    assert "known, and empty" in done.stderr


def test_a_folder_that_looks_like_a_pattern_is_read_and_no_other(
    data: Path, tmp_path: Path
) -> None:
    """Its own lake, whole, beside folders that the pattern would fit."""
    names = ["d [1]", "d 1", "d*", "d?", "d{1}", "d'1"]
    for name in names:
        shutil.copytree(data, tmp_path / name)
    for name in names:
        with connect(tmp_path / name) as connection:
            rows = [
                connection.execute(f"select count(*) from {asked}").fetchone()
                for asked in (
                    "book_at('BTC-USD', '2020-08-01 00:00:01')", "quotes", "trades", "coverage",
                    "quotes('BTC-USD', '2020-08-01', '2020-08-02')",
                )
            ]  # fmt: skip
        assert rows == [(3,), (1,), (1,), (1,), (1,)], name


def test_a_copy_beside_a_partition_is_not_read(data: Path) -> None:
    """Only the lake's own file counts, whatever else lies in its folder."""
    (path,) = (data / "lake" / "depth").rglob("data.parquet")
    shutil.copy(path, path.with_name("data (copy).parquet"))
    with connect(data) as connection:
        assert connection.execute("select count(*) from depth_messages").fetchone() == (1,)
        assert (
            len(connection.execute("from book_at('BTC-USD', '2020-08-01 00:00:01')").fetchall())
            == 3
        )
