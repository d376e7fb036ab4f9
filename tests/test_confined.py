"""Queries from outside: they read what is in the data folder, and do nothing else."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import pipeline
from pipeline.confined import connect_confined
from pipeline.errors import PipelineError, QueryRefused, UsageError
from pipeline.query import ask, copy_to_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli

SECRET = "not for those who ask"


@pytest.fixture(name="outside", scope="module")
def _outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that is not that of the data, with files in it."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.csv").write_text(f"a\n{SECRET}\n")
    (folder / "secret.json").write_text(json.dumps({"a": SECRET}))
    with duckdb.connect(folder / "secret.duckdb") as other:
        other.execute("create table secret as select 1 as a")
        other.execute(f"copy secret to '{folder}/secret.parquet'")
    return folder


@pytest.fixture(name="confined", scope="module")
def _confined(sample_lake: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_confined(sample_lake, "coinflex") as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    """Return what a query says."""
    return list(ask(connection, query).rows)


READS = [
    "from read_text('{}/secret.csv')",
    "from read_blob('{}/secret.csv')",
    "from '{}/secret.csv'",
    "select * from read_csv('{}/secret.csv')",
    "from sniff_csv('{}/secret.csv')",
    "from read_json('{}/secret.json')",
    "from read_parquet('{}/secret.parquet')",
    "from parquet_metadata('{}/secret.parquet')",
    "from read_duckdb('{}/secret.duckdb')",
    "from glob('{}/*')",
    "from query_table('{}/secret.parquet')",
    "describe from read_csv('{}/secret.csv')",
    "explain analyze from read_csv('{}/secret.csv')",
    "from read_text(data_root() || '/../../../../../../../../../../..{}/secret.csv')",
    "from read_text('file://{}/secret.csv')",
    "from read_text('/proc/self/environ')",
    "from read_text('http://127.0.0.1:1/{}')",
    "select getenv('HOME')",
]


@pytest.mark.parametrize("query", READS)
def test_nothing_outside_is_read(
    confined: duckdb.DuckDBPyConnection, outside: Path, query: str
) -> None:
    """Neither the files of whoever runs it, nor the network, nor the environment."""
    with pytest.raises(QueryRefused) as caught:
        rows(confined, query.format(outside))
    assert SECRET not in str(caught.value)


def test_a_link_in_the_folder_does_not_lead_outside(
    sample_lake: Path, outside: Path, tmp_path: Path
) -> None:
    """But parts of the lake may lie on another disk."""
    data, disk = tmp_path / "linked", tmp_path / "disk"
    shutil.copytree(sample_lake, data)
    (data / "lake" / "depth").rename(disk)
    (data / "lake" / "depth").symlink_to(disk)
    (data / "runs").mkdir(exist_ok=True)
    (data / "runs" / "link.csv").symlink_to(outside / "secret.csv")
    with connect_confined(data, "coinflex") as connection:
        assert rows(connection, "select count(*) > 0 from quotes") == [(True,)]
        with pytest.raises(QueryRefused):
            rows(connection, f"from read_text('{data}/runs/link.csv')")


WRITES = [
    "copy (select 1) to '{}/made'",
    "with t as (copy (select 1) to '{}/made') select 1",
    "with t as materialized (copy (select 1) to '{}/made') select 1",
    "explain analyze with t as (copy (select 1) to '{}/made') select 1",
    "from query('copy (select 1) to ''{}/made''')",
    "from query('select 1')",
    "from \"Query\"('select 1')",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "export database '{}/made'",
    "attach '{}/made'",
    "attach '{}/secret.duckdb' (read_only)",
    "from enable_logging(storage = 'file', storage_path = '{}/made')",
    "with t as (insert into x values (1) returning *) from t",
    "with t as (delete from x returning *) from t",
    "with t as (update x set a = 1 returning *) from t",
    "select 1; copy (select 1) to '{}/made'",
    "create table made as select 1",
    "drop view trades",
    "set memory_limit = '1TB'",
    "reset lock_configuration",
    "pragma database_list",
    "call pragma_version()",
    "install httpfs",
    "load httpfs",
    "prepare p as select 1",
    "use memory",
    "checkpoint",
    "",
    ";",
    "-- nothing",
]


@pytest.mark.parametrize("query", WRITES)
@pytest.mark.parametrize("where", ["outside", "inside"])
def test_nothing_is_written_anywhere(
    confined: duckdb.DuckDBPyConnection, sample_lake: Path, outside: Path, query: str, where: str
) -> None:
    """Also not in the data folder, which DuckDB's own setting would allow, nor from within WITH."""
    folder = outside if where == "outside" else sample_lake
    before = sorted(folder.rglob("*"))
    with pytest.raises(PipelineError):
        rows(confined, query.format(folder))
    with pytest.raises(PipelineError):
        copy_to_parquet(confined, query.format(folder), folder / "made", {})
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "query",
    [
        "select 1",
        "from coverage",
        "table coverage",
        "values (1)",
        "with t as (select 1) select * from t union all select 2",
        "with recursive t as (select 1 as a union all select a + 1 from t where a < 3) from t",
        "from (select 1 as a) pivot (sum(a) for a in (1))",
        "show tables",
        "describe trades",
        "summarize coverage",
        "explain from coverage",
        "explain analyze select 1",
        """select '"type":"COPY_QUERY_NODE"', '"function_name":"query"' as "function_name" """,
        "select count(*) from read_parquet(lake_root() || '/depth/*/*/*/*.parquet')",
    ],
)
def test_what_reads_is_answered(confined: duckdb.DuckDBPyConnection, query: str) -> None:
    """Whatever its form, and whatever stands in its literals."""
    assert rows(confined, query)


@pytest.mark.parametrize(
    "deep",
    ["select " + "(" * 50_000, "with a as (" * 5_000, "select " + "1+" * 10_000 + "1"],
    ids=len,
)
def test_depth_is_refused(confined: duckdb.DuckDBPyConnection, deep: str) -> None:
    """With a sentence."""
    with pytest.raises(PipelineError):
        rows(confined, deep)


def test_an_open_lake_is_confined_and_a_connection_of_one_s_own_is_not(
    sample_lake: Path, outside: Path
) -> None:
    """Programs that want more of DuckDB take `pipeline.connect`."""
    query = f"from read_csv('{outside}/secret.csv')"
    with pipeline.open(sample_lake) as lake:
        with pytest.raises(QueryRefused):
            lake.sql(query)
        with pytest.raises(UsageError):
            lake.sql("with t as (copy (select 1) to 'made') select 1")
        with lake.cursor() as cursor, pytest.raises(duckdb.PermissionException):
            cursor.execute(query)
    with pipeline.connect(sample_lake) as connection:
        assert connection.execute(query).fetchall() == [(SECRET,)]


@pytest.mark.parametrize("name", ["answer.csv", "answer.parquet"])
def test_the_command_writes_its_output_anywhere_and_reads_nowhere_else(
    cli: Cli, sample_lake: Path, outside: Path, name: str, tmp_path: Path
) -> None:
    """Where whoever runs it says; a query has no part in that."""
    options = ("--output", str(tmp_path / name), "--data", str(sample_lake))
    assert cli("sql", "select 1 as a", *options).returncode == 0
    assert (tmp_path / name).stat().st_size
    told = cli("sql", f"from read_text('{outside}/secret.json')", *options)
    assert (told.returncode, SECRET in told.stdout + told.stderr) == (1, False)
