from __future__ import annotations

import asyncio
import gzip
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

import pipeline
from pipeline.sources.rest import Rest, RestRefused, market_codes
from tests.world import serving

if TYPE_CHECKING:
    from collections.abc import Callable

MARKETS = [{"marketCode": "BTC-flexUSD", "type": "SPOT"}, {"marketCode": "BTC-USD-SWAP-LIN"}]


def asking(
    respond: Callable[[web.Request], web.StreamResponse], path: str | None = None, **query: Any
) -> Any:
    """Ask a service that responds so for its markets, or for a path."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return respond(request)

    async def ask(url: str) -> Any:
        async with Rest(url, "v1") as rest:
            if path is None:
                return market_codes(await rest.get("markets"))
            return await rest.get(path, **query)

    with serving(handler) as url:
        return asyncio.run(ask(url))


def refusal(respond: Callable[[], web.StreamResponse]) -> RestRefused:
    """Return the error that an answer to a question for the markets becomes."""
    with pytest.raises(RestRefused) as caught:
        asking(lambda _: respond())
    assert caught.value.what == "markets"
    return caught.value


def test_markets_are_as_the_exchange_spells_them() -> None:
    """In its order; asked for under the version's path, by this program, once."""
    requests = []

    def respond(request: web.Request) -> web.Response:
        requests.append((request.method, request.path_qs, request.headers["User-Agent"]))
        return web.json_response({"success": True, "data": MARKETS})

    assert asking(respond) == ["BTC-flexUSD", "BTC-USD-SWAP-LIN"]
    assert requests == [("GET", "/v1/markets", f"coinflex-l2/{pipeline.__version__}")]


def test_an_answer_is_its_own_text() -> None:
    """Byte for byte, whatever its numbers and blanks look like; parameters are passed on."""
    text = b'{"success" : true, "data":{"seq":1608898592006137237,"p":1.0}}\n'

    def respond(request: web.Request) -> web.Response:
        assert dict(request.query) == {"marketCode": "BTC-flexUSD", "level": "100"}
        return web.Response(body=text)

    assert asking(respond, "depth", marketCode="BTC-flexUSD", level=100) == text


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, {"success": False, "code": "20001", "message": "bad"}, "20001: bad"),
        (200, {"success": False, "code": 429}, "429"),
        (200, {"success": False}, "no reason given"),
        (429, {"success": False, "code": "429", "message": "slow"}, "HTTP 429: 429: slow"),
        (500, {}, "HTTP 500"),
        (404, {"success": True, "data": MARKETS}, "HTTP 404"),
    ],
)
def test_errors_are_told_in_the_exchanges_words(status: int, body: Any, reason: str) -> None:
    """Its status, its code, its message: as many of them as there are."""
    told = refusal(lambda: web.json_response(body, status=status))
    assert (told.reason, str(told)) == (reason, f"markets: {reason}")


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (502, b"<html>Bad gateway</html>", "HTTP 502"),
        (503, b"", "HTTP 503"),
        (200, b"<html>Welcome</html>", "no JSON"),
        (200, b"", "no JSON"),
        (200, b'{"success":true,"data":', "no JSON"),
        (200, b'{"data":"\xff"}', ""),
        (200, b'{"data":' + b"[" * 100_000, "no JSON"),
        (200, b'{"success":true,"data":null}', "not what it should be"),
        (200, b'{"success":true}', "not what it should be"),
        (200, b'{"success":true,"data":[{"name":"x"}]}', "not what it should be"),
        (200, b'{"success":true,"data":[{"marketCode":7}]}', "not what it should be"),
    ],
    ids=range(11),
)
def test_what_is_no_answer(status: int, body: bytes, reason: str) -> None:
    """A gateway's page, half an answer or another one is a refusal, never a crash or a market."""
    assert reason in refusal(lambda: web.Response(status=status, body=body)).reason


@pytest.mark.parametrize("compressed", [False, True])
def test_a_huge_answer_is_not_read_to_its_end(compressed: bool) -> None:
    """Nor one that only becomes huge when it is unpacked."""
    body = b" " * (40 << 20)
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    packed = gzip.compress(body, 1) if compressed else body
    told = refusal(lambda: web.Response(body=packed, headers=headers))
    assert told.reason == f"an answer of more than {32 << 20} bytes"


def test_redirects_are_not_followed() -> None:
    """What another site says would pass for this one's."""
    paths = []

    def respond(request: web.Request) -> web.Response:
        paths.append(request.path)
        if len(paths) > 1:
            return web.json_response({"success": True, "data": MARKETS})
        return web.Response(status=302, headers={"Location": "/v1/elsewhere"})

    with pytest.raises(RestRefused, match="HTTP 302"):
        asking(respond)
    assert paths == ["/v1/markets"]


def test_nobody_there_is_a_refusal() -> None:
    """So is an answer that breaks off."""

    async def ask(url: str) -> None:
        async with Rest(url, "v1") as rest:
            await rest.get("markets")

    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"success":')
        assert request.transport is not None
        request.transport.abort()
        return response

    with serving(break_off) as url, pytest.raises(RestRefused):
        asyncio.run(ask(url))
    with pytest.raises(RestRefused):  # it has stopped
        asyncio.run(ask(url))


def test_questions_keep_their_distance() -> None:
    """However many are asked at once, no two are sent closer than the limit allows."""
    between, times = 0.05, []

    async def handler(_request: web.Request) -> web.Response:
        times.append(time.monotonic())
        return web.json_response({"success": True, "data": []})

    async def ask(url: str) -> float:
        began = time.monotonic()
        async with Rest(url, "v1", between) as rest:
            await asyncio.gather(*(rest.get("markets", number=n) for n in range(8)))
        return began

    with serving(handler) as url:
        began = asyncio.run(ask(url))
    # Counted from the start: how long a single one was on its way does not matter.
    assert len(times) == 8
    assert all(at - began >= n * between for n, at in enumerate(sorted(times)))


def test_a_pause_is_not_saved_up() -> None:
    """After a long silence the limit holds as ever."""
    between = 0.05

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=json.dumps({"data": []}))

    async def ask(url: str) -> list[float]:
        ended = []
        async with Rest(url, "v1", between) as rest:
            await rest.get("a")
            await asyncio.sleep(4 * between)
            began = time.monotonic()
            for path in "bcd":
                await rest.get(path)
                ended.append(time.monotonic() - began)
        return ended

    with serving(handler) as url:
        ended = asyncio.run(ask(url))
    assert all(at >= n * between for n, at in enumerate(ended))
