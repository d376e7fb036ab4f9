from __future__ import annotations

from typing import Any

import pytest

from pipeline.simulator.market import MarketSpec, default_markets


def test_default_markets_are_as_many_as_one_likes() -> None:
    """Each with its own name; fewer of them are the first of more."""
    many = default_markets(50)
    assert len({spec.code for spec in many}) == 50
    assert many[:3] == default_markets(3)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"code": "BTC USD"}, "code was 'BTC USD'"),
        ({"code": "depth:BTC"}, "code was 'depth:BTC'"),
        ({"type": "SWAP"}, "type was 'SWAP'; what would work: one of FUTURE, SPOT, REPO, SPREAD"),
        ({"orders_per_second": 0}, "orders_per_second was 0"),
        ({"levels": 0}, "levels was 0; what would work: 1 or more, or None"),
        ({"lot_size": "0"}, "a step was '0'"),
        ({"price": "60000.05"}, "a multiple of 0.1"),
        ({"price": "0.5"}, "price was '0.5'; what would work: 10 times 0.1, or more"),
        ({"type": "REPO", "price": "0.00001"}, "a multiple of 0.1"),
    ],
)
def test_what_can_be_no_market_is_refused(settings: dict[str, Any], sentence: str) -> None:
    """When it is written down, not when it is played."""
    with pytest.raises(ValueError, match=sentence):
        MarketSpec(**{"code": "BTC-USD", **settings})
