"""An exchange on loopback that does what a test says, and a sink that takes note of all."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from pipeline.sources.coinflex.dialects import Limits
from pipeline.sources.live import Feed, Tempo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

    from pipeline.sources.coinflex.login import Login
    from pipeline.sources.flood import Flood

__all__ = ["DEADLINE", "QUICK", "WELCOME", "Loopback", "Taken", "data", "following", "until"]

DEADLINE = 10.0  # seconds for what is to happen at once
WELCOME = b'{"event":"Welcome","nonce":"253ae705","timestamp":"1652711966653"}'
# Waits that a test can afford; what it does not wait for is long, so that it would be noticed.
QUICK: dict[str, Any] = {"open": 60.0, "first_pause": 0.01, "longest_pause": 0.05, "patience": 60.0}


def data(number: int, market: str = "A", size: int = 0) -> bytes:
    """Return a book with a number, and of a size."""
    book = {"instrumentId": market, "seqNum": number, "pad": "x" * size}
    return json.dumps({"table": "depth", "data": [book]}).encode()


async def until(happened: Callable[[], object]) -> None:
    """Return when something has happened; TimeoutError if it does not."""
    async with asyncio.timeout(DEADLINE):
        while not happened():  # noqa: ASYNC110 - of whatever kind
            await asyncio.sleep(0.001)


class Taken:
    """A sink: `told` is all that it was told, in order; it is full when a test says so."""

    def __init__(self) -> None:
        self.told: list[str | bytes] = []
        self.is_full = False
        self.has_room = True
        self.error: Exception | None = None

    @property
    def lines(self) -> list[bytes]:
        """The frames."""
        return [told for told in self.told if isinstance(told, bytes)]

    def connect(self) -> None:
        """Take note."""
        self.told.append("connect")

    def line(self, frame: bytes) -> int:
        """Take note."""
        if self.error:
            raise self.error
        self.told.append(frame)
        return 0

    def disconnect(self) -> None:
        """Take note."""
        self.told.append("disconnect")

    def pass_time(self) -> None:
        """Do nothing: it may come at any time."""


class Loopback:
    """Welcomes, acknowledges each subscription, then does what `then` says for a connection.

    `answers` are answers to commands by their op, instead of acknowledgements; `statuses` are those
    of the first requests to connect, 101 lets in.
    """

    def __init__(
        self,
        then: Callable[[ServerConnection, int], Awaitable[None]] | None = None,
        *,
        answers: dict[str, list[bytes]] | None = None,
        statuses: tuple[int, ...] = (),
        location: str = "",
    ) -> None:
        self.sockets: list[ServerConnection] = []
        self.commands: list[dict[str, Any]] = []
        self.requests = 0
        self._then = then
        self._answers = answers or {}
        self._statuses = iter(statuses)
        self._location = location

    async def handle(self, socket: ServerConnection) -> None:
        """Talk on a connection until it ends."""
        self.sockets.append(socket)
        number = len(self.sockets)
        with suppress(ConnectionClosed):
            await socket.send(WELCOME, text=True)
            async for text in socket:
                command = json.loads(text)
                self.commands.append(command)
                for answer in self._answers.get(command["op"], self._acknowledged(command)):
                    await socket.send(answer, text=True)
                if command["op"] == "subscribe" and self._then:
                    await self._then(socket, number)

    def let_in(self, socket: ServerConnection, _request: Request) -> Response | None:
        """Answer a request to connect."""
        self.requests += 1
        status = next(self._statuses, 101)
        if status == 101:
            return None
        response = socket.respond(status, "no\n")
        if self._location:
            response.headers["Location"] = self._location
        return response

    @staticmethod
    def _acknowledged(command: dict[str, Any]) -> list[bytes]:
        told = {"event": "subscribe", "success": True, "tag": str(command["tag"])}
        return [json.dumps(told | {"channel": name}).encode() for name in command.get("args", ())]

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[str]:
        """Serve while the block runs; yields the address."""
        server = await serve(
            self.handle, "127.0.0.1", 0, process_request=self.let_in, compression=None,
            close_timeout=0.2, max_size=None, **options,
        )  # fmt: skip
        scheme = "wss" if options.get("ssl") else "ws"
        try:
            yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/websocket"
        finally:
            server.close()
            await server.wait_closed()


@asynccontextmanager
async def following(
    url: str,
    sink: Taken,
    *names: str,
    login: Login | None = None,
    flood: Flood | None = None,
    **tempo: Any,
) -> AsyncIterator[Feed]:
    """Follow a feed while the block runs; what ends it early is raised, and its stop is quick."""
    limits = Limits(0.0, 0.0, 0.0)
    feed = Feed(
        url, names, sink, login=login, limits=limits, tempo=Tempo(**(QUICK | tempo)), flood=flood
    )
    stop = asyncio.Event()
    task = asyncio.create_task(feed.run(stop))
    try:
        yield feed
    except BaseException:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    stop.set()
    async with asyncio.timeout(5.0):
        await task
