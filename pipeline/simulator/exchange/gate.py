"""Where every HTTP request comes in: it is noted, and refused when there are too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from pipeline.simulator.exchange.journal import Request
from pipeline.simulator.exchange.rest import error_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler

    from pipeline.simulator.exchange.faults import Faults
    from pipeline.simulator.exchange.journal import Journal
    from pipeline.simulator.exchange.limits import Limits, Window

__all__ = ["Gate"]

_SOCKET_PATH_END: Final = "/websocket"
_TOO_MANY: Final = "Too many requests in a while"
_FAILED: Final = "The request failed"
_RATE_LIMITED: Final = 429
_SERVER_ERROR: Final = "50001"


class Gate:
    """The middleware of the exchange; it counts by the client's address."""

    def __init__(
        self,
        journal: Journal,
        limits: Limits,
        faults: Faults,
        *,
        clock: Callable[[], float],
        playing_time: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._limits = limits
        self._faults = faults
        self._clock = clock
        self._playing_time = playing_time
        self._counts: dict[tuple[str | None, bool], Window] = {}

    @web.middleware
    async def receive(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request in and note it; the middleware."""
        now = self._clock()
        upgrade = request.path.endswith(_SOCKET_PATH_END)
        refusal = self._refusal(request, now, upgrade=upgrade)
        if upgrade and refusal is None:
            # Noted before it is served, which may take hours.
            self._note(request, now, 101)
            return await handler(request)
        response = refusal or await _answer(request, handler)
        self._note(request, now, response.status)
        return response

    def _refusal(self, request: web.Request, now: float, *, upgrade: bool) -> web.Response | None:
        place = (request.remote, upgrade)
        if place not in self._counts:
            limits = self._limits
            self._counts[place] = limits.connections() if upgrade else limits.requests()
        if not self._counts[place].allow(now):
            return error_response(_RATE_LIMITED, "429", _TOO_MANY)
        kinds = {"http", "upgrade" if upgrade else "rest"}
        fault = self._faults.take(kinds, self._playing_time())
        return None if fault is None else _failure(int(fault.value))

    def _note(self, request: web.Request, now: float, status: int) -> None:
        self._journal.add_request(Request(now, request.path, dict(request.query), status))


def _failure(status: int) -> web.Response:
    code = "429" if status == _RATE_LIMITED else _SERVER_ERROR
    return error_response(status, code, _TOO_MANY if status == _RATE_LIMITED else _FAILED)


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return error_response(error.status, str(error.status), error.reason)
