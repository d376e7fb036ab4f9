from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import aiohttp
import pytest

from pipeline.errors import UsageError
from pipeline.sources.health import Listen, serving

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractAsyncContextManager

TYPE = "text/plain; version=0.0.4; charset=utf-8"


def served(listen: Listen, troubles: list[str]) -> AbstractAsyncContextManager[str]:
    """Answer with some metrics, and those troubles."""
    return serving(listen, lambda: "a 1\n", TYPE, lambda: troubles)


def run(work: Coroutine[None, None, None]) -> None:
    """Do something, with a deadline."""
    asyncio.run(asyncio.wait_for(work, 30))


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9464", "127.0.0.1", 9464), ("0", "127.0.0.1", 0), ("localhost:1", "localhost", 1),
        ("127.0.0.2:65535", "127.0.0.2", 65535), ("[::1]:9464", "::1", 9464), ("::1:5", "::1", 5),
    ],
)  # fmt: skip
def test_a_port_or_a_loopback_address_is_taken(text: str, host: str, port: int) -> None:
    """A port alone is one of 127.0.0.1."""
    assert Listen.parse(text) == (host, port)


@pytest.mark.parametrize(
    "text", ["", "x", "65536", "-1", "0.0.0.0:9464", "[::]:1", "10.0.0.1:1", "example.com:1", ":1"]
)
def test_any_other_is_refused(text: str) -> None:
    """What it answers is for this machine alone; the sentence says what would work."""
    with pytest.raises(UsageError, match="--listen") as refusal:
        Listen.parse(text)
    assert "loopback" in refusal.value.would_work or "127.0.0.1" in refusal.value.would_work


def test_both_pages_are_served() -> None:
    """Metrics in Prometheus's type; health is 200, and 503 with the reasons while there are any."""

    async def look() -> None:
        troubles: list[str] = []
        async with (
            served(Listen("127.0.0.1", 0), troubles) as url,
            aiohttp.ClientSession() as http,
        ):
            async with http.get(f"{url}/metrics") as answer:
                assert (answer.status, await answer.text()) == (200, "a 1\n")
                assert answer.headers["Content-Type"] == TYPE
            async with http.get(f"{url}/healthz") as answer:
                assert answer.status == 200
                assert await answer.json() == {"status": "ok", "reasons": []}
            troubles.append("not connected")
            async with http.get(f"{url}/healthz") as answer:
                assert answer.status == 503
                assert await answer.json() == {"status": "failing", "reasons": ["not connected"]}
            async with http.get(f"{url}/") as answer:
                assert answer.status == 404

    run(look())


def test_a_port_that_is_taken_is_said() -> None:
    """With its number, before anything is recorded."""

    async def look() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(UsageError, match=f"127.0.0.1:{port}"):
                async with served(Listen("127.0.0.1", port), []):
                    pytest.fail("the port was given twice")

    run(look())


def test_clients_that_stay_hold_nobody_up() -> None:
    """One that asks nothing, and one that keeps its connection: the end does not wait for them."""

    async def look() -> None:
        async with served(Listen("127.0.0.1", 0), []) as url:
            port = int(url.rsplit(":", 1)[1])
            silent = await asyncio.open_connection("127.0.0.1", port)
            reader, writer = kept = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
        for _, end in (silent, kept):
            end.close()

    run(look())
