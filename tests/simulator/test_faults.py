from __future__ import annotations

import gzip
import socket
import time
import zlib
from datetime import UTC, datetime
from http.client import HTTPResponse
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import aiohttp
import pytest

from pipeline.simulator import Fault, TardisSimulator
from tests.simulator.client import get, minute_url, replay
from tests.simulator.slices import path_of

if TYPE_CHECKING:
    from pathlib import Path


def test_status_fault_is_an_error_with_its_times(slices: Path) -> None:
    """Faults come in the order given, each as often as it says, and then no more."""
    faults = [Fault("429", times=2, retry_after=7), Fault("500")]
    with TardisSimulator(slices, faults=faults).running() as url:
        get(minute_url(url, "2020-08-02"))
        get(f"{url}/v1/exchanges/coinflex")
        answers = [get(minute_url(url)) for _ in range(4)]
    assert [answer.status for answer in answers] == [429, 429, 500, 200]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["7", "7", None, None]
    assert "Too many requests" in answers[0].message


def test_fault_of_a_minute_leaves_the_others(slices: Path) -> None:
    """With 0 times it spoils every request for its minute, and no other."""
    fault = Fault("503", minute=datetime(2020, 8, 1, 23, 55, tzinfo=UTC), times=0)
    with TardisSimulator(slices, faults=[fault]).running() as url:
        minutes = ["2020-08-01T23:54", "2020-08-01T23:55", "2020-08-01T23:55"]
        statuses = [get(minute_url(url, minute)).status for minute in minutes]
    assert statuses == [200, 503, 503]


@pytest.mark.parametrize("minute", ["2020-08-01T23:54", "2020-08-01T23:57"])
def test_body_faults_damage_the_body(slices: Path, minute: str) -> None:
    """Each can be noticed, of a minute without data as well; the next answer is whole."""
    faults = [Fault("truncate"), Fault("cut"), Fault("corrupt")]
    with TardisSimulator(slices, faults=faults).running() as url:
        with pytest.raises(aiohttp.ClientPayloadError):
            get(minute_url(url, minute))
        with pytest.raises(EOFError):
            gzip.decompress(get(minute_url(url, minute)).body)
        with pytest.raises((gzip.BadGzipFile, zlib.error)):
            gzip.decompress(get(minute_url(url, minute)).body)
        assert get(minute_url(url, minute)).status == 200


def test_large_body_is_corrupt_in_its_middle(slices: Path) -> None:
    """One byte differs, and the length does not."""
    minute = datetime(2020, 8, 1, 23, 55, tzinfo=UTC)
    path_of(slices, minute).write_bytes(gzip.compress(b"\n" * 9_000_000, mtime=0))
    with TardisSimulator(slices, faults=[Fault("corrupt")]).running() as url:
        body = get(minute_url(url, "2020-08-01T23:55")).body
    whole = path_of(slices, minute).read_bytes()
    assert [n for n, byte in enumerate(whole) if body[n] != byte] == [len(whole) // 2]
    with pytest.raises((gzip.BadGzipFile, zlib.error)):
        gzip.decompress(body)


def _send(url: str) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
    connection.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return connection


def test_reset_aborts_the_connection(slices: Path) -> None:
    """The client sees a RST, not an orderly end."""
    with (
        TardisSimulator(slices, faults=[Fault("reset")]).running() as url,
        _send(minute_url(url)) as connection,
        pytest.raises(ConnectionResetError),
    ):
        connection.recv(1)


def test_stall_sends_headers_and_no_body_until_the_server_stops(slices: Path) -> None:
    """A stall does not hold the server up when it stops."""
    with TardisSimulator(slices, faults=[Fault("stall")]).running() as url:
        connection = _send(minute_url(url))
        answer = HTTPResponse(connection)
        answer.begin()
        assert (answer.status, int(answer.headers["Content-Length"]) > 0) == (200, True)
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
        leaving = time.monotonic()
    assert time.monotonic() - leaving < 1
    assert connection.recv(1) == b""
    answer.close()
    connection.close()


def test_stall_ends_when_the_client_goes(slices: Path, tmp_path: Path) -> None:
    """A client that gave up is served again at once."""
    with TardisSimulator(slices, faults=[Fault("stall", times=2)]).running() as url:
        for _ in range(2):
            with _send(minute_url(url)) as connection:
                assert connection.recv(12) == b"HTTP/1.1 200"
        span = "2020-08-01T23:54:00", "2020-08-01T23:55:00"
        assert len(replay(url, tmp_path, span, [])) == 10


def test_redirect_keeps_path_and_query(slices: Path) -> None:
    """What was asked here can be asked there."""
    with TardisSimulator(slices).running() as target:
        fault = Fault("redirect", target=f"{target}/")
        with TardisSimulator(slices, faults=[fault]).running() as url:
            asked = minute_url(url, filters=[{"channel": "trade"}])
            answer = get(asked)
        assert answer.status == 307
        assert unquote(answer.headers["Location"]) == unquote(asked.replace(url, target))
        assert len(get(answer.headers["Location"]).lines) == 6


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("429", Fault("429")),
        ("429=2", Fault("429", retry_after=2)),
        ("429@2020-08-01T23:55", Fault("429", datetime(2020, 8, 1, 23, 55, tzinfo=UTC))),
        ("reset*3", Fault("reset", times=3)),
        ("cut*0", Fault("cut", times=0)),
        (
            "truncate@2020-08-02T01:55+02:00*2",
            Fault("truncate", datetime(2020, 8, 1, 23, 55, tzinfo=UTC), 2),
        ),
        ("redirect=http://127.0.0.1:8001", Fault("redirect", target="http://127.0.0.1:8001")),
    ],
)
def test_fault_is_read_from_text(text: str, fault: Fault) -> None:
    """KIND[=VALUE][@MINUTE][*TIMES]."""
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("explode", "truncate, cut, corrupt, reset, stall, redirect"),
        ("200", 'an HTTP status from "400" to "599"'),
        ("", "is no fault; what would work"),
        ("reset*often", "is no fault; what would work"),
        ("reset=3", "reset can't use the value"),
        ("429@noon", "a minute unlike 2020-08-01T23:55"),
        ("redirect", "a target is what"),
    ],
)
def test_text_that_is_no_fault_is_refused(text: str, words: str) -> None:
    """The sentence says what would have worked."""
    with pytest.raises(ValueError, match=r".") as refused:
        Fault.parse(text)
    assert words in str(refused.value)


def test_fault_that_cannot_be_played_is_refused() -> None:
    """Also when it was not made from text."""
    with pytest.raises(ValueError, match="has a time zone"):
        Fault("429", minute=datetime(2020, 8, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="or more, not -1"):
        Fault("429", times=-1)
