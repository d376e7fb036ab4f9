"""When a frame was read. UTC in ticks of 100 ns, as many digits as Tardis's recordings have."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TICKS_PER_MINUTE", "TICKS_PER_SECOND", "ArrivalClock"]

TICKS_PER_SECOND: Final = 10_000_000
TICKS_PER_MINUTE: Final = 60 * TICKS_PER_SECOND
_NS_PER_TICK: Final = 100


class ArrivalClock:
    """The system's clock, but never backwards.

    Where the system's clock was set back, this one goes on at half its speed until that one has
    caught up: times still tell what came after what, and how long after within a factor of two.
    """

    def __init__(
        self,
        utc_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._utc_ns = utc_ns
        self._steady_ns = steady_ns
        self._last_ns = 0
        self._last_steady_ns = steady_ns()

    def ticks(self) -> int:
        """Return the time now, in ticks since 1970."""
        utc, steady = self._utc_ns(), self._steady_ns()
        slow = self._last_ns + (steady - self._last_steady_ns) // 2
        self._last_ns = max(utc, slow)
        self._last_steady_ns = steady
        return self._last_ns // _NS_PER_TICK
