"""Plays a feed: takes its events in order, waits for the moment of each, hands it to who wants it.

With a speed the feed's seconds set the pace and nobody is waited for. Without one, or stepped by
hand, the next event waits until every client has taken most of what was there for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import WSCloseCode

from pipeline.simulator.exchange.journal import Frame
from pipeline.simulator.exchange.spoiling import Close
from pipeline.simulator.exchange.wire import Rendering
from pipeline.simulator.feed import DISCONNECT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pipeline.simulator.exchange.connection import Connection
    from pipeline.simulator.exchange.pace import Pace
    from pipeline.simulator.exchange.spoiling import Engine
    from pipeline.simulator.exchange.state import State
    from pipeline.simulator.exchange.subscriptions import Subscriptions
    from pipeline.simulator.feed import Event, Feed

__all__ = ["Player"]

# After so many events without a wait, others get their turn.
_TURN: Final = 32


class Player:
    """One run of a feed. `over` is set when its last event was handed on."""

    def __init__(
        self,
        feed: Feed,
        pace: Pace,
        subscriptions: Subscriptions[Connection],
        connections: Collection[Connection],
        state: State,
        engine: Engine,
        *,
        close_at_end: bool,
    ) -> None:
        self.over = asyncio.Event()
        self._events: Iterator[Event] = feed.events()
        self._next: Event | None = None
        self._pace = pace
        self._subscriptions = subscriptions
        self._connections = connections
        self._state = state
        self._engine = engine
        self._close_at_end = close_at_end
        self._played = 0

    async def play(self) -> None:
        """Play to the end of the feed."""
        self._pace.begin()
        while (event := self._peek()) is not None:
            if not self._pace.free:
                await self._pace.until(event.at)
            await self._step(event)

    async def play_to(self, at: float) -> None:
        """Play what happens up to a moment of the feed, and return when it was handed over."""
        while (event := self._peek()) is not None and event.at <= at:
            await self._advance(event.at)
            await self._step(event)
        await self._advance(at)
        for connection in [*self._connections]:
            await connection.settle()

    async def _advance(self, at: float) -> None:
        if self._pace.advance(at):
            await asyncio.sleep(0)

    def _peek(self) -> Event | None:
        if self._next is None and not self.over.is_set():
            self._next = next(self._events, None)
            if self._next is None:
                self._end()
        return self._next

    def _end(self) -> None:
        if self._close_at_end:
            for connection in [*self._connections]:
                connection.put(Close(WSCloseCode.OK, "the feed has ended"))
        self.over.set()

    async def _step(self, event: Event) -> None:
        self._next = None
        self._played += 1
        if event.channel == DISCONNECT:
            for connection in [*self._connections]:
                connection.put(Close(WSCloseCode.GOING_AWAY, "disconnect"))
        else:
            await self._hand_on(self._engine.play(event))
        if self._played % _TURN == 0:
            await asyncio.sleep(0)

    async def _hand_on(self, event: Event) -> None:
        self._state.play(event)
        rendering = Rendering(event)
        for channel, name, connection in self._subscriptions.of(event):
            if self._pace.free or self._pace.manual:
                await connection.room()
            payload = rendering.form(name, connection.dialect)
            connection.deliver(Frame(0.0, "data", payload, channel, event.market, event.at))
