"""A clock that goes many times as fast as others: the same one in every process."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

from pipeline.recording.arrival_clock import ArrivalClock

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Clock", "midnight"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = 1_000_000_000


class Clock(NamedTuple):
    """Shows `base` (ns UTC) when the steady clock of the machine shows `began`."""

    base: int
    began: int
    speed: int

    @classmethod
    def starting(cls, start: datetime, speed: int) -> Self:
        """Return a clock that shows `start` now, and then goes so many times as fast as others."""
        since = (start - _EPOCH) // timedelta(microseconds=1)
        return cls(since * 1000, time.monotonic_ns(), speed)

    def ns(self) -> int:
        """Return the time in nanoseconds since 1970."""
        return self.base + self.speed * (time.monotonic_ns() - self.began)

    def seconds(self) -> float:
        """Return the time in seconds since 1970."""
        return self.ns() / _NS

    def now(self) -> datetime:
        """Return the time, to the microsecond."""
        return _EPOCH + timedelta(microseconds=self.ns() // 1000)

    def arrival(self) -> ArrivalClock:
        """Return what a capture takes for the system's clock."""
        return ArrivalClock(self.ns)


def midnight(day: date) -> datetime:
    """Return when a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
