from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit

import pytest

from pipeline.simulator import TardisSimulator
from tests.simulator.client import FEED, get, minute_url, replay
from tests.simulator.slices import DATED, SPOT, SWAP, write_slice

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a-key-that-must-not-show"


def test_pages_of_several_minutes_join_to_the_single_ones(slices: Path) -> None:
    """A page says how many minutes it covers; the last one stops at the end of the data."""
    filters = [{"channel": "futures/depth", "symbols": [SWAP]}]
    end = datetime(2020, 8, 1, 23, 59, tzinfo=UTC)
    with TardisSimulator(slices, available_to=end).running() as url:
        singles = [get(minute_url(url, offset=n, filters=filters)) for n in range(5)]
        pages = [get(minute_url(url, offset=n, filters=filters, sliceSize=3)) for n in (0, 3)]
    assert [page.headers["x-slice-size"] for page in pages] == ["3", "2"]
    assert pages[0].headers["x-suggested-slice-size"] == "10"
    assert [len(page.lines) for page in pages] == [8, 3]
    joined = [line for page in pages for line in page.lines]
    assert joined == [line for single in singles for line in single.lines]


@pytest.mark.parametrize(
    "text",
    [
        "2020-08-01T23:55",
        "2020-08-01T23:55:00.000Z",
        "2020-08-01T23:55:59.1234567Z",
        "2020-08-02T01:55:00+02:00",
    ],
)
def test_from_is_a_time_in_iso_format(slices: Path, text: str) -> None:
    """Naive is UTC, an offset is converted, also with a `+` that is not encoded."""
    simulator = TardisSimulator(slices)
    with simulator.running() as url:
        for encoded in (quote(text), text):
            assert len(get(f"{url}{FEED}?from={encoded}&offset=0").lines) == 2
    assert {request.minute for request in simulator.requests} == {
        datetime(2020, 8, 1, 23, 55, tzinfo=UTC)
    }


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"minute": ""}, "ISO 8601 format"),
        ({"minute": "yesterday"}, "ISO 8601 format"),
        ({"offset": "-1"}, "non-negative integer"),
        ({"offset": "999999999"}, "2020-07-14T00:00:00.000Z to 2020-08-03T00:00:00.000Z"),
        ({"minute": "2020-07-01"}, "available from 2020-07-14T00:00:00.000Z"),
        ({"compression": "zstd"}, "gzip only"),
        ({"sliceSize": 2}, "1 to 10 with 'filters', 1 without"),
        ({"sliceSize": 11, "filters": [{"channel": "trade"}]}, "1 to 10"),
        ({"filters": "trade"}, 'JSON like [{"channel"'),
        ({"filters": [{"symbols": []}]}, "missing required field `channel`"),
        ({"filters": [{"channel": "depth"}]}, "Allowed values: futures/depth, trade, ticker."),
        (
            {"filters": [{"channel": "trade", "symbols": ["btc-usd"]}]},
            f"Allowed values: {DATED}, {SWAP}, {SPOT}.",
        ),
    ],
)
def test_parameter_that_cannot_be_used_is_refused(
    slices: Path, params: dict[str, Any], words: str
) -> None:
    """The sentence says what would have worked."""
    with TardisSimulator(slices, key=KEY).running() as url:
        answer = get(minute_url(url, **params), KEY)
    assert answer.status == 400
    assert words in answer.message


def test_unknown_paths_are_refused(slices: Path) -> None:
    """Errors are JSON, whoever raises them."""
    with TardisSimulator(slices).running() as url:
        feed = get(minute_url(url).replace("coinflex", "coinflexus"))
        assert (feed.status, "Allowed values: coinflex." in feed.message) == (400, True)
        assert get(f"{url}/v1/exchanges/coinflexus").status == 404
        assert get(f"{url}/v2").message == "Not Found"


def test_official_client_is_told_that_a_paid_day_needs_a_key(slices: Path, tmp_path: Path) -> None:
    """It gives up at once, with the reason."""
    span = "2020-08-02T00:00:00", "2020-08-02T00:01:00"
    with (
        TardisSimulator(slices).running() as url,
        pytest.raises(HTTPError, match="first day of each month") as refused,
    ):
        replay(url, tmp_path, span, [])
    assert refused.value.code == 401


@pytest.mark.parametrize(
    ("own", "sent", "statuses"),
    [
        (KEY, KEY, [200, 200, 200]),
        (KEY, None, [200, 401, 401]),
        (KEY, "wrong", [401, 401, 401]),
        (None, None, [200, 401, 401]),
        # A server without a key has no key to compare with.
        (None, "any", [200, 401, 401]),
    ],
)
def test_key_opens_what_is_not_free(
    slices: Path, own: str | None, sent: str | None, statuses: list[int]
) -> None:
    """A page needs the key if any of its minutes does; a wrong key opens nothing."""
    simulator = TardisSimulator(slices, key=own)
    page = {"filters": [{"channel": "trade"}], "sliceSize": 2}
    with simulator.running() as url:
        answers = [
            get(minute_url(url, "2020-08-01T23:54"), sent),
            get(minute_url(url, "2020-08-02T00:00"), sent),
            get(minute_url(url, "2020-08-01T23:59", **page), sent),
        ]
    assert [answer.status for answer in answers] == statuses
    assert not any(sent.encode() in answer.body for answer in answers if sent)
    assert [r.authorized for r in simulator.requests] == [own is not None and own == sent] * 3


