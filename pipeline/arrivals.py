"""Minutes on their way: what a download has settled, for whoever waits to read it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from pipeline.slices import DayOfSlices

__all__ = ["Abandoned", "Arrivals"]


class Abandoned(Exception):
    """The download failed or was interrupted, so whoever reads what it brings is to stop too."""


class Arrivals:
    """The days that a download fills, and which of their minutes are still to come.

    Every minute is settled once: its slice is there, or it is known that it will not come. Used by
    several threads at once.
    """

    def __init__(
        self, days: Mapping[date, DayOfSlices], coming: Mapping[date, Iterable[int]]
    ) -> None:
        self.days = days
        self._coming = {day: set(minutes) for day, minutes in coming.items()}
        self.expected = sum(map(len, self._coming.values()))  # minutes, at the beginning
        self._abandoned = False
        self._changed = threading.Condition()

    def settle(self, day: date, minute: int) -> None:
        """Say that a minute is settled."""
        with self._changed:
            self._coming[day].discard(minute)
            self._changed.notify_all()

    def abandon(self) -> None:
        """Say that nothing more will come, and that whoever reads is to stop."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def wait_for(self, day: date, minutes: Iterable[int]) -> None:
        """Return when some minutes of a day are settled, at once if the day is not among these.

        Raises Abandoned if nobody is to read on.
        """
        wanted, coming = set(minutes), self._coming.get(day, set())
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or not wanted & coming)
        self.check()

    def check(self) -> None:
        """Raise Abandoned if nobody is to read on."""
        if self._abandoned:
            raise Abandoned
