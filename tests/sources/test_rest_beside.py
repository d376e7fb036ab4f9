from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from pipeline.recording.arrival_clock import TICKS_PER_MINUTE, ArrivalClock
from pipeline.sources.holes import Hole, Holes
from pipeline.sources.live_state import LiveState
from pipeline.sources.rest import Rest, RestRefused
from pipeline.sources.rest_beside import Beside, RestTempo, definitions
from tests.capturing import noon
from tests.sources.loopback import DEADLINE, Taken
from tests.world import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    Respond = Callable[[str, Mapping[str, str]], Any]

WEEK = 7 * 86_400_000
QUICK = RestTempo(0.0, between_depths=0.0, margin=0.0, first_pause=0.01, longest_pause=0.02)


def listed(**more: Any) -> dict[str, Any]:
    """Return what an exchange says of one market."""
    return {"marketCode": "A", "tickSize": "0.1", "minSize": "1", "markPrice": "5"} | more


class World:
    """An exchange that answers as a test says, and what is asked beside its feed."""

    def __init__(self, url: str, clock: ArrivalClock | None, tempo: RestTempo) -> None:
        self.state = LiveState()
        self.taken = Taken()
        self.rest = Rest(url, "v1", tempo.between_requests)
        self.holes = Holes(Taken(), self.state, None)
        self.beside = Beside(
            self.rest, self.taken, self.state, self.holes, channels=("depth", "trade"),
            clock=clock or noon(), tempo=tempo,
        )  # fmt: skip

    def lines(self, endpoint: str) -> list[dict[str, Any]]:
        """Return what was recorded of an endpoint."""
        said = [json.loads(line) for line in self.taken.lines]
        return [one for one in said if one["rest"] == endpoint]

    @asynccontextmanager
    async def at_work(self, *markets: str) -> AsyncIterator[None]:
        """Let it poll and fetch while the block runs."""
        self.beside.want(markets)
        task = asyncio.create_task(self.beside.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def until(self, happened: Callable[[], object]) -> None:
        """Return when something has happened; TimeoutError if it does not."""
        async with asyncio.timeout(DEADLINE):
            while not happened():  # noqa: ASYNC110 - of whatever kind
                await asyncio.sleep(0.001)


def playing(
    respond: Respond,
    play: Callable[[World], Awaitable[None]],
    tempo: RestTempo = QUICK,
    clock: ArrivalClock | None = None,
) -> World:
    """Play with an exchange that responds so (a number is a status), and return what came of it."""

    async def handler(request: web.Request) -> web.StreamResponse:
        said = respond(request.path.rpartition("/")[2], request.query)
        if isinstance(said, int):
            return web.json_response({"success": False, "code": str(said)}, status=said)
        return web.json_response({"success": True, "data": said})

    async def visit(url: str) -> World:
        world = World(url, clock, tempo)
        async with world.rest:
            await play(world)
        return world

    with serving(handler) as url:
        return asyncio.run(visit(url))


# --- markets -------------------------------------------------------------------------------------


def test_markets_are_recorded_where_a_definition_is_another() -> None:
    """Not where only a price has moved, or their order; the whole answer, as it was sent."""
    said = iter([
        [listed()],
        [listed(markPrice="6", lastUpdatedAt="1", upperPriceBound="7", lowerPriceBound="2")],
        [listed(tickSize="0.01")],
        [listed(tickSize="0.01"), listed(marketCode="B")],
        [listed(marketCode="B"), listed(tickSize="0.01")],
        [listed()],
    ])  # fmt: skip

    async def play(world: World) -> None:
        for _ in range(6):
            await world.beside.markets()

    lines = playing(lambda *_: next(said), play).lines("markets")
    told = [[(one["marketCode"], one["tickSize"]) for one in line["answer"]["data"]]
            for line in lines]  # fmt: skip
    assert told == [[("A", "0.1")], [("A", "0.01")], [("A", "0.01"), ("B", "0.1")], [("A", "0.1")]]
    assert lines[0]["query"] == {}


def test_each_day_has_its_markets() -> None:
    """A day of the lake is made of its own slices."""
    now = [0]
    clock = ArrivalClock(lambda: now[0] * 100)

    async def play(world: World) -> None:
        for day in (1, 1, 2):
            now[0] = day * 1440 * TICKS_PER_MINUTE
            await world.beside.markets()

    assert len(playing(lambda *_: [listed()], play, clock=clock).lines("markets")) == 2


def test_what_is_no_list_of_markets_is_not_recorded() -> None:
    """The error says so, and the next answer counts."""
    with pytest.raises(RestRefused, match="not what it should be"):
        definitions(b'{"success":true,"data":7}')

    async def play(world: World) -> None:
        with pytest.raises(RestRefused):
            await world.beside.markets()

    assert playing(lambda *_: [{"name": "A"}], play).taken.lines == []


# --- depth ---------------------------------------------------------------------------------------


def test_depth_is_polled_only_while_no_connection_stands() -> None:
    """At the most levels that there are; of each market in turn."""
    book = {"marketCode": "A", "asks": [], "bids": []}

    async def play(world: World) -> None:
        async with world.at_work("A", "B"):
            await world.until(lambda: len(world.lines("depth")) >= 6)
            world.state.enter("subscribing")
            count = len(world.lines("depth"))
            for _ in range(20):  # time for as many polls
                await world.beside.markets()
            assert len(world.lines("depth")) <= count + 4  # what was asked by then
            world.state.enter("waiting")
            await world.until(lambda: len(world.lines("depth")) > count + 4)

    def respond(path: str, _: Mapping[str, str]) -> Any:
        return book if path == "depth" else [listed()]

    lines = playing(respond, play).lines("depth")
    asked = Counter(line["query"]["marketCode"] for line in lines)
    assert abs(asked["A"] - asked["B"]) <= 1
    assert {line["query"]["level"] for line in lines} == {"100"}


def test_no_market_is_asked_for_more_than_once_in_its_time() -> None:
    """By the exchange's own clock: from one answer to the next question."""
    times: dict[str, list[float]] = {}

    def respond(_: str, query: Mapping[str, str]) -> Any:
        times.setdefault(query["marketCode"], []).append(time.monotonic())
        return {"asks": [], "bids": []}

    async def play(world: World) -> None:
        async with world.at_work("A", "B", "C"):
            await world.until(lambda: all(len(times.get(name, ())) > 3 for name in "ABC"))

    playing(respond, play, RestTempo(0.0, between_depths=0.2))
    for of in times.values():
        assert all(later - earlier >= 0.2 for earlier, later in pairwise(of))


@pytest.mark.parametrize("status", [429, 500])
def test_polling_goes_on_after_what_passes(status: int) -> None:
    """Errors are no answers; nothing of them is recorded."""
    statuses = iter([status] * 3)

    async def play(world: World) -> None:
        async with world.at_work("A"):
            await world.until(lambda: world.lines("depth"))

    world = playing(lambda *_: next(statuses, {"asks": [], "bids": []}), play)
    assert all(line["answer"]["success"] for line in world.lines("depth"))
    assert next(statuses, None) is None


def test_a_market_that_is_refused_does_not_hold_up_the_others() -> None:
    """It is asked for once, and left out from then on."""
    asked = Counter[str]()

    def respond(_: str, query: Mapping[str, str]) -> Any:
        asked[query["marketCode"]] += 1
        return 400 if query["marketCode"] == "A" else {"asks": [], "bids": []}

    async def play(world: World) -> None:
        async with world.at_work("A", "B"):
            await world.until(lambda: len(world.lines("depth")) >= 3)

    playing(respond, play)
    assert asked["A"] == 1


# --- trades --------------------------------------------------------------------------------------


class Trades:
    """Trades of a market, as REST answers with them: newest first, 300 at most."""

    def __init__(self, times: list[int], *, inclusive: bool) -> None:
        self.times = sorted(times, reverse=True)
        self.asked: list[Mapping[str, str]] = []
        self._inclusive = inclusive

    def __call__(self, path: str, query: Mapping[str, str]) -> Any:
        """Answer."""
        if path != "exchange-trades":
            return {"asks": [], "bids": []}
        self.asked.append(dict(query))
        start, end = int(query["startTime"]), int(query["endTime"]) + self._inclusive
        found = [
            {"matchedAt": str(at), "number": number}
            for number, at in enumerate(self.times)
            if start <= at < end
        ]
        return found[: int(query["limit"])]


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_pages_have_every_trade_of_a_hole(seed: int, inclusive: bool) -> None:
    """Though many are of one millisecond, and whether or not the exchange counts the last one."""
    rng = random.Random(seed)
    spread = rng.choice([20, 200, 2000])
    trades = Trades([10_000 + rng.randrange(spread) for _ in range(1200)], inclusive=inclusive)

    async def play(world: World) -> None:
        world.state.enter("live")
        async with world.at_work("A"):
            world.holes.found.put_nowait(Hole(10_000, 10_000 + spread))
            await world.until(lambda: world.beside.asked.holes_filled)

    lines = playing(trades, play).lines("exchange-trades")
    got = {one["number"] for line in lines for one in line["answer"]["data"]}
    assert got == set(range(1200))
    assert len(lines) <= 1200 // 300 * 2 + spread // 20 + 2
    windows = [(int(query["startTime"]), int(query["endTime"])) for query in trades.asked]
    assert windows == sorted(windows, reverse=True)
    assert len({*windows}) == len(windows)


def test_more_trades_in_a_millisecond_than_a_page_has_are_no_ring() -> None:
    """What can't be asked for is not asked for again and again."""
    trades = Trades([10_000] * 700 + [9_990] * 5, inclusive=True)

    async def play(world: World) -> None:
        world.state.enter("live")
        async with world.at_work("A"):
            world.holes.found.put_nowait(Hole(9_000, 11_000))
            await world.until(lambda: world.beside.asked.holes_filled)

    lines = playing(trades, play).lines("exchange-trades")
    assert len(lines) <= 4
    assert sum(one["matchedAt"] == "9990" for one in lines[-1]["answer"]["data"]) == 5


def test_a_hole_is_asked_for_with_a_margin_and_never_more_than_a_week() -> None:
    """Of a longer one the last week; of a clock that ran backwards nothing."""
    trades = Trades([], inclusive=True)

    async def play(world: World) -> None:
        world.state.enter("live")
        async with world.at_work("A"):
            for hole in (Hole(5_000, 6_000), Hole(0, 2 * WEEK), Hole(9_000, 5_000)):
                world.holes.found.put_nowait(hole)
            await world.until(lambda: world.beside.asked.holes_filled == 3)

    playing(trades, play, RestTempo(0.0, margin=0.01))
    windows = [(int(query["startTime"]), int(query["endTime"])) for query in trades.asked]
    assert windows == [(4_990, 6_010), (WEEK + 10, 2 * WEEK + 10)]


@pytest.mark.parametrize("status", [429, 503])
def test_a_page_is_asked_for_until_it_comes(status: int) -> None:
    """And a market that REST does not know ends nothing."""
    statuses = iter([status, status, 400])
    trades = Trades([5_500], inclusive=True)

    def respond(path: str, query: Mapping[str, str]) -> Any:
        return next(statuses, None) or trades(path, query)

    async def play(world: World) -> None:
        world.state.enter("live")
        async with world.at_work("A", "B"):
            world.holes.found.put_nowait(Hole(5_000, 6_000))
            await world.until(lambda: world.beside.asked.holes_filled)

    lines = playing(respond, play).lines("exchange-trades")
    assert [line["query"]["marketCode"] for line in lines] == ["B"]
    assert lines[0]["answer"]["data"][0]["matchedAt"] == "5500"
