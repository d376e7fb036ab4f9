from __future__ import annotations

import asyncio
import gzip
import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from pipeline.config import TardisSettings
from pipeline.errors import LakeUnwritable, ServiceUnreachable, SliceCorrupt
from pipeline.simulator import Fault, TardisSimulator
from pipeline.sources.tardis import exchange_details
from pipeline.sources.tardis_http import Answer, NoAnswer, TardisHttp, verdict
from tests.world import KEY, NEXT_DAY, history, lines_of, serving, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.exchange_details import Details

MINUTE = datetime(2020, 8, 1, 12, 30, tzinfo=UTC)
ISO_WORDS = "Please provide a date in ISO 8601 format."


@pytest.mark.parametrize(
    ("error", "retry", "wait"),
    [
        (Answer(400, "Invalid 'filters' param."), False, None),
        (Answer(400, ISO_WORDS), True, None),
        (Answer(401, ISO_WORDS), False, None),
        (Answer(403, "no"), False, None),
        (Answer(404, "no"), False, None),
        (Answer(410, "gone"), False, None),
        (Answer(429, "slow down"), True, 60.0),
        (Answer(429, "slow down", 7.0), True, 7.0),
        (Answer(500, "oops"), True, None),
        (Answer(502, "oops"), True, None),
        (Answer(503, "later", 30.0), True, 30.0),
        (Answer(504, "oops"), True, None),
        (NoAnswer("no answer in time"), True, None),
        (SliceCorrupt("02.json.gz", "ends early"), True, None),
        (LakeUnwritable("raw", "the disk is full"), False, None),
        (ValueError("a bug of ours"), False, None),
    ],
    ids=str,
)
def test_verdict(error: Exception, retry: bool, wait: float | None) -> None:
    """What is asked again, after which wait: what may pass, never a final no or our own trouble."""
    assert (verdict(error, 60.0).retry, verdict(error, 60.0).wait) == (retry, wait)


def fetch(url: str, into: Path, *, key: str | None = None, timeout: float = 5) -> None:
    """Ask once for a minute."""

    async def ask() -> None:
        async with TardisHttp(
            TardisSettings(url=url, key=key, timeout=timeout), "coinflex"
        ) as http:
            await http.fetch_minute(MINUTE, [], into)

    asyncio.run(ask())


def refusal(respond: Callable[[], web.Response], into: Path, key: str | None = None) -> Answer:
    """Return the error that an answer becomes."""

    async def handler(_request: web.Request) -> web.Response:
        return respond()

    with serving(handler) as url, pytest.raises(Answer) as caught:
        fetch(url, into, key=key)
    assert not into.exists()
    return caught.value


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("999999999", 600.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-3", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(tmp_path: Path, header: str, seconds: float | None) -> None:
    """Seconds are taken as told, up to ten minutes; anything else counts as not told."""
    answer = refusal(
        lambda: web.Response(status=429, headers={"Retry-After": header}), tmp_path / "s"
    )
    assert answer.retry_after == seconds


def test_retry_after_is_of_its_own_answer(tmp_path: Path) -> None:
    """A wait that one answer asked for is not taken for the next one's."""
    waits = iter([{"Retry-After": "7"}, {}])

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=503, headers=next(waits))

    async def ask_twice(url: str) -> list[float | None]:
        found = []
        async with TardisHttp(TardisSettings(url=url), "coinflex") as http:
            for _ in range(2):
                with pytest.raises(Answer) as caught:
                    await http.fetch_minute(MINUTE, [], tmp_path / "s")
                found.append(caught.value.retry_after)
        return found

    with serving(handler) as url:
        assert asyncio.run(ask_twice(url)) == [7.0, None]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"code":403,"message":"Not in your plan."}', "Not in your plan."),
        (b"<html>Forbidden</html>\n", "<html>Forbidden</html>"),
        (b"", "(no words)"),
        (b'{"error":"other"}', '{"error":"other"}'),
        (b'["message"]', '["message"]'),
        ("Zugriff für Sie gesperrt".encode("latin-1"), "Zugriff f\ufffdr Sie gesperrt"),
        (b"\xff\xfe\x00", "\ufffd\ufffd\x00"),
    ],
)
def test_words_of_the_service(tmp_path: Path, body: bytes, words: str) -> None:
    """The service's own words come through, whatever form and encoding its error has."""
    answer = refusal(lambda: web.Response(status=403, body=body), tmp_path / "s")
    assert (answer.status, answer.words) == (403, words)


