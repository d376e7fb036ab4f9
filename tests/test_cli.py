"""The command line as a new user meets it: help, files, refusals, folders without a lake."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipeline.cli import cli as root
from pipeline.errors import QueryRefused, UsageError
from pipeline.query import ask, copy_to_parquet
from pipeline.sources.files import adopt
from pipeline.views import connect
from tests.conftest import ROOT, Cli, clean_environment
from tests.lakes import ingest
from tests.making import at, depth, write_minute
from tests.world import config_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder with one book in its lake; it is the one that `cli` asks."""
    write_minute(tmp_path / "slices", at(0), [depth(at(0, 1), [[1, 1]], [[2, 1]])])
    adopt(tmp_path / "data", "coinflex", tmp_path / "slices")
    ingest(tmp_path / "data", "coinflex")
    return tmp_path / "data"


def test_help_shows_each_example_on_its_own_line(cli: Cli) -> None:
    """`--help` begins with four commands that can be copied."""
    shown = [line.strip() for line in cli("--help").stdout.splitlines()]
    assert "\\b" not in "".join(shown)
    for start in ("backfill --from", "status", "book BTC-USD-SWAP-LIN --at", 'sql "from coverage"'):
        assert any(line.startswith(f"coinflex-l2 {start}") for line in shown), start


def test_help_cuts_no_command_short(cli: Cli) -> None:
    """The list of commands says of each what it does, in whole words."""
    listed = cli("--help").stdout.partition("Commands:")[2]
    assert all(name in listed for name in root.commands)
    assert "..." not in listed
    assert all(one.short_help for one in root.commands.values())


def test_parquet_goes_through_a_pipe(data: Path) -> None:
    """`sql … --format parquet > file` is a whole Parquet file."""
    result = subprocess.run(
        [sys.executable, "-m", "pipeline", "sql", "select 1 as a -- one\n; -- done",
         "--format", "parquet"],
        cwd=ROOT, capture_output=True, check=True,
        env=clean_environment(COINFLEX_L2_DATA=str(data)),
    )  # fmt: skip
    assert pl.read_parquet(io.BytesIO(result.stdout)).rows() == [(1,)]


@pytest.mark.parametrize(
    ("name", "begins"),
    [("a.parquet", b"PAR1"), ("a.csv", b"n\n0\n"), ("a.JSON", b'[\n {"n": 0}'), ("a.txt", b"n\n")],
)
def test_the_suffix_of_a_file_says_its_format(
    data: Path, cli: Cli, tmp_path: Path, name: str, begins: bytes
) -> None:
    """--output needs no --format beside it; a suffix that says nothing means a table."""
    assert data.exists()
    result = cli("sql", "select 0 as n", "--output", str(tmp_path / name))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_table_in_a_file_has_every_row(data: Path, cli: Cli, tmp_path: Path) -> None:
    """Only what is printed for eyes ends after 1000 rows, and then it says so."""
    assert data.exists()
    query, output = "select range as n from range(1500)", tmp_path / "all.txt"
    assert cli("sql", query, "--output", str(output)).stderr == ""
    assert len(output.read_text().splitlines()) == 1502
    printed = cli("sql", query)
    assert len(printed.stdout.splitlines()) == 1002
    assert "the first 1000 rows" in printed.stderr


@pytest.mark.parametrize(
    "query",
    [
        "explain analyze copy (select 1) to '{}'",
        "EXPLAIN ANALYZE (format json) copy (select 1) to '{}'",
        "explain copy (select 1) to '{}'",
        "explain analyze /* /* */ select 1 -- */ copy (select 1) to '{}'\n",
        "explain /* a */ analyze -- b\n copy (select 1) to '{}'",
        "explain analyze create table t as select 1",
    ],
)
def test_explain_writes_nothing(data: Path, tmp_path: Path, query: str) -> None:
    """What is explained must itself only read: ANALYZE runs it."""
    target = tmp_path / "written.csv"
    with connect(data) as connection, pytest.raises(UsageError, match=r"QUERY|DuckDB refuses"):
        ask(connection, query.format(target))
    assert not target.exists()


@pytest.mark.parametrize(
    "query",
    ["explain select 1", "explain analyze from depth_messages", "explain (format json) select 1;",
     "explain (select 1)", "-- why\nexplain analyze (format json)\nselect 1"],
)  # fmt: skip
def test_explain_explains(data: Path, query: str) -> None:
    """A question can be explained, and timed."""
    with connect(data) as connection:
        assert list(ask(connection, query).rows)


@pytest.mark.parametrize(
    "query", ["select 'é;' as a; -- it's; done", "/* first */ select 'é;' as a ;;", "select 'é;' a"]
)
def test_a_query_for_parquet_may_end_as_any_other(data: Path, tmp_path: Path, query: str) -> None:
    """A semicolon and comments after it change nothing."""
    with connect(data) as connection:
        copy_to_parquet(connection, query, tmp_path / "a.parquet", {})
    assert pl.read_parquet(tmp_path / "a.parquet").rows() == [("é;",)]


def test_ages_in_parquet_are_seconds(data: Path, tmp_path: Path) -> None:
    """Which any reader of Parquet takes; intervals, none but DuckDB."""
    query = 'select interval 1500 millisecond as "an ""age", null::interval as b, 2 as c'
    with connect(data) as connection:
        copy_to_parquet(connection, query, tmp_path / "a.parquet", {})
    assert pl.read_parquet(tmp_path / "a.parquet").rows() == [(1.5, None, 2)]


