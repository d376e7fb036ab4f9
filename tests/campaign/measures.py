"""Verbs that measure books: each is asked of SQL, and worked out book by book."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.campaign.asked import Asked, alike, moment
from tests.independent_books import stretches
from tests.independent_measures import (
    average,
    basis_points,
    depth_within,
    fill,
    flows,
    imbalance,
    middle,
    slope,
    within_step,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.independent import Book

_SPAN = timedelta(minutes=3)


def fill_costs(asked: Asked) -> None:
    """The price of a quantity, where the book has so much."""
    _fills(asked, "fill_costs", asked.rng.choice([0.1, 5, 12, 1000]), by_notional=False)


def fill_costs_notional(asked: Asked) -> None:
    """The price of a sum, in absolute prices."""
    _fills(asked, "fill_costs_notional", asked.rng.choice([1, 400, 1e5, 1e9]), by_notional=True)


def book_measures(asked: Asked) -> None:
    """What the book at each time of a grid is like."""
    name, (start, end), step = asked.instrument(), asked.span(_SPAN), _step(asked)
    levels, within = asked.rng.choice([1, 3, 9]), asked.rng.choice([0.1, 1, 10])
    query = "from book_measures($1, $2, $3, $4, levels := $5, within := $6)"
    rows = asked.rows(query, name, moment(start), moment(end), _interval(step), levels, within)
    expected = []
    for time in range(start, end, step):
        found = asked.reading.standing_at(name, time)
        known = (found.timestamp, found.arrival, time - found.arrival) if found else (None,) * 3
        measured = _measured(found.book, levels, within) if found else (None,) * 11
        expected.append((time, *known, *measured))
    alike(rows, expected)


def quote_averages(asked: Asked) -> None:
    """Averages by time, of what was known."""
    name, (start, end), step, age = asked.instrument(), asked.span(_SPAN), _step(asked), _age(asked)
    query = "from quote_averages($1, $2, $3, $4, max_age := $5)"
    rows = asked.rows(query, name, moment(start), moment(end), _interval(step), age)
    expected = []
    for time, known in _steps(asked, name, (start, end), step, age):
        quoted = [(weight, book) for weight, book in known if all(book)]
        seconds = [sum(weight for weight, _ in some) / 1e6 for some in (known, quoted)]
        each = [[(weight, value) for weight, value in zip(
            [weight for weight, _ in quoted], column, strict=True
        )] for column in zip(*(_quoted(book) for _, book in quoted), strict=True)]  # fmt: skip
        spreads = [book[1][0][0] - book[0][0][0] for _, book in quoted]
        extremes = (min(spreads), max(spreads)) if spreads else (None, None)
        expected.append((time, *seconds, *(map(average, each) if each else (None,) * 7), *extremes))
    alike(rows, expected)


def depth_averages(asked: Asked) -> None:
    """The amount in the best levels, by time."""
    name, (start, end), step, age = asked.instrument(), asked.span(_SPAN), _step(asked), _age(asked)
    levels = asked.rng.choice([1, 3, 9])
    query = "from depth_averages($1, $2, $3, $4, levels := $5, max_age := $6)"
    rows = asked.rows(query, name, moment(start), moment(end), _interval(step), levels, age)
    expected: list[tuple[Any, ...]] = []
    for time, known in _steps(asked, name, (start, end), step, age):
        observed = sum(weight for weight, _ in known) / 1e6
        for number, side in enumerate(("bid", "ask")):
            best = [(weight, book[number][:levels]) for weight, book in known]
            amount = average([(weight, sum(a for _, a in side)) for weight, side in best])
            count = average([(weight, float(len(side))) for weight, side in best])
            expected.append((time, side, observed, amount, count))
    alike(rows, expected)


def order_flow_imbalance(asked: Asked) -> None:
    """The sum of order flow over events, none of which follows a gap."""
    name, (start, end), step = asked.instrument(), asked.span(_SPAN), _step(asked)
    query = "from order_flow_imbalance($1, $2, $3, $4)"
    rows = asked.rows(query, name, moment(start), moment(end), _interval(step))
    events = list(flows(asked.reading, name, start, end))
    expected = []
    for time, known in _steps(asked, name, (start, end), step, None):
        observed = sum(weight for weight, _ in known) / 1e6
        here = [flow for arrival, flow in events if time <= arrival < min(time + step, end)]
        expected.append((time, observed, len(here), sum(here) if here or observed else None))
    alike(rows, expected)


VERBS: tuple[Callable[[Asked], None], ...] = (
    fill_costs, fill_costs_notional, book_measures, quote_averages, depth_averages,
    order_flow_imbalance,
)  # fmt: skip


def _step(asked: Asked) -> int:
    return asked.rng.choice([1_000_000, 7_000_000, 13_333_333])


def _interval(microseconds: int) -> timedelta:
    return timedelta(microseconds=microseconds)


def _age(asked: Asked) -> timedelta | None:
    return asked.rng.choice([None, timedelta(milliseconds=1500), timedelta(seconds=10)])


def _steps(
    asked: Asked, name: str, span: tuple[int, int], step: int, age: timedelta | None
) -> Iterator[tuple[int, list[tuple[int, Book]]]]:
    """Yield each step's start, and how long which books stood in it."""
    start, end = span
    standing = stretches(asked.reading, name, start, end)
    most = None if age is None else age // timedelta(microseconds=1)
    for time in range(start, end, step):
        yield time, within_step(standing, time, min(time + step, end), most)


