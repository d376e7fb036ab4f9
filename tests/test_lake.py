from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pipeline
from pipeline.catalogue import Catalogue
from pipeline.channels import DEPTH_CHANNELS
from pipeline.errors import UsageError
from pipeline.lake import PARTITIONED, Lake, folder_name
from pipeline.query import rows_of
from pipeline.schemas import SCHEMA_VERSION
from pipeline.views import connect

from .lakes import (
    EXCHANGE,
    TODAY,
    bring_in,
    contents,
    identities,
    minute_of,
    partitions,
    put,
    rows,
    same_rows,
)
from .making import at, depth, trade
from .replacing import REBUILD, at_work, book_of, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a JSON text can name an instrument: anything but lone surrogates.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
STRANGE = [
    "BTC-USD-SWAP-LIN", "../x", ".", "..", "a/b", "/", "a b", "it's", '"', "~", "a~b", "%", "%2F",
    "a%7Eb", "\n", "=", "a=b", "ü", "\uff22", "💥" * 14, "x" * 160, "x" * 161, "x" * 300, "~" * 54,
    "é" * 300, "_", "*", "?", "[a]", "{0}", "\\", "#", ";", "--", "$1", "none", "12", "2020-08-01",
]  # fmt: skip

# --- names of folders --------------------------------------------------------------------------


@pytest.fixture(name="sql", scope="module")
def _sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection to an empty lake, which has all macros."""
    with connect(tmp_path_factory.mktemp("empty")) as connection:
        yield connection


@given(NAMES)
@settings(max_examples=300)
def test_any_name_is_a_safe_folder(name: str) -> None:
    """No instrument's name leads out of its folder, hides it, or is too long for a disk."""
    path = Lake(Path("data"), EXCHANGE).partition("depth", name, TODAY)
    assert path.parts[:4] == ("data", "lake", "depth", "exchange=coinflex")
    assert path.parts[5:] == ("date=2020-08-01", "data.parquet")
    assert path.parts[4] == f"instrument={folder_name(name)}"
    assert len(folder_name(name).encode()) <= 200
    assert folder_name(name).isascii()
    assert not set(folder_name(name)) & set("/\\\0\n*?[]{}'\"= ")


@given(NAMES, NAMES)
@example("x" * 160, "x" * 161)
@example("~", "%7E")
@example("a" * 200, "a" * 200 + "b")
@example("%" * 60, "_" * 180)
def test_two_names_never_share_a_folder(one: str, other: str) -> None:
    """The books of two instruments are never written into one file."""
    assert (one == other) == (folder_name(one) == folder_name(other))


def test_folder_of_a_long_name_is_no_other_name_s_folder() -> None:
    """Not even a name that was made to look like the cut form of another one."""
    long = "x" * 300
    assert folder_name(folder_name(long)) != folder_name(long)


@given(NAMES)
@settings(max_examples=300)
@example("x" * 300)
@example("é" * 300)
@example("%~'\"\n")
def test_sql_and_python_spell_a_folder_the_same(sql: duckdb.DuckDBPyConnection, name: str) -> None:
    """`book_at` in SQL looks where Python has written."""
    found = sql.execute("select folder_name(?)", [name]).fetchone()
    assert found == (folder_name(name),)


@pytest.mark.parametrize("name", STRANGE)
def test_sql_and_python_agree_on_strange_names(sql: duckdb.DuckDBPyConnection, name: str) -> None:
    """The same for names that were chosen to be difficult, one by one."""
    found = sql.execute("select folder_name(?)", [name]).fetchone()
    assert found == (folder_name(name),)


@given(NAMES.filter(lambda name: len(name) < 13))
def test_folder_says_the_name(name: str) -> None:
    """Whoever decodes a folder's name, as every reader of the tree does, has the instrument's."""
    assert unquote(folder_name(name)) == name


# --- the tree, read by others ------------------------------------------------------------------

SHORT = [name for name in STRANGE if "~" not in folder_name(name)]


