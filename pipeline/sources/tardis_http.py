"""One request to Tardis.dev, one answer. The only module that knows tardis-client.

`tardis-client` is frozen by its makers; its successor takes its place by changing this file alone.
Used of it is the innermost step, that streams one minute's answer into a file. Its own loop around
that is not used: it writes the key to the log, asks again after a final no (403, 404), and gives up
all minutes because of one.
"""

from __future__ import annotations

import re
import time
import zlib
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote

import aiohttp
import msgspec
from tardis_client import __version__ as client_version
from tardis_client.data_downloader import _fetch_and_cache_slice

import pipeline
from pipeline import durable
from pipeline.errors import PipelineError, SliceCorrupt
from pipeline.exchange_details import Access, Details
from pipeline.redaction import Redaction
from pipeline.sources.bodies import BoundedSession, OversizedBody, beginning_of, whole_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from datetime import date, datetime
    from pathlib import Path
    from types import SimpleNamespace

    from pipeline.config import TardisSettings

__all__ = ["Answer", "Clock", "NoAnswer", "Oversized", "TardisHttp", "verdict"]

_WORDS_SHOWN: Final = 500
_ERROR_MOST: Final = 1 << 16
_RETRY_AFTER_MOST: Final = 600.0
_CHUNK: Final = 1 << 16
# Bytes of what is asked for. Details of the exchanges with the most symbols have some megabytes; a
# minute of all markets, at 400 levels a side, has less than a tenth of this.
_TEXT_MOST: Final = 64 << 20
_SLICE_MOST: Final = 512 << 20

_T = TypeVar("_T")


# When to come back, as the response at hand says; each request runs in a context of its own.
_retry_after: ContextVar[float | None] = ContextVar("retry_after", default=None)


class Answer(PipelineError):
    """The service answered with an error: status, its words, when to come back if it said."""

    def __init__(self, status: int, words: str, retry_after: float | None = None) -> None:
        self.status = status
        self.words = words
        self.retry_after = retry_after
        super().__init__(status, words, retry_after)

    def __str__(self) -> str:
        return f"{self.status}: {self.words}"


