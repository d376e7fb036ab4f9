"""Bodies of answers: no longer than they may be, whatever a service sends, or says of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import aiohttp

__all__ = ["BoundedSession", "OversizedBody", "beginning_of", "whole_body"]


class OversizedBody(Exception):
    """A body has more bytes than any that there can be: the limit."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(most)

    def __str__(self) -> str:
        return f"an answer of more than {self.most} bytes"


async def whole_body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Return a body; raises OversizedBody if it has more than `most` bytes, as they are read.

    Where aiohttp decompresses, these are the decompressed ones.
    """
    return b"".join([part async for part in _parts(response, most)])


async def beginning_of(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Return a body, or its first `most` bytes: of an error all that is to be shown of it."""
    found = bytearray()
    async for part in response.content.iter_any():
        found += part
        if len(found) >= most:
            break
    return bytes(found[:most])


async def _parts(response: aiohttp.ClientResponse, most: int) -> AsyncIterator[bytes]:
    size = response.content_length or 0  # of what is told to be too long nothing need be read
    if size > most:
        raise OversizedBody(most)
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > most:
            raise OversizedBody(most)
        yield part


class BoundedSession:
    """What tardis-client uses of a session, and of an answer: each with a limit.

    `most` are the bytes of a body; `words` gives the text of an answer that is an error.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        most: int,
        words: Callable[[aiohttp.ClientResponse], Awaitable[str]],
    ) -> None:
        self._session = session
        self._most = most
        self._words = words

    @asynccontextmanager
    async def get(self, url: str, proxy: str | None) -> AsyncIterator[_BoundedAnswer]:
        """Ask, as a session does."""
        async with self._session.get(url, proxy=proxy) as response:
            yield _BoundedAnswer(response, self._most, self._words)


class _BoundedAnswer:
    def __init__(
        self,
        response: aiohttp.ClientResponse,
        most: int,
        words: Callable[[aiohttp.ClientResponse], Awaitable[str]],
    ) -> None:
        self.status = response.status
        self.content = self
        self._response = response
        self._most = most
        self._words = words

    async def text(self) -> str:
        """Return the text of an error."""
        return await self._words(self._response)

    def iter_any(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; raises OversizedBody."""
        return _parts(self._response, self._most)
