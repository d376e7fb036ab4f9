from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from pipeline.simulator.exchange import ExchangeSimulator, RecordedFeed
from pipeline.simulator.feed import DISCONNECT
from tests.conftest import ROOT
from tests.simulator.exchange.client import (
    BTC,
    EASY,
    ETH,
    MARKETS,
    ListedFeed,
    connected,
    depth,
    ticker,
    trade,
)
from tests.simulator.slices import SWAP, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.simulator.feed import Event

EVENTS = [
    depth(0.0, BTC, 1),
    depth(0.0, ETH, 2, levels=30),
    trade(0.5, BTC),
    ticker(1.0, BTC),
    depth(1.0, BTC, 3),
    ticker(1.5, ETH),
    depth(2.0, ETH, 4, levels=30),
]


def _manual(**options: Any) -> ExchangeSimulator:
    return ExchangeSimulator(ListedFeed(EVENTS), speed="manual", limits=EASY, **options)


def _play(simulator: ExchangeSimulator, *args: str, to: float = 9.0) -> list[bytes]:
    """Subscribe, play, and return what a client received: all that was sent."""

    async def play() -> list[bytes]:
        url, _ = await simulator.start()
        async with connected(url) as client:
            await client.subscribe(*args)
            await simulator.advance_to(to)
            received = await client.texts(len(simulator.journal.sent))
        await simulator.stop()
        return received

    return asyncio.run(play())


def test_a_connection_is_welcomed_and_answered() -> None:
    """Acknowledgements come one an argument, in order, spelled as asked, with the tag as text."""
    simulator = _manual(wall=lambda: 1652711966.653)

    async def talk() -> None:
        url, _ = await simulator.start()
        async with connected(url, welcomed=False) as client:
            welcome = await client.json()
            assert len(bytes.fromhex(welcome.pop("nonce"))) == 4
            assert welcome == {"event": "Welcome", "timestamp": "1652711966653"}
            names = [f"depth:{BTC}", f"futures/depth:{ETH}", "ticker:all"]
            await client.send({"op": "subscribe", "tag": 103, "args": names})
            assert [await client.json() for _ in names] == [
                {
                    "event": "subscribe",
                    "channel": name,
                    "success": True,
                    "tag": "103",
                    "timestamp": "1652711966653",
                }
                for name in names
            ]
            untagged = (await client.subscribe(f"trade:{BTC}"))[0]
            assert untagged["success"] is True
            assert "tag" not in untagged
        await simulator.stop()

    asyncio.run(talk())


@pytest.mark.parametrize(
    "name", ["depth:BTC-FLEXUSD", "depth:all", "trade", "candles60s:BTC-flexUSD", "fills:all", ""]
)
def test_unknown_channels_and_markets_are_refused(name: str) -> None:
    """Case matters; the other arguments of the command are carried out."""
    simulator = _manual()

    async def talk() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            refused, taken = await client.subscribe(name, f"depth:{BTC}")
        assert refused["channel"] == name
        assert (refused["success"], refused["code"]) == (False, "20015")
        assert "market code" in refused["message"]
        assert taken["success"] is True
        await simulator.stop()

    asyncio.run(talk())


@pytest.mark.parametrize("text", ["{", "[]", '{"op":7}', '{"op":"subscribe"}', "\u20ac"])
def test_what_is_no_command_is_refused(text: str) -> None:
    """The connection goes on."""
    simulator = _manual()

    async def talk() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            refused = await client.ask(text)
            assert (refused["success"], refused["code"]) == (False, "20009")
            assert (await client.subscribe(f"depth:{BTC}"))[0]["success"] is True
        await simulator.stop()

    asyncio.run(talk())


def test_data_are_the_feeds_own_bytes() -> None:
    """A subscriber is sent the messages of its channel and market, as they are, in order."""
    received = _play(_manual(), f"depth:{BTC}", f"trade:{BTC}")
    wanted = [event for event in EVENTS if event.market == BTC and event.channel != "ticker"]
    assert received == [event.payload for event in wanted]


def test_the_journal_says_what_was_sent() -> None:
    """Byte for byte, with the channel, the market and the moment of the feed."""
    simulator = _manual()
    received = _play(simulator, f"depth:{ETH}", "ticker:all")
    assert received == [frame.payload for frame in simulator.journal.sent]
    assert [(frame.at, frame.channel, frame.market) for frame in simulator.journal.sent] == [
        (0.0, "depth", ETH),
        (1.0, "ticker", BTC),
        (1.5, "ticker", ETH),
        (2.0, "depth", ETH),
    ]
    log = simulator.journal.connections[0]
    assert [frame.kind for frame in log.frames[:3]] == ["welcome", "answer", "answer"]
    assert [command.op for command in log.commands] == ["subscribe"]
    assert log.ending == "by the client (1000)"


def test_counts_alone_can_be_kept() -> None:
    """For long runs: numbers, and no frames."""
    simulator = _manual(keep="counts")

    async def play() -> list[bytes]:
        url, _ = await simulator.start()
        async with connected(url) as client:
            await client.subscribe("ticker:all")
            await simulator.advance_to(9)
            received = await client.texts(2)
        await simulator.stop()
        return received

    received = asyncio.run(play())
    log = simulator.journal.connections[0]
    assert (log.sent_count, log.sent_bytes) == (2, sum(map(len, received)))
    assert (log.command_count, log.frames, log.commands) == (1, [], [])


