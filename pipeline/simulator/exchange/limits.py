"""How much a client may ask, and how those who ask are counted.

A limit of N in a span counts what was carried out within the last span: the N+1st is refused, and
what is refused does not count. So a client that keeps to the limit by its own clock, but whose
messages arrive closer together than it sent them, can be refused here as it could be there.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

__all__ = ["Limits", "Window"]

_SECOND: Final = 1.0
_MINUTE: Final = 60.0
_FIVE_MINUTES: Final = 300.0


@dataclass(frozen=True)
class Limits:
    """The documented limits, and the bounds of what the exchange does for one client.

    Commands are counted a connection, a ping among them unless it is one of the protocol;
    connections and requests an address. A connection that was neither sent data nor has pinged
    for `quiet` seconds is closed. `message` bytes are the longest command. When more than `buffer`
    bytes wait for a client, or it reads nothing for `patience` seconds where the exchange waits
    for it, it is closed with 1008.
    """

    commands_a_second: int = 1
    commands_a_second_logged_in: int = 50
    connections_a_minute: int = 200
    requests_a_second: int = 100
    requests_in_five_minutes: int = 2500
    message: int = 64 << 10
    quiet: float = 60.0
    buffer: int = 8 << 20
    patience: float = 10.0

    def commands(self, *, logged_in: bool) -> Window:
        """Return the count of a connection's commands."""
        limit = self.commands_a_second_logged_in if logged_in else self.commands_a_second
        return Window((limit, _SECOND))

    def connections(self) -> Window:
        """Return the count of the connections that an address has opened."""
        return Window((self.connections_a_minute, _MINUTE))

    def requests(self) -> Window:
        """Return the count of an address's REST requests."""
        return Window(
            (self.requests_a_second, _SECOND), (self.requests_in_five_minutes, _FIVE_MINUTES)
        )


class Window:
    """Counts what happened within sliding spans of seconds."""

    def __init__(self, *limits: tuple[int, float]) -> None:
        self._spans = [(limit, span, deque[float]()) for limit, span in limits]

    def allow(self, now: float) -> bool:
        """Count one more, unless it would be one too many."""
        for _, span, times in self._spans:
            while times and times[0] <= now - span:
                times.popleft()
        if any(len(times) >= limit for limit, _, times in self._spans):
            return False
        for _, _, times in self._spans:
            times.append(now)
        return True
