"""How much a download may ask for, and for how long."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Budget", "BudgetSpent"]


class BudgetSpent(Exception):
    """Nothing more is to be asked for; `reason` says which end was reached."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Budget:
    """Requests, each attempt counted, and seconds from now on; without end if not said.

    `guard` returns why nothing more is to be asked for, where something else says so: the disk.
    Used by one thread.
    """

    def __init__(
        self,
        *,
        requests: float = math.inf,
        seconds: float = math.inf,
        guard: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = requests
        self._clock = clock
        self._ends = clock() + seconds
        self._guard = guard
        self._spent: str | None = None

    @property
    def spent(self) -> str | None:
        """Why nothing more is asked for: `requests`, `time` or the guard's word; None if it is."""
        if self._spent is None:
            if self._left < 1:
                self._spent = "requests"
            elif self._clock() >= self._ends:
                self._spent = "time"
            else:
                self._spent = self._guard()
        return self._spent

    @property
    def time_is_up(self) -> str | None:
        """The word `time` once it is over, whatever else is left."""
        return "time" if self._clock() >= self._ends else None

    def take(self) -> None:
        """Take one request; raises BudgetSpent if there is none left."""
        if reason := self.spent:
            raise BudgetSpent(reason)
        self._left -= 1
