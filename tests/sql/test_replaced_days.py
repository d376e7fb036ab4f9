"""Every verb over a range, while its days are replaced: one version of each day, or an error.

Two days, each in two versions, in lakes of the four ways in which they can stand beside each other.
What a verb says of these, in quiet, is what it may say while days are replaced file by file.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from contextlib import ExitStack, suppress
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import duckdb
import pytest

import pipeline
from pipeline.errors import QueryRefused
from pipeline.sql_objects import sql_objects
from pipeline.views import connect
from tests.lakes import bring_in, leave_objects, put
from tests.making import at, depth, trade
from tests.replacing import REPLACE, at_work, keep_partitions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

_MIDNIGHT: Final = at(24 * 60)
_RANGE: Final = "'2020-08-01 23:59:20', '2020-08-02 00:00:40'"
_MOMENT: Final = "'2020-08-02 00:00:00.5'"
# What a macro is asked with, by the name of its parameter.
_ASKED: Final = {
    "instrument": "'A'", "start": _RANGE, "t": _MOMENT, "step": "interval 10 second",
    "tick_size": "0.5", "ticks": "2", "quantity": "5", "notional": "9000",
    "horizon": "interval 15 second", "instruments": "['A', 'NONE']",
    "perpetual": "'A'", "spot": "'NONE'", "times": "'asked_times'",
}  # fmt: skip
_ALL_COLUMNS: Final = "columns(lambda name: name <> 'version')"
# Beside what a macro needs: otherwise nothing here is silent for long enough.
_ASKED_MORE: Final = {"check_stale": ", longest := interval 2 second"}
_TIMES: Final = f"with asked_times as (select {_MOMENT}::timestamp + i * interval 7 second as t from range(-3, 4) as steps(i))"  # noqa: E501
# Its files are held against the catalogue, which is written after all of them.
_OF_THE_CATALOGUE: Final = {"check_catalogue"}


OBJECTS: Final = {one.name: one for one in sql_objects().values()}


def _verbs() -> Iterator[tuple[str, str]]:
    """Yield each verb, and a question to it; more of a book's levels than are asked by default."""
    for one in OBJECTS.values():
        names = [name.partition(" ")[0] for name in one.called.split(", ")]
        asked = [name for name in names if name in _ASKED]
        needed = [name for name, given in zip(names, one.called.split(", "), strict=True)
                  if ":=" not in given and name != "end"]  # fmt: skip
        if one.kind == "macro table" and asked == needed and one.name not in _OF_THE_CATALOGUE:
            arguments = ", ".join(_ASKED[name] for name in asked) + _ASKED_MORE.get(one.name, "")
            yield one.name, f"from {one.name}({arguments})"


VERBS: Final = dict(_verbs())


def _lines(minute: datetime, version: int, messages: int) -> list[str]:
    """Return a minute's lines, of which the first and last come some seconds from its ends.

    All prices and amounts tell the version, three trades in ten take from two levels at once, and
    the second version has a disconnect.
    """
    lines, top = [], 1000.0 * version
    for number in range(messages):
        time = minute + timedelta(seconds=2 + 55 * number / (messages - 1))
        best = top + number % 7
        bids = [[best - level, 1.0 * version + level] for level in range(6)]
        asks = [[best + 1 + level, 2.0 * version + level] for level in range(6)]
        seq = 1000 * (minute >= _MIDNIGHT) + number
        lines.append(depth(time, bids, asks, instrument="A", seq=seq))
        for print_ in range(number % 3):
            price, amount = str(best + 1 + print_), str(version)
            lines.append(trade(time, price, amount, instrument="A", id_=f"{number}-{print_}"))
        if version > 1 and number == messages // 2:
            lines.append("")
    return lines


def _put(data: Path, versions: Sequence[int]) -> None:
    """Ingest both days: the first is as long in both versions, the second is not."""
    for day, version in enumerate(versions):
        minute = _MIDNIGHT + timedelta(minutes=day - 1)
        put(data, minute, _lines(minute, version, 40 * version if day else 40))
    bring_in(data)


