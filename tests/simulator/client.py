"""Two clients of the simulator: a bare one, and Tardis's own."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import aiohttp
from tardis_client import Channel, TardisClient

if TYPE_CHECKING:
    from pathlib import Path

FEED = "/v1/data-feeds/coinflex"


class Answer(NamedTuple):
    """What came back, its body as it was on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def lines(self) -> list[bytes]:
        """The lines of a slice."""
        return gzip.decompress(self.body).splitlines() if self.body else []

    @property
    def message(self) -> str:
        """The sentence of an error."""
        error = json.loads(self.body)
        assert error["code"] == self.status
        return str(error["message"])


def get(url: str, key: str | None = None) -> Answer:
    """Ask once, and follow no redirect."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    async def ask() -> Answer:
        async with (
            aiohttp.ClientSession(auto_decompress=False, headers=headers) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            return Answer(answer.status, dict(answer.headers), await answer.read())

    return asyncio.run(ask())


def minute_url(base: str, minute: str = "2020-08-01T23:54", **params: object) -> str:
    """Return the address of a minute; filters may be given as text or as what JSON is made of."""
    filters = params.pop("filters", None)
    if filters is not None:
        params["filters"] = filters if isinstance(filters, str) else json.dumps(filters)
    more = "".join(f"&{name}={quote(str(value))}" for name, value in params.items())
    return f"{base}{FEED}?from={quote(minute)}{more}"


def replay(
    url: str, cache: Path, span: tuple[str, str], filters: list[Channel], key: str = ""
) -> list[tuple[bytes, bytes] | None]:
    """Return what the official client gives out: time and raw message, None for a disconnect."""

    async def play() -> list[tuple[bytes, bytes] | None]:
        client = TardisClient(endpoint=url, cache_dir=str(cache), api_key=key)
        answers = client.replay(
            "coinflex", *span, filters, decode_response=False, with_disconnects=True
        )
        return [answer and tuple(answer) async for answer in answers]

    return asyncio.run(play())
