from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from pipeline.backfill import backfill
from pipeline.simulator import TardisSimulator
from pipeline.sources.event_loop import run_to_end
from pipeline.times import Range
from tests.world import history, last_minutes, raw_minutes, served, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Caller = Callable[[Callable[[], object]], object]


@pytest.fixture
def in_a_loop() -> Iterator[Caller]:
    """Return what makes a plain call where a loop runs; Ctrl-C reaches it, as in a notebook."""
    loop = asyncio.new_event_loop()

    async def cell(call: Callable[[], object]) -> object:
        return call()

    yield lambda call: loop.run_until_complete(cell(call))
    loop.close()


async def _name_of_the_thread() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_without_a_loop() -> None:
    """The work is done in the thread that asks."""
    assert run_to_end(_name_of_the_thread()) == threading.current_thread().name


def test_where_a_loop_runs(in_a_loop: Caller) -> None:
    """What it returns arrives, although no loop takes a second one."""
    assert in_a_loop(lambda: run_to_end(_name_of_the_thread())) != threading.current_thread().name


def test_an_error_arrives_as_it_is(in_a_loop: Caller) -> None:
    """Whoever asks may catch what the work raises."""

    async def fails() -> None:
        raise LookupError("what the work says")

    with pytest.raises(LookupError, match="what the work says"):
        in_a_loop(lambda: run_to_end(fails()))


def test_an_interrupt_ends_the_work(in_a_loop: Caller) -> None:
    """It has tidied up before the interrupt is raised where it was called from."""
    ended = []

    async def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("tidied up")

    with pytest.raises(KeyboardInterrupt):
        in_a_loop(lambda: run_to_end(interrupted()))
    assert ended == ["tidied up"]


def test_a_backfill_where_a_loop_runs(tmp_path: Path, in_a_loop: Caller) -> None:
    """The main job as a notebook calls it: plan, download and ingest; without anything to show."""
    minutes = last_minutes(3)
    slices = history(tmp_path / "slices", minutes)
    with TardisSimulator(slices).running() as url:
        found = settings(tmp_path / "data", url)
        in_a_loop(lambda: backfill(found, Range.parse("2020-08-01T23:57", "2020-08-02")))
    assert raw_minutes(tmp_path / "data") == served(slices, minutes)