class Answer(NamedTuple):
    """What a verb says, but for the versions' own numbers."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def of(self, *wanted: str) -> list[str]:
        """Return what it says in some columns, in an order of its own."""
        places = [self.columns.index(column) for column in wanted or self.columns]
        return sorted(str([row[place] for place in places]) for row in self.rows)


def _ask(sql: duckdb.DuckDBPyConnection, verb: str, *columns: str) -> Answer:
    """Ask for some columns, or all."""
    wanted = ", ".join(f'"{column}"' for column in columns)
    found = sql.execute(f"{_TIMES} select {wanted or _ALL_COLUMNS} {VERBS[verb]}")
    return Answer([column[0] for column in found.description or ()], found.fetchall())


def test_no_verb_is_left_out() -> None:
    """All that an instrument and a range, or a time, can be asked for."""
    of_ranges = {
        one.name
        for one in OBJECTS.values()
        if one.kind == "macro table"
        and one.topic in {"books", "measures", "trades", "ranges", "checks"}
    }
    assert of_ranges - VERBS.keys() == {"check_catalogue"}


class Whole(NamedTuple):
    """A lake in which nothing is replaced, and what each verb says of it."""

    data: Path
    answers: dict[str, Answer]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, ...], Whole]:
    """Return a lake of each pair of the days' versions."""
    found = {}
    for versions in product((1, 2), repeat=2):
        data = tmp_path_factory.mktemp("versions")
        _put(data, versions)
        with connect(data) as sql:
            found[versions] = Whole(data, {verb: _ask(sql, verb) for verb in VERBS})
    return found


