"""Every verb over a range, while its days are replaced: one version of each day, or an error.

Two days, each in two versions, in lakes of the four ways in which they can stand beside each other.
What a verb says of these, in quiet, is what it may say while days are replaced file by file.
"""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pytest

from pipeline.sql_objects import sql_objects
from pipeline.views import connect
from tests.lakes import bring_in, put
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
_TIMES: Final = f"with asked_times as (select {_MOMENT}::timestamp + i * interval 7 second as t from range(-3, 4) as steps(i))"  # noqa: E501
# Read the catalogue too, which is written after all files.
_OF_THE_CATALOGUE: Final = {"check_catalogue", "instrument_days"}


def _verbs() -> Iterator[tuple[str, str]]:
    """Yield each verb, and a question to it; more of a book's levels than are asked by default."""
    for one in sql_objects().values():
        names = [name.partition(" ")[0] for name in one.called.split(", ")]
        asked = [name for name in names if name in _ASKED]
        needed = [name for name, given in zip(names, one.called.split(", "), strict=True)
                  if ":=" not in given and name != "end"]  # fmt: skip
        if one.kind == "macro table" and asked == needed and one.name not in _OF_THE_CATALOGUE:
            yield one.name, f"{_TIMES} from {one.name}({', '.join(_ASKED[name] for name in asked)})"


VERBS: Final = dict(_verbs())
ROUNDS: Final = 3


def _lines(minute: datetime, version: int, messages: int) -> list[str]:
    """Return a minute's lines, of which the first and last come some seconds from its ends.

    All prices and amounts tell the version, and three trades in ten take from two levels at once.
    """
    lines, top = [], 1000.0 * version
    for number in range(messages):
        time = minute + timedelta(seconds=2 + 55 * number / messages)
        best = top + number % 7
        bids = [[best - level, 1.0 * version + level] for level in range(6)]
        asks = [[best + 1 + level, 2.0 * version + level] for level in range(6)]
        seq = 1000 * (minute >= _MIDNIGHT) + number
        lines.append(depth(time, bids, asks, instrument="A", seq=seq))
        for print_ in range(number % 3):
            price, amount = str(best + 1 + print_), str(version)
            lines.append(trade(time, price, amount, instrument="A", id_=f"{number}-{print_}"))
    return lines


def _put(data: Path, versions: Sequence[int], alike: bool) -> None:
    for day, version in enumerate(versions):
        minute = _MIDNIGHT + timedelta(minutes=day - 1)
        put(data, minute, _lines(minute, version, 40 if alike else 40 * version))
    bring_in(data)


def _answers(data: Path) -> dict[str, Any]:
    """Return what each verb says, without the versions' own numbers."""
    with connect(data) as connection:
        return {verb: _rows(connection, verb) for verb in VERBS}


def _rows(connection: duckdb.DuckDBPyConnection, verb: str) -> list[str]:
    columns = "columns(lambda name: name <> 'version')"
    question = VERBS[verb].replace(f"from {verb}", f"select {columns} from {verb}", 1)
    return sorted(map(str, connection.execute(question).fetchall()))


def test_no_verb_is_left_out() -> None:
    """All that an instrument and a range, or a time, can be asked for."""
    of_ranges = {
        one.name
        for one in sql_objects().values()
        if one.kind == "macro table"
        and one.topic in {"books", "measures", "trades", "ranges", "checks"}
    }
    assert of_ranges - VERBS.keys() == {"check_catalogue"}


@pytest.mark.parametrize("alike", [True, False], ids=["alike", "longer"])
def test_no_answer_is_of_two_versions_of_a_day(tmp_path: Path, alike: bool) -> None:
    """Asked again and again while both days are replaced by turns, whichever file comes first."""
    right: dict[str, list[Any]] = {verb: [] for verb in VERBS}
    for versions in product((1, 2), repeat=2):
        _put(tmp_path / f"lake{versions}", versions, alike)
        for verb, answer in _answers(tmp_path / f"lake{versions}").items():
            right[verb].append(answer)
    data = tmp_path / "data"
    shutil.copytree(tmp_path / "lake(1, 1)" / "lake", data / "lake")
    kept = [
        keep_partitions(tmp_path / f"lake{versions}", tmp_path / f"kept{versions}")
        for versions in ((1, 1), (2, 2))
    ]
    seen: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    # With pauses: most questions meet a replacement, and some do not.
    with at_work(REPLACE, data / "lake", 0.02, *kept), connect(data) as sql:
        for verb in ROUNDS * list(VERBS):
            try:
                answer = _rows(sql, verb)
            except duckdb.Error:
                seen["error"] += 1
                continue
            seen[str(answer == right[verb][0])] += 1
            wrong[verb] += answer not in right[verb]
    assert not +wrong
    assert {"error", "True", "False"} == seen.keys()


@pytest.fixture(scope="module")
def two_lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the data folders of both versions of both days."""
    first, second = (tmp_path_factory.mktemp(f"version{version}") for version in (1, 2))
    _put(first, (1, 1), alike=True)
    _put(second, (2, 2), alike=True)
    return first, second


@pytest.mark.parametrize("verb", ["trades_with_quotes", "taker_orders", "trade_costs"])
@pytest.mark.parametrize("table", ["depth", "trades"])
def test_where_an_ingest_was_cut_short_trades_meet_no_other_books(
    two_lakes: tuple[Path, Path], tmp_path: Path, verb: str, table: str
) -> None:
    """A kill between two files of a day leaves one table new and one old, until the next ingest."""
    shutil.copytree(two_lakes[0] / "lake", tmp_path / "lake")
    with connect(tmp_path) as sql:
        assert _rows(sql, verb)
        new = two_lakes[1] / "lake" / table
        shutil.copytree(new, tmp_path / "lake" / table, dirs_exist_ok=True)
        with pytest.raises(duckdb.Error, match="replaced while it was read; ask again"):
            _rows(sql, verb)


@pytest.mark.parametrize("new", [True, False], ids=["of another version", "not there"])
def test_no_candle_is_empty_because_its_trades_are_still_to_come(
    two_lakes: tuple[Path, Path], tmp_path: Path, new: bool
) -> None:
    """That a day was recorded is known as soon as its trade_gaps are there, before its trades."""
    shutil.copytree(two_lakes[0] / "lake", tmp_path / "lake")
    shutil.rmtree(tmp_path / "lake" / "trades")
    if new:
        shutil.copytree(two_lakes[1] / "lake" / "trades", tmp_path / "lake" / "trades")
    with connect(tmp_path) as sql, pytest.raises(duckdb.Error, match="ask again"):
        _rows(sql, "ohlcv")


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