def test_words_that_were_compressed_on_the_way(tmp_path: Path) -> None:
    """A gateway that compresses errors too does not make them unreadable."""
    body = gzip.compress(b'{"code":401,"message":"Not in your plan."}')
    answer = refusal(
        lambda: web.Response(status=401, body=body, headers={"Content-Encoding": "gzip"}),
        tmp_path / "s",
    )
    assert (answer.status, answer.words) == (401, "Not in your plan.")


def test_words_are_bounded(tmp_path: Path) -> None:
    """An error page of a megabyte does not fill the terminal."""
    answer = refusal(lambda: web.Response(status=500, body=b"x" * 1_000_000), tmp_path / "s")
    assert 1 <= len(answer.words) <= 1000


@pytest.mark.parametrize("form", ['{{"message":{}}}', "plain {}"])
def test_words_never_hold_the_key(tmp_path: Path, form: str) -> None:
    """A service that repeats the key in its error does not get it into ours."""
    text = form.format(json.dumps(f"The key {KEY} is not valid") if "{{" in form else KEY)
    answer = refusal(lambda: web.Response(status=401, text=text), tmp_path / "s", KEY)
    assert KEY not in f"{answer} {answer!r} {answer.args}"
    assert "<key>" in answer.words


def test_words_that_are_cut_do_not_end_in_half_a_key(tmp_path: Path) -> None:
    """The key is taken out before the words are cut, so no part of it stays at their end."""
    answer = refusal(lambda: web.Response(status=401, text="x" * 495 + KEY), tmp_path / "s", KEY)
    assert KEY[:4] not in answer.words


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/{}", "http://[{}", "http://127.0.0.1:1/{}"])
def test_redirect_to_nowhere_never_holds_the_key(tmp_path: Path, place: str) -> None:
    """A broken redirect with the key in it is a connection that failed; the key is not told on."""
    key = "TD.secretkey"

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": place.format(key)})

    with serving(handler) as url, pytest.raises(NoAnswer) as caught:
        fetch(url, tmp_path / "s", key=key)
    assert key.lower() not in f"{caught.value} {caught.value!r}".lower()
    assert caught.value.__suppress_context__  # a traceback doesn't show what came before


def test_key_stays_at_home(tmp_path: Path) -> None:
    """A redirect to another origin is followed without the key; the slice arrives all the same."""
    slices = history(tmp_path / "slices", [MINUTE])
    elsewhere = TardisSimulator(slices, key=KEY)
    with elsewhere.running() as other:
        home = TardisSimulator(slices, key=KEY, faults=[Fault("redirect", target=other)])
        with home.running() as url:
            fetch(url, tmp_path / "s", key=KEY)
    assert [request.token for request in home.requests] == [KEY]
    assert [request.token for request in elsewhere.requests] == [None]
    assert lines_of(tmp_path / "s") == lines_of(slices / f"{MINUTE:%Y/%m/%d/%H/%M}.json.gz")


def test_key_follows_within_the_origin(tmp_path: Path) -> None:
    """A redirect to another path of the same origin keeps the key, so a paid day still arrives."""
    tokens = []

    async def handler(request: web.Request) -> web.Response:
        tokens.append(request.headers.get("Authorization"))
        if request.path == "/moved":
            return web.Response(body=b"")
        return web.Response(status=307, headers={"Location": "/moved"})

    with serving(handler) as url:
        fetch(url, tmp_path / "s", key="k")
    assert tokens == ["Bearer k", "Bearer k"]


def test_what_is_asked(tmp_path: Path) -> None:
    """A minute is asked for by its start in UTC, with filters as given; no key, no header."""
    slices = history(tmp_path / "slices", [MINUTE])
    filters: list[dict[str, Any]] = [
        {"channel": "futures/depth", "symbols": ["BTC-USD-SWAP-LIN"]},
        {"channel": "trade"},
    ]

    async def ask(url: str) -> None:
        async with TardisHttp(TardisSettings(url=url), "coinflex") as http:
            await http.fetch_minute(MINUTE, filters, tmp_path / "s")

    simulator = TardisSimulator(slices)
    with simulator.running() as url:
        asyncio.run(ask(url))
    request = simulator.requests[0]
    assert (request.minute, request.filters, request.token) == (MINUTE, filters, None)