def test_requests_are_told_in_order_and_their_key_does_not_show(slices: Path) -> None:
    """A test can ask what a client sent."""
    simulator = TardisSimulator(slices, key=KEY)
    filters = [{"channel": "trade", "symbols": [SWAP]}]
    with simulator.running() as url:
        get(f"{url}/v1/api-key-info", KEY)
        get(minute_url(url, offset=3, filters=filters))
    info, feed = simulator.requests
    assert (info.path, info.minute, info.token) == ("/v1/api-key-info", None, KEY)
    assert (feed.minute, feed.filters) == (datetime(2020, 8, 1, 23, 57, tzinfo=UTC), filters)
    assert (feed.token, feed.authorized) == (None, False)
    assert KEY not in repr(simulator.requests)


def test_key_info_tells_what_the_key_opens(slices: Path) -> None:
    """Any other key opens nothing, and that is no error."""
    with TardisSimulator(slices, key=KEY).running() as url:
        (info,) = json.loads(get(f"{url}/v1/api-key-info", KEY).body)
        assert json.loads(get(f"{url}/v1/api-key-info", "wrong").body) == []
        assert json.loads(get(f"{url}/v1/api-key-info").body) == []
    assert info == {
        "exchange": "coinflex",
        "accessType": "pro",
        "from": "2020-07-14T00:00:00.000Z",
        "to": "2020-08-03T00:00:00.000Z",
        "symbols": [],
        "dataPlan": "pro",
    }


def test_details_tell_what_the_slices_hold(slices: Path) -> None:
    """Symbols run from the midnight before their first line to the one after their last."""
    write_slice(slices, "2020-07-31T00:00", ['{"table":"depthL10","data":{"marketCode":"A-B"}}'])
    incident = {"from": "2020-07-20", "to": "2020-07-21", "status": "resolved", "details": "moved"}
    with TardisSimulator(slices, incidents=[incident]).running() as url:
        details = json.loads(get(f"{url}/v1/exchanges/coinflex").body)
        (brief,) = json.loads(get(f"{url}/v1/exchanges").body)
    assert details.items() > brief.items() > {"id": "coinflex", "enabled": True}.items()
    assert details["filterable"] is True
    assert details["availableSince"] == "2020-07-14T00:00:00.000Z"
    assert details["availableTo"] == details["datasets"]["exportedUntil"]
    assert details["availableChannels"] == ["futures/depth", "trade", "ticker", "depthL10"]
    assert details["incidentReports"] == [incident]
    assert [tuple(symbol.values()) for symbol in details["availableSymbols"]] == [
        ("A-B", "spot", "2020-07-31T00:00:00.000Z", "2020-08-01T00:00:00.000Z"),
        (DATED, "future", "2020-08-02T00:00:00.000Z", "2020-08-03T00:00:00.000Z"),
        (SWAP, "perpetual", "2020-08-01T00:00:00.000Z", "2020-08-03T00:00:00.000Z"),
        (SPOT, "spot", "2020-08-01T00:00:00.000Z", "2020-08-02T00:00:00.000Z"),
    ]


def test_details_can_be_given(tmp_path: Path) -> None:
    """What is given replaces what the slices would say; here there are none."""
    symbols = [{"id": "X-Y", "type": "spot", "availableSince": "2019-01-01T00:00:00.000Z"}]
    since = datetime(2019, 1, 1, tzinfo=UTC)
    simulator = TardisSimulator(tmp_path, exchange="e", available_since=since, symbols=symbols)
    with simulator.running() as url:
        details = json.loads(get(f"{url}/v1/exchanges/e").body)
    assert details["availableSymbols"] == symbols
    assert details["availableSince"] == "2019-01-01T00:00:00.000Z"
    assert "availableTo" not in details


def test_simulator_runs_once_at_a_time_and_again_after(slices: Path) -> None:
    """It leaves no thread behind; a port in use is the caller's error."""
    simulator = TardisSimulator(slices)
    threads = threading.active_count()
    for _ in range(2):
        with simulator.running() as url:
            assert get(minute_url(url)).status == 200
            with pytest.raises(RuntimeError, match="running already"), simulator.running():
                pass
            port = urlsplit(url).port or 0
            with pytest.raises(OSError, match="in use"), TardisSimulator(slices).running(port):
                pass
            assert get(minute_url(url)).status == 200
    assert threading.active_count() == threads
