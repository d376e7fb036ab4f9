from __future__ import annotations

import random

import pytest

from pipeline.simulator.market import MarketSpec
from pipeline.simulator.market.agents import OrderFlow
from pipeline.simulator.market.matching import OrderBook
from pipeline.simulator.market.wire import Wire

SPEC = MarketSpec("BTC-USD-SWAP-LIN", levels=5)


def test_a_book_without_orders_is_told_too() -> None:
    """Both sides are empty lists, and the checksum is that of real messages without a level."""
    payload = Wire(SPEC, "2022-10", OrderBook(), checksums=True).depth(7, 1665456142843)
    assert payload == (
        b'{"table":"futures/depth","data":[{"seqNum":7,"instrumentId":"BTC-USD-SWAP-LIN",'
        b'"asks":[],"checksum":364462986,"bids":[],"timestamp":"1665456142843"}],'
        b'"action":"partial"}'
    )


@pytest.mark.parametrize("often", [1, 7])
def test_a_book_told_in_steps_is_told_as_at_once(often: int) -> None:
    """Printing only what changed gives what printing the whole book gives, however often."""
    flow = OrderFlow(SPEC, 5, random.Random(1).random)
    wire = Wire(SPEC, "us-v1", flow.book, checksums=True)
    for number in range(3000):
        flow.act()
        if number % often == 0:
            told = wire.depth(number, number)
            again = OrderBook()
            for copy, half in ((again.bids, flow.book.bids), (again.asks, flow.book.asks)):
                for order, (price, lots) in enumerate(half.levels()):
                    copy.add(price, order, lots)
            assert told == Wire(SPEC, "us-v1", again, checksums=True).depth(number, number)


def test_the_text_of_a_level_that_went_is_not_kept() -> None:
    """A feed that never ends needs no more memory for it."""
    flow = OrderFlow(SPEC, 5, random.Random(1).random)
    wire = Wire(SPEC, "us-v1", flow.book, checksums=True)
    for number in range(2000):
        flow.act()
        wire.depth(number, number)
    for side, half in zip(
        wire._sent + wire._hashed, (flow.book.asks, flow.book.bids) * 2, strict=True
    ):
        assert len(side._texts) == len(half)
