"""Follows the exchange's WebSocket: connects, moves frames and time, connects again.

What the frames mean is coinflex/session.py's, what becomes of them intake.py's. A connection that
is lost, falls silent or is refused is made anew after a pause that grows with each failure, for as
long as it takes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from pipeline.sources.coinflex.dialects import LIMITS, Limits
from pipeline.sources.coinflex.events import (
    Acknowledged,
    Control,
    Data,
    LoginRefused,
    Refused,
    Unreadable,
)
from pipeline.sources.coinflex.freshness import STALE_AFTER, Freshness
from pipeline.sources.coinflex.session import Session
from pipeline.sources.flood import Flood
from pipeline.sources.intake import Intake
from pipeline.sources.live_retry import Pauses, is_final, least_pause, reason_of, refusal
from pipeline.sources.live_state import LiveState
from pipeline.stamp import LONGEST_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.sources.coinflex.events import Event
    from pipeline.sources.coinflex.login import Login
    from pipeline.sources.intake import Sink

__all__ = ["Feed", "Tempo"]

log = logging.getLogger(__name__)
# What goes over the socket is logged at DEBUG by the library, a login's key with it: never here.
_SOCKET_LOG: Final = logging.getLogger(f"{__name__}.socket")
_SOCKET_LOG.setLevel(logging.WARNING)

# The library's limit is of a message's bytes, of which a piece may have none.
_MOST_PIECES: Final = 1_000
_TURN: Final = 1.0  # seconds; how often time passes for the sink, though nothing comes


@dataclass(frozen=True)
class Tempo:
    """Waits, in seconds."""

    open: float = 10.0  # for a connection to be made
    close: float = 0.5  # for the other side to say goodbye too
    ping: float = 20.0  # between two pings, and for an answer
    first_pause: float = 1.0  # before a connection is made anew; doubled from failure to failure
    longest_pause: float = 60.0
    too_many: float = 60.0  # at least, after the exchange said that it was asked too often
    # After so long without a failure the next pause is a short one again.
    steady: float = 60.0
    # How long frames are left with the exchange while the disk is slow, before some are left out.
    patience: float = 5.0
    stale_after: Mapping[str, float] = field(default_factory=lambda: dict(STALE_AFTER))


class _Lost(Exception):
    """The connection is given up; the text says why."""


class Feed:
    """The exchange's feed of some subscriptions, recorded by a sink for as long as `run` runs."""

    def __init__(
        self,
        url: str,
        subscriptions: Iterable[str],
        sink: Sink,
        *,
        login: Login | None = None,
        limits: Limits = LIMITS,
        tempo: Tempo | None = None,
        state: LiveState | None = None,
        flood: Flood | None = None,
    ) -> None:
        self.state = state or LiveState()
        self._url = url
        self._subscriptions = list(dict.fromkeys(subscriptions))
        self._login = login
        self._limits = limits
        self._tempo = tempo or Tempo()
        self._intake = Intake(sink, self.state, self._tempo.patience)
        self._flood = flood or Flood()
        self._session: Session | None = None
        self._freshness = Freshness(self._tempo.stale_after)
        self._awake = asyncio.Event()  # something changed for whoever sends
        self._data_unsettled = False  # some came before all subscriptions stood

    def want(self, subscriptions: Iterable[str]) -> None:
        """Subscribe to more, now and on every later connection."""
        new = [name for name in subscriptions if name not in self._subscriptions]
        self._subscriptions += new
        if self._session and new:
            self._session.want(new)
            self._awake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the feed until told to stop.

        Raises ServiceRefused if the exchange does not let anybody in at this address.
        """
        tempo = self._tempo
        pauses = Pauses(
            tempo.first_pause, tempo.longest_pause, tempo.steady, self._limits.between_connections
        )
        while not stop.is_set():
            self.state.enter("connecting")
            began = time.monotonic()
            try:
                reason, least = await self._connection(stop), 0.0
            except (OSError, TimeoutError, WebSocketException) as error:
                reason, least = reason_of(error), least_pause(error, self._tempo.too_many)
                if self.state.connections == 0 and is_final(error):
                    raise refusal(self._url, error) from error
            if stop.is_set():
                return
            self.state.last_loss = reason
            self.state.enter("waiting")
            pause = max(least, pauses.next(time.monotonic() - began))
            facts = {"url": self._url, "reason": reason, "pause_seconds": pause}
            log.warning(
                "no connection to %s (%s); again in %.1f s", self._url, reason, pause, extra=facts
            )
            await self._wait(stop, pause)

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        """Wait, but not longer than to the stop; time goes on for the sink."""
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            self._intake.pass_time()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, _TURN)):
                    await stop.wait()

    async def _connection(self, stop: asyncio.Event) -> str:
        """Follow one connection to its end; return why it ended."""
        socket = await self._opened(stop)
        if socket is None:
            return "stopped"
        async with socket:
            self.state.connections += 1
            self.state.subscriptions, self.state.refused = 0, {}
            self.state.enter("subscribing")
            self._freshness = Freshness(self._tempo.stale_after)
            self._session = Session(
                time.monotonic(), self._subscriptions, self._login, self._limits
            )
            self._data_unsettled = False
            self._intake.connect()
            try:
                return await self._follow(socket, self._session, stop)
            finally:
                self._intake.disconnect()
                self._session = None

    async def _opened(self, stop: asyncio.Event) -> ClientConnection | None:
        """Return a new connection, None if the stop comes first; time goes on for the sink."""
        opening = asyncio.create_task(self._open())
        stopped = asyncio.create_task(stop.wait())
        try:
            while not (opening.done() or stopped.done()):
                self._intake.pass_time()
                await asyncio.wait(
                    (opening, stopped), timeout=_TURN, return_when=asyncio.FIRST_COMPLETED
                )
            return opening.result() if opening.done() else None
        finally:
            opening.cancel()
            stopped.cancel()
            await asyncio.gather(opening, stopped, return_exceptions=True)

    async def _open(self) -> ClientConnection:
        return await _Connect(
            self._url,
            open_timeout=self._tempo.open,
            ping_interval=self._tempo.ping,
            ping_timeout=self._tempo.ping,
            close_timeout=self._tempo.close,
            max_size=LONGEST_MESSAGE,
            # Arrival is when a frame was read: nothing is to be unpacked before.
            compression=None,
            logger=_SOCKET_LOG,
        )

    async def _follow(self, socket: ClientConnection, session: Session, stop: asyncio.Event) -> str:
        """Read and send side by side until one of them ends, or the stop."""
        tasks = [
            asyncio.create_task(work)
            for work in (self._read(socket, session), self._send(socket, session), stop.wait())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        try:
            for task in done:
                task.result()
        except (_Lost, ConnectionClosed) as error:
            return reason_of(error)
        return "stopped"

    # --- reading -------------------------------------------------------------------------------

    async def _read(self, socket: ClientConnection, session: Session) -> None:
        while True:
            await self._intake.room()
            frame = await _whole(socket)
            if too_much := self._flood.rises(len(frame), time.monotonic()):
                raise _Lost(too_much)
            event = session.receive(frame, time.monotonic())
            self._intake.take(event, frame)
            self._note(event, session)

    def _note(self, event: Event, session: Session) -> None:
        if isinstance(event, Data):
            self._freshness.hear(event.table, event.market, time.monotonic())
            self._data_unsettled |= not session.is_settled
            return
        self._awake.set()
        match event:
            case Acknowledged(subscription):
                self._freshness.expect(subscription, time.monotonic())
            case Refused(subscription, code, message):
                log.warning("%s is refused (%s: %s), and left out", subscription, code, message,
                            extra={"subscription": subscription, "code": code})  # fmt: skip
            case LoginRefused(code, message):
                log.error("the login is refused (%s: %s); going on without", code, message)
            case Unreadable(reason):
                self.state.unreadable += 1
                log.debug("a frame can't be read: %s", reason)
            case Control(name, message):
                log.debug("%s %s", name, message)
        self._take_stock(session)

    def _take_stock(self, session: Session) -> None:
        """Let the state say which subscriptions stand, and which don't."""
        self.state.subscriptions = len(session.acknowledged)
        self.state.refused = dict(session.refused)
        if session.is_settled and self.state.phase == "subscribing":
            self._settled()
        elif not session.is_settled and self.state.phase == "live":
            self.state.enter("subscribing")

    def _settled(self) -> None:
        """Take note that all subscriptions stand that ever will.

        What came before that is not all that was sent: it is known, but not from when on.
        """
        self.state.enter("live")
        if self._data_unsettled:
            self._intake.disconnect()
            self._intake.connect()
        self._data_unsettled = False

    # --- sending, and what else is due ---------------------------------------------------------

    async def _send(self, socket: ClientConnection, session: Session) -> None:
        while True:
            self._awake.clear()
            now = time.monotonic()
            while command := session.poll(now, time.time_ns() // 1_000_000):
                await socket.send(command, text=True)
                now = time.monotonic()
            for name in session.refused.keys() - self.state.refused.keys():
                log.warning("%s is left out: %s", name, session.refused[name])
            self._take_stock(session)
            self._intake.pass_time()
            self.state.silent = self._freshness.silent(now)
            if stale := self._freshness.stale_channel(now):
                raise _Lost(f"{stale} has been silent for too long")
            due = min(session.next_poll(now), self._freshness.next_check(now)) - now
            # Not wait_for: Python 3.11's swallows a stop that comes along with what it waits for.
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(due, 0.001), _TURN)):
                    await self._awake.wait()


async def _whole(socket: ClientConnection) -> bytes:
    """Return the next message; raises _Lost for one in ever more pieces, which may be empty."""
    parts = []
    async for part in socket.recv_streaming(decode=False):
        parts.append(part)
        if len(parts) > _MOST_PIECES:
            raise _Lost(f"a message in more than {_MOST_PIECES} pieces")
    return parts[0] if len(parts) == 1 else b"".join(parts)


class _Connect(connect):
    """A connection to the address that was given, and to no other.

    Where a redirect leads may be another site, whose books would stand under this one's id.
    """

    def process_redirect(self, exc: Exception) -> Exception:
        """Take a redirect for the refusal that it is."""
        return exc
