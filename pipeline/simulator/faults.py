"""What can go wrong between Tardis and its client, on demand.

    "400" … "599"   an HTTP error with Tardis's JSON body
    "truncate"      announces the whole Content-Length, sends half, closes
    "cut"           well-formed HTTP, but the gzip stream ends early
    "corrupt"       well-formed HTTP, but one byte of the gzip stream is wrong
    "reset"         the connection is aborted (RST) before an answer
    "stall"         sends the headers, then nothing until the client goes or the server stops
    "redirect"      307 to another server

Nothing is spoiled that nobody asked to have spoiled.
"""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aiohttp import web
from isal import igzip

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["Fault", "FaultQueue", "error_response", "send_spoiled"]

_KINDS: Final = ("truncate", "cut", "corrupt", "reset", "stall", "redirect")
_KNOWN: Final = (
    f'an HTTP status from "400" to "599", {", ".join(_KINDS)}; as KIND[=VALUE][@MINUTE][*TIMES], '
    'for example "429", "429=2@2020-08-01T23:55", "reset*3", "redirect=http://127.0.0.1:8001"'
)
_TEXT: Final = re.compile(r"(?P<kind>\w+)(=(?P<value>[^@*]+))?(@(?P<minute>[^*]+))?(\*(?P<n>\d+))?")
_MESSAGES: Final = {
    400: "The request has an invalid parameter.",
    401: "The API key is not valid or does not cover the requested data.",
    403: "Access to the requested data is forbidden.",
    404: "The requested data was not found.",
    429: "Too many requests. Wait a minute before the next one.",
    500: "Internal server error.",
    503: "The service is temporarily unavailable.",
}
# Below this a byte in the middle may lie in a file name of gzip's header, which nothing guards.
_SHORT: Final = 1024


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, for one minute or for any, a number of times.

    `times` is how many requests it spoils, 0 = every one. `target` is where "redirect" sends a
    client (the path and query are appended). `retry_after` is the Retry-After header of a
    status, in seconds. Raises ValueError for what can't be played.
    """

    kind: str
    minute: datetime | None = None
    times: int = 1
    target: str = ""
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in _KINDS and not re.fullmatch(r"[45]\d\d", self.kind, re.ASCII):
            raise ValueError(f"{self.kind!r} is no kind of fault; what would work: {_KNOWN}")
        if (self.kind == "redirect") != bool(self.target):
            raise ValueError('a target is what "redirect", and nothing else, needs')
        if self.minute is not None and self.minute.tzinfo is None:
            raise ValueError(f"a fault's minute has a time zone, {self.minute} has none")
        if self.times < 0:
            raise ValueError(f"a fault's times are 0 (every request) or more, not {self.times}")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Return the fault that KIND[=VALUE][@MINUTE][*TIMES] names; a naive minute is UTC.

        The value is the target of "redirect", or the seconds of a status's Retry-After.
        Raises ValueError with a sentence that names the kinds.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no fault; what would work: {_KNOWN}")
        kind, value, times = match["kind"], match["value"], int(match["n"] or 1)
        minute = _parse_minute(match["minute"], text)
        if kind == "redirect":
            return cls(kind, minute, times, target=value or "")
        if value is not None and not (kind.isdecimal() and value.isdecimal()):
            raise ValueError(f"{kind} can't use the value in {text!r}; what would work: {_KNOWN}")
        return cls(kind, minute, times, retry_after=None if value is None else int(value))

    def concerns(self, minutes: Collection[datetime]) -> bool:
        """Tell whether a request for these minutes can meet the fault."""
        return self.minute is None or self.minute.replace(second=0, microsecond=0) in minutes


def _parse_minute(text: str | None, whole: str) -> datetime | None:
    if text is None:
        return None
    try:
        minute = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{whole!r} has a minute unlike 2020-08-01T23:55") from None
    return minute.replace(tzinfo=UTC) if minute.tzinfo is None else minute.astimezone(UTC)


class FaultQueue:
    """The faults still to come, in the order given."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._left: list[tuple[Fault, int]] = [(fault, fault.times) for fault in faults]

    def take(self, minutes: Collection[datetime]) -> Fault | None:
        """Return the first fault that concerns these minutes, one time the fewer."""
        for place, (fault, left) in enumerate(self._left):
            if fault.concerns(minutes):
                if left == 1:
                    del self._left[place]
                elif left:
                    self._left[place] = (fault, left - 1)
                return fault
        return None


def error_response(
    status: int, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an error as Tardis words it: {"code": int, "message": str}."""
    return web.json_response({"code": status, "message": message}, status=status, headers=headers)


async def send_spoiled(
    request: web.Request,
    fault: Fault,
    body: bytes,
    headers: Mapping[str, str],
    stopping: asyncio.Event,
) -> web.StreamResponse:
    """Answer with the fault instead of the body; `stopping` ends a stall.

    An empty minute is damaged as the gzip of nothing: there has to be something to damage.
    """
    body = body or igzip.compress(b"", mtime=0)
    headers = {**headers, "Content-Encoding": "gzip"}
    match fault.kind:
        case "reset":
            return _reset(request)
        case "truncate" | "stall":
            wait = stopping if fault.kind == "stall" else None
            return await _send_part(request, body, headers, wait)
        case "cut":
            return web.Response(body=body[: len(body) // 2], headers=headers)
        case "corrupt":
            return web.Response(body=_with_flipped_byte(body), headers=headers)
        case "redirect":
            location = fault.target.rstrip("/") + request.raw_path
            return web.Response(status=307, headers={"Location": location})
        case _:
            return _failure(fault)


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        # Lingering for 0 seconds makes the close a RST; an ordinary one would be an orderly FIN.
        linger = struct.pack("ii", 1, 0)
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.transport.abort()
    return web.Response()


async def _send_part(
    request: web.Request, body: bytes, headers: Mapping[str, str], stopping: asyncio.Event | None
) -> web.StreamResponse:
    """Announce the whole body; send half of it, or none before the server stops."""
    response = web.StreamResponse(headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    if stopping is None:
        await response.write(body[: len(body) // 2])
    else:
        await stopping.wait()
    if request.transport is not None:
        request.transport.close()
    return response


def _with_flipped_byte(body: bytes) -> bytes:
    # The last 8 bytes begin with the checksum: a wrong one is noticed in the shortest of bodies.
    spot = len(body) // 2 if len(body) > _SHORT else len(body) - 8
    return body[:spot] + bytes([body[spot] ^ 0xFF]) + body[spot + 1 :]


def _failure(fault: Fault) -> web.Response:
    status = int(fault.kind)
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return error_response(status, _MESSAGES.get(status, "The request failed."), headers)