def test_slice_is_kept_as_it_was_sent(tmp_path: Path) -> None:
    """The file holds the bytes of the answer, not a compression of our own."""
    body = gzip.compress(b"2020-08-01T12:30:00.0000000Z {}\n", mtime=0) * 2

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    with serving(handler) as url:
        fetch(url, tmp_path / "s")
    assert (tmp_path / "s").read_bytes() == body


@pytest.mark.parametrize("kind", ["reset", "truncate", "stall"])
def test_broken_connection_leaves_nothing(tmp_path: Path, kind: str) -> None:
    """Half an answer is no answer: it is told as such, and no file of it stays."""
    slices = history(tmp_path / "slices", [MINUTE])
    with (
        TardisSimulator(slices, faults=[Fault(kind, times=0)]).running() as url,
        pytest.raises(NoAnswer),
    ):
        fetch(url, tmp_path / "drafts" / "s", timeout=0.5)
    assert not list((tmp_path / "drafts").glob("*"))


def test_nobody_there(tmp_path: Path) -> None:
    """A refused connection is a NoAnswer that says so."""
    with pytest.raises(NoAnswer, match="Cannot connect"):
        fetch("http://127.0.0.1:1", tmp_path / "s")


def test_disk_is_not_the_connection(tmp_path: Path) -> None:
    """A folder that can't be written is told as that, not as a failure of the service."""
    (tmp_path / "drafts").write_text("in the way")
    slices = history(tmp_path / "slices", [MINUTE])
    with TardisSimulator(slices).running() as url, pytest.raises(LakeUnwritable):
        fetch(url, tmp_path / "drafts" / "s")


DETAILS = {
    "id": "coinflex",
    "availableSince": "2020-07-14T00:00:00.000Z",
    "availableChannels": ["futures/depth"],
    "availableSymbols": [{"id": "BTC-USD", "availableSince": "2020-07-14T00:00:00.000Z"}],
    "incidentReports": [
        {"from": "2020-08-01T00:00:00.000Z", "to": "2020-08-01T01:00:00.000Z", "status": "resolved"}
    ],
}


def ask_details(body: bytes, data: Path, status: int = 200) -> tuple[Details, int]:
    """Return the details that an answer becomes, and how often it was asked for."""
    asked = 0

    async def handler(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=body, status=status)

    with serving(handler) as url:
        return asyncio.run(exchange_details(settings(data, url))), asked


def test_details(tmp_path: Path) -> None:
    """What the service has is read, and what it says besides is let be."""
    more: dict[str, Any] = {**DETAILS, "name": "CoinFLEX", "datasets": {"formats": ["csv"]}}
    details, asked = ask_details(json.dumps(more).encode(), tmp_path)
    assert asked == 1
    assert details.available_symbols[0].id == "BTC-USD"
    assert details.available_to is None
    assert details.incident_reports[0].start == "2020-08-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>maintenance</html>",
        b"[]",
        b"{}",
        b'{"id":7,"availableSince":"2020-07-14"}',
        json.dumps(DETAILS).encode()[:-20],
        json.dumps({**DETAILS, "availableSymbols": {"BTC-USD": {}}}).encode(),
        json.dumps({**DETAILS, "id": "caf\u00e9"}, ensure_ascii=False).encode("latin-1"),
    ],
)
def test_bad_details_are_no_answer(tmp_path: Path, body: bytes) -> None:
    """Details that can't be read are asked for again, then named; nothing is guessed from them."""
    with pytest.raises(ServiceUnreachable, match="details of exchange coinflex"):
        ask_details(body, tmp_path)


def test_nothing_is_logged_of_the_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not even with every logger at its most talkative, and a service that refuses the key."""
    caplog.set_level(logging.DEBUG)
    slices = history(tmp_path / "slices", [NEXT_DAY])
    with TardisSimulator(slices, key="another").running() as url, pytest.raises(Answer):
        fetch(url, tmp_path / "s", key=KEY)
    assert KEY not in caplog.text
    assert KEY not in repr(TardisSettings(key=KEY))
