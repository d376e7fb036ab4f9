"""What a capture answers to those who watch it: /metrics and /healthz, on loopback alone."""

from __future__ import annotations

import ipaddress
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from aiohttp import web

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["Listen", "serving"]

_HIGHEST_PORT: Final = 65535
_OK: Final = 200
_UNAVAILABLE: Final = 503
# A client that holds its connection does not hold up the end of a capture.
_LONGEST_GOODBYE: Final = 0.2


class Listen(NamedTuple):
    """Where to answer: an address of this machine's loopback, and a port; 0 is any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Listen:
        """Return what PORT or HOST:PORT says; raises UsageError if that is not on loopback.

        What is answered is for nobody else: there is neither a login nor encryption.
        """
        match = re.fullmatch(r"(?:(.+):)?(\d{1,5})", text)
        if match is None or int(match[2]) > _HIGHEST_PORT:
            raise UsageError("--listen", text, "PORT, or HOST:PORT with a host on loopback")
        host = (match[1] or "127.0.0.1").removeprefix("[").removesuffix("]")
        if not _is_loopback(host):
            raise UsageError(
                "--listen", text,
                "127.0.0.1, [::1] or localhost; a proxy or a tunnel lets others in",
            )  # fmt: skip
        return cls(host, int(match[2]))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def serving(
    listen: Listen, metrics: Callable[[], str], content_type: str, troubles: Callable[[], list[str]]
) -> AsyncIterator[str]:
    """Answer while the block runs; yields the address. Raises UsageError if the port is taken.

    `metrics` makes the text of /metrics; /healthz is 200 while there are no `troubles`, else 503
    with them.
    """

    async def tell_metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics().encode(), headers={"Content-Type": content_type})

    async def tell_health(_: web.Request) -> web.Response:
        found = troubles()
        state = {"status": "failing" if found else "ok", "reasons": found}
        return web.json_response(state, status=_UNAVAILABLE if found else _OK)

    app = web.Application()
    app.add_routes([web.get("/metrics", tell_metrics), web.get("/healthz", tell_health)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LONGEST_GOODBYE)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, listen.host, listen.port).start()
        except OSError as error:
            given = f"{listen.host}:{listen.port}"
            would_work = f"a port that is free, or 0 ({error.strerror})"
            raise UsageError("--listen", given, would_work) from None
        host, port = runner.addresses[0][:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        await runner.cleanup()
