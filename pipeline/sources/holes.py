"""Notes the holes in a feed: between which frames it was not heard, by the exchange's clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.sources.live_state import exchange_ms

if TYPE_CHECKING:
    from pipeline.sources.intake import Sink
    from pipeline.sources.live_state import LiveState

__all__ = ["Hole", "Holes"]

_DATA: Final = b'"table"'


class Hole(NamedTuple):
    """From the last frame before to the first after, in milliseconds UTC of the exchange."""

    start: int
    stop: int


class Holes:
    """A sink that hands everything on to another one, and notes holes as they end (`found`).

    A hole ends with the first frame that comes when all subscriptions stand. `since` is when the
    feed was last heard by an earlier process, in milliseconds, if it was.
    """

    def __init__(self, sink: Sink, state: LiveState, since: int | None) -> None:
        self.found: asyncio.Queue[Hole] = asyncio.Queue()
        self._sink = sink
        self._state = state
        self._since = since

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be handed in for now."""
        return self._sink.is_full

    @property
    def has_room(self) -> bool:
        """Whether it can take frames again, after some were left out."""
        return self._sink.has_room

    def connect(self) -> None:
        """Take note that a connection stands."""
        self._sink.connect()

    def line(self, frame: bytes) -> int:
        """Take a frame that was read just now; return when that was, in 100 ns UTC."""
        at = self._sink.line(frame)
        if self._since is not None and self._state.phase == "live" and _DATA in frame:
            stop = exchange_ms(frame)
            if stop is not None:
                self.found.put_nowait(Hole(self._since, stop))
                self._since = None
        return at

    def disconnect(self) -> None:
        """Take note that nothing is known from the last frame on, until the next."""
        self._sink.disconnect()
        if self._since is None:
            self._since = self._state.last_ms()

    def pass_time(self) -> None:
        """Take note that time passes."""
        self._sink.pass_time()