@pytest.mark.parametrize("shown", ["json", "csv", "table"])
def test_a_time_with_a_zone_is_shown_in_utc(data: Path, cli: Cli, shown: str) -> None:
    """DuckDB's own type for these, which none of our columns has."""
    assert data.exists()
    query = "select timestamptz '2020-08-01 02:00:00+02:00' as t"
    result = cli("sql", query, "--format", shown)
    assert (result.returncode, result.stderr) == (0, "")
    assert "2020-08-01" in result.stdout.replace("T", " ")
    assert "00:00:00" in result.stdout


def test_json_loses_no_column(data: Path, cli: Cli) -> None:
    """Columns of one name are told apart, and none takes the name of another."""
    assert data.exists()
    query = "select 1 as a, 2 as a, 3 as a_1, 4 as a"
    (row,) = json.loads(cli("sql", query, "--json").stdout)
    assert list(row.values()) == [1, 2, 3, 4]
    assert list(row)[:2] == ["a", "a_1"]


def test_a_refusal_leads_with_duckdbs_own_words(data: Path) -> None:
    """What is wrong stands first; the query is a fact of the error."""
    with connect(data) as connection, pytest.raises(QueryRefused) as refused:
        ask(connection, "select no_such_column from trades")
    assert str(refused.value).startswith("DuckDB refuses the query: Binder Error: ")
    assert refused.value.query == "select no_such_column from trades"


@pytest.mark.parametrize(
    "arguments",
    [("book", "a\udcffb", "--at", "2020-08-01"), ("sql", "select 'a\udcffb'"),
     ("sql", "select 1", "--data", "a\udcff"),
     ("import-slices", "a\udcff"), ("book", "X", "--at", "\udcff")],
)  # fmt: skip
def test_bytes_that_are_no_text_are_a_usage_error(
    data: Path, cli: Cli, arguments: tuple[str, ...]
) -> None:
    """An argument that is no UTF-8 ends with 1 and a sentence."""
    assert data.exists()
    result = cli(*arguments)
    assert result.returncode == 1, result.stderr
    assert result.stderr.startswith("coinflex-l2: ")
    assert "Traceback" not in result.stderr


def test_an_output_that_is_no_utf8_is_a_usage_error(data: Path) -> None:
    """A terminal that can't show a table's rule is named, with what would work."""
    result = subprocess.run(
        [sys.executable, "-m", "pipeline", "sql", "select 1"],
        env=clean_environment(COINFLEX_L2_DATA=str(data), PYTHONIOENCODING="ascii"),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "PYTHONIOENCODING=utf-8" in result.stderr


def test_a_service_that_is_not_there_is_not_waited_for_in_silence(tmp_path: Path, cli: Cli) -> None:
    """Each failed attempt is a line on stderr; the last sentence says what to look at."""
    result = cli(
        "backfill", "--from", "2020-08-01", "--to", "2020-08-02", "--dry-run",
        "--config", str(config_file(tmp_path, attempts=3)),
        env={"COINFLEX_L2_TARDIS_URL": "http://127.0.0.1:1"},
    )  # fmt: skip
    assert result.returncode == 3
    lines = result.stderr.splitlines()
    warnings = [line for line in lines if "WARNING" in line and "details of exchange" in line]
    assert len(warnings) == 3
    assert "network" in lines[-1]
    assert "COINFLEX_L2_TARDIS_URL" in lines[-1]


def test_a_book_of_an_empty_lake_says_that_it_is_empty(tmp_path: Path, cli: Cli) -> None:
    """A mistyped --data is not an instrument that does not exist; nothing is written there."""
    result = cli("book", "BTC-USD", "--at", "2020-08-01", "--data", str(tmp_path / "typo"))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"coinflex-l2: there is nothing of coinflex in the lake of {tmp_path / 'typo'} yet: run "
        "coinflex-l2 backfill first, or name another folder with --data or another exchange with "
        "--exchange\n"
    )
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("arguments", [("sql", "from coverage"), ("instruments",), ("status",)])
def test_an_empty_lake_answers_and_warns(data: Path, cli: Cli, arguments: tuple[str, ...]) -> None:
    """An answer of no rows comes with one line that says why; with a lake there is none."""
    assert data.exists()
    assert cli(*arguments).stderr == ""
    empty = cli(*arguments, env={"COINFLEX_L2_DATA": str(data.parent / "typo")})
    assert empty.returncode == 0
    (line,) = empty.stderr.splitlines()
    assert "WARNING" in line
    assert "there is nothing of coinflex in the lake of " in line


def test_demo_without_the_sample_says_what_it_needs(tmp_path: Path, cli: Cli) -> None:
    """Installed from the wheel there is no sample: a checkout has it, or --sample names one."""
    result = cli("demo", "--sample", str(tmp_path / "none"))
    assert result.returncode == 1
    assert "checkout" in result.stderr
    assert "--sample DIR" in result.stderr


def test_quotes_tell_the_checksum_status(data: Path) -> None:
    """Whoever asks for best prices can leave out suspect books without a join."""
    with connect(data) as connection:
        assert connection.execute("select checksum_status from quotes").fetchall() == [("absent",)]
