from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from pipeline.simulator.exchange import ExchangeSimulator, Limits
from tests.simulator.exchange.client import (
    BTC,
    ETH,
    STARTED,
    Clock,
    ListedFeed,
    depth,
    ticker,
    trade,
)

if TYPE_CHECKING:
    from pipeline.simulator.feed import Event

DAY = 86_400.0


def _ask(
    events: list[Event], *paths: str, to: float = 0.0, **options: Any
) -> list[tuple[int, dict[str, Any]]]:
    """Play to a moment, and return status and answer of each path in turn."""
    simulator = ExchangeSimulator(ListedFeed(events), speed="manual", **options)

    async def ask() -> list[tuple[int, dict[str, Any]]]:
        _, url = await simulator.start()
        await simulator.advance_to(to)
        answers = []
        async with aiohttp.ClientSession() as session:
            for path in paths:
                async with session.get(f"{url}{path}") as answer:
                    answers.append((answer.status, await answer.json()))
        await simulator.stop()
        return answers

    answers = asyncio.run(ask())
    assert [request.status for request in simulator.journal.requests] == [a[0] for a in answers]
    return answers


def test_markets_are_told() -> None:
    """All of them or one; what a mark price decides is told as soon as there is one."""
    (_, every), (_, one) = _ask([ticker(0)], "/v1/markets", f"/v1/markets?marketCode={ETH}")
    assert every["success"] is True
    assert [market["marketCode"] for market in every["data"]] == [BTC, ETH]
    assert every["data"][0] == {
        "marketCode": BTC,
        "name": "BTC/flexUSD",
        "referencePair": "BTC/flexUSD",
        "base": "BTC",
        "counter": "flexUSD",
        "type": "SPOT",
        "tickSize": "0.1",
        "minSize": "0.001",
        "listedAt": "1600000000000",
        "upperPriceBound": "105.525",
        "lowerPriceBound": "95.475",
        "markPrice": "100.5",
        "lastUpdatedAt": str(STARTED),
    }
    assert one["data"] == [market for market in every["data"] if market["marketCode"] == ETH]
    assert "markPrice" not in one["data"][0]


def test_tickers_are_the_last_played() -> None:
    """A market without a ticker has none; the names are REST's."""
    ((_, told),) = _ask([ticker(0), ticker(1)], "/v1/tickers", to=1)
    last = {"marketCode": BTC, "lastTradedPrice": "100.5", "lastUpdatedAt": str(STARTED + 1000)}
    assert told == {"success": True, "data": [last]}


def test_depth_is_the_last_book_played() -> None:
    """Five levels if nothing else is asked, of two elements, the numbers as they are."""
    events = [depth(0, levels=120), depth(1, number=2, levels=200)]
    path = f"/v1/depth?marketCode={BTC}"
    others = [f"/{version}{path[3:]}" for version in ("v2", "v3")]
    (_, early), (_, deep), (_, other), (_, older), (_, oldest) = _ask(
        events, path, f"{path}&level=100", f"/v1/depth?marketCode={ETH}", *others
    )
    whole = json.loads(events[0].payload)["data"][0]
    for told, count in ((early, 5), (deep, 100), (older, 5), (oldest, 5)):
        sides = {side: [level[:2] for level in whole[side][:count]] for side in ("asks", "bids")}
        data = {"marketCode": BTC, "lastUpdatedAt": str(STARTED), **sides}
        assert told == {"success": True, "level": str(count), "data": data}
    assert (other["data"]["asks"], other["data"]["bids"]) == ([], [])


def test_trades_are_the_newest_first() -> None:
    """All that were played, without ids, as many as asked; times are inclusive."""
    events = [trade(n, (BTC, ETH)[n % 2], n) for n in range(400)]
    path = "/v1/exchange-trades"
    times = f"startTime={STARTED + 10_000}&endTime={STARTED + 20_000}"
    (_, every), (_, two), (_, window) = _ask(
        events,
        path,
        f"{path}?marketCode={BTC}&limit=2",
        f"{path}?marketCode={ETH}&{times}",
        to=350,
    )
    assert [row["matchedAt"] for row in every["data"]] == [
        str(STARTED + n * 1000) for n in range(350, 50, -1)
    ]
    assert two["data"] == [
        {
            "marketCode": BTC,
            "matchPrice": "100.5",
            "matchQuantity": "0.5",
            "side": "BUY",
            "matchedAt": str(STARTED + n * 1000),
        }
        for n in (350, 348)
    ]
    assert [int(row["matchedAt"]) - STARTED for row in window["data"]] == [
        19_000,
        17_000,
        15_000,
        13_000,
        11_000,
    ]


def test_trades_are_of_the_last_day_unless_asked() -> None:
    """A day and seven days back from the feed's own time."""
    events = [trade(n * DAY) for n in range(9)]
    week = f"/v1/exchange-trades?startTime={STARTED + round(DAY * 1000)}"
    (_, day), (_, days) = _ask(events, "/v1/exchange-trades", week, to=8 * DAY)
    assert len(day["data"]) == 2
    assert len(days["data"]) == 8


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/depth", "30001"),
        ("/v1/depth?marketCode=BTC-FLEXUSD", "20001"),
        (f"/v1/depth?marketCode={BTC}&level=101", "20001"),
        (f"/v1/depth?marketCode={BTC}&level=0", "20001"),
        (f"/v1/depth?marketCode={BTC}&level=x", "20001"),
        ("/v1/tickers?marketCode=nope", "20001"),
        ("/v1/exchange-trades?limit=301", "20001"),
        (f"/v1/exchange-trades?startTime=1&endTime={7 * 86_400_000 + 2}", "20001"),
        ("/v1/exchange-trades?startTime=2&endTime=1", "20001"),
    ],
)
def test_bad_parameters_are_refused(path: str, code: str) -> None:
    """In the envelope of an error, with a sentence."""
    ((status, told),) = _ask([trade(0)], path)
    assert (status, told["success"], told["code"]) == (400, False, code)
    assert told["message"]


def test_unknown_path_is_an_error_in_the_envelope() -> None:
    """As is any other HTTP error."""
    ((status, told),) = _ask([], "/v1/orders")
    assert (status, told["success"], told["code"]) == (404, False, "404")


def test_requests_are_limited() -> None:
    """One too many is a 429 with code 429; a second later the next is served."""
    clock = Clock()
    paths = ["/v1/markets"] * 3
    answers = _ask([], *paths, clock=clock, limits=Limits(requests_a_second=2))
    assert [status for status, _ in answers] == [200, 200, 429]
    assert (answers[2][1]["success"], answers[2][1]["code"]) == (False, "429")
