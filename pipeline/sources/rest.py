"""The exchange's public REST: one question, one answer, within the documented limits."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Self

import aiohttp
import msgspec

import pipeline
from pipeline.errors import PipelineError
from pipeline.sources.bodies import OversizedBody, whole_body

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["BETWEEN_REQUESTS", "Rest", "RestRefused", "market_codes"]

# 100 requests a second and 2,500 in five minutes are allowed; so far apart, both are held.
BETWEEN_REQUESTS: Final = 0.125  # seconds
_TIMEOUT: Final = 10.0
_LARGEST: Final = 32 << 20
_OK: Final = 200
_TOO_MANY: Final = 429
_SERVERS_FAULT: Final = 500
# The codes of what may pass: too many requests, the network, the server.
_PASSING: Final = ("429", "10001", "50001")
_NO_ANSWER: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class RestRefused(PipelineError):
    """The exchange did not answer, or with an error; why.

    `may_pass`: whether the same question may be answered later.
    """

    exit_code = 3

    def __init__(self, what: str, reason: str, *, may_pass: bool = True) -> None:
        self.what = what
        self.reason = reason
        self.may_pass = may_pass
        super().__init__(what, reason)

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


class _Market(msgspec.Struct, rename="camel"):
    market_code: str


class _Answer(msgspec.Struct):
    success: bool | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    code: int | str | None = None
    message: str | None = None

    @property
    def words(self) -> list[str]:
        return [str(part) for part in (self.code, self.message) if part is not None]


class Rest:
    """A client of one site's REST, `base` without the version. Used by one event loop."""

    def __init__(self, base: str, version: str, between: float = BETWEEN_REQUESTS) -> None:
        self._base = f"{base}/{version}"
        self._between = between
        self._not_before = 0.0
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(_TIMEOUT),
            headers={"User-Agent": f"coinflex-l2/{pipeline.__version__}"},
            trust_env=True,
        )
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None,
        _at: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._http:
            await self._http.close()

    async def get(self, path: str, **parameters: str | int) -> bytes:
        """Return an answer's text as it was sent; raises RestRefused for an error, or none."""
        assert self._http is not None  # noqa: S101 - used within its block
        await self._take_turn()
        try:
            async with self._http.get(f"{self._base}/{path}", params=parameters,
                                      allow_redirects=False) as response:  # fmt: skip
                text = await whole_body(response, _LARGEST)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError, OversizedBody) as error:
            raise RestRefused(path, str(error) or type(error).__name__) from error
        if refusal := _refusal(path, status, text):
            raise refusal
        return text

    async def _take_turn(self) -> None:
        """Wait until the next request may be sent."""
        now = time.monotonic()
        turn = max(now, self._not_before)
        self._not_before = turn + self._between
        await asyncio.sleep(turn - now)


def market_codes(text: bytes) -> list[str]:
    """Return the markets that an answer names, as it spells them, in its order.

    Raises RestRefused if it is no such answer.
    """
    try:
        answer = msgspec.json.decode(text, type=_Answer)
        listed = msgspec.json.decode(answer.data, type=list[_Market])
    except _NO_ANSWER as error:
        raise RestRefused("markets", f"not what it should be: {error}") from error
    return [market.market_code for market in listed]


def _refusal(path: str, status: int, text: bytes) -> RestRefused | None:
    """Return the error that an answer is, in the exchange's words; None if it is none."""
    try:
        answer = msgspec.json.decode(text, type=_Answer)
    except _NO_ANSWER:
        answer = None
    if status != _OK:
        words = [f"HTTP {status}", *(answer.words if answer else ())]
        may_pass = status == _TOO_MANY or status >= _SERVERS_FAULT
    elif answer is None:
        words, may_pass = ["no JSON"], True
    elif answer.success is False:
        words, may_pass = answer.words or ["no reason given"], str(answer.code) in _PASSING
    else:
        return None
    return RestRefused(path, ": ".join(words), may_pass=may_pass)
