"""What an independent reading says of measures: one book at a time, loops and sums."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.independent import Book, Levels, Reading
    from tests.independent_books import Stretch


class Fill(NamedTuple):
    """What a market order gets: quantity, prices, how many levels it takes, cost from the mid."""

    filled: float
    price: float | None = None
    worst_price: float | None = None
    levels: int | None = None
    cost: float | None = None


def middle(book: Book) -> float | None:
    """Return the mid, None if a side is empty."""
    bids, asks = book
    return (bids[0][0] + asks[0][0]) / 2 if bids and asks else None


def basis_points(difference: float | None, price: float | None) -> float | None:
    """Return a difference in ten thousandths of a price that is above zero."""
    if difference is None or price is None or price <= 0:
        return None
    return 10_000 * difference / price


def fill(levels: Levels, wanted: float, mid: float | None, *, sign: int, by_notional: bool) -> Fill:
    """Walk down one side until it has given what is wanted; the prices only if it has so much."""
    left, taken = wanted, []
    for price, amount in levels:
        if left <= wanted * 1e-12:
            break
        offered = abs(price) * amount if by_notional else amount
        share = min(1.0, left / offered) if offered else 1.0
        taken.append((price, amount * share))
        left -= offered * share
    filled = fsum(amount for _, amount in taken)
    if left > wanted * 1e-12:
        return Fill(filled)
    price = fsum(price * amount for price, amount in taken) / filled
    cost = None
    if mid is not None:
        cost = sign * fsum((price - mid) * amount for price, amount in taken) / filled
    return Fill(filled, price, taken[-1][0], len(taken), cost)


def depth_within(levels: Levels, mid: float | None, within: float) -> float | None:
    """Return the amount within some basis points of the mid."""
    if mid is None or mid <= 0:
        return None
    near = [amount for price, amount in levels if 10_000 * abs(price - mid) / mid <= within]
    return fsum(near)


def slope(levels: Levels, mid: float | None, count: int, *, sign: int) -> float | None:
    """Return the least-squares line through the mid: amount reached, by basis points from it."""
    if mid is None or mid <= 0 or len(levels) < count:
        return None
    distances = [10_000 * sign * (price - mid) / mid for price, _ in levels[:count]]
    reached = [fsum(amount for _, amount in levels[: n + 1]) for n in range(count)]
    below = fsum(x * x for x in distances)
    return fsum(x * y for x, y in zip(distances, reached, strict=True)) / below if below else None


def imbalance(bids: float, asks: float) -> float | None:
    """Return (bids - asks) / (bids + asks)."""
    return (bids - asks) / (bids + asks) if bids + asks else None


def order_flow(before: Book, book: Book) -> float | None:
    """Return what was added to bids and taken from asks, by the best prices; None if one lacks."""
    if not all([*before, *book]):
        return None
    ((bid_was, bid_amount_was), (ask_was, ask_amount_was)) = (side[0] for side in before)
    ((bid, bid_amount), (ask, ask_amount)) = (side[0] for side in book)
    flow = 0.0
    flow += bid_amount if bid >= bid_was else 0
    flow -= bid_amount_was if bid <= bid_was else 0
    flow -= ask_amount if ask <= ask_was else 0
    flow += ask_amount_was if ask >= ask_was else 0
    return flow


def flows(reading: Reading, name: str, start: int, end: int) -> Iterator[tuple[int, float]]:
    """Yield arrival and order flow of each book that follows a known one in a range."""
    before = None
    for message in reading.depth.get(name, []):
        if before and not before.broken and start <= message.arrival < end:
            flow = order_flow(before.book, message.book)
            if flow is not None:
                yield message.arrival, flow
        before = message


def within_step(stretches: list[Stretch], start: int, end: int, age: int | None) -> list[Any]:
    """Return (microseconds, book) of what stands in a step, up to the age that still counts."""
    found = []
    for stretch in stretches:
        until = stretch.end if age is None else min(stretch.end, stretch.message.arrival + age + 1)
        length = min(until, end) - max(stretch.start, start)
        if length > 0:
            found.append((length, stretch.message.book))
    return found


def average(weighted: list[tuple[int, float | None]]) -> float | None:
    """Return the average of values by their weights; None if one is not known, or none is there."""
    if not weighted or any(value is None for _, value in weighted):
        return None
    total = fsum(weight * value for weight, value in weighted if value is not None)
    return total / sum(weight for weight, _ in weighted)
