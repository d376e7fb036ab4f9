"""Verbs that give books: each is asked of SQL, and of a dict and a sort."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.campaign.asked import Asked, moment, same
from tests.independent_books import (
    at_exchange_time,
    bucketed,
    by_tardis_rule,
    on_change,
    stretches,
    tardis_grid,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.independent import Book, Message

_SECOND = 1_000_000
_MINUTE = timedelta(minutes=1)


def book_at(asked: Asked) -> None:
    """The book at a time, or no rows."""
    name, time = asked.instrument(), asked.time()
    rows = asked.rows("from book_at($1, $2)", name, moment(time))
    same(rows, _ladder(asked.reading.book_at(name, time)))


def book_at_exchange_time(asked: Asked) -> None:
    """The book at a time of the exchange's clock, or no rows."""
    name, time = asked.instrument(), asked.time() - asked.rng.randrange(200_000)
    time -= asked.rng.choice([0, time % 1000])
    rows = asked.rows("from book_at_exchange_time($1, $2)", name, moment(time))
    same(rows, _ladder(at_exchange_time(asked.reading, name, time)))


def books_at(asked: Asked) -> None:
    """Every time is answered: with a book, an empty one, or that none is known."""
    name, depth, age = asked.instrument(), _depth(asked), _age(asked)
    times = sorted({asked.time() for _ in range(asked.rng.randrange(1, 12))})
    asked.connection.execute("create or replace temp table some_times (t timestamp)")
    asked.connection.executemany(
        "insert into some_times values (?)", [[moment(time)] for time in times]
    )
    query = "from books_at($1, 'some_times', depth := $2, max_age := $3)"
    rows = asked.rows(query, name, depth, age)
    same(rows, _answers(asked, name, times, depth, age))


def books(asked: Asked) -> None:
    """A filled grid."""
    name, depth, age = asked.instrument(), _depth(asked), _age(asked)
    (start, end), step = asked.span(_MINUTE), _step(asked)
    query = "from books($1, $2, $3, $4, depth := $5, max_age := $6)"
    rows = asked.rows(
        query, name, moment(start), moment(end), timedelta(microseconds=step), depth, age
    )
    same(rows, _answers(asked, name, range(start, end, step), depth, age))


def book_lists(asked: Asked) -> None:
    """The same grid, with the sides as lists."""
    name, depth = asked.instrument(), _depth(asked)
    (start, end), step = asked.span(_MINUTE), _step(asked)
    query = "from book_lists($1, $2, $3, $4, depth := $5)"
    rows = asked.rows(query, name, moment(start), moment(end), timedelta(microseconds=step), depth)
    expected = []
    for time in range(start, end, step):
        found = asked.reading.standing_at(name, time)
        sides = _lists(found.book, depth) if found else (None,) * 4
        expected.append((time, *_times(found, time), *sides))
    same(rows, expected)


def quote_grid(asked: Asked) -> None:
    """The same grid, with the best prices alone."""
    name, age = asked.instrument(), _age(asked)
    (start, end), step = asked.span(_MINUTE), _step(asked)
    query = "from quote_grid($1, $2, $3, $4, max_age := $5)"
    rows = asked.rows(query, name, moment(start), moment(end), timedelta(microseconds=step), age)
    expected = []
    for time in range(start, end, step):
        found = _young(asked, name, time, age)
        bids, asks = found.book if found else ([], [])
        best = (*(bids[0] if bids else (None, None)), *(asks[0] if asks else (None, None)))
        expected.append((time, *_times(found, time), *best))
    same(rows, expected)


def standing_books(asked: Asked) -> None:
    """Stretches in which a book stands, and in none of which two do."""
    name, (start, end) = asked.instrument(), asked.span(5 * _MINUTE)
    query = "select local_timestamp, starts, ends from standing_books($1, $2, $3)"
    rows = asked.rows(query, name, moment(start), moment(end))
    found = stretches(asked.reading, name, start, end)
    same(rows, [(one.message.arrival, one.start, one.end) for one in found])


def book_snapshots(asked: Asked) -> None:
    """On change, as lists."""
    name, depth = asked.instrument(), asked.rng.choice([1, 2, 5, 25])
    start, end = asked.span(5 * _MINUTE)
    query = "from book_snapshots($1, $2, $3, depth := $4)"
    rows = asked.rows(query, name, moment(start), moment(end), depth)
    same(rows, _snapshots(on_change(asked.reading, name, start, end, depth), depth))


def book_snapshot_5(asked: Asked) -> None:
    """On change, wide."""
    _wide(asked, 5)


def book_snapshot_25(asked: Asked) -> None:
    """On change, wide."""
    _wide(asked, 25)