@pytest.mark.parametrize("name", ["depth", "futures/depth"])
def test_newer_dialect_has_one_name_for_its_table(name: str) -> None:
    """Whichever was subscribed; the book goes out as the feed has it."""
    received = _play(_manual(dialect="v1"), f"{name}:{BTC}")
    assert received == [EVENTS[0].payload, EVENTS[4].payload]


@pytest.mark.parametrize("name", ["depth", "futures/depth"])
def test_older_dialect_names_its_table_as_subscribed(name: str) -> None:
    """And says that a book is a whole one; nothing else differs from the newer dialect."""
    received = _play(_manual(dialect="v2"), f"{name}:{BTC}")
    told = [json.loads(text) for text in received]
    assert [(each["table"], each["action"]) for each in told] == [(name, "partial")] * 2
    whole = EVENTS[0].payload.replace(b'"depth"', f'"{name}"'.encode())
    assert received[0] == whole.removesuffix(b"}") + b',"action":"partial"}'


def test_a_book_is_sent_once_under_the_name_that_was_subscribed_last() -> None:
    """Both names are one subscription."""
    names = (f"depth:{BTC}", f"futures/depth:{BTC}", f"depth:{BTC}")
    received = _play(_manual(dialect="v2"), *names)
    assert [json.loads(text)["table"] for text in received] == ["depth"] * 2


def test_short_books_are_the_best_levels_of_whole_ones() -> None:
    """Cut from the same message; their table tells which they are."""
    received = map(json.loads, _play(_manual(), *(f"depthL{n}:{ETH}" for n in (5, 10, 25)), to=0))
    whole = json.loads(EVENTS[1].payload)["data"][0]
    for count, message in zip((5, 10, 25), received, strict=True):
        assert message["table"] == f"depthL{count}"
        sides = {side: whole[side][:count] for side in ("asks", "bids")}
        assert message["data"] == [whole | sides]


def test_markets_are_told_when_subscribed() -> None:
    """One, or all."""
    simulator = _manual()

    async def talk() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            await client.subscribe(f"market:{ETH}")
            told = (await client.json())["data"]
            assert [(one["marketCode"], one["tickSize"]) for one in told] == [(ETH, "0.01")]
            await client.subscribe("market:all")
            told = (await client.json())["data"]
            assert [one["marketCode"] for one in told] == [market.code for market in MARKETS]
        await simulator.stop()

    asyncio.run(talk())


def test_unsubscribing_ends_the_data() -> None:
    """Under either name of the channel; what comes later is not sent."""
    simulator = _manual()

    async def talk() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            await client.subscribe(f"depth:{ETH}", f"trade:{BTC}")
            await simulator.advance_to(0)
            await client.text()
            gone = (await client.subscribe(f"futures/depth:{ETH}", op="unsubscribe"))[0]
            assert (gone["event"], gone["success"]) == ("unsubscribe", True)
            await simulator.advance_to(9)
        await simulator.stop()

    asyncio.run(talk())
    assert [frame.channel for frame in simulator.journal.sent] == ["depth", "trade"]


def test_pings_are_answered() -> None:
    """Those of the protocol and those of the application, and both are noted."""
    simulator = _manual()

    async def talk() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            await client.socket.ping(b"x")
            pong = await client.ask({"op": "ping", "tag": 7})
            assert (pong["event"], pong["tag"]) == ("pong", "7")
        await simulator.stop()

    asyncio.run(talk())
    assert len(simulator.journal.connections[0].pings) == 2


def test_playing_by_hand_from_another_thread() -> None:
    """When play_to returns, the journal holds exactly what happened up to then."""
    simulator = _manual(await_subscribers=2)

    async def read(url: str) -> list[bytes]:
        async with connected(url) as client:
            await client.subscribe(f"depth:{BTC}", f"depth:{ETH}")
            await asyncio.to_thread(simulator.play_to, 0.9)
            early = [frame.payload for frame in simulator.journal.sent]
            await asyncio.to_thread(simulator.play_to, 1.0)
            assert await client.texts(3) == [event.payload for event in (*EVENTS[:2], EVENTS[4])]
            return early

    with simulator.running() as urls:
        assert asyncio.run(read(urls.ws)) == [event.payload for event in EVENTS[:2]]


def test_playing_waits_for_subscriptions() -> None:
    """The first message of the feed is sent to who was awaited, at any speed."""
    simulator = ExchangeSimulator(
        ListedFeed(EVENTS), speed=None, await_subscribers=2, end="close", limits=EASY
    )

    async def read(url: str) -> None:
        async with connected(url) as client:
            await client.subscribe(f"depth:{ETH}")
            await client.subscribe(f"depth:{BTC}")
            whole = [event.payload for event in EVENTS if event.channel == "depth"]
            assert await client.texts(4) == whole
            assert (await client.receive()).type is aiohttp.WSMsgType.CLOSE
            assert client.socket.close_code == 1000

    with simulator.running() as urls:
        asyncio.run(read(urls.ws))


