"""A line between a client and the loopback Tardis: some delay, and a bandwidth that all share.

A TCP proxy. Bytes leave in the order in which they come, from whichever connection, as fast as the
bandwidth allows, and arrive half a round trip later; opening a connection takes a round trip. What
a real line has besides (TLS, slow start, losses) is left out.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Line", "Traffic"]

_CHUNK: Final = 16_384  # bytes: small, so that connections share the line evenly
# So long before a chunk has left may the next one of its connection be read: no pause in between.
_AHEAD: Final = 0.02  # seconds

_Started = Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]]
_Queue = asyncio.Queue[tuple[float, bytes] | None]


@dataclass
class Traffic:
    """One direction: how many bytes went, when the last of them arrived, when the line is free.

    Times are of time.monotonic.
    """

    bytes: int = 0
    last_at: float = 0.0
    free_at: float = 0.0


class Line:
    """A line to a port on loopback; `round_trip` is in seconds, `bandwidth` in bits a second."""

    def __init__(self, port: int, *, round_trip: float, bandwidth: float) -> None:
        self.up, self.down = Traffic(), Traffic()
        self._port = port
        self._round_trip = round_trip
        self._bytes_a_second = bandwidth / 8

    @contextmanager
    def running(self) -> Iterator[int]:
        """Listen in a thread of its own while the block runs; yields the port."""
        started: _Started = Future()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), name="line")
        thread.start()
        port, loop, leave = started.result()
        try:
            yield port
        finally:
            loop.call_soon_threadsafe(leave.set)
            thread.join()

    async def _serve(self, started: _Started) -> None:
        leave = asyncio.Event()
        connections: set[asyncio.Task[None]] = set()

        def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._connection(reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        server = await asyncio.start_server(connect, "127.0.0.1", 0)
        started.set_result((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), leave))
        await leave.wait()
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._round_trip)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            with suppress(ConnectionError):
                await asyncio.gather(
                    self._carry(reader, far_writer, self.up),
                    self._carry(far_reader, writer, self.down),
                )
        finally:
            far_writer.close()
            writer.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, traffic: Traffic
    ) -> None:
        queue: _Queue = asyncio.Queue()
        delivery = asyncio.create_task(_deliver(queue, writer, traffic))
        try:
            while chunk := await reader.read(_CHUNK):
                left_at = max(time.monotonic(), traffic.free_at) + len(chunk) / self._bytes_a_second
                traffic.free_at = left_at
                queue.put_nowait((left_at + self._round_trip / 2, chunk))
                await _sleep_until(left_at - _AHEAD)
            queue.put_nowait(None)
            await delivery
        finally:
            delivery.cancel()


async def _deliver(queue: _Queue, writer: asyncio.StreamWriter, traffic: Traffic) -> None:
    while entry := await queue.get():
        due, chunk = entry
        await _sleep_until(due)
        writer.write(chunk)
        await writer.drain()
        traffic.bytes += len(chunk)
        traffic.last_at = time.monotonic()
    if writer.can_write_eof():
        writer.write_eof()


async def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        await asyncio.sleep(left)