def _fills(asked: Asked, verb: str, wanted: float, *, by_notional: bool) -> None:
    name, (start, end), step, age = asked.instrument(), asked.span(_SPAN), _step(asked), _age(asked)
    query = f"from {verb}($1, $2, $3, $4, $5, max_age := $6)"
    rows = asked.rows(query, name, moment(start), moment(end), _interval(step), wanted, age)
    expected: list[tuple[Any, ...]] = []
    for time in range(start, end, step):
        found = asked.reading.standing_at(name, time)
        if found and age and time - found.arrival > age // timedelta(microseconds=1):
            found = None
        for side in ("buy", "sell"):
            if found is None:
                expected.append((time, None, None, None, side, *(None,) * 7))
                continue
            levels, mid = found.book[side == "buy"], middle(found.book)
            got = fill(
                levels, wanted, mid, sign=1 if side == "buy" else -1, by_notional=by_notional
            )
            known = (found.timestamp, found.arrival, time - found.arrival)
            expected.append((time, *known, side, mid, *got, basis_points(got.cost, mid)))
    alike(rows, expected)


def _measured(book: Book, levels: int, within: float) -> tuple[float | None, ...]:
    bids, asks = book
    mid = middle(book)
    spread = asks[0][0] - bids[0][0] if bids and asks else None
    enough = len(bids) >= levels and len(asks) >= levels
    amounts = [sum(amount for _, amount in side[:levels]) for side in book]
    depths = [depth_within(side, mid, within) for side in book]
    return (
        bids[0][0] if bids else None, asks[0][0] if asks else None,
        spread, basis_points(spread, mid), mid, _microprice(book),
        imbalance(*amounts) if enough else None,
        *depths, slope(bids, mid, levels, sign=-1), slope(asks, mid, levels, sign=1),
    )  # fmt: skip


def _microprice(book: Book) -> float | None:
    if not all(book):
        return None
    (bid, bid_amount), (ask, ask_amount) = book[0][0], book[1][0]
    return (bid * ask_amount + ask * bid_amount) / (bid_amount + ask_amount)


def _quoted(book: Book) -> tuple[float | None, ...]:
    """Return what quote_averages averages, of a book that has two sides."""
    (bid, bid_amount), (ask, ask_amount) = book[0][0], book[1][0]
    mid = middle(book)
    return (
        ask - bid, basis_points(ask - bid, mid), mid, _microprice(book), bid_amount, ask_amount,
        imbalance(bid_amount, ask_amount),
    )  # fmt: skip
