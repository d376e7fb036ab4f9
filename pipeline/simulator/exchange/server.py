"""The exchange itself: its port, its connections, its thread.

GET /v1/websocket   the WebSocket; /v2/websocket speaks the older dialect
GET /v1/…           REST (rest.py); /v2/… and /v3/…, the older exchange's, are the same
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

from aiohttp import WSCloseCode, web

from pipeline.simulator.exchange.connection import Connection
from pipeline.simulator.exchange.conversation import Account, Conversation
from pipeline.simulator.exchange.faults import Faults
from pipeline.simulator.exchange.gate import Gate
from pipeline.simulator.exchange.journal import Journal
from pipeline.simulator.exchange.limits import Limits
from pipeline.simulator.exchange.pace import Pace
from pipeline.simulator.exchange.player import Player
from pipeline.simulator.exchange.rebased import Rebased
from pipeline.simulator.exchange.rest import Rest
from pipeline.simulator.exchange.session import Session, new_socket
from pipeline.simulator.exchange.spoiling import Engine, Spoiler
from pipeline.simulator.exchange.state import State
from pipeline.simulator.exchange.subscriptions import Subscriptions
from pipeline.simulator.threaded import running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from contextlib import AbstractContextManager

    from pipeline.simulator.exchange.faults import Fault
    from pipeline.simulator.exchange.journal import Keep
    from pipeline.simulator.exchange.pace import Speed
    from pipeline.simulator.exchange.wire import Dialect
    from pipeline.simulator.feed import Feed

__all__ = ["ExchangeSimulator", "Urls"]

_T = TypeVar("_T")
_DOCUMENTED: Final = Limits()
# Seconds between two looks at who is quiet.
_LOOK: Final = 0.25


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

    `faults` go wrong as faults.py says. `rebase` moves the timestamps of the feed to now.

    `key` and `secret` are what a login is checked with. `clock` tells the seconds of the journal
    and the limits, `wall` the seconds UTC of answers. `journal` holds the truth of all runs.
    """

    def __init__(  # noqa: PLR0913 - by keyword, and each is a property of an exchange
        self,
        feed: Feed,
        *,
        dialect: Dialect = "v1",
        key: str | None = None,
        secret: str | None = None,
        speed: Speed = 1.0,
        await_subscribers: int = 0,
        end: Literal["stay", "close"] = "stay",
        faults: Iterable[Fault] = (),
        limits: Limits = _DOCUMENTED,
        rebase: bool = False,
        keep: Keep = "all",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.journal = Journal(keep)
        self._feed = Rebased(feed, wall) if rebase else feed
        self._faults = Faults(faults, self.journal, clock)
        self._dialect = dialect
        self._speed: Speed = speed
        self._await_subscribers = await_subscribers
        self._end = end
        self._limits = limits
        self._account = None if key is None or secret is None else Account(key, secret)
        self._clock = clock
        self._wall = wall
        self._runner: web.AppRunner | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: dict[Connection, None] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> Urls:
        """Listen, begin to play, and return the addresses; port 0 is any that is free."""
        if self._runner is not None:
            raise RuntimeError("this simulator is running already")
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        # A recording has to be read through for them.
        markets = await asyncio.to_thread(lambda: self._feed.markets)
        self._codes = {market.code for market in markets}
        self._connections = {}
        self._subscriptions: Subscriptions[Connection] = Subscriptions()
        self._pace = Pace(self._speed, self._clock)
        state = State()
        self._player = Player(
            self._feed,
            self._pace,
            self._subscriptions,
            self._connections,
            state,
            Engine(self._faults),
            close_at_end=self._end == "close",
        )
        self._stepping = asyncio.Lock()
        self._runner = web.AppRunner(self._application(state), access_log=None, shutdown_timeout=1)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, host, port).start()
        except BaseException:
            await self.stop()
            raise
        self._tasks = [asyncio.create_task(self._play()), asyncio.create_task(self._watch())]
        address = f"{host}:{self._runner.addresses[0][1]}"
        return Urls(f"ws://{address}/{self._dialect}/websocket", f"http://{address}")

    def _application(self, state: State) -> web.Application:
        """Return what is answered to requests, which are counted anew."""
        gate = Gate(
            self.journal,
            self._limits,
            self._faults,
            clock=self._clock,
            playing_time=self._pace.now,
        )
        app = web.Application(middlewares=[gate.receive])
        for version in ("v1", "v2"):
            app.router.add_get(f"/{version}/websocket", self._websocket)
        for version in ("v1", "v2", "v3"):
            app.router.add_routes(Rest(self._feed.markets, state).routes(version))
        return app

    async def stop(self) -> None:
        """Stop playing and listening and end the connections; raises what ended the feed early."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        farewells = [
            connection.finish(WSCloseCode.GOING_AWAY, "the exchange stops")
            for connection in [*self._connections]
        ]
        await asyncio.gather(*farewells)
        await runner.cleanup()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    def running(self, port: int = 0) -> AbstractContextManager[Urls]:
        """Serve in a thread of its own with its own loop while the block runs.

        What has ended the feed early is raised when the block is left.
        """
        return running(self, port)

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
        self._from_outside(self.played_out(), timeout)

    async def played_out(self) -> None:
        """Return when the whole feed was handed over; raises what ended it early."""
        over = asyncio.ensure_future(self._player.over.wait())
        try:
            playing = [] if self._pace.manual else self._tasks[:1]
            await asyncio.wait([over, *playing], return_when=asyncio.FIRST_COMPLETED)
            for task in playing:
                if task.done():
                    task.result()
        finally:
            over.cancel()
        for connection in [*self._connections]:
            await connection.settle()

    def _from_outside(self, work: Coroutine[Any, Any, _T], timeout: float) -> _T:
        if self._loop is None or self._runner is None:
            work.close()
            raise RuntimeError("this simulator is not running")
        if threading.get_ident() == self._thread:
            work.close()
            raise RuntimeError("in the simulator's own thread, await advance_to instead")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    async def _play(self) -> None:
        if not self._pace.manual:
            await self._subscriptions.reach(self._await_subscribers)
            await self._player.play()

    async def _watch(self) -> None:
        """Close connections that are quiet for too long; a clock that jumps is noticed soon."""
        while True:
            await asyncio.sleep(_LOOK)
            oldest = self._clock() - self._limits.quiet
            for connection in [*self._connections]:
                if connection.log.active < oldest:
                    connection.expel("neither data nor a ping for too long")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        socket = new_socket()
        await socket.prepare(request)
        log = self.journal.open(self._clock(), request.path.split("/")[1])
        connection = Connection(
            socket,
            request,
            log=log,
            limits=self._limits,
            pace=self._pace,
            spoiler=Spoiler(self._faults, log, self._pace),
            clock=self._clock,
        )
        conversation = Conversation(
            self._codes,
            self._limits,
            self._account,
            clock=self._clock,
            wall=self._wall,
            refuses=partial(self._refuses, log.number),
        )
        session = Session(
            connection,
            conversation,
            self._subscriptions,
            self._feed.markets,
            clock=self._clock,
            playing_time=self._pace.now,
        )
        self._connections[connection] = None
        try:
            await session.run(socket, int(self._wall() * 1000))
        finally:
            self._connections.pop(connection, None)
        return socket

    def _refuses(self, connection: int, market: str) -> bool:
        now = self._pace.now()
        return bool(self._faults.take({"refuse"}, now, market=market, connection=connection))
