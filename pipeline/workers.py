"""Processes that share a run's work, and end with it, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from pipeline.errors import WorkerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection

__all__ = ["in_processes"]

_T = TypeVar("_T")

_CHECK_SECONDS: Final = 0.2  # how soon processes end once the run is abandoned


def in_processes(
    work: Callable[..., _T],
    calls: Iterable[tuple[object, ...]],
    jobs: int,
    check: Callable[[], None] = lambda: None,
) -> Iterator[_T]:
    """Yield what each call of `work` gives, as it is done; so many at a time.

    `check` is asked again and again, and ends all of it by raising. So does Ctrl-C, of which the
    processes see nothing themselves. Raises WorkerLost if one was killed.
    """
    # Spawned: a fork of a process with Polars' threads in it may hang.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with ours, ProcessPoolExecutor(jobs, context, _end_when_closed, (theirs,)) as pool:
        try:
            with _interrupts_left_to_the_run():
                running = {pool.submit(work, *call) for call in calls}
            while running:
                done, running = wait(running, _CHECK_SECONDS, FIRST_COMPLETED)
                for future in done:
                    check()
                    yield future.result()
                check()
        except BaseException as error:
            # Before the pool waits for all: nobody is to go on with what is no longer wanted.
            ours.close()
            if isinstance(error, BrokenProcessPool):
                raise WorkerLost from None
            raise


@contextmanager
def _interrupts_left_to_the_run() -> Iterator[None]:
    """Let processes that are started meanwhile not see Ctrl-C: they end with their run."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_when_closed(run: Connection) -> None:
    """Let a worker end with its run, however that ends: then another run may hold the lock."""

    def follow() -> None:
        with suppress(EOFError):
            run.recv()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
