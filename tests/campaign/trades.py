"""Verbs of trades: each is asked of SQL, and worked out print by print."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from math import fsum
from typing import TYPE_CHECKING, Any

from tests.campaign.asked import Asked, alike, moment, same
from tests.independent_measures import basis_points
from tests.independent_trades import candle, mid_at, orders, side_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.independent_trades import Print, Quote

_SPAN = timedelta(minutes=5)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


def trade_feed(asked: Asked) -> None:
    """In which time trades were recorded."""
    name, (start, end) = asked.instrument(), asked.span(_SPAN)
    rows = asked.rows("select starts, ends from trade_feed($1, $2, $3)", name, *_times(start, end))
    known = asked.world.trades.known(name)
    same(rows, [(a, b) for a, b in known if a < end and b > start and start < end])


def trade_gaps(asked: Asked) -> None:
    """In which time they may be lacking: all of its days but what is known, each moment once."""
    name, (start, end) = asked.instrument(), asked.span(_SPAN)
    rows = asked.rows("select start, stop from trade_gaps($1, $2, $3)", name, *_times(start, end))
    reading = asked.world.trades
    edges = [(day * _DAY, day * _DAY) for day in sorted(reading.days[name])]
    edges += [(stop + _DAY, stop + _DAY) for _, stop in edges]
    spans = sorted([*edges, *reading.known(name)])
    between = [(a[1], b[0]) for a, b in pairwise(spans)]
    expected = [(a, b) for a, b in between if a < b and a < end and b > start]
    same(_joined(rows, start, end), _joined(expected, start, end))


def ohlcv(asked: Asked) -> None:
    """Each step: what was traded, and how much of it was observed."""
    name, (start, end), step = asked.instrument(), asked.span(_SPAN), _step(asked)
    query = "from ohlcv($1, $2, $3, $4)"
    rows = asked.rows(query, name, *_times(start, end), timedelta(microseconds=step))
    alike(rows, candles(asked, name, start, end, step))


def trades_with_quotes(asked: Asked) -> None:
    """What stood just before each trade, in line order."""
    name, (start, end), age = asked.instrument(), asked.span(_SPAN), _age(asked)
    query = """select local_timestamp, timestamp, side, price, amount,
        quote_timestamp, quote_local_timestamp, quote_age, bid_price, bid_amount, ask_price,
        ask_amount from trades_with_quotes($1, $2, $3, max_age := $4)"""
    rows = asked.rows(query, name, *_times(start, end), age)
    expected = [
        (*one[:5], *_quoted(one, young(one, age))) for one in prints_of(asked, name, start, end)
    ]
    same(rows, expected)


def taker_orders(asked: Asked) -> None:
    """Prints that look like one order's, with the quote before the first of them."""
    name, (start, end), age = asked.instrument(), asked.span(_SPAN), _age(asked)
    query = """select local_timestamp, last_local_timestamp, timestamp, side, prints, amount,
        notional, first_price, last_price, vwap,
        quote_timestamp, quote_local_timestamp, quote_age, bid_price, bid_amount, ask_price,
        ask_amount from taker_orders($1, $2, $3, max_age := $4)"""
    rows = asked.rows(query, name, *_times(start, end), age)
    expected = []
    for prints in orders(asked.world.trades.prints[name]):
        first, last = prints[0], prints[-1]
        if start <= first.arrival < end:
            amount = fsum(one.amount for one in prints)
            notional = fsum(one.price * one.amount for one in prints)
            expected.append(
                (first.arrival, last.arrival, first.timestamp, first.side, len(prints), amount,
                 notional, first.price, last.price, notional / amount,
                 *_quoted(first, young(first, age)))
            )  # fmt: skip
    alike(rows, expected)


def trade_costs(asked: Asked) -> None:
    """What a taker paid, by the mid just before and the mid some time after."""
    name, (start, end), age = asked.instrument(), asked.span(_SPAN), _age(asked)
    horizon = asked.rng.choice([1, 500_000, 7 * _SECOND, 90 * _SECOND])
    query = """select local_timestamp, quote_age, mid, mid_after, effective_spread,
        realized_spread, price_impact, effective_spread_bp, realized_spread_bp, price_impact_bp,
        side_quoted, sign_agrees from trade_costs($1, $2, $3, $4, max_age := $5)"""
    rows = asked.rows(query, name, *_times(start, end), timedelta(microseconds=horizon), age)
    expected = []
    for one in prints_of(asked, name, start, end):
        quote, sign = young(one, age), 1 if one.side == "buy" else -1
        mid = quote.mid if quote else None
        after = mid_at(asked.reading, name, one.arrival + horizon, _microseconds(age))
        costs = [
            None if a is None or b is None else 2 * sign * (a - b)
            for a, b in ((one.price, mid), (one.price, after), (after, mid))
        ]
        side = side_of(one.price, quote)
        expected.append(
            (one.arrival, one.arrival - quote.arrival if quote else None, mid, after, *costs,
             *(basis_points(cost, mid) for cost in costs), side, side and side == one.side)
        )  # fmt: skip
    alike(rows, expected)


