"""The order book against a list that is searched from end to end for every trade."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.simulator.market.matching import Fill, HalfBook, OrderBook, Side

# A verb, its side, price and lots; a cancel's price says which of the orders so far it means.
Command: TypeAlias = tuple[str, Side, int, int]

# Few prices, of both signs, so that orders meet, queue up and sweep.
COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["limit", "limit", "limit", "market", "cancel"]),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(-4, 4),
        st.integers(1, 6),
    ),
    max_size=60,
)


@dataclass
class Naive:
    """The same rules, said as slowly as they can be: one list of orders in order of arrival."""

    resting: list[list[int]] = field(default_factory=list)  # number, sign, price, lots

    def send(self, order: int, side: Side, lots: int, limit: int | None) -> list[Fill]:
        """Trade with the best, then oldest order again and again; a limit order's rest stands."""
        sign = 1 if side == "BUY" else -1
        fills = []
        while lots:
            others = [
                other
                for other in self.resting
                if other[1] == -sign and (limit is None or other[2] * sign <= limit * sign)
            ]
            if not others:
                break
            best = min(others, key=lambda other: other[2] * sign)  # the first of equal ones
            traded = min(lots, best[3])
            fills.append(Fill(side, best[2], traded, best[0], order))
            best[3] -= traded
            lots -= traded
            self.resting = [other for other in self.resting if other[3]]
        if lots and limit is not None:
            self.resting.append([order, sign, limit, lots])
        return fills

    def cancel(self, order: int) -> int:
        """Remove an order; return what was left of it."""
        left = sum(other[3] for other in self.resting if other[0] == order)
        self.resting = [other for other in self.resting if other[0] != order]
        return left

    def queues(self, sign: int) -> list[tuple[int, int, list[int]]]:
        """Return price, lots and the orders' numbers of each level of a side, best first."""
        mine = [order for order in self.resting if order[1] == sign]
        return [
            (
                price,
                sum(order[3] for order in mine if order[2] == price),
                [order[0] for order in mine if order[2] == price],
            )
            for price in sorted({order[2] for order in mine}, reverse=sign == 1)
        ]


def queues(half: HalfBook) -> list[tuple[int, int, list[int]]]:
    """Return the same of the book under test."""
    return [(price, lots, half.orders(price)) for price, lots in half.levels()]


@settings(max_examples=200, deadline=None)
@given(COMMANDS)
def test_trades_and_book_are_those_of_the_naive_list(commands: list[Command]) -> None:
    """Same trades in the same order, same queues, after every single command; never crossed."""
    book, naive = OrderBook(), Naive()
    for number, (verb, side, price, lots) in enumerate(commands):
        if verb == "limit":
            assert book.limit(number, side, price, lots) == naive.send(number, side, lots, price)
        elif verb == "market":
            assert book.market(number, side, lots) == naive.send(number, side, lots, None)
        else:
            meant = abs(price) * number // 4
            assert book.cancel(meant) == naive.cancel(meant)
        assert queues(book.bids) == naive.queues(1)
        assert queues(book.asks) == naive.queues(-1)
        if book.bids and book.asks:
            assert book.bids.price(0) < book.asks.price(0)


@settings(max_examples=100, deadline=None)
@given(COMMANDS)
def test_no_lot_is_made_or_lost(commands: list[Command]) -> None:
    """Of every order: what it was sent with is traded, rests, was cancelled, or found no market."""
    book = OrderBook()
    sent: dict[int, int] = {}
    gone: dict[int, int] = {}
    at_market: set[int] = set()
    for number, (verb, side, price, lots) in enumerate(commands):
        fills: list[Fill] = []
        if verb == "cancel":
            meant = abs(price) * number // 4
            gone[meant] = gone.get(meant, 0) + book.cancel(meant)
        elif verb == "limit":
            sent[number] = lots
            fills = book.limit(number, side, price, lots)
        else:
            sent[number] = lots
            at_market.add(number)
            fills = book.market(number, side, lots)
        for fill in fills:
            for order in (fill.maker, fill.taker):
                gone[order] = gone.get(order, 0) + fill.lots
    resting = {order: book.cancel(order) for order in sent}
    assert not book.bids
    assert not book.asks
    for order, lots in sent.items():
        accounted = gone.get(order, 0) + resting[order]
        assert accounted <= lots if order in at_market else accounted == lots


@settings(max_examples=100, deadline=None)
@given(COMMANDS, st.integers(1, 7))
def test_changed_prices_are_all_that_is_needed_to_follow(commands: list[Command], n: int) -> None:
    """A copy that looks only at the prices said to have changed is the book."""
    book = OrderBook()
    copies: list[dict[int, int]] = [{}, {}]
    for number, (verb, side, price, lots) in enumerate(commands):
        if verb == "cancel":
            book.cancel(abs(price) * number // 4)
        else:
            book.limit(number, side, price, lots)
        if number % n == 0:
            for half, copy in zip((book.bids, book.asks), copies, strict=True):
                copy.update((each, half.lots(each)) for each in half.take_changed())
                assert {each: left for each, left in copy.items() if left} == dict(half.levels())


def test_a_taker_sweeps_level_after_level_and_rests_with_what_is_left() -> None:
    """Best price first, then order of arrival; at the maker's price; the rest is the new best."""
    book = OrderBook()
    for order, price, lots in ((1, 101, 5), (2, 100, 2), (3, 100, 3), (4, 103, 9)):
        assert book.limit(order, "SELL", price, lots) == []
    assert book.limit(5, "BUY", 102, 12) == [
        Fill("BUY", 100, 2, 2, 5),
        Fill("BUY", 100, 3, 3, 5),
        Fill("BUY", 101, 5, 1, 5),
    ]
    assert book.bids.levels() == [(102, 2)]
    assert book.asks.levels() == [(103, 9)]


def test_an_order_that_traded_in_part_keeps_its_place() -> None:
    """Who came first is next to trade, however little is left."""
    book = OrderBook()
    book.limit(1, "BUY", 0, 5)
    book.limit(2, "BUY", 0, 5)
    book.market(3, "SELL", 4)
    assert [fill.maker for fill in book.market(4, "SELL", 2)] == [1, 2]


def test_what_can_be_no_order_is_refused() -> None:
    """Nothing of it reaches the book, and the number stays free."""
    book = OrderBook()
    with pytest.raises(ValueError, match="1 or more"):
        book.limit(1, "BUY", 10, 0)
    book.limit(1, "BUY", 10, 1)
    with pytest.raises(ValueError, match="order 1 rests"):
        book.market(1, "SELL", 1)
    assert book.bids.levels() == [(10, 1)]
