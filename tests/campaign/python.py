"""Verbs of the open lake in Python: each is asked of it, and of a dict and a sort."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import pipeline
from pipeline.errors import UsageError
from tests.campaign import trades
from tests.campaign.asked import Asked, alike, moment, same
from tests.campaign.books import _age, _answers, _depth, _ladder, _lists, _step, _times, _young
from tests.independent_books import on_change
from tests.worlds import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.research import OpenLake

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def book_at_in_python(asked: Asked) -> None:
    """The book at a time, or no rows; and a sentence that says the same."""
    name, time, depth = _name(asked), asked.time(), _depth(asked)
    book = asked.reading.book_at(name, time)
    expected = [row for row in _ladder(book) if depth is None or row[1] < depth]
    with pipeline.open(asked.world.data) as lake:
        same(_plain(lake.book_at(name, moment(time), depth)), expected)
        assert (" is unknown" in lake.explain(name, moment(time))) == (book is None)


def books_at_in_python(asked: Asked) -> None:
    """Every time is answered once, in order; in batches of any size too."""
    name, depth, age = _name(asked), _depth(asked), _age(asked)
    times = [asked.time() for _ in range(asked.rng.randrange(12))]
    expected = _answers(asked, name, sorted(set(times)), depth, age)
    with pipeline.open(asked.world.data) as lake:
        given = list(map(moment, times))
        same(_plain(lake.books_at(name, given, depth, age)), expected)
        batches = list(
            lake.books_at(name, given, depth, age, batch_rows=asked.rng.randrange(1, 99))
        )
        same(_plain(pl.concat(batches)), expected)


def books_in_python(asked: Asked) -> None:
    """A filled grid."""
    name, depth, age = _name(asked), _depth(asked), _age(asked)
    (start, end), step = asked.span(timedelta(minutes=1)), _step(asked)
    with pipeline.open(asked.world.data) as lake:
        found = lake.books(name, moment(start), moment(end), f"{step}us", depth, age)
    same(_plain(found), _answers(asked, name, range(start, end, step), depth, age))


def snapshots_on_change_in_python(asked: Asked) -> None:
    """On change; and of two ranges that meet, the same."""
    name, depth = _name(asked), asked.rng.choice([1, 2, 5, 25])
    start, end = asked.span(timedelta(minutes=5))
    expected = [
        (one.timestamp, one.arrival, *_wide(_lists(one.book, depth), depth))
        for one in on_change(asked.reading, name, start, end, depth)
    ]
    with pipeline.open(asked.world.data) as lake:
        same(_plain(lake.snapshots(name, moment(start), moment(end), depth)), expected)
        middle = asked.rng.randint(start, end)
        parts = [
            lake.snapshots(name, moment(first), moment(last), depth)
            for first, last in ((start, middle), (middle, end))
        ]
        same(_plain(pl.concat(parts)), expected)


def snapshots_on_a_grid_in_python(asked: Asked) -> None:
    """A filled grid, a row each."""
    name, depth, age = _name(asked), asked.rng.choice([1, 2, 5, 25]), _age(asked)
    (start, end), step = asked.span(timedelta(minutes=1)), _step(asked)
    expected = []
    for time in range(start, end, step):
        found = _young(asked, name, time, age)
        levels = _wide(_lists(found.book if found else ([], []), depth), depth)
        expected.append((time, *_times(found, time), *levels))
    with pipeline.open(asked.world.data) as lake:
        given = timedelta(microseconds=step)
        same(_plain(lake.snapshots(name, moment(start), moment(end), depth, given, age)), expected)


def trades_in_python(asked: Asked) -> None:
    """Candles, and what stood just before each trade."""
    name, (start, end), step = _name(asked), asked.span(timedelta(minutes=2)), _step(asked)
    between = name, moment(start), moment(end)
    with pipeline.open(asked.world.data) as lake:
        found = _plain(lake.ohlcv(*between, f"{step}us"))
        alike(found, trades.candles(asked, name, start, end, step))
        with_quotes = lake.trades_with_quotes(*between, age := _age(asked))
    told = with_quotes.select("local_timestamp", "price", "quote_local_timestamp", "ask_price")
    expected = [
        (one.arrival, one.price, *((quote.arrival, quote.best[2]) if quote else (None, None)))
        for one in trades.prints_of(asked, name, start, end)
        for quote in [trades.young(one, age)]
    ]
    same(_plain(told), expected)


def an_unknown_name_in_python(asked: Asked) -> None:
    """Is an error, and no empty answer."""
    name, times = "NONE-USD", (moment(asked.time()), moment(asked.time()))
    questions: list[Callable[[OpenLake], Any]] = [
        lambda lake: lake.book_at(name, times[0]),
        lambda lake: lake.books_at(name, times),
        lambda lake: lake.snapshots(name, *times),
        lambda lake: lake.trades(name, *times),
    ]
    with pipeline.open(asked.world.data) as lake, pytest.raises(UsageError, match=NAMES[0]):
        asked.rng.choice(questions)(lake)


VERBS: tuple[Callable[[Asked], None], ...] = (
    book_at_in_python, books_at_in_python, books_in_python, snapshots_on_change_in_python,
    snapshots_on_a_grid_in_python, trades_in_python, an_unknown_name_in_python,
)  # fmt: skip


def _name(asked: Asked) -> str:
    return asked.rng.choice(NAMES)


def _wide(lists: Sequence[list[float]], depth: int) -> list[float | None]:
    """Return levels as columns: bid price, bid amount, ask price, ask amount, level by level."""
    return [side[level] if level < len(side) else None for level in range(depth) for side in lists]


def _plain(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Return rows with times and spans of time in microseconds."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            assert value.tzinfo is not None
            return (value - _EPOCH) // timedelta(microseconds=1)
        return value // timedelta(microseconds=1) if isinstance(value, timedelta) else value

    return [tuple(map(plain, row)) for row in frame.rows()]
