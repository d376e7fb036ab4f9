"""A bare client of the exchange, and a feed of few messages."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from pipeline.simulator.exchange import Limits
from pipeline.simulator.feed import Event, Market

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

BTC, ETH = "BTC-flexUSD", "ETH-flexUSD"
MARKETS = [
    Market(BTC, "0.1", "0.001", "SPOT", 1_600_000_000_000),
    Market(ETH, "0.01", "0.01", "SPOT", 1_600_000_000_001),
]
# For tests that talk faster than a client may; what the limits do has tests of its own.
EASY = Limits(commands_a_second=1000)
STARTED = 1_600_000_000_000
_DEADLINE = 10


def depth(at: float, market: str = BTC, number: int = 1, levels: int = 2) -> Event:
    """Return a snapshot as CoinFLEX US sends it; its time is `at` after the feed's first."""
    book = {
        "instrumentId": market,
        "seqNum": 1_600_000_000 * 10**9 + number,
        "timestamp": str(STARTED + round(at * 1000)),
        "checksum": 0,
        "asks": [[100.5 + n, 1 + n, 0, 0] for n in range(levels)],
        "bids": [[99.5 - n, 2 + n, 0, 0] for n in range(levels)],
    }
    return _event(at, "depth", market, {"table": "depth", "data": [book]})


def trade(at: float, market: str = BTC, number: int = 1) -> Event:
    """Return one trade."""
    one = {
        "side": "BUY",
        "quantity": "0.5",
        "price": "100.5",
        "marketCode": market,
        "tradeId": str(number),
        "timestamp": str(STARTED + round(at * 1000)),
    }
    return _event(at, "trade", market, {"table": "trade", "data": [one]})


def ticker(at: float, market: str = BTC) -> Event:
    """Return one ticker."""
    one = {"marketCode": market, "last": "100.5", "timestamp": str(STARTED + round(at * 1000))}
    return _event(at, "ticker", market, {"table": "ticker", "data": [one]})


def _event(at: float, channel: str, market: str, message: dict[str, Any]) -> Event:
    return Event(at, channel, market, json.dumps(message, separators=(",", ":")).encode())


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class ListedFeed:
    """A feed of the events given."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    @property
    def markets(self) -> Sequence[Market]:
        """Two markets."""
        return MARKETS

    def events(self) -> Iterator[Event]:
        """Yield the events given."""
        return iter(self._events)


class Client:
    """One WebSocket connection; what takes longer than some seconds fails."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = websocket

    async def receive(self) -> aiohttp.WSMessage:
        """Return the next frame, of whatever kind."""
        async with asyncio.timeout(_DEADLINE):
            return await self.socket.receive()

    async def text(self) -> bytes:
        """Return the next text frame."""
        message = await self.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return str(message.data).encode()

    async def texts(self, count: int) -> list[bytes]:
        """Return so many text frames."""
        return [await self.text() for _ in range(count)]

    async def json(self) -> dict[str, Any]:
        """Return what the next text frame says."""
        told = json.loads(await self.text())
        assert isinstance(told, dict)
        return told

    async def ask(self, command: object) -> dict[str, Any]:
        """Send a command and return the answer to it."""
        await self.send(command)
        return await self.json()

    async def send(self, command: object) -> None:
        """Send a command: text as it is, anything else as JSON."""
        await self.socket.send_str(command if isinstance(command, str) else json.dumps(command))

    async def subscribe(self, *args: str, op: str = "subscribe") -> list[dict[str, Any]]:
        """Subscribe in one command, and return the answers."""
        await self.send({"op": op, "args": list(args)})
        return [await self.json() for _ in args]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another task or thread does; what takes longer than some seconds fails."""
    async with asyncio.timeout(_DEADLINE):
        while not condition():  # noqa: ASYNC110 - a condition without an event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def connected(
    url: str, *, welcomed: bool = True, receive_buffer: int | None = None
) -> AsyncIterator[Client]:
    """Connect, and read the welcome; the system keeps `receive_buffer` bytes of the unread."""

    def new_socket(address: tuple[Any, ...]) -> socket.socket:
        made = socket.socket(*address[:3])
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        return made

    connector = aiohttp.TCPConnector(socket_factory=new_socket)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(url) as websocket,
    ):
        client = Client(websocket)
        if welcomed:
            assert (await client.json())["event"] == "Welcome"
        yield client
