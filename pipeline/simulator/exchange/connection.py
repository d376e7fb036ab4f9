"""One client's WebSocket: what waits to be sent to it, and the task that sends it.

Who plays puts frames into the queue and never waits for a client in doing so; the queue is
bounded in bytes, and a client that lets it overflow is closed with 1008.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aiohttp import WSCloseCode, WSMsgType

from pipeline.simulator.exchange.journal import Frame
from pipeline.simulator.exchange.spoiling import Close, Drop, HalfClose, Slow, Wait, reset

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from pipeline.simulator.exchange.journal import ConnectionLog
    from pipeline.simulator.exchange.limits import Limits
    from pipeline.simulator.exchange.pace import Pace
    from pipeline.simulator.exchange.spoiling import Item, Spoiler
    from pipeline.simulator.exchange.wire import Dialect

__all__ = ["Connection"]

# A client that does not answer a close frame is cut off after so many seconds.
_GRACE: Final = 1.0
_TOO_SLOW: Final = "too slow"
# A slow connection shows that it is alive this often (seconds).
_STEP: Final = 0.1


class Connection:
    """The sending side of a WebSocket; what was handed to it stands in its log."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        *,
        log: ConnectionLog,
        limits: Limits,
        pace: Pace,
        spoiler: Spoiler,
        clock: Callable[[], float],
    ) -> None:
        self.log: Final = log
        self.dialect: Final[Dialect] = "v2" if log.dialect == "v2" else "v1"
        self.ended = False
        self._socket = socket
        self._request = request
        self._limits = limits
        self._pace = pace
        self._spoiler = spoiler
        self._clock = clock
        self._queue: deque[Item] = deque()
        self._queued = 0
        self._busy = False
        self._held_until = 0.0
        self._rate: float | None = None
        self._work = asyncio.Event()
        self._progress = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to send."""
        self._writer = asyncio.create_task(self._write())

    def deliver(self, frame: Frame) -> None:
        """Have data sent, or whatever a fault makes of them."""
        if not self.ended:
            for item in self._spoiler.spoil(frame):
                self.put(item)

    def put(self, item: Item) -> None:
        """Have something sent after all that waits already; a full queue ends the connection."""
        if self.ended:
            return
        self._queue.append(item)
        if isinstance(item, Frame):
            self._queued += len(item.payload)
        self._work.set()
        if self._queued > self._limits.buffer:
            self.expel(_TOO_SLOW)

    def expel(self, reason: str) -> None:
        """Close with 1008 now, whatever waits."""
        if not self.ended:
            self._stop_writing()
            closing = asyncio.create_task(self._close(WSCloseCode.POLICY_VIOLATION, reason))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def finish(self, code: int, reason: str) -> None:
        """Close now, and return when the connection has ended."""
        if not self.log.ending:
            self._stop_writing()
            await self._close(code, reason)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Return when no closing is under way any more, and nothing is sent."""
        self.ended = True
        self._progress.set()
        if self._closing:
            await asyncio.wait(self._closing)
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer

    async def room(self) -> None:
        """Return when little waits to be sent; a client that reads nothing is closed."""
        await self._until(lambda: self._queued <= self._limits.buffer // 4)

    async def settle(self) -> None:
        """Return when all was handed to the socket; a client that reads nothing is closed.

        What a fault holds back is not waited for.
        """
        await self._until(lambda: not self._queue and not self._busy)

    async def _until(self, done: Callable[[], bool]) -> None:
        while not (self.ended or done() or self._held_until > self._pace.now()):
            self._progress.clear()
            try:
                async with asyncio.timeout(self._limits.patience):
                    await self._progress.wait()
            except TimeoutError:
                self.expel(_TOO_SLOW)

    async def _write(self) -> None:
        while not self.ended:
            while not self._queue:
                self._progress.set()
                self._work.clear()
                await self._work.wait()
            item = self._queue.popleft()
            self._busy = True
            try:
                await self._carry_out(item)
            except (ConnectionError, RuntimeError):
                self.ended = True  # the client is gone; whoever reads from it says how
            finally:
                self._busy = False
                self._progress.set()

    async def _carry_out(self, item: Item) -> None:
        match item:
            case Frame():
                self._queued -= len(item.payload)
                await self._send(item)
            case Wait(until):
                self._held_until = until
                self._progress.set()
                await self._pace.until(until)
            case Slow(rate):
                self._rate = rate
            case HalfClose():
                self._end_sending()
            case Drop():
                await self._drop()
            case Close(code, reason):
                self.ended = True
                await self._close(code, reason)

    async def _send(self, frame: Frame) -> None:
        if frame.kind == "pong":
            await self._socket.pong(frame.payload)
            return
        if self._rate is not None:
            await self._dawdle(len(frame.payload) / self._rate)
        transport = self._request.transport
        if self._socket.closed or transport is None or transport.is_closing():
            raise ConnectionResetError
        # Noted first: what the socket has taken may be read before this task goes on.
        self.log.add_frame(frame._replace(time=self._clock()))
        opcode = WSMsgType.BINARY if frame.binary else WSMsgType.TEXT
        await self._socket.send_frame(frame.payload, opcode)

    async def _dawdle(self, seconds: float) -> None:
        while seconds > 0:
            await asyncio.sleep(min(seconds, _STEP))
            seconds -= _STEP
            self._progress.set()

    def _end_sending(self) -> None:
        """Shut the sending side; the client finds out by itself."""
        self.ended = True
        if self._request.transport is not None:
            self._request.transport.write_eof()

    async def _drop(self) -> None:
        self.ended = True
        self.log.end(self._clock(), "dropped")
        transport = self._request.transport
        if transport is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    # What the journal says was sent should at least be on its way.
                    while transport.get_write_buffer_size():  # noqa: ASYNC110 - it has no event
                        await asyncio.sleep(0.01)
            reset(transport)

    def _stop_writing(self) -> None:
        self.ended = True
        self._queue.clear()
        self._queued = 0
        self._progress.set()
        if self._writer is not None and self._writer is not asyncio.current_task():
            self._writer.cancel()

    async def _close(self, code: int, reason: str) -> None:
        self.log.end(self._clock(), f"closed with {code}: {reason}")
        with suppress(ConnectionError, TimeoutError, RuntimeError):
            async with asyncio.timeout(_GRACE):
                await self._socket.close(code=code, message=reason.encode())
        if self._request.transport is not None:
            self._request.transport.abort()