def test_a_simulator_starts_anew() -> None:
    """A second start plays the feed from its beginning; one that runs can't be started."""
    simulator = _manual()
    first = _play(simulator, f"depth:{BTC}")
    simulator.journal.connections.clear()
    assert _play(simulator, f"depth:{BTC}") == first

    async def twice() -> None:
        await simulator.start()
        with pytest.raises(RuntimeError, match="running already"):
            await simulator.start()
        await simulator.stop()

    asyncio.run(twice())


def test_sample_can_be_played_through(tmp_path: Path) -> None:
    """Every line of a channel and a market arrives as it was recorded, in order."""
    minute = ROOT / "data" / "sample" / "2020" / "08" / "01" / "23" / "54.json.gz"
    copy = path_of(tmp_path, datetime(2020, 8, 1, 23, 54, tzinfo=UTC))
    copy.parent.mkdir(parents=True)
    copy.write_bytes(minute.read_bytes())
    feed = RecordedFeed(tmp_path)
    market = "ETH-USD-SWAP-LIN"
    simulator = ExchangeSimulator(feed, speed="manual", dialect="v2", await_subscribers=1)
    wanted = [e.payload for e in feed.events() if (e.channel, e.market) == ("depth", market)]

    async def read(url: str) -> None:
        async with connected(url) as client:
            await client.subscribe(f"futures/depth:{market}")
            playing = asyncio.create_task(asyncio.to_thread(simulator.play_to, 1e9))
            assert await client.texts(len(wanted)) == wanted
            await playing

    with simulator.running() as urls:
        asyncio.run(read(urls.ws))
    assert [frame.payload for frame in simulator.journal.sent] == wanted


def test_disconnects_of_a_recording_are_played(slices: Path) -> None:
    """All connections are closed where the recording had lost its own; clients may come back."""
    feed = RecordedFeed(slices, disconnects=True)
    simulator = ExchangeSimulator(feed, speed="manual", limits=EASY)
    at = [event.at for event in feed.events() if event.channel == DISCONNECT]

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client, connected(url) as other:
            await simulator.advance_to(at[0])
            for each in (client, other):
                assert (await each.receive()).type is aiohttp.WSMsgType.CLOSE
                assert each.socket.close_code == 1001
        async with connected(url) as client:
            await client.subscribe(f"depth:{SWAP}")
            await simulator.advance_to(at[0] + 60)
            assert await client.texts(2)
        await simulator.stop()

    asyncio.run(visit())


def test_timestamps_can_be_moved_to_now() -> None:
    """The first is the moment of playing, the distances between them stay, and so does the rest."""
    simulator = _manual(rebase=True, wall=lambda: 1_700_000_000.0)
    received = _play(simulator, f"depth:{BTC}", "ticker:all")
    first = 1_700_000_000_000
    times = [json.loads(text)["data"][0]["timestamp"] for text in received]
    assert times == [str(first + step) for step in (0, 1000, 1000, 1500)]
    assert received[0].replace(b"170000", b"160000") == EVENTS[0].payload


def test_feed_that_breaks_is_reported() -> None:
    """Who waits for its end is told, rather than left waiting."""

    class Broken(ListedFeed):
        def events(self) -> Iterator[Event]:
            yield EVENTS[0]
            raise OSError("the feed is broken")

    simulator = ExchangeSimulator(Broken([]), speed=None)

    async def run() -> None:
        await simulator.start()
        with pytest.raises(OSError, match="the feed is broken"):
            await simulator.played_out()
        with pytest.raises(OSError, match="the feed is broken"):
            await simulator.stop()

    asyncio.run(run())
    broken = pytest.raises(OSError, match="the feed is broken")
    with broken, simulator.running(), pytest.raises(OSError, match="the feed is broken"):
        simulator.wait_for_end()


def test_the_end_can_be_waited_for() -> None:
    """By the clock: when it returns, the last message was handed over."""
    simulator = ExchangeSimulator(ListedFeed(EVENTS), speed=50, await_subscribers=1)

    async def subscribe(url: str) -> None:
        async with connected(url) as client:
            await client.subscribe("ticker:all")
            await asyncio.to_thread(simulator.wait_for_end)

    with simulator.running() as urls:
        asyncio.run(subscribe(urls.ws))
    assert len(simulator.journal.sent) == 2


def test_only_a_simulator_that_runs_can_be_stepped() -> None:
    """By hand if it is to be, and not from within its own loop, where it would wait for itself."""
    simulator = _manual()
    with pytest.raises(RuntimeError, match="not running"):
        simulator.play_to(1)

    async def inside() -> None:
        await simulator.start()
        with pytest.raises(RuntimeError, match="await advance_to"):
            simulator.play_to(1)
        await simulator.stop()

    asyncio.run(inside())
    timed = ExchangeSimulator(ListedFeed(EVENTS))
    with timed.running(), pytest.raises(RuntimeError, match="manual"):
        timed.play_to(1)