class NoAnswer(PipelineError):
    """The connection failed, or the answer did not come whole or in time; why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return self.reason


class Oversized(NoAnswer):
    """The answer is larger than any that there can be: asking again would not make it smaller."""


class Clock(NamedTuple):
    """The service's clock beside this machine's: how far ahead this one is, and give or take.

    Both are seconds. The service tells whole seconds, at some time between question and answer.
    """

    ahead: float
    accuracy: float


@dataclass(frozen=True)
class Verdict:
    """What to do after a failed request: stop, or wait (None: as long as the backoff says)."""

    retry: bool
    wait: float | None = None


def verdict(error: Exception, rate_limit_wait: float) -> Verdict:
    """Retry or stop: say which, and why.

    Stop on 400 (unless its text speaks of "ISO 8601 format", which Tardis's own clients ask again
    too), 401, 403, 404 and every other 4xx: the same question gets the same answer. After 429 wait
    as long as the answer says, or as Tardis asks of its clients. Retry 5xx, broken connections,
    bodies that end early or come damaged, and time-outs. Stop on anything else, a full disk say, or
    a body that is too large.
    """
    if not isinstance(error, Answer):
        passing = isinstance(error, NoAnswer | SliceCorrupt) and not isinstance(error, Oversized)
        return Verdict(retry=passing)
    if error.status == 429:  # noqa: PLR2004 - HTTP's own number
        return Verdict(retry=True, wait=error.retry_after or rate_limit_wait)
    late = error.status == 400 and "ISO 8601 format" in error.words  # noqa: PLR2004 - as above
    return Verdict(retry=late or error.status >= 500, wait=error.retry_after)  # noqa: PLR2004


class TardisHttp:
    """A session with the service; an async context manager. Each method is one attempt."""

    def __init__(self, settings: TardisSettings, exchange: str) -> None:
        self._settings = settings
        self._exchange = quote(exchange, safe="")
        self._hidden = Redaction([settings.key or ""])

    async def __aenter__(self) -> Self:
        headers = {
            "User-Agent": f"coinflex-l2/{pipeline.__version__} tardis-client/{client_version}",
        }
        if self._settings.key:
            # aiohttp drops this header when a redirect leads to another origin.
            headers["Authorization"] = f"Bearer {self._settings.key}"
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(_note_head)
        trace.on_request_redirect.append(_note_head)
        self._session = aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout),
            connector=aiohttp.TCPConnector(limit=self._settings.in_flight),
            auto_decompress=False,  # a slice is kept as it was sent
            trust_env=True,  # HTTPS_PROXY and its like
            trace_configs=[trace],
        )
        self._bounded = BoundedSession(self._session, _SLICE_MOST, _words)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def details(self) -> Details:
        """Return what the service has of the exchange; needs no key. Raises Answer or NoAnswer."""
        text = await self._get(f"/v1/exchanges/{self._exchange}")
        return self._decoded(text, Details, "exchange details")

    async def key_info(self) -> list[Access]:
        """Return what the key opens: nothing without one. Raises Answer or NoAnswer."""
        text = await self._get("/v1/api-key-info")
        return self._decoded(text, list[Access], "facts of a key")

    async def clock(self) -> Clock | None:
        """Return the service's clock beside this one's; None if it does not tell the time.

        Any answer has the time in it, an error too. Raises NoAnswer.
        """
        before = time.time()
        with self._connection():
            async with self._session.get(f"{self._settings.url}/v1/exchanges") as response:
                told = response.headers.get("Date", "")
        after = time.time()
        try:
            second = parsedate_to_datetime(told).timestamp()
        except (ValueError, OverflowError):
            return None
        # A whole second stands for all of it.
        accuracy = (after - before) / 2 + 0.5
        return Clock((before + after) / 2 - (second + 0.5), accuracy)

    async def dataset(self, kind: str, day: date, symbol: str, most: int) -> bytes:
        """Return the beginning of a day's CSV file, `most` bytes or a little less: whole lines.

        Raises Answer (404: there is none) or NoAnswer.
        """
        name = re.sub(r"[/:]", "-", symbol.upper())
        url = f"{self._settings.datasets}/v1/{self._exchange}/{kind}/{day:%Y/%m/%d}"
        text = bytearray()
        with self._connection():
            async with self._session.get(f"{url}/{quote(name, safe='')}.csv.gz") as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's own number
                    raise self._answer(response.status, await _words(response))
                try:
                    async for part in _unpacked(response.content):
                        text += part
                        if len(text) >= most:
                            break
                except zlib.error as error:
                    raise NoAnswer(f"a file that is no gzip: {error}") from None
        return bytes(text[: text.rfind(b"\n", 0, most) + 1])

    async def _get(self, path: str) -> bytes:
        """Return the text of an answer; raises Answer or NoAnswer."""
        url, plain = f"{self._settings.url}{path}", {"Accept-Encoding": "identity"}
        _retry_after.set(None)
        with self._connection():
            async with self._session.get(url, headers=plain) as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's own number
                    raise self._answer(response.status, await _words(response))
                return await whole_body(response, _TEXT_MOST)

    async def fetch_minute(
        self, minute: datetime, filters: Sequence[dict[str, Any]], into: Path
    ) -> None:
        """Stream one minute's slice into a file that does not exist yet.

        Raises Answer for an error of the service, NoAnswer for one of the connection, Oversized for
        a body of more than 512 MiB and LakeUnwritable for an error of the disk; then there is no
        file.
        """
        url = (
            f"{self._settings.url}/v1/data-feeds/{self._exchange}"
            f"?from={minute:%Y-%m-%dT%H:%M:00.000Z}&offset=0"
        )
        if filters:
            url += "&filters=" + quote(msgspec.json.encode(filters).decode(), safe="~()*!.'")
        _retry_after.set(None)
        try:
            with durable.writing(into), self._connection():
                await _fetch_and_cache_slice(self._bounded, url, str(into), None)
        except HTTPError as error:
            raise self._answer(error.code, error.msg) from None

    def _decoded(self, text: bytes, kind: type[_T], what: str) -> _T:
        """Return what JSON says, of a kind; what is told so is kept and shown: without the key."""
        try:
            return msgspec.convert(self._hidden.value(msgspec.json.decode(text)), kind)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            reason = self._hidden.text(str(error))
            raise Answer(502, f"{what} that can't be read ({reason})") from None

    def _answer(self, status: int, text: str) -> Answer:
        """Return the service's words, without its JSON around them, and without the key."""
        try:
            words = str(msgspec.json.decode(text)["message"])
        except (msgspec.MsgspecError, KeyError, TypeError, UnicodeError, RecursionError):
            words = text.strip()
        words = self._hidden.text(words)[:_WORDS_SHOWN] or "(no words)"
        return Answer(status, words, _retry_after.get())

    @contextmanager
    def _connection(self) -> Iterator[None]:
        """Turn what may happen to a connection into NoAnswer; never into what it carried."""
        try:
            yield
        except TimeoutError:
            raise NoAnswer("no answer in time") from None
        except OversizedBody as error:
            raise Oversized(str(error)) from None
        except aiohttp.ClientError as error:  # may quote the service: a redirect's target, say
            reason = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise NoAnswer(self._hidden.text(reason)[:_WORDS_SHOWN]) from None


async def _unpacked(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield the text of a gzip as it comes, which may be several one after the other."""
    member = zlib.decompressobj(wbits=31)
    async for part in content.iter_chunked(_CHUNK):
        rest = part
        while rest:
            yield member.decompress(rest, _CHUNK)  # which may stand for a thousand times as much
            rest = member.unconsumed_tail or member.unused_data
            if member.eof:
                member = zlib.decompressobj(wbits=31)


async def _words(response: aiohttp.ClientResponse) -> str:
    """Return the text that an error has, or its beginning: a gateway's may be compressed."""
    body = await beginning_of(response, _ERROR_MOST)
    if body.startswith(b"\x1f\x8b"):
        with suppress(zlib.error):
            body = zlib.decompressobj(wbits=31).decompress(body, _ERROR_MOST)
    return body.decode("utf-8", "replace")


async def _note_head(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    params: aiohttp.TraceRequestEndParams | aiohttp.TraceRequestRedirectParams,
) -> None:
    text = params.response.headers.get("Retry-After", "")
    wait = min(float(text), _RETRY_AFTER_MOST) if text.isdecimal() else None
    _retry_after.set(wait)
