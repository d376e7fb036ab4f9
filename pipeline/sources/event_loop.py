"""Asynchronous work in one plain call, also where an event loop runs already, as in a notebook."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["run_to_end"]

T = TypeVar("T")

_TURN: Final = 0.5  # seconds


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns; an interrupt ends it before it is raised here.

    A loop that runs in this thread stands still meanwhile, as it does under any plain call.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _beside(work)


def _beside(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread with a loop of its own, since no loop takes a second one."""
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = Future()
    outcome: Future[T] = Future()

    async def whole() -> T:
        task = asyncio.get_running_loop().create_task(work)
        begun.set_result((asyncio.get_running_loop(), task))
        return await task

    def run() -> None:
        if not begun.set_running_or_notify_cancel():
            work.close()
            return
        try:
            outcome.set_result(asyncio.run(whole()))
        except BaseException as error:  # noqa: BLE001 - raised where the work is waited for
            outcome.set_exception(error)

    thread = Thread(target=run, name="event-loop")
    try:
        thread.start()
        # In turns: Python may miss a signal that comes just as a thread begins to wait.
        while not wait([outcome], timeout=_TURN).done:
            pass
        return outcome.result()
    except BaseException:
        _end(begun)
        raise
    finally:
        if thread.ident is not None:
            thread.join()


def _end(begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]]) -> None:
    """Cancel work, at whatever moment: an interrupt may come before it has begun, or after."""
    if not begun.cancel():
        loop, task = begun.result()
        with suppress(RuntimeError):  # it has ended by itself, and its loop is closed
            loop.call_soon_threadsafe(task.cancel)