def tardis_book_snapshots(asked: Asked) -> None:
    """Tardis's grid on the exchange's clock."""
    name, depth = asked.instrument(), asked.rng.choice([1, 5, 25])
    (start, end), step = asked.span(5 * _MINUTE), asked.rng.choice([100, 1000, 7000])
    query = "from tardis_book_snapshots($1, $2, $3, $4, depth := $5)"
    rows = asked.rows(query, name, moment(start), moment(end), timedelta(milliseconds=step), depth)
    expected = [
        (stamp, arrival, *_lists(book, depth))
        for stamp, arrival, book in tardis_grid(asked.reading, name, start, end, step, depth)
    ]
    same(rows, expected)


def incremental_book_l2(asked: Asked) -> None:
    """Tardis's documented rule, and no rule at all, give every book from its rows."""
    name, (start, end) = asked.instrument(), asked.span(5 * _MINUTE)
    rows = asked.rows("from incremental_book_L2($1, $2, $3)", name, moment(start), moment(end))
    messages = asked.reading.depth.get(name, [])
    wanted = [message for message in messages if start <= message.arrival < end]
    last_of_each = {message.arrival: message.book for message in wanted}
    for obey in (True, False):
        found = by_tardis_rule(rows, obey=obey)
        # A message that changed nothing has no rows.
        known = dict[int, Any]()
        for arrival in last_of_each:
            known[arrival] = found.get(arrival, list(known.values())[-1] if known else ([], []))
        assert known == last_of_each


def bucketed_book(asked: Asked) -> None:
    """Bids down, asks up, in whole ticks."""
    name, time, ticks = asked.instrument(), asked.time(), asked.rng.choice([1, 3, 10])
    rows = asked.rows("from bucketed_book($1, $2, 0.1, $3)", name, moment(time), ticks)
    book = asked.reading.book_at(name, time)
    expected = [] if book is None else bucketed(book, 10, ticks)
    assert [row[:3] for row in rows] == [row[:3] for row in expected]
    assert all(
        abs(a[3] - b[3]) <= 1e-12 * b[3] and a[4] == b[4]
        for a, b in zip(rows, expected, strict=True)
    )


VERBS: tuple[Callable[[Asked], None], ...] = (
    book_at, book_at_exchange_time, books_at, books, book_lists, quote_grid, standing_books,
    book_snapshots, book_snapshot_5, book_snapshot_25, tardis_book_snapshots, incremental_book_l2,
    bucketed_book,
)  # fmt: skip


def _step(asked: Asked) -> int:
    return asked.rng.choice([250_000, _SECOND, 7 * _SECOND, 1_333_333])


def _depth(asked: Asked) -> int | None:
    return asked.rng.choice([1, 3, 25, None])


def _age(asked: Asked) -> timedelta | None:
    return asked.rng.choice([None, timedelta(milliseconds=1500), timedelta(seconds=10)])


def _young(asked: Asked, name: str, time: int, age: timedelta | None) -> Message | None:
    found = asked.reading.standing_at(name, time)
    if found is None or age is None or time - found.arrival <= age // timedelta(microseconds=1):
        return found
    return None


def _times(found: Message | None, time: int) -> tuple[int | None, int | None, int | None]:
    """Return timestamp, local_timestamp and age."""
    if found is None:
        return (None, None, None)
    return (found.timestamp, found.arrival, time - found.arrival)


def _ladder(book: Book | None) -> list[tuple[Any, ...]]:
    """Return side, level, price and amount, bids first."""
    sides = zip(("bid", "ask"), book or ([], []), strict=True)
    return [(side, n, *level) for side, levels in sides for n, level in enumerate(levels)]


def _answers(
    asked: Asked, name: str, times: Iterable[int], depth: int | None, age: timedelta | None
) -> list[tuple[Any, ...]]:
    expected = []
    for time in times:
        found = _young(asked, name, time, age)
        levels = _ladder(found.book if found else None)
        kept = [level for level in levels if depth is None or level[1] < depth]
        expected += [(time, *_times(found, time), *level) for level in kept or [(None,) * 4]]
    return expected


def _lists(book: Book, depth: int | None) -> tuple[list[float], ...]:
    bids, asks = (levels[:depth] for levels in book)
    return tuple([level[n] for level in side] for side in (bids, asks) for n in (0, 1))


def _snapshots(messages: Iterable[Message], depth: int) -> list[tuple[Any, ...]]:
    return [(one.timestamp, one.arrival, *_lists(one.book, depth)) for one in messages]


def _wide(asked: Asked, depth: int) -> None:
    name, (start, end) = asked.instrument(), asked.span(5 * _MINUTE)
    rows = asked.rows(f"from book_snapshot_{depth}($1, $2, $3)", name, moment(start), moment(end))
    expected = []
    for timestamp, arrival, *lists in _snapshots(
        on_change(asked.reading, name, start, end, depth), depth
    ):
        padded = [side + [None] * (depth - len(side)) for side in lists]
        expected.append(
            (timestamp, arrival, *(value for level in zip(*padded, strict=True) for value in level))
        )
    same(rows, expected)
