"""SIGTERM and SIGINT as a call, also where they come before there is anybody to be called."""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Signals", "taking_signals"]


class Signals:
    """Passes a signal on, as soon as there is somebody to pass it on to."""

    def __init__(self) -> None:
        self._came = False
        self._tell: Callable[[], object] = lambda: None

    def __call__(self, *_: object) -> None:
        """Take a signal."""
        self._came = True
        with suppress(RuntimeError):  # the loop has ended already
            self._tell()

    def pass_to(self, tell: Callable[[], object]) -> None:
        """Call this for each signal from now on, and now if one came before."""
        self._tell = tell
        if self._came:
            tell()


@contextmanager
def taking_signals() -> Iterator[Signals]:
    """Take SIGTERM and SIGINT while the block runs: also before a loop runs in it, and after."""
    signals = Signals()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, signals) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
