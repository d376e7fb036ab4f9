"""What to make of a connection that was lost or refused: why, whether to come back, and when."""

from __future__ import annotations

import random
from http import HTTPStatus
from typing import Final

from websockets.exceptions import InvalidStatus

from pipeline.errors import ServiceRefused

__all__ = ["Pauses", "is_final", "least_pause", "reason_of", "refusal"]

# The answers to an upgrade that a client can't wait for to change, when it never was let in.
_FINAL: Final = (400, 401, 403, 404)
_TOO_MANY: Final = 429


class Pauses:
    """Pauses between connections: doubled from failure to failure, capped, with jitter."""

    def __init__(self, first: float, longest: float, steady: float, least: float) -> None:
        self._first = self._next = first
        self._longest = longest
        self._steady = steady
        self._least = least

    def next(self, lasted: float) -> float:
        """Return how long to wait after a connection that lasted for so long."""
        if lasted >= self._steady:
            self._next = self._first
        pause = self._next
        self._next = min(2 * self._next, self._longest)
        # Many clients that were cut off at once are not to come back at once.
        return max(self._least, pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


def _status(error: BaseException) -> int:
    return error.response.status_code if isinstance(error, InvalidStatus) else 0


def is_final(error: BaseException) -> bool:
    """Say whether trying again can't help: nobody was let in yet, and the answer is a plain no.

    Everything else may pass: a network that is down, a certificate that is being renewed, a server
    that is busy or being replaced.
    """
    return _status(error) in _FINAL


def refusal(url: str, error: BaseException) -> ServiceRefused:
    """Return the error for an answer that is final."""
    status = HTTPStatus(_status(error))
    hint = "check COINFLEX_L2_WS_URL, if it is set, --site and --dialect"
    return ServiceRefused(url, status.value, status.phrase, hint)


def least_pause(error: BaseException, too_many: float) -> float:
    """Return how long to stay away at least: a server that has had too much says so."""
    return too_many if _status(error) == _TOO_MANY else 0.0


def reason_of(error: BaseException) -> str:
    """Say in a few words why a connection ended, or was not made."""
    if isinstance(error, InvalidStatus):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
