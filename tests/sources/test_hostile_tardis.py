"""A Tardis that means harm: bodies without an end, bombs, depth, lengths and names that lie."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from pipeline.backfill import backfill
from pipeline.config import TardisSettings
from pipeline.errors import PipelineError, ServiceUnreachable
from pipeline.sources.tardis import exchange_details
from pipeline.sources.tardis_http import Answer, NoAnswer, Oversized, TardisHttp, verdict
from pipeline.times import Range
from tests.making import DAY
from tests.world import Counted, serving, settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MINUTE = datetime(2020, 8, 1, 12, 30, tzinfo=UTC)
MEGABYTE = b"x" * (1 << 20)


def asked(handler: Handler, ask: Callable[[TardisHttp], Awaitable[Any]]) -> Any:
    """Ask a service once."""

    async def asking(url: str) -> Any:
        async with TardisHttp(TardisSettings(url=url, timeout=20), "coinflex") as http:
            return await ask(http)

    with serving(handler) as url:
        return asyncio.run(asking(url))


def endless(status: int = 200) -> tuple[Handler, list[int]]:
    """Return a service that sends until nobody reads any more, and the megabytes it has sent."""
    sent = [0]

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        try:
            while sent[0] < 10_000:
                await response.write(MEGABYTE)
                sent[0] += 1
        except ConnectionError:
            pass
        return response

    return handler, sent


def always(body: bytes, status: int = 200, **headers: str) -> Handler:
    """Return a service that answers each question so."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, status=status, headers=headers)

    return handler


def test_an_answer_without_an_end_is_left() -> None:
    """After 64 MiB: it is too large, which no further attempt would change."""
    handler, sent = endless()
    with pytest.raises(Oversized, match=f"more than {64 << 20} bytes") as caught:
        asked(handler, TardisHttp.details)
    assert not verdict(caught.value, 1).retry
    assert sent[0] < 100


def test_an_error_without_an_end_is_read_as_far_as_it_is_shown(tmp_path: Path) -> None:
    """Of details, of a minute and of a CSV file alike; it is the error that it is."""
    asks: list[Callable[[TardisHttp], Awaitable[Any]]] = [
        TardisHttp.details,
        lambda http: http.fetch_minute(MINUTE, [], tmp_path / "s"),
        lambda http: http.dataset("trades", MINUTE.date(), "A", 1000),
    ]
    for ask in asks:
        handler, sent = endless(403)
        with pytest.raises(Answer) as caught:
            asked(handler, ask)
        assert caught.value.status == 403
        assert sent[0] < 20
    assert not (tmp_path / "s").exists()


def test_a_minute_that_is_told_to_be_huge_is_not_read(tmp_path: Path) -> None:
    """Nothing of it is written, and the connection is given up."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = (512 << 20) + 1
        await response.prepare(request)
        await response.write(MEGABYTE)
        return response

    with pytest.raises(Oversized, match=f"more than {512 << 20} bytes"):
        asked(handler, lambda http: http.fetch_minute(MINUTE, [], tmp_path / "s"))
    assert not list(tmp_path.iterdir())


def test_a_minute_without_an_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit, here a small one; no file of it stays."""
    monkeypatch.setattr("pipeline.sources.tardis_http._SLICE_MOST", 3 << 20)
    handler, sent = endless()
    with pytest.raises(Oversized, match=f"more than {3 << 20} bytes"):
        asked(handler, lambda http: http.fetch_minute(MINUTE, [], tmp_path / "s"))
    assert not list(tmp_path.iterdir())
    assert sent[0] < 40


def test_too_large_is_told_after_one_attempt(tmp_path: Path) -> None:
    """The limit is in the error, and nothing is asked again."""
    handler, _ = endless()
    with serving(handler) as url, pytest.raises(ServiceUnreachable) as caught:
        asyncio.run(exchange_details(settings(tmp_path, url)))
    assert "after 1 attempt; the last: an answer of more than 67108864 bytes" in str(caught.value)


