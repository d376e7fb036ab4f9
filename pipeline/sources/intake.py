"""What becomes of a feed's frames: a sink takes them, in order, as long as the disk keeps up."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from pipeline.channels import canonical_channel
from pipeline.sources.coinflex.events import Control, Data, LoginRefused

if TYPE_CHECKING:
    from pipeline.sources.coinflex.events import Event
    from pipeline.sources.live_state import LiveState

__all__ = ["Intake", "Sink"]

log = logging.getLogger(__name__)


class Sink(Protocol):
    """Where frames go, in the order in which they came."""

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be handed in for now."""

    @property
    def has_room(self) -> bool:
        """Whether it can take frames again, after some were left out."""

    def connect(self) -> None:
        """Take note that a connection stands."""

    def line(self, frame: bytes) -> int:
        """Take a frame that was read just now; return when that was, in 100 ns UTC."""

    def disconnect(self) -> None:
        """Take note that nothing is known from the last frame on, until the next."""

    def pass_time(self) -> None:
        """Take note that time passes."""


class Intake:
    """Hands a feed's frames to a sink, and lets the state say what came of them.

    While the disk is behind frames are left with the exchange, for `patience` seconds; if that does
    not do, they are left out until it has caught up.
    """

    def __init__(self, sink: Sink, state: LiveState, patience: float) -> None:
        self._sink = sink
        self._state = state
        self._patience = patience

    def connect(self) -> None:
        """Tell the sink that a connection stands; not while frames are left out: none would."""
        if not self._state.is_dropping:
            self._sink.connect()

    def disconnect(self) -> None:
        """Tell the sink that nothing is known from the last frame on, until the next."""
        self._sink.disconnect()

    def pass_time(self) -> None:
        """Tell the sink that time passes."""
        self._sink.pass_time()

    def take(self, event: Event, frame: bytes) -> None:
        """Hand a frame to the sink: any but those about a key."""
        if isinstance(event, LoginRefused) or (isinstance(event, Control) and event.is_private):
            return
        state = self._state
        channel = canonical_channel(event.table) if isinstance(event, Data) else "control"
        if state.is_dropping:
            state.dropped[channel] += 1
            return
        at = self._sink.line(frame)
        state.size += len(frame)
        if isinstance(event, Data):
            state.frames[channel] += 1
            state.last_frame[channel] = frame, at
            state.heard[channel] = time.monotonic()

    async def room(self) -> None:
        """Return when the next frame may be read: at once, as long as the disk keeps up."""
        if self._state.is_dropping:
            if self._sink.has_room:
                self._go_on()
            return
        until = time.monotonic() + self._patience
        while self._sink.is_full and time.monotonic() < until:  # noqa: ASYNC110 - by a thread
            await asyncio.sleep(0.01)
        if self._sink.is_full:
            self._leave_out()

    def _leave_out(self) -> None:
        self._state.is_dropping = True
        self._sink.disconnect()
        log.error("the disk is too slow: frames are left out, and the gap is marked",
                  extra={"dropped": dict(self._state.dropped)})  # fmt: skip

    def _go_on(self) -> None:
        self._state.is_dropping = False
        self._sink.connect()
        log.warning("the disk has caught up; %d frames were left out so far",
                    self._state.dropped.total(),
                    extra={"dropped": dict(self._state.dropped)})  # fmt: skip
