"""Playing time: how far a feed has got, and when its next moment comes.

It counts seconds of the feed. What is played as fast as clients read has no pace of its own;
there, playing time is the clock's.
"""

from __future__ import annotations

import asyncio
import heapq
from itertools import count
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace", "Speed"]

# Times as fast as the feed happened; None: as fast as clients read; "manual": when it is told to.
Speed: TypeAlias = float | Literal["manual"] | None
# A clock that a test has passed may stand still, or jump: it is looked at this often (seconds).
_LOOK: Final = 0.5


class Pace:
    """The playing time of one run; it starts at 0 when `begin` is called."""

    def __init__(self, speed: Speed, clock: Callable[[], float]) -> None:
        self._rate = speed if isinstance(speed, int | float) else 1.0
        self._clock = clock
        self._began: float | None = None
        self._reached = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self.manual: Final = speed == "manual"
        self.free: Final = speed is None

    def begin(self) -> None:
        """Let time run."""
        self._began = self._clock()

    def now(self) -> float:
        """Return the seconds of playing time."""
        if self.manual or self._began is None:
            return self._reached
        return (self._clock() - self._began) * self._rate

    def advance(self, at: float) -> bool:
        """Move manual time on; tell whether somebody had waited for it."""
        self._reached = max(self._reached, at)
        woken = False
        while self._waiting and self._waiting[0][0] <= self._reached:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)
                woken = True
        return woken

    async def until(self, at: float) -> None:
        """Return when playing time has come to `at`."""
        if self.manual:
            if at > self._reached:
                future = asyncio.get_running_loop().create_future()
                heapq.heappush(self._waiting, (at, next(self._order), future))
                await future
            return
        while (left := at - self.now()) > 0:  # noqa: ASYNC110 - only time itself is waited for
            await asyncio.sleep(min(left / self._rate, _LOOK))
