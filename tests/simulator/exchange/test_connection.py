from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from pipeline.simulator.exchange import ExchangeSimulator, Fault, Limits
from tests.simulator.exchange.client import (
    BTC,
    EASY,
    ETH,
    Clock,
    ListedFeed,
    connected,
    depth,
    until,
)

if TYPE_CHECKING:
    from pipeline.simulator.feed import Event
    from tests.simulator.exchange.client import Client


@pytest.fixture(scope="module")
def large() -> list[Event]:
    """Return more than the buffers of two sockets hold."""
    return [depth(n / 50, levels=4000, number=n) for n in range(100)]


async def _end(client: Client) -> int | None:
    """Read to the end of the connection and return its code."""
    while (await client.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    return client.socket.close_code


def _manual(**options: Any) -> ExchangeSimulator:
    return ExchangeSimulator(ListedFeed([depth(0)]), speed="manual", **options)


def test_a_quiet_connection_is_closed() -> None:
    """After a minute without data and without a ping, and not before; a command is no ping."""
    clock = Clock()
    simulator = _manual(clock=clock)

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            clock.now += 59
            await client.subscribe(f"trade:{BTC}")
            clock.now += 2
            assert await _end(client) == 1008
        await simulator.stop()

    asyncio.run(visit())
    assert "neither data nor a ping" in simulator.journal.connections[0].ending


@pytest.mark.parametrize("sign", ["ping of the protocol", "ping command", "data"])
def test_a_sign_of_life_keeps_a_connection(sign: str) -> None:
    """A minute is counted from the last of it."""
    clock = Clock()
    simulator = _manual(clock=clock)

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client, connected(url) as witness:
            await client.subscribe(f"depth:{BTC}")
            clock.now += 50
            if sign == "data":
                await simulator.advance_to(0)
                await client.text()
            elif sign == "ping command":
                await client.ask({"op": "ping"})
            else:
                await client.socket.ping()
                # Commands are answered in order: the ping was taken in before this one.
                await client.ask({"op": "unsubscribe", "args": [f"depth:{BTC}"]})
            clock.now += 50
            assert await _end(witness) == 1008
            clock.now += 8
            assert (await client.ask({"op": "ping"}))["event"] == "pong"
        await simulator.stop()

    asyncio.run(visit())


def test_connections_are_limited() -> None:
    """One too many in a minute is answered 429 to its upgrade; later ones are served."""
    clock = Clock()
    simulator = _manual(clock=clock, limits=Limits(connections_a_minute=2))

    async def visit() -> None:
        url, _ = await simulator.start()
        for _ in range(2):
            async with connected(url):
                pass
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected(url):
                pass
        assert refused.value.status == 429
        clock.now += 60
        async with connected(url):
            pass
        await simulator.stop()

    asyncio.run(visit())
    assert [request.status for request in simulator.journal.requests] == [101, 101, 429, 101]


def test_a_command_beyond_the_limit_is_not_carried_out() -> None:
    """A client of the documented exchange has to wait a second between two commands."""
    simulator = _manual(clock=Clock())

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            assert (await client.subscribe(f"trade:{BTC}"))[0]["success"] is True
            assert (await client.subscribe(f"depth:{BTC}"))[0]["code"] == "20007"
            await simulator.advance_to(0)
        await simulator.stop()

    asyncio.run(visit())
    assert [command.codes for command in simulator.journal.commands] == [(), ("20007",)]
    assert simulator.journal.sent == []


def test_a_command_that_is_too_long_is_answered() -> None:
    """The connection goes on; a command of 64 KiB would have been carried out."""
    simulator = _manual(limits=EASY)

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            assert (await client.ask('{"op":"ping"}'.ljust(65_537)))["code"] == "20027"
            assert (await client.ask('{"op":"ping"}'.ljust(65_536)))["event"] == "pong"
        await simulator.stop()

    asyncio.run(visit())


def test_a_frame_after_the_client_has_gone_counts_as_not_sent() -> None:
    """The journal holds no frame that no socket took."""
    simulator = ExchangeSimulator(
        ListedFeed([depth(0), depth(1)]), speed="manual", faults=[Fault("delay", "5", at=1.0)]
    )

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            await client.subscribe(f"depth:{BTC}")
            await simulator.advance_to(1)
        await until(lambda: bool(simulator.journal.connections[0].ending))
        await simulator.advance_to(9)
        await simulator.stop()

    asyncio.run(visit())
    assert [frame.at for frame in simulator.journal.sent] == [0]


def test_who_reads_nothing_is_closed_and_delays_no_other(large: list[Event]) -> None:
    """Played by the clock: the queue of the one overflows, the other is sent everything."""
    # Half of the feed may wait: only who reads next to nothing falls that far behind.
    size = sum(len(event.payload) for event in large)
    limits = Limits(buffer=size // 2)
    simulator = ExchangeSimulator(ListedFeed(large), speed=2, await_subscribers=2, limits=limits)

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url, receive_buffer=4096) as idle, connected(url) as client:
            await idle.subscribe(f"depth:{BTC}")
            await client.subscribe(f"depth:{BTC}")
            assert await client.texts(len(large)) == [event.payload for event in large]
            await _end(idle)
        await simulator.stop()

    asyncio.run(visit())
    assert simulator.journal.connections[0].ending == "closed with 1008: too slow"
    assert simulator.journal.connections[0].sent_count < len(large)


@pytest.mark.parametrize("speed", ["manual", None])
def test_patience_with_who_reads_nothing_ends(large: list[Event], speed: Any) -> None:
    """Played as fast as clients read: one that does not is waited for, but not for ever."""
    limits = Limits(patience=0.2, buffer=1_000_000)
    simulator = ExchangeSimulator(
        ListedFeed(large), speed=speed, await_subscribers=2, end="close", limits=limits
    )

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as idle, connected(url) as client:
            await idle.subscribe(f"depth:{BTC}")
            await client.subscribe(f"depth:{BTC}", *[f"trade:{ETH}"] * (speed is not None))
            playing = asyncio.create_task(simulator.advance_to(9)) if speed == "manual" else None
            assert await client.texts(len(large)) == [event.payload for event in large]
            assert await _end(client) == 1000
            if playing is not None:
                await playing
        await simulator.stop()

    asyncio.run(visit())
    assert simulator.journal.connections[0].ending == "closed with 1008: too slow"


def test_stopping_says_goodbye() -> None:
    """Clients are closed with 1001, and the journal knows that it was the exchange."""
    simulator = _manual()

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            stopping = asyncio.create_task(simulator.stop())
            assert await _end(client) == 1001
            await stopping

    asyncio.run(visit())
    assert simulator.journal.connections[0].ending.startswith("closed with 1001")
