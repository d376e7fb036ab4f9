"""An open lake: cheap, quiet, for any number of threads and processes, while days are replaced."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pipeline
from pipeline.errors import LakeEmpty, LakeOutdated, QueryRefused, UsageError
from tests.lakes import bring_in, put
from tests.making import at
from tests.replacing import book_of, lines_of, replaced_constantly

from .conftest import NAME, OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.research import OpenLake

_DAYS = "2020-08-01", "2020-08-05"
_NOON = "2020-08-02T12:00:05"
_MINUTE = "A", at(0), at(1)


def _everything(lake: OpenLake, name: str = NAME) -> Iterator[Any]:
    """Yield the answer to each question."""
    yield lake.book_at(name, _NOON)
    yield lake.books_at(name, [_NOON, "2020-08-03"])
    yield lake.books(name, *_DAYS, "1h")
    yield lake.snapshots(name, *_DAYS, 2)
    yield lake.snapshots(name, *_DAYS, 2, "1h")
    for of in (lake.quotes, lake.trades, lake.depth_changes, lake.tickers, lake.gaps):
        yield of(name, *_DAYS)
    yield lake.coverage()
    yield lake.instruments()
    yield lake.sql("select count(*) as n from depth_messages where instrument = ?", [name])
    yield lake.explain(name, _NOON)


def _rows(answers: Iterator[Any]) -> list[Any]:
    return [one if isinstance(one, str) else one.rows() for one in answers]


def test_what_is_public() -> None:
    """`pipeline.open` and what it raises; `connect` for DuckDB itself."""
    assert pipeline.__all__ == ["PipelineError", "Settings", "connect", "open"]


def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    """A slip of the pen makes no files; nor does a folder without a lake, or another exchange."""
    with pytest.raises(LakeEmpty, match="nothing"):
        pipeline.open(tmp_path / "nothing")
    with pytest.raises(LakeEmpty):
        pipeline.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("columns", [["schema_version"], []], ids=["its columns", "others"])
def test_a_lake_of_another_version_is_named_so(
    tmp_path: Path, columns: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It is not empty: nothing is to be downloaded again. Of some days alone there is a warning."""
    put(tmp_path, at(0), lines_of(1))
    put(tmp_path, at(1440), lines_of(1))
    bring_in(tmp_path)
    path = tmp_path / "lake" / "_catalogue" / "coinflex.parquet"
    whole = pq.read_table(path)
    as_written = pa.array([1, 2], pa.int32())
    place = whole.schema.names.index("schema_version")
    foreign = whole.set_column(place, "schema_version", as_written)
    pq.write_table(foreign if columns else whole.drop_columns(["trade_gaps"]), path)
    with pytest.raises(LakeOutdated, match=r"has its days as another .*: coinflex-l2 ingest$"):
        pipeline.open(tmp_path)
    assert not caplog.records
    bring_in(tmp_path, at(0).date(), rebuild=True)
    if not columns:  # what was written with others is not known any more
        return
    with pipeline.open(tmp_path) as lake:
        assert not lake.book_at("A", at(0, 5)).is_empty()
    assert "has 1 of its days (2020-08-02 the first) as another version" in caplog.text


def test_an_exchange_that_is_not_there_is_refused(data: Path) -> None:
    """A connection is bound to one."""
    before = sorted(data.rglob("*"))
    with pytest.raises(LakeEmpty):
        pipeline.open(data, exchange="other")
    assert sorted(data.rglob("*")) == before


def test_a_folder_may_be_text(data: Path) -> None:
    """As in a notebook; it says what it is."""
    with pipeline.open(str(data)) as lake:
        assert repr(lake) == f"pipeline.open({str(data)!r}, exchange='coinflex')"
        assert lake.trades(NAME, *_DAYS).height > 0


def test_a_closed_lake_answers_nothing(data: Path) -> None:
    """It says how to open another one."""
    lake = pipeline.open(data)
    lake.close()
    lake.close()
    questions = (
        lambda: lake.coverage(),  # noqa: PLW0108 - likewise
        lambda: lake.snapshots(NAME, *_DAYS),
        lambda: lake.explain(NAME, _NOON),
    )
    for question in questions:
        with pytest.raises(UsageError, match=r"a closed one.*pipeline\.open"):
            question()