@pytest.fixture(name="strange", scope="module")
def _strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake of two days whose instruments have difficult names."""
    data = tmp_path_factory.mktemp("strange")
    for day in range(2):
        lines = []
        for ordinal, name in enumerate(STRANGE):
            time = at(0, ordinal, at(1440 * day))
            lines.append(depth(time, [[100 + ordinal, 1]], [[200 + ordinal, 2]], instrument=name))
            lines.append(trade(time, str(ordinal + 1), "1.5", instrument=name))
        put(data, at(1440 * day), lines)
    bring_in(data)
    return data


def _frame(result: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    frame = pl.from_arrow(result.to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def _by_arrow(folder: Path) -> pl.DataFrame:
    dataset = ds.dataset(folder, format="parquet", partitioning="hive")
    frame = pl.from_arrow(dataset.to_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def _by_polars(folder: Path) -> pl.DataFrame:
    return pl.scan_parquet(folder, hive_partitioning=True).collect()


def _by_pandas(folder: Path) -> pl.DataFrame:
    frame = pd.read_parquet(folder)
    keys = {name: frame[name].astype(str) for name in ("exchange", "instrument", "date")}
    return pl.from_pandas(frame.assign(**keys))


def _by_duckdb(folder: Path) -> pl.DataFrame:
    query = "from read_parquet(?, hive_partitioning = true, hive_types_autocast = false)"
    with duckdb.connect() as connection:
        return _frame(connection.sql(query, params=[f"{folder}/**/*.parquet"]))


TEXT_KEYS = pl.col("exchange", "instrument", "date").cast(pl.String)


@pytest.mark.parametrize("read", [_by_arrow, _by_polars, _by_pandas, _by_duckdb])
def test_tree_is_read_without_this_project(strange: Path, read: Any) -> None:
    """A colleague with nothing but a Parquet reader gets the rows of our views, and whose."""
    found = read(strange / "lake" / "trades").with_columns(TEXT_KEYS)
    with connect(strange) as connection:
        query = "select instrument, date::varchar as date, price, amount, side from trades"
        ours = _frame(connection.sql(query))
    cut = {folder_name(name): name for name in STRANGE if "~" in folder_name(name)}
    theirs = found.with_columns(pl.col("instrument").replace(cut)).select(ours.columns)
    order = ["instrument", "date"]
    assert theirs.sort(order).equals(ours.sort(order))
    assert set(found["exchange"]) == {EXCHANGE}
    expected = {
        (name, f"2020-08-0{day}", float(ordinal + 1))
        for day in (1, 2)
        for ordinal, name in enumerate(STRANGE)
    }
    assert set(theirs.select("instrument", "date", "price").iter_rows()) == expected


@pytest.mark.parametrize("read", [_by_arrow, _by_polars, _by_duckdb])
def test_lists_and_times_are_read_without_this_project(strange: Path, read: Any) -> None:
    """Levels and times come out of any reader as our schema says, to the microsecond."""
    found = read(strange / "lake" / "depth").sort("date", "arrival")
    with connect(strange) as connection:
        ours = _frame(connection.sql("from depth_rows order by date, arrival"))
    columns = [column.name for column in PARTITIONED["depth"]]
    assert found.select(columns).equals(ours.select(columns))
    assert found.select(columns).schema == pl.Schema(PARTITIONED["depth"].schema)


@pytest.mark.parametrize("name", STRANGE)
def test_book_of_a_strange_name_is_its_own(strange: Path, name: str) -> None:
    """Whatever an instrument is called, asking for it answers with its book and no other."""
    ordinal = STRANGE.index(name)
    with connect(strange) as connection:
        book = connection.execute("from book_at(?, ?)", [name, at(0, 59).replace(tzinfo=None)])
        found = {(side, price) for side, _, price, _ in book.fetchall()}
        assert found == {("bid", 100.0 + ordinal), ("ask", 200.0 + ordinal)}
        price = connection.execute("select price from trades where instrument = ?", [name])
        assert price.fetchall() == [(ordinal + 1.0,)] * 2


def test_files_say_what_they_are(strange: Path) -> None:
    """A file that was copied out of the tree still says whose it is and what it was made from."""
    catalogue = Catalogue(Lake(strange, EXCHANGE))
    seen = set()
    for path in partitions(strange):
        file = pq.ParquetFile(path)
        about = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
        keys = dict(part.split("=") for part in path.parts[:-1] if "=" in part)
        assert about["table"] == path.relative_to(strange / "lake").parts[0]
        assert (about["exchange"], about["date"]) == (EXCHANGE, keys["date"])
        assert about["schema_version"] == str(SCHEMA_VERSION)
        assert about["version"] == pipeline.__version__
        assert about["source"] == catalogue.days[keys["date"]]["source"]
        assert about["rows"] == str(file.metadata.num_rows)
        assert ("instrument" in about) == ("instrument" in keys)
        if "instrument" in keys:
            assert folder_name(about["instrument"]) == keys["instrument"]
            seen.add(about["instrument"])
        assert not set(file.schema_arrow.names) & {"exchange", "instrument", "date"}
    assert seen == set(STRANGE)


def test_one_file_per_table_instrument_and_day(strange: Path) -> None:
    """Every partition is one file, which is what lets it be replaced in one step."""
    folders = Counter(path.parent for path in partitions(strange))
    assert set(folders.values()) == {1}
    assert len(folders) == 2 * (4 * len(STRANGE) + 1)  # depth, trades, two of gaps each; ingests


# --- the catalogue -----------------------------------------------------------------------------


def test_catalogue_is_what_the_partitions_hold(tmp_path: Path) -> None:
    """`coverage` and `status` are answered from the catalogue, so it must say what is there."""
    for day in range(2):
        for minute in (0, 1, 3):
            put(tmp_path, at(minute + 1440 * day), minute_of(at(minute + 1440 * day)))
    short = depth(at(4), [[1, 1]], [[2, 1]], instrument="A", table="depthL5")
    put(tmp_path, at(4), [short])
    bring_in(tmp_path)
    found = Catalogue(Lake(tmp_path, EXCHANGE)).rows
    there: dict[tuple[str, date], Counter[str]] = {}
    for name, frame in rows(tmp_path).items():
        table, *keys, _ = name.split("/")
        key = dict(part.split("=") for part in keys)
        if "instrument" not in key:
            continue
        counts = there.setdefault((key["instrument"], date.fromisoformat(key["date"])), Counter())
        label = "other" if table in DEPTH_CHANNELS[1:] else table
        counts[label] += (frame.filter("is_unknown") if table == "gaps" else frame).height
        counts["bytes"] += (tmp_path / "lake" / name).stat().st_size
        if table == "depth":
            counts["changes"] += sum(
                len(cell) for side in ("bid", "ask") for cell in frame[f"{side}_change_price"]
            )
    assert set(found.select("instrument", "date").iter_rows()) == there.keys()
    for row in found.iter_rows(named=True):
        counts = there[row["instrument"], row["date"]]
        assert row["depth_messages"] == counts["depth"]
        assert row["depth_changes"] == counts["changes"]
        assert row["other_depth_messages"] == counts["other"]
        assert row["trades"] == counts["trades"]
        assert row["gaps"] == counts["gaps"]
        assert row["trade_gaps"] == counts["trade_gaps"] - 1  # midnight, which every day has
        assert row["bytes"] == counts["bytes"]
        assert row["minutes_fetched"] == (4 if row["date"] == TODAY else 3)
        assert row["disconnects"] == 3
    assert found["depth_messages"].sum() == 2 * 2 * 3 * 6


def test_lost_catalogue_is_found_again(tmp_path: Path) -> None:
    """The catalogue is derived: without it the next run brings everything in anew, the same."""
    put(tmp_path, at(0), minute_of(at(0)))
    bring_in(tmp_path)
    before = contents(tmp_path)
    Lake(tmp_path, EXCHANGE).catalogue.unlink()
    assert bring_in(tmp_path).written == ["2020-08-01"]
    assert contents(tmp_path) == before


def test_lake_is_rebuilt_from_raw(tmp_path: Path) -> None:
    """Raw is the truth: a deleted lake comes back byte for byte."""
    for minute in (0, 1441):
        put(tmp_path, at(minute), minute_of(at(minute)))
    bring_in(tmp_path)
    before = contents(tmp_path)
    (tmp_path / "lake").rename(tmp_path / "old")
    bring_in(tmp_path)
    assert contents(tmp_path) == before


def test_instrument_brought_in_alone_does_not_vouch_for_its_day(tmp_path: Path) -> None:
    """A slice that came and went between two runs leaves nothing of itself in the lake."""
    put(tmp_path, at(0), minute_of(at(0)))
    bring_in(tmp_path)
    before = rows(tmp_path)
    passing = put(tmp_path, at(1), minute_of(at(1)))
    bring_in(tmp_path, instruments=["A"])
    passing.unlink()
    assert bring_in(tmp_path).written == ["2020-08-01"]
    assert same_rows(rows(tmp_path), before)


def test_minute_whose_slice_is_gone_is_gone(tmp_path: Path) -> None:
    """The lake never answers with a minute that raw no longer has, while it has others."""
    put(tmp_path, at(0), minute_of(at(0)))
    bring_in(tmp_path)
    before = rows(tmp_path)
    passing = put(tmp_path, at(1), minute_of(at(1), instruments=["A", "PASSING"]))
    bring_in(tmp_path)
    assert any("PASSING" in name for name in rows(tmp_path))
    passing.unlink()
    bring_in(tmp_path)
    assert same_rows(rows(tmp_path), before)
    assert set(Catalogue(Lake(tmp_path, EXCHANGE)).rows["instrument"]) == {"A", "B"}


def test_day_whose_raw_is_gone_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Raw that was moved away, a disk that is not mounted say, does not empty the lake."""
    paths = [put(tmp_path, at(minute), minute_of(at(minute))) for minute in (0, 1440)]
    bring_in(tmp_path)
    before = identities(tmp_path / "lake")
    paths[0].unlink()
    assert bring_in(tmp_path).written == []
    assert identities(tmp_path / "lake") == before
    assert "2020-08-01 has no whole slice" in caplog.text
    assert bring_in(tmp_path, rebuild=True).written == ["2020-08-02"]


