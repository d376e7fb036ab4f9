from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pipeline.simulator.market import Fill, MarketSpec, OrderBook
from pipeline.simulator.market.agents import OrderFlow

if TYPE_CHECKING:
    from pipeline.simulator.market.matching import HalfBook

SPECS = [
    MarketSpec("SWAP", price="61800"),
    MarketSpec("CHEAP", "1", "1", "300", "SPOT"),
    MarketSpec("REPO", "0.0001", "0.01", "0", "REPO"),
]
MANY = 20_000


def flow(spec: MarketSpec, levels: int, seed: int = 1) -> OrderFlow:
    """Return a market's order flow."""
    return OrderFlow(spec, levels, random.Random(seed).random)


def is_uncrossed(book: OrderBook) -> bool:
    """Say whether a book's best prices stand apart, or one is lacking."""
    return not book.bids or not book.asks or book.bids.price(0) < book.asks.price(0)


@pytest.mark.parametrize("levels", [1, 3, 40])
@pytest.mark.parametrize("spec", [SPECS[0], SPECS[2]], ids=["SWAP", "REPO"])
def test_a_market_keeps_its_levels(spec: MarketSpec, levels: int) -> None:
    """After each settling both sides have as many as they should, and are not crossed."""
    market = flow(spec, levels)
    for number in range(MANY):
        market.act()
        assert is_uncrossed(market.book)
        if number % 5 == 0:
            market.settle()
            assert (len(market.book.bids), len(market.book.asks)) == (levels, levels)
            assert is_uncrossed(market.book)


def test_settling_trades_nothing_and_moves_nothing_within() -> None:
    """Levels that stay are left as they are; only the farthest come and go."""
    market = flow(SPECS[0], 3)
    for number in range(MANY):
        market.act()
        if number % 5 == 0:
            before = market.book.bids.levels(), market.book.asks.levels()
            market.settle()
            for old, half in zip(before, (market.book.bids, market.book.asks), strict=True):
                kept = min(len(old), 3)
                assert half.levels()[:kept] == old[:kept]


@pytest.mark.parametrize("levels", [3, 100])
def test_prices_above_zero_stay_there(levels: int) -> None:
    """A side that comes near zero has fewer levels rather than others."""
    market = flow(SPECS[1], levels)
    for _ in range(MANY):
        market.act()
        market.settle()
        assert market.book.bids.price(len(market.book.bids) - 1) > 0
        assert len(market.book.asks) == levels


def _met(fills: list[Fill], bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> int:
    """Assert that trades walk down the side that they met; return how many levels they reached."""
    left = [list(level) for level in (asks if fills[0].side == "BUY" else bids)]
    for fill in fills:
        assert fill.price == left[0][0]
        left[0][1] -= fill.lots
        assert left[0][1] >= 0
        if not left[0][1]:
            del left[0]
    return len({fill.price for fill in fills})


def test_takers_trade_with_the_book_as_it_stood() -> None:
    """At the prices of the levels that were there, the best first; some reach several levels."""
    market = flow(SPECS[0], 20)
    reached = set()
    sides = set()
    for _ in range(MANY):
        bids, asks = market.book.bids.levels(), market.book.asks.levels()
        if fills := market.act():
            reached.add(_met(fills, bids, asks))
            sides.add(fills[0].side)
        market.settle()
    assert {1, 2, 3} <= reached
    assert sides == {"BUY", "SELL"}


def test_trades_follow_the_fair_price() -> None:
    """It wanders, and the book with it: the best prices are never far from it for long."""
    market = flow(SPECS[0], 100)
    fairs = []
    apart = []
    for _ in range(MANY):
        market.act()
        market.settle()
        middle = (market.book.bids.price(0) + market.book.asks.price(0)) / 2
        fairs.append(market.fair)
        apart.append(abs(middle - market.fair))
    assert max(fairs) - min(fairs) > 100
    assert sum(apart) / MANY < 20


def test_depth_thins_out() -> None:
    """The near half of a side's range holds more than the far half, on average."""
    market = flow(SPECS[0], 100)
    near = far = 0
    for number in range(MANY):
        market.act()
        if number % 20 == 0:
            market.settle()
            for half in (market.book.bids, market.book.asks):
                inner, outer = _halves(half)
                near, far = near + inner, far + outer
    assert near > 1.5 * far


def _halves(half: HalfBook) -> tuple[int, int]:
    levels = half.levels()
    middle = (levels[0][0] + levels[-1][0]) / 2
    first = abs(levels[0][0] - middle)
    near = sum(lots for price, lots in levels if abs(price - levels[0][0]) <= first)
    return near, sum(lots for _, lots in levels) - near


def test_no_queue_grows_without_end() -> None:
    """A feed that runs for days needs no more memory than one that runs for an hour."""
    market = flow(SPECS[2], 3)
    longest = 0
    for _ in range(2 * MANY):
        market.act()
        market.settle()
        best = market.book.bids.price(0)
        longest = max(longest, len(market.book.bids.orders(best)))
    assert longest < 200