@pytest.mark.parametrize("length", ["1", "999"])
def test_a_length_that_lies_is_no_whole_answer(length: str) -> None:
    """Longer than what comes, or shorter: never half of the details."""
    body = json.dumps(details()).encode()

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        request.transport.write(head.encode() + body)
        request.transport.close()
        return web.Response()

    with pytest.raises((NoAnswer, Answer)):
        asked(handler, TardisHttp.details)


def test_a_file_that_is_a_bomb_is_unpacked_as_far_as_it_is_wanted() -> None:
    """A gigabyte of one line in a megabyte: no line is whole, so none is given."""
    bomb = gzip.compress(bytes(1 << 24)) * 64
    assert asked(always(bomb), lambda http: http.dataset("trades", DAY.date(), "A", 1000)) == b""


DEEP = b"[" * 200_000


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", [DEEP, b'{"id":"coinflex","other":' + DEEP])
def test_depth_is_an_answer_that_cannot_be_read(status: int, body: bytes) -> None:
    """Not the end of the program, whatever it is that is so deep."""
    with pytest.raises(Answer):
        asked(always(body, status), TardisHttp.details)


def test_a_date_beyond_all_dates_is_none() -> None:
    """The clock of such a service is not known."""
    told = always(b"", Date="Mon, 01 Jan 2020 00:00:00 +99999999999999")
    assert asked(told, TardisHttp.clock) is None


def details(**more: Any) -> dict[str, Any]:
    """Return details that can be asked for."""
    return {
        "id": "coinflex",
        "availableSince": "2020-07-14",
        "availableChannels": ["futures/depth", "trade", "ticker"],
        "availableSymbols": [],
    } | more


NAMES = [
    "../../../outside", "/outside", "..", ".", "", "a\0b", "x" * 1_500, "a\nb", "~", "C:\\x",
    "%2e%2e%2f", "instrument=..", "\u202e", "\x1b[2J",
]  # fmt: skip


def test_names_in_details_lead_nowhere(tmp_path: Path) -> None:
    """A request for symbols with such names lies in one folder of raw; all else is as it was."""
    symbols = [{"id": name, "availableSince": "2020-07-14"} for name in NAMES]
    body = json.dumps(details(availableSymbols=symbols)).encode()

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body if "exchanges" in request.path else b"")

    data = tmp_path / "in" / "data"
    wanted = Range.parse("2020-08-01", "2020-08-01T00:02")
    with serving(handler) as url, Counted() as progress:
        backfill(
            settings(data, url), wanted, instruments=NAMES, jobs=1, progress=lambda _: progress
        )
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert [path.name for path in data.parent.iterdir()] == ["data"]
    requests = [path.name for path in (data / "raw/coinflex").glob("tardis-*")]
    assert len(requests) == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"id": "../coinflex"},
        {"availableSince": "x\x1b[2J"},
        {"availableTo": "9999-12-31T23:59:59.999Z"},
        {"availableSince": "0001-01-01T00:00:00+14:00"},
        {"availableTo": "0001-01-01"},
        {"availableChannels": ["../trade", "futures/depth\0"]},
        {"incidentReports": [{"from": "soon", "to": "\0"}]},
    ],
    ids=str,
)
def test_details_that_lie_are_an_error_or_nothing(tmp_path: Path, lie: dict[str, Any]) -> None:
    """Never a crash: what can't be meant is named, what does not matter is left."""
    body = json.dumps(details(**lie)).encode()

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body if "exchanges" in request.path else b"")

    wanted = Range.parse("2020-08-01", "2020-08-01T00:02")
    with serving(handler) as url, Counted() as progress:
        try:
            backfill(settings(tmp_path / "data", url), wanted, jobs=1, progress=lambda _: progress)
        except PipelineError as error:
            assert "\x1b" not in str(error)  # noqa: PT017 - where it is one
    assert [path.name for path in tmp_path.iterdir()] in ([], ["data"])