def test_nothing_is_written(data: Path) -> None:
    """All questions, and every file is as it was: a lake may be read-only."""
    with pipeline.open(data) as lake:
        before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
        assert all(len(answer) for answer in _everything(lake))
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_within_a_running_event_loop(lake: OpenLake) -> None:
    """As in a notebook."""

    async def ask() -> list[Any]:
        return _rows(_everything(lake))

    assert asyncio.run(ask()) == _rows(_everything(lake))


def test_from_several_threads(lake: OpenLake) -> None:
    """Each gets its own answers."""
    names = [NAME, OTHER] * 4
    expected = {name: _rows(_everything(lake, name)) for name in (NAME, OTHER)}
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda name: _rows(_everything(lake, name)), names))
    assert found == [expected[name] for name in names]


def test_batches_of_several_questions_at_once(lake: OpenLake) -> None:
    """An iterator that is not done is no hindrance to another, nor is one that is left."""
    one, other = (lake.trades(name, *_DAYS, batch_rows=1) for name in (NAME, OTHER))
    left = lake.snapshots(NAME, *_DAYS, batch_rows=1)
    next(left)
    for mine, theirs in zip(one, other, strict=True):
        assert mine["instrument"].to_list() == [NAME]
        assert theirs["instrument"].to_list() == [OTHER]


# --- while files are replaced ------------------------------------------------------------------


def _ask_one_version(data: Path, rounds: int) -> tuple[set[int], list[str]]:
    """Ask again and again; return which versions answered, and answers that are of neither."""
    seen: set[int] = set()
    wrong = []
    with pipeline.open(data) as lake:
        for turn in range(rounds):
            second = 10.25 + turn % 45
            for ask in (_on_change, _on_grid, _in_batches, _by_sql, _by_sql_in_batches, _book_at):
                versions = ask(lake, second)
                seen |= versions
                if len(versions) > 1 or 0 in versions:
                    wrong.append(f"{ask.__name__} at {second}: {versions}")
    return seen, wrong


def _on_change(lake: OpenLake, _: float) -> set[int]:
    """Return of which versions snapshots are, as their number and their amounts say.

    A version has as many messages a second as its number says, and as much at each level.
    """
    found = lake.snapshots(*_MINUTE, 10)
    return {found.height // 60, *_amounts(found, "bid_sz_00", "ask_sz_09")}


def _on_grid(lake: OpenLake, _: float) -> set[int]:
    found = lake.books(*_MINUTE, "1s", None).drop_nulls("amount")
    best = found.filter(pl.col("level") == 0)["price"].to_list()
    return {*(int(price // 1000) for price in best), *_amounts(found, "amount")}


def _in_batches(lake: OpenLake, _: float) -> set[int]:
    batches = list(lake.snapshots(*_MINUTE, 10, batch_rows=7))
    amounts = [_amounts(batch, "bid_sz_00", "ask_sz_09") for batch in batches]
    return set().union({sum(batch.height for batch in batches) // 60}, *amounts)


def _by_sql(lake: OpenLake, _: float) -> set[int]:
    with suppress(QueryRefused):  # aloud, where it is replaced faster than it can be read
        quotes = lake.quotes(*_MINUTE)
        return {quotes.height // 60, *_amounts(quotes, "bid_amount", "ask_amount")}
    return set()


def _by_sql_in_batches(lake: OpenLake, _: float) -> set[int]:
    with suppress(QueryRefused):
        batches = list(lake.quotes(*_MINUTE, batch_rows=7))
        amounts = [_amounts(batch, "bid_amount", "ask_amount") for batch in batches]
        return set().union({sum(batch.height for batch in batches) // 60}, *amounts)
    return set()


def _book_at(lake: OpenLake, second: float) -> set[int]:
    with suppress(QueryRefused):
        book = lake.book_at("A", at(0, second)).select("side", "price", "amount")
        versions = {number for number in (1, 2) if book_of(number, second) == set(book.rows())}
        return versions or {0}
    return set()


def _amounts(frame: Any, *columns: str) -> set[int]:
    return {int(amount) for column in columns for amount in frame[column].unique()}


def test_an_answer_is_of_one_version_while_files_are_replaced(tmp_path: Path) -> None:
    """Asked by several processes at once; what the replay answers is never refused either."""
    with (
        replaced_constantly(tmp_path),
        ProcessPoolExecutor(2, multiprocessing.get_context("forkserver")) as processes,
    ):
        found = list(processes.map(_ask_one_version, [tmp_path] * 2, [8] * 2))
    assert [wrong for _, wrong in found] == [[], []]
    assert set().union(*(seen for seen, _ in found)) == {1, 2}, "the reader never met both versions"