def test_no_answer_is_of_two_versions_of_a_day(
    whole: dict[tuple[int, ...], Whole], tmp_path: Path
) -> None:
    """Asked again and again while both days are replaced by turns, whichever file comes first.

    What is not asked for, DuckDB does not work out; so some questions are for one column alone.
    """
    right = {verb: [lake.answers[verb] for lake in whole.values()] for verb in VERBS}
    data = tmp_path / "data"
    shutil.copytree(whole[1, 1].data / "lake", data / "lake")
    leave_objects(data)
    kept = [
        keep_partitions(whole[versions].data, tmp_path / f"kept{versions}")
        for versions in ((1, 1), (2, 2))
    ]
    rng = random.Random(13)
    seen: Counter[str] = Counter()
    wrong: Counter[tuple[str, ...]] = Counter()
    # With pauses: most questions meet a replacement, and some do not.
    with at_work(REPLACE, data / "lake", 0.02, *kept), connect(data) as sql:
        for number, verb in enumerate([*VERBS, *rng.sample(list(VERBS), len(VERBS) // 3)]):
            alone = [rng.choice(right[verb][0].columns)] if number >= len(VERBS) else []
            try:
                answer = _ask(sql, verb, *alone).of()
            except duckdb.Error:
                seen["error"] += 1
                continue
            seen[str(answer == right[verb][0].of(*alone))] += 1
            wrong[verb, *alone] += answer not in [each.of(*alone) for each in right[verb]]
    assert not +wrong
    assert {"error", "True", "False"} == seen.keys()


def test_one_reading_of_a_file_is_of_one_version(tmp_path: Path) -> None:
    """DuckDB opens it for its footer and again for its pages, which may be those of another one.

    In both versions the columns before the times are as long, since they are so few.
    """
    kept = []
    for version, seconds in enumerate([[30, 31, 32, 33, 34], [1, 2, 3, 40, 41, 42, 43, 44, 45]]):
        data = tmp_path / f"lake{version}"
        lines = [depth(at(0, second), [[1, 1]], [[2, 1]], instrument="A") for second in seconds]
        put(data, at(0), lines)
        bring_in(data)
        kept.append(keep_partitions(data, tmp_path / f"kept{version}"))
    shutil.copytree(tmp_path / "lake0" / "lake", tmp_path / "data" / "lake")
    leave_objects(tmp_path / "data")
    question = "select count(*) from depth_messages('A', '2020-08-01 00:00:20', '2020-08-02')"
    seen: Counter[int] = Counter()
    with at_work(REPLACE, tmp_path / "data" / "lake", 0, *kept), connect(tmp_path / "data") as sql:
        for _ in range(80):
            with suppress(duckdb.Error):
                seen[sql.execute(question).fetchall()[0][0]] += 1
    assert seen.keys() == {5, 6}


@pytest.fixture(scope="module")
def two_lakes(whole: dict[tuple[int, ...], Whole]) -> tuple[Path, Path]:
    """Return the data folders of both versions of both days."""
    return whole[1, 1].data, whole[2, 2].data


def test_where_an_ingest_was_cut_short_no_column_is_of_two_versions(
    whole: dict[tuple[int, ...], Whole], tmp_path: Path
) -> None:
    """A kill between two files of a day leaves one table new and one old, until the next ingest.

    A verb that reads both is an error then, whichever of its columns is asked for; another says
    what it says of the one version or the other.
    """
    refused: dict[str, set[str]] = {}
    with ExitStack() as stack:
        lakes = whole[1, 1], whole[2, 2]
        # Those of books read one table.
        verbs = [verb for verb in VERBS if OBJECTS[verb].topic not in {"books", "parts", "times"}]
        right = {verb: [lake.answers[verb] for lake in lakes] for verb in verbs}
        for table in ("depth", "trades"):  # no verb reads both of the others
            data = tmp_path / table
            shutil.copytree(lakes[0].data / "lake", data / "lake")
            new = lakes[1].data / "lake" / table
            shutil.copytree(new, data / "lake" / table, dirs_exist_ok=True)
            leave_objects(data)
            sql = stack.enter_context(connect(data))
            for verb, answers in right.items():
                try:
                    assert _ask(sql, verb).of() in [answer.of() for answer in answers], verb
                except duckdb.InvalidInputException:  # an error of ours; another kind has failed
                    refused.setdefault(verb, set()).add(table)
                    columns = answers[0].columns if table == "trades" else []
                    for column in columns[::3]:  # each would take long
                        with suppress(duckdb.Error):
                            answer = _ask(sql, verb, column).of()
                            assert answer in [each.of(column) for each in answers], (verb, column)
    of_trades = {"depth", "trades"}
    assert refused == {
        "trades_with_quotes": of_trades, "taker_orders": of_trades, "trade_costs": of_trades,
        "instrument_days": of_trades, "ohlcv": {"trades"},
    }  # fmt: skip


def test_what_is_mixed_is_refused_in_batches_too(
    two_lakes: tuple[Path, Path], tmp_path: Path
) -> None:
    """At once, and as anything else that DuckDB does not take: Arrow tells of it in its own way."""
    shutil.copytree(two_lakes[0] / "lake", tmp_path / "lake")
    leave_objects(tmp_path)
    shutil.copytree(
        two_lakes[1] / "lake" / "trades", tmp_path / "lake" / "trades", dirs_exist_ok=True
    )
    query = VERBS["trades_with_quotes"]
    with pipeline.open(tmp_path) as lake, pytest.raises(QueryRefused, match="ask again"):
        lake.sql(query, batch_rows=5)


@pytest.mark.parametrize("new", [True, False], ids=["of another version", "not there"])
def test_no_candle_is_empty_because_its_trades_are_still_to_come(
    two_lakes: tuple[Path, Path], tmp_path: Path, new: bool
) -> None:
    """That a day was recorded is known as soon as its trade_gaps are there, before its trades."""
    shutil.copytree(two_lakes[0] / "lake", tmp_path / "lake")
    leave_objects(tmp_path)
    shutil.rmtree(tmp_path / "lake" / "trades")
    if new:
        shutil.copytree(two_lakes[1] / "lake" / "trades", tmp_path / "lake" / "trades")
    with connect(tmp_path) as sql, pytest.raises(duckdb.Error, match="ask again"):
        _ask(sql, "ohlcv")


def test_a_version_names_what_a_day_was_made_from(two_lakes: tuple[Path, Path]) -> None:
    """In every table the same number, so that joins can ask for it; a made-anew day has another."""
    found = []
    for data in two_lakes:
        with connect(data) as sql:
            for table in ("depth_messages", "trades", "gaps", "trade_gaps"):
                rows = sql.execute(
                    f"select date, min(version), max(version) from {table} group by 1"
                )
                found += [(data, *row) for row in rows.fetchall()]
    of_day = {(data, day): {row[2:] for row in found if row[:2] == (data, day)}
              for data, day, *_ in found}  # fmt: skip
    assert all(len(versions) == 1 for versions in of_day.values())
    versions = [least for of in of_day.values() for least, most in of if least == most]
    assert len(set(versions)) == 4
    assert all(version > 0 for version in versions)
