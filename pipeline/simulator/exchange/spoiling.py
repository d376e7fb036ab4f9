"""What faults make of the data frames of one connection."""

from __future__ import annotations

import re
import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pipeline.simulator.exchange.faults import ON_FRAMES
from pipeline.simulator.exchange.journal import Frame

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pipeline.simulator.exchange.faults import Fault, Faults
    from pipeline.simulator.exchange.journal import ConnectionLog
    from pipeline.simulator.exchange.pace import Pace
    from pipeline.simulator.feed import Event

__all__ = ["Close", "Drop", "Engine", "HalfClose", "Item", "Slow", "Spoiler", "Wait", "reset"]

_UNKNOWN_TABLE: Final = b'{"table":"foreign","data":[{"marketCode":"FOREIGN","value":"1"}]}'
_BYTES: Final = bytes(range(256))
# An engine that was started an hour later counts from so much more (nanoseconds).
_RESTART: Final = 3600 * 10**9
_SEQ_NUM: Final = re.compile(rb'("seqNum"\s*:\s*"?)(\d+)')


class Close(NamedTuple):
    """A closing handshake."""

    code: int
    reason: str


class Drop(NamedTuple):
    """A connection that is aborted."""


class HalfClose(NamedTuple):
    """A sending side that is shut without a word."""


class Wait(NamedTuple):
    """Nothing is sent before this playing time."""

    until: float


class Slow(NamedTuple):
    """From here on so many bytes a second."""

    rate: float


# What a connection sends, or does, in its order.
Item: TypeAlias = Frame | Close | Drop | HalfClose | Wait | Slow


class Spoiler:
    """Turns each data frame of a connection into what is really sent."""

    def __init__(self, faults: Faults, log: ConnectionLog, pace: Pace) -> None:
        self._faults = faults
        self._log = log
        self._pace = pace
        self._number = 0
        self._silent_until = 0.0
        self._skipped: tuple[str, int] = ("", 0)
        self._behind: Frame | None = None

    def spoil(self, frame: Frame) -> list[Item]:
        """Return what becomes of a frame: itself, as long as no fault is met."""
        self._number += 1
        if self._is_left_out(frame):
            return []
        behind, self._behind = self._behind, None
        if behind is not None:
            return [frame._replace(fault="reorder"), behind]
        fault = self._faults and self._faults.take(
            ON_FRAMES,
            frame.at,
            self._number,
            channel=frame.channel,
            market=frame.market,
            connection=self._log.number,
        )
        return self._play(fault, frame) if fault else [frame]

    def _is_left_out(self, frame: Frame) -> bool:
        market, left = self._skipped
        if left and (frame.channel, frame.market) == ("depth", market):
            self._skipped = (market, left - 1)
            self._leave_out(frame, "skip")
        elif self._pace.now() < self._silent_until:
            self._leave_out(frame, "stall")
        else:
            return False
        return True

    def _leave_out(self, frame: Frame, fault: str) -> None:
        if self._log.keep == "all":
            self._log.left_out.append(frame._replace(fault=fault))

    def _play(self, fault: Fault, frame: Frame) -> list[Item]:
        if fault.kind in _INSTEAD:
            return _INSTEAD[fault.kind](fault, frame)
        if fault.kind == "delay":
            return [Wait(self._pace.now() + fault.number), frame._replace(fault="delay")]
        if fault.kind == "reorder":
            self._behind = frame._replace(fault="reorder")
            return []
        self._leave_out(frame, fault.kind)
        if fault.kind == "skip":
            self._skipped = (frame.market, int(fault.value) - 1)
            return []
        self._silent_until = self._pace.now() + fault.number
        return [Wait(self._silent_until)]


def _foreign(which: str, frame: Frame) -> list[Frame]:
    table = Frame(0.0, "data", _UNKNOWN_TABLE, at=frame.at, fault="foreign")
    binary = Frame(0.0, "data", _BYTES, at=frame.at, fault="foreign", binary=True)
    return {"table": [table], "binary": [binary]}.get(which, [table, binary])


def _with_payload(fault: Fault, frame: Frame, payload: bytes) -> list[Item]:
    return [frame._replace(payload=payload, fault=fault.kind)]


def _oversized(fault: Fault, frame: Frame) -> list[Item]:
    # Blanks before the last brace: still the same JSON.
    body, brace = frame.payload[:-1], frame.payload[-1:]
    return _with_payload(fault, frame, body.ljust(int(fault.value) - 1) + brace)


def _malformed(fault: Fault, frame: Frame) -> list[Item]:
    half = frame.payload[: len(frame.payload) // 2]
    return _with_payload(fault, frame, half.decode(errors="ignore").encode())


def _garbled(fault: Fault, frame: Frame) -> list[Item]:
    # 0xFF stands nowhere in UTF-8.
    middle = len(frame.payload) // 2
    garbled = frame.payload[:middle] + b"\xff" + frame.payload[middle + 1 :]
    return _with_payload(fault, frame, garbled)


# What is sent instead of a frame, where nothing but the frame decides.
_INSTEAD: Final[dict[str, Callable[[Fault, Frame], list[Item]]]] = {
    "drop": lambda _fault, _frame: [Drop()],
    "close": lambda fault, _frame: [Close(int(fault.value), "fault")],
    "half-close": lambda _fault, _frame: [HalfClose()],
    "slow": lambda fault, frame: [Slow(fault.number), frame],
    "duplicate": lambda _fault, frame: [frame, frame._replace(fault="duplicate")],
    "foreign": lambda fault, frame: [*_foreign(fault.value, frame), frame],
    "oversized": _oversized,
    "malformed": _malformed,
    "garble-utf8": _garbled,
}


class Engine:
    """The numbers of the matching engine, which begin anew when it is started again."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._events = 0
        self._step = 0

    def play(self, event: Event) -> Event:
        """Return an event with the seqNum that the engine gives it now."""
        self._events += 1
        fault = self._faults and self._faults.take({"restart"}, event.at, self._events)
        if fault:
            self._step += int(fault.value or _RESTART)
        if not self._step or event.channel != "depth":
            return event
        payload = _SEQ_NUM.sub(self._renumbered, event.payload)
        return event._replace(payload=payload)

    def _renumbered(self, match: re.Match[bytes]) -> bytes:
        return match[1] + str(int(match[2]) + self._step).encode()


def reset(transport: asyncio.Transport) -> None:
    """Abort a connection with a RST; an ordinary close would be an orderly FIN."""
    # Lingering for 0 seconds is what makes the difference.
    connection = transport.get_extra_info("socket")
    connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
