"""The exchange itself: its port, its connections, its thread.

GET /v1/websocket   the WebSocket; /v2/websocket speaks the older dialect

What is said to commands is conversation.py's, who gets which message subscriptions.py's, when,
player.py's.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

from aiohttp import WSCloseCode, WSMsgType, web

from pipeline.simulator.exchange.connection import Connection
from pipeline.simulator.exchange.conversation import Conversation
from pipeline.simulator.exchange.journal import Command, Frame, Journal
from pipeline.simulator.exchange.pace import Pace
from pipeline.simulator.exchange.player import Player
from pipeline.simulator.exchange.subscriptions import ALL, Subscriptions
from pipeline.simulator.exchange.wire import market_data, welcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from pipeline.simulator.exchange.conversation import Reply
    from pipeline.simulator.exchange.journal import Keep
    from pipeline.simulator.exchange.pace import Speed
    from pipeline.simulator.exchange.wire import Dialect
    from pipeline.simulator.feed import Feed

__all__ = ["ExchangeSimulator", "Urls"]

_T = TypeVar("_T")
_LARGEST_FRAME: Final = 4 << 20


class Urls(NamedTuple):
    """Where a simulator listens: the WebSocket's whole address, REST's without /v1."""

    ws: str
    rest: str


class ExchangeSimulator:
    """A CoinFLEX US on loopback that plays a feed to whoever subscribes.

    `speed` is how many seconds of the feed pass in one; None plays as fast as the clients read,
    "manual" plays what `play_to` says. The feed begins when `await_subscribers` subscriptions
    stand, and begins anew with each start. After its end connections stay, or are closed with 1000
    (`end`). `dialect` is the one of the WebSocket address that `start` returns; both are served.

    `buffer` is how many bytes may wait for a client before it is closed with 1008, `patience` for
    how many seconds it may read nothing while the exchange waits for it. `clock` tells the seconds
    of the journal, `wall` the seconds UTC of answers. `journal` holds the truth of all runs.
    """

    def __init__(  # noqa: PLR0913 - by keyword, and each is a property of an exchange
        self,
        feed: Feed,
        *,
        dialect: Dialect = "v1",
        speed: Speed = 1.0,
        await_subscribers: int = 0,
        end: Literal["stay", "close"] = "stay",
        keep: Keep = "all",
        buffer: int = 8 << 20,
        patience: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.journal = Journal(keep)
        self._feed = feed
        self._dialect = dialect
        self._speed: Speed = speed
        self._await_subscribers = await_subscribers
        self._end = end
        self._buffer = buffer
        self._patience = patience
        self._clock = clock
        self._wall = wall
        self._runner: web.AppRunner | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: dict[Connection, None] = {}

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> Urls:
        """Listen, begin to play, and return the addresses; port 0 is any that is free."""
        if self._runner is not None:
            raise RuntimeError("this simulator is running already")
        self._loop = asyncio.get_running_loop()
        self._codes = {market.code for market in self._feed.markets}
        self._connections = {}
        self._subscriptions: Subscriptions[Connection] = Subscriptions()
        self._pace = Pace(self._speed, self._clock)
        self._player = Player(
            self._feed,
            self._pace,
            self._subscriptions,
            self._connections,
            close_at_end=self._end == "close",
        )
        self._stepping = asyncio.Lock()
        app = web.Application()
        for version in ("v1", "v2"):
            app.router.add_get(f"/{version}/websocket", self._websocket)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, host, port).start()
        except BaseException:
            await self.stop()
            raise
        self._playing = asyncio.create_task(self._play())
        address = f"{host}:{self._runner.addresses[0][1]}"
        return Urls(f"ws://{address}/{self._dialect}/websocket", f"http://{address}")

    async def stop(self) -> None:
        """Stop playing and listening and end the connections; raises what ended the feed early."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        playing: asyncio.Task[None] | None = getattr(self, "_playing", None)
        if playing is not None:
            playing.cancel()
        farewells = [
            connection.finish(WSCloseCode.GOING_AWAY, "the exchange stops")
            for connection in [*self._connections]
        ]
        await asyncio.gather(*farewells)
        await runner.cleanup()
        if playing is not None:
            with suppress(asyncio.CancelledError):
                await playing

    @contextmanager
    def running(self, port: int = 0) -> Iterator[Urls]:
        """Serve in a thread of its own with its own loop while the block runs."""
        started: Future[tuple[Urls, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

        async def serve() -> None:
            leave = asyncio.Event()
            try:
                urls = await self.start(port=port)
            except Exception as error:  # noqa: BLE001 - raised where the block was entered
                started.set_exception(error)
                return
            started.set_result((urls, asyncio.get_running_loop(), leave))
            await leave.wait()
            await self.stop()

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="exchange-simulator")
        thread.start()
        try:
            urls, loop, leave = started.result()
            try:
                yield urls
            finally:
                loop.call_soon_threadsafe(leave.set)
        finally:
            thread.join()

    def play_to(self, at: float, timeout: float = 30.0) -> None:
        """Do as advance_to from another thread than the simulator's; TimeoutError if it can't."""
        self._from_outside(self.advance_to(at), timeout)

    async def advance_to(self, at: float) -> None:
        """Play by hand to a moment of the feed, in seconds, inclusive.

        Returns when all frames up to then were handed to the sockets. Waits for
        `await_subscribers` first.
        """
        if not self._pace.manual:
            raise RuntimeError('only speed="manual" is played by hand')
        async with self._stepping:
            await self._subscriptions.reach(self._await_subscribers)
            await self._player.play_to(at)

    def wait_for_subscriptions(self, count: int, timeout: float = 30.0) -> None:
        """Return, in another thread than the simulator's, when so many subscriptions stand."""
        self._from_outside(self._subscriptions.reach(count), timeout)

    def wait_for_end(self, timeout: float = 30.0) -> None:
        """Return, in another thread than the simulator's, when the whole feed was handed over."""
        self._from_outside(self._played_out(), timeout)

    async def _played_out(self) -> None:
        await self._player.over.wait()
        for connection in [*self._connections]:
            await connection.settle()

    def _from_outside(self, work: Coroutine[Any, Any, _T], timeout: float) -> _T:
        if self._loop is None or self._runner is None:
            work.close()
            raise RuntimeError("this simulator is not running")
        if threading.current_thread() is threading.main_thread() and self._is_own_loop():
            work.close()
            raise RuntimeError("in the simulator's own loop, await advance_to instead")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def _is_own_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    async def _play(self) -> None:
        if not self._pace.manual:
            await self._subscriptions.reach(self._await_subscribers)
            await self._player.play()

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            autoping=False, compress=False, max_msg_size=_LARGEST_FRAME, decode_text=False
        )
        await socket.prepare(request)
        dialect = request.path.split("/")[1]
        connection = Connection(
            socket,
            request,
            self.journal.open(self._clock(), dialect),
            clock=self._clock,
            buffer=self._buffer,
            patience=self._patience,
        )
        self._connections[connection] = None
        connection.put(Frame(0.0, "welcome", welcome(secrets.token_hex(4), self._now())))
        connection.start()
        try:
            await self._listen(socket, connection)
        finally:
            self._subscriptions.drop(connection)
            await connection.wait_closed()
            self._connections.pop(connection, None)
        return socket

    async def _listen(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        conversation = Conversation(self._codes, self._wall)
        while True:
            message = await socket.receive()
            now = self._clock()
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                op, replies = conversation.receive(bytes(message.data))
                codes = tuple(reply.code for reply in replies if reply.code)
                connection.log.add_command(Command(now, op, bytes(message.data), codes))
                if op == "ping":
                    connection.log.add_ping(now)
                self._reply(connection, replies)
            elif message.type is WSMsgType.PING:
                connection.log.add_ping(now)
                await socket.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                how = "by the client" if message.type is WSMsgType.CLOSE else "lost"
                connection.log.end(now, f"{how} ({socket.close_code})")
                return

    def _reply(self, connection: Connection, replies: list[Reply]) -> None:
        for reply in replies:
            connection.put(Frame(0.0, "answer", reply.payload))
            if reply.begins is not None:
                self._subscriptions.add(connection, reply.begins)
                if reply.begins[0] == "market":
                    self._send_markets(connection, reply.begins[1])
            if reply.ends is not None:
                self._subscriptions.remove(connection, reply.ends)

    def _send_markets(self, connection: Connection, code: str) -> None:
        markets = [market for market in self._feed.markets if code in {ALL, market.code}]
        payload = market_data(markets)
        connection.put(Frame(0.0, "data", payload, "market", code, self._pace.now()))

    def _now(self) -> int:
        return int(self._wall() * 1000)