# --- readers while files are replaced ----------------------------------------------------------


QUESTIONS: dict[str, set[tuple[float, ...]]] = {
    "select count(*), min(floor(bid_price / 1000)), max(floor(bid_price / 1000)), min(bid_amount), "
    "max(ask_amount) from depth_messages": {(60, 1, 1, 1, 1), (120, 2, 2, 2, 2)},
    # The first book has 20 levels; each message after it takes one level from each side and
    # brings one, which is 4 changes.
    "select count(*), count(distinct amount) filter (amount > 0), max(amount) from depth_changes": {
        (20 + 59 * 4, 1, 1), (20 + 119 * 4, 1, 2)
    },
    "select count(*), max(message) + 1, max(bid_amount) from quotes": {
        (60, 60, 1), (120, 120, 2)
    },
    "select count(*), min(price), max(price) from trades": {
        (60, 1000, 1000), (120, 2000, 2000)
    },
    "select min(id::int), max(id::int), min(price), max(price) from "
    "(from trades order by arrival desc limit 5)": {
        (55, 59, 1000, 1000), (115, 119, 2000, 2000)
    },
    # The message before each trade has raised the best bid by one, and no trade meets another book.
    "select count(*), min(bid_price - price), max(bid_price - price) from "
    "trades_with_quotes('A', '2020-08-01', '2020-08-02')": {(60, 0, 59), (120, 0, 119)},
    "select depth_messages, trades from coverage": {(60, 60), (120, 120)},
}  # fmt: skip


