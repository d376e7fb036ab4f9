"""Runs a stand-in beside plain code: in a thread, and an event loop, of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Server", "running"]

_Address = TypeVar("_Address", covariant=True)  # noqa: PLC0105 - what a server says of where it is


class Server(Protocol[_Address]):
    """What can be run: it is started and stopped in one loop, and may be started again."""

    async def start(self, *, port: int) -> _Address:
        """Listen, and return where."""
        ...

    async def stop(self) -> None:
        """End all of it."""
        ...


@contextmanager
def running(server: Server[_Address], port: int = 0) -> Iterator[_Address]:
    """Serve while the block runs; yields what `start` returns.

    What `start` raises is raised as the block is entered, what `stop` raises as it is left.
    """
    started: Future[tuple[_Address, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        leave = asyncio.Event()
        try:
            address = await server.start(port=port)
        except Exception as error:  # noqa: BLE001 - raised where the block was entered
            started.set_exception(error)
            return
        started.set_result((address, asyncio.get_running_loop(), leave))
        await leave.wait()
        await server.stop()

    with ThreadPoolExecutor(1, "simulator") as thread:
        served = thread.submit(lambda: asyncio.run(serve()))
        address, loop, leave = started.result()
        try:
            yield address
        finally:
            loop.call_soon_threadsafe(leave.set)
        served.result()