def panel(asked: Asked) -> None:
    """Several instruments on one grid."""
    names = [asked.instrument() for _ in range(asked.rng.randrange(1, 4))]
    (start, end), step, age = asked.span(timedelta(minutes=1)), _step(asked), _age(asked)
    query = """select instrument, t, age, bid_price, ask_price, mid
        from panel($1, $2, $3, $4, max_age := $5)"""
    rows = asked.rows(query, names, *_times(start, end), timedelta(microseconds=step), age)
    expected: list[tuple[Any, ...]] = []
    for time in range(start, end, step):
        for name in sorted(set(names)):
            found = asked.reading.standing_at(name, time)
            if found is None or (age and time - found.arrival > (_microseconds(age) or 0)):
                expected.append((name, time, *(None,) * 4))
                continue
            best = [side[0][0] if side else None for side in found.book]
            mid = mid_at(asked.reading, name, time, None)
            expected.append((name, time, time - found.arrival, *best, mid))
    alike(rows, expected)


def basis(asked: Asked) -> None:
    """How one instrument stands to another."""
    one, other = asked.instrument(), asked.instrument()
    (start, end), step, age = asked.span(timedelta(minutes=1)), _step(asked), _age(asked)
    query = """select t, perpetual_mid, spot_mid, basis, basis_bp
        from basis($1, $2, $3, $4, $5, max_age := $6)"""
    rows = asked.rows(query, one, other, *_times(start, end), timedelta(microseconds=step), age)
    expected = []
    for time in range(start, end, step):
        mids = [mid_at(asked.reading, name, time, _microseconds(age)) for name in (one, other)]
        apart = None if mids[0] is None or mids[1] is None else mids[0] - mids[1]
        expected.append((time, *mids, apart, basis_points(apart, mids[1])))
    alike(rows, expected)


VERBS: tuple[Callable[[Asked], None], ...] = (
    trade_feed, trade_gaps, ohlcv, trades_with_quotes, taker_orders, trade_costs, panel, basis,
)  # fmt: skip


def _times(start: int, end: int) -> tuple[Any, Any]:
    return moment(start), moment(end)


def _step(asked: Asked) -> int:
    return asked.rng.choice([_SECOND, 7 * _SECOND, 13_333_333, 60 * _SECOND])


def _age(asked: Asked) -> timedelta | None:
    return asked.rng.choice([None, timedelta(milliseconds=1500), timedelta(seconds=10)])


def _microseconds(age: timedelta | None) -> int | None:
    return None if age is None else age // timedelta(microseconds=1)


def prints_of(asked: Asked, name: str, start: int, end: int) -> list[Print]:
    """Return the trades that arrived in a range."""
    return [one for one in asked.world.trades.prints[name] if start <= one.arrival < end]


def young(one: Print, age: timedelta | None) -> Quote | None:
    """Return the quote of a print if it is not too old."""
    most = _microseconds(age)
    if one.quote is None or (most is not None and one.arrival - one.quote.arrival > most):
        return None
    return one.quote


def _quoted(one: Print, quote: Quote | None) -> tuple[Any, ...]:
    if quote is None:
        return (None,) * 7
    return (quote.timestamp, quote.arrival, one.arrival - quote.arrival, *quote.best)


def candles(asked: Asked, name: str, start: int, end: int, step: int) -> list[tuple[Any, ...]]:
    """Return the rows of ohlcv."""
    known, prints = asked.world.trades.known(name), prints_of(asked, name, start, end)
    found = []
    for time in range(start, end, step):
        until = min(time + step, end)
        observed = sum(max(0, min(stop, until) - max(begin, time)) for begin, stop in known)
        here = [one for one in prints if time <= one.arrival < until]
        found.append((time, *candle(here, observed)))
    return found


def _joined(spans: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Return spans as far as they lie in a range, those that meet as one."""
    found: list[tuple[int, int]] = []
    for begin, stop in sorted((max(a, start), min(b, end)) for a, b in spans):
        assert not found or found[-1][1] <= begin, "no moment is in two stretches"
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], stop)
        elif begin < stop:
            found.append((begin, stop))
    return found