def _ask(connection: duckdb.DuckDBPyConnection, question: str) -> list[tuple[Any, ...]] | None:
    """Return the rows, None if the query failed aloud."""
    try:
        return rows_of(connection, question)
    except UsageError:
        return None


def _ask_everything(data: Path, rounds: int) -> tuple[Counter[str], set[str]]:
    """Ask again and again; return how many answers there were of each kind, and the wrong ones."""
    seen: Counter[str] = Counter()
    wrong = set()
    with connect(data) as connection:
        for turn in range(rounds):
            for question, right in QUESTIONS.items():
                answer = _ask(connection, question)
                seen["failed" if answer is None else str(answer)] += 1
                if answer is not None and answer[0] not in right:
                    wrong.add(f"{question}: {answer[0]}")
            second = 10.25 + turn % 45
            time = at(0, second).replace(tzinfo=None)
            answer = _ask(connection, f"select side, price, amount from book_at('A', '{time}')")
            books = [book_of(1, second), book_of(2, second)]
            seen["failed" if answer is None else f"book {set(answer) == books[0]}"] += 1
            if answer is not None and set(answer) not in books:
                wrong.add(f"book_at {time}: {sorted(answer)[:2]}")
    return seen, wrong


@pytest.mark.parametrize("moved", [-60, 0, 60])
def test_what_is_kept_of_a_file_is_not_used_for_the_next_one(tmp_path: Path, moved: int) -> None:
    """A connection reads a replaced partition anew, whatever the time of the new file says."""
    long_ago = at(0).timestamp()
    put(tmp_path, at(0), lines_of(1))
    with connect(tmp_path) as connection:
        for version, time in [(1, long_ago), (2, long_ago + moved), (1, long_ago)]:
            put(tmp_path, at(0), lines_of(version))
            bring_in(tmp_path)
            for path in partitions(tmp_path):
                os.utime(path, (time, time))
            for _ in range(2):
                rows = connection.execute(
                    "select side, price, amount from book_at('A', '2020-08-01 00:00:10.25')"
                ).fetchall()
                assert set(rows) == book_of(version, 10.25)
                messages = connection.execute("select count(*) from depth_messages").fetchone()
                assert messages == (60 * version,)


def test_reader_beside_a_rebuild_is_answered(tmp_path: Path) -> None:
    """While a day is rebuilt over and over, each question is answered, by one version."""
    put(tmp_path, at(0), lines_of(1))
    bring_in(tmp_path)
    with at_work(REBUILD, tmp_path):
        seen, wrong = _ask_everything(tmp_path, 25)
    assert not wrong
    assert not seen["failed"]
    assert {"book True", "book False"} <= seen.keys(), "the reader never met both versions"
