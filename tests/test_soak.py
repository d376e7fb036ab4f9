"""A night at the end of a month, with a kill in it: `python -m tests.soak` has more of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import polars as pl
import pytest

import pipeline
from tests.lakes import EXCHANGE, TODAY, ingest, minute_of, put
from tests.making import at
from tests.soak.plan import Plan, Step, plan_of
from tests.soak.reading import check_alone, check_follows, same_tables, tables_of
from tests.soak.running import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.soak.reading import Tables


def test_a_month_ends_between_a_kill_and_the_next_start(tmp_path: Path) -> None:
    """The next start makes whole what was recorded before; no answer is ever taken back."""
    plan = Plan(
        seed=1,
        start=datetime(2024, 2, 29, 22, tzinfo=UTC),
        end=datetime(2024, 3, 1, 3, tzinfo=UTC),
        speed=120,
        steps=(Step(datetime(2024, 2, 29, 22, 1, tzinfo=UTC), "outage"),),
    )
    counts, _ = run(plan, tmp_path)
    assert counts["kills"] == counts["midnights"] == counts["made_whole"] == 1
    assert counts["rows"] > 100


# --- whether anything would be noticed ------------------------------------------------------------


@pytest.fixture(name="tables", scope="module")
def _tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Return what a reader is answered of a day."""
    data = tmp_path_factory.mktemp("day")
    for minute in range(2):
        put(data, at(minute), minute_of(at(minute)))
    ingest(data, EXCHANGE)
    return tables_of(pipeline.open(data), TODAY)


# What becomes of a table that must not.
SPOILERS: Final[dict[str, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "a row less": lambda rows: rows.head(-1),
    "another first row": lambda rows: rows.tail(-1),
    "a row twice": lambda rows: pl.concat([rows, rows.tail(1)]),
    "another order": lambda rows: rows.reverse(),
    "another time": lambda rows: rows.with_columns(pl.col("local_timestamp").dt.offset_by("1us")),
}


@pytest.mark.parametrize("table", ["depth", "trades"])
@pytest.mark.parametrize("spoiler", SPOILERS)
def test_another_answer_would_be_noticed(tables: Tables, table: str, spoiler: str) -> None:
    """Whatever is lacking, doubled, moved or changed, while a day grows and when it is whole."""
    _answered(tables, tables)
    same_tables(tables, tables)
    spoiled = tables | {table: SPOILERS[spoiler](tables[table])}
    with pytest.raises(AssertionError):
        same_tables(tables, spoiled)
    with pytest.raises(AssertionError):
        _answered(tables, spoiled)


def _answered(before: Tables, now: Tables) -> None:
    check_alone(now)
    check_follows(before, now)


def test_what_grows_is_no_other_answer(tables: Tables) -> None:
    """A reader that sees some rows, and then those and more, has seen nothing wrong."""
    first = {name: frame.head(frame.height // 2) for name, frame in tables.items()}
    _answered(first, tables)


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_comes_from_its_seed(seed: int) -> None:
    """It crosses as many midnights as asked for, and disturbs nothing across the last two."""
    start = datetime(2024, 2, 27, 12, tzinfo=UTC)
    plan = plan_of(seed, start, days=5, speed=720)
    assert plan == plan_of(seed, start, days=5, speed=720)
    assert [night.day for night in plan.midnights] == [28, 29, 1, 2, 3]
    assert {step.what for step in plan.steps} & {"kill", "outage"}
    assert max(step.at for step in plan.steps) < plan.midnights[-2]
