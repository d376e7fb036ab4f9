from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

import pytest

from pipeline.signals import taking_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on(number: signal.Signals) -> None:
    """Each of them; one that came before there was anybody to be told, too."""
    told = []
    with taking_signals() as signals:
        signal.raise_signal(number)
        signals.pass_to(lambda: told.append("told"))
        assert told == ["told"]
        signal.raise_signal(number)
        assert told == ["told", "told"]


def test_what_was_in_force_before_is_in_force_again() -> None:
    """Also where the block ends in an error."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with suppress(KeyError), taking_signals():
        assert signal.getsignal(signal.SIGTERM) != before[0]
        raise KeyError
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_signal_after_the_loop_has_ended_is_no_error() -> None:
    """There is nothing to be stopped any more."""
    with taking_signals() as signals:

        async def work() -> None:
            loop, stop = asyncio.get_running_loop(), asyncio.Event()
            signals.pass_to(lambda: loop.call_soon_threadsafe(stop.set))
            signal.raise_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                await stop.wait()

        asyncio.run(work())
        signal.raise_signal(signal.SIGTERM)
