"""What a capture asks of REST, seen from the exchange, and what comes of it in the lake."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.capture import record
from pipeline.capture_file import lock_of
from pipeline.lock import is_held
from pipeline.recording.arrival_clock import ArrivalClock
from pipeline.simulator.exchange import ExchangeSimulator, Limits
from pipeline.simulator.exchange.faults import Fault
from pipeline.slices import Door
from pipeline.sources.rest_beside import RestTempo
from pipeline.views import connect
from tests.capturing import QUICK, capturing, live_settings
from tests.lakes import EXCHANGE, ingest
from tests.simulator.exchange.client import BTC, ETH, STARTED, ListedFeed, depth, trade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pipeline.capture import CaptureReport
    from pipeline.simulator.feed import Event

QUICK_REST = RestTempo(margin=0.5, first_pause=0.05, longest_pause=0.1)
# Tighter than the documented ones, so that a client that holds those meets them at once.
TIGHT = Limits(commands_a_second=1000, requests_a_second=10)
EXPECTED = "select epoch_ms(timestamp) from trades_by_exchange_time(?, '2020-01-01', '2100-01-01')"


def market() -> list[Event]:
    """Return ten seconds: books all along, and trades, many of one time and more than a page."""
    events = [depth(second, name, second + 1) for second in range(11) for name in (BTC, ETH)]
    events += [trade(1 + number // 9 / 50, BTC, number) for number in range(2000)]
    events += [trade(number, ETH, number) for number in range(1, 9)]
    return sorted(events, key=lambda event: event.at)


def played(events: Iterable[Event], name: str) -> Counter[int]:
    """Return the times of a market's trades, in milliseconds."""
    return Counter(
        STARTED + round(event.at * 1000)
        for event in events
        if (event.channel, event.market) == ("trade", name)
    )


def wait_for(condition: Callable[[], object]) -> None:
    """Return when something has happened; fails if it does not."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "what was waited for did not happen"
        time.sleep(0.01)


def answers(data: Path) -> list[dict[str, Any]]:
    """Return all recorded answers with their questions, in order."""
    door, found = Door(data, EXCHANGE), []
    for request in (request for request in door.requests() if request.is_rest):
        for day in door.days(request):
            slices = door.day(request, day)
            for minute in sorted(slices.slices):
                lines = gzip.decompress(slices.path(minute).read_bytes()).splitlines()
                found += [json.loads(line[29:]) for line in lines if line]
    return found


def asked(data: Path, question: str, *values: Any) -> list[Any]:
    """Return the first column of what a question gives."""
    with connect(data, EXCHANGE) as connection:
        return [row[0] for row in connection.execute(question, [*values]).fetchall()]


@pytest.mark.parametrize("fault", ["rest=429@2*3", "rest=500@2*3"])
def test_a_hole_is_filled_as_far_as_rest_can(tmp_path: Path, fault: str) -> None:
    """Depth is polled while no connection stands, trades are fetched after; nothing is refused.

    But what the fault refuses, which is asked again.
    """
    events = market()
    faults = [Fault.parse(text) for text in ("drop@2", "upgrade=503@2*4", fault)]
    exchange = ExchangeSimulator(ListedFeed(events), speed="manual", limits=TIGHT, faults=faults)
    with exchange.running() as urls:
        settings = live_settings(tmp_path, urls)
        options = {"channels": ["depth", "trade"], "rest_tempo": QUICK_REST}
        with capturing(settings, instruments=[BTC, ETH], **options) as capture:
            exchange.wait_for_subscriptions(4)
            exchange.play_to(1.5)
            exchange.play_to(2)
            capture.wait_until(lambda report: report.feed.phase == "waiting")
            exchange.play_to(8)
            wait_for(lambda: _depths(exchange, BTC) and _depths(exchange, ETH))
            capture.wait_until(lambda report: report.feed.connections == 2)
            capture.wait_until(lambda report: report.feed.phase == "live")
            exchange.play_to(10)
            capture.wait_until(lambda report: report.asked.holes_filled == 1)
    ingest(tmp_path, EXCHANGE)
    for name in (BTC, ETH):
        assert Counter(asked(tmp_path, EXPECTED, name)) == played(events, name)
    statuses = Counter(request.status for request in exchange.journal.requests)
    status = int(fault[5:8])
    assert statuses[status] == 3
    assert set(statuses) == {101, 200, 503, status}
    polled = asked(tmp_path, "select level from rest_depth where bid_levels = 2")
    assert {*polled} == {100}
    sent = sum(frame.channel == "depth" for frame in exchange.journal.sent)
    assert asked(tmp_path, "select count(*) from depth_messages_all") == [sent]
    recorded = Counter(answer["rest"] for answer in answers(tmp_path))
    assert recorded["depth"] == len(polled)
    assert recorded["exchange-trades"] >= 2000 * 5 / 9 / 300
    assert asked(tmp_path, "select count(*) from quarantine") == [0]


def _depths(exchange: ExchangeSimulator, market: str) -> int:
    return sum(
        request.path.endswith("/depth") and request.status == 200
        for request in exchange.journal.requests
        if request.query.get("marketCode") == market
    )


def test_an_earlier_capture_s_end_is_a_hole_too(tmp_path: Path) -> None:
    """What was traded between two captures is fetched when the second one hears the feed."""
    events = market()
    exchange = ExchangeSimulator(ListedFeed(events), speed="manual", limits=TIGHT, rebase=True)
    options: dict[str, Any] = {"channels": ["depth", "trade"], "rest_tempo": QUICK_REST}
    with exchange.running() as urls:
        settings = live_settings(tmp_path, urls)
        for number, (first, then) in enumerate([(1, 5), (6, 10)]):
            clock = ArrivalClock()
            with capturing(settings, instruments=[ETH], clock=clock, **options) as capture:
                capture.wait_until(lambda report: report.feed.phase == "live")
                exchange.play_to(first)
                capture.wait_for_frames(2)
                if number:
                    capture.wait_until(lambda report: report.asked.holes_filled == 1)
            exchange.play_to(then)
    ingest(tmp_path, EXCHANGE)
    heard, fetched = (
        asked(tmp_path, f"select count(distinct timestamp) from {view}")[0]
        for view in ("trades", "rest_trades")
    )
    assert 0 < heard < 8
    assert fetched >= 4
    assert len(asked(tmp_path, EXPECTED, ETH)) == 6  # all but the two that come last


def test_markets_are_recorded_once_as_long_as_they_are_the_same(tmp_path: Path) -> None:
    """Also where instruments are named; what the exchange has sent, in full."""
    exchange = ExchangeSimulator(ListedFeed(market()), speed="manual", limits=TIGHT)
    with exchange.running() as urls:
        settings = live_settings(tmp_path, urls)
        with capturing(settings, instruments=[BTC]) as capture:
            capture.wait_until(lambda report: report.asked.answers["markets"])
            capture.wait_until(lambda report: report.feed.phase == "live")
        report = capture.report
    assert report is not None
    recorded = [answer for answer in answers(tmp_path) if answer["rest"] == "markets"]
    assert [one["marketCode"] for one in recorded[0]["answer"]["data"]] == [BTC, ETH]
    assert report.asked.answers["markets"] == len(recorded) == 1
    ingest(tmp_path, EXCHANGE)
    assert asked(tmp_path, "select min_size from markets_at('2100-01-01') order by instrument") == [
        0.001,
        0.01,
    ]


def test_what_nobody_foresaw_beside_the_feed_ends_the_capture(tmp_path: Path) -> None:
    """Half of it must not be gone for months without a sign: whoever watches starts it again."""

    def fail(_: CaptureReport) -> None:
        raise ZeroDivisionError("shown nowhere")

    exchange = ExchangeSimulator(ListedFeed(market()), limits=TIGHT)
    with exchange.running() as urls:
        work = record(
            live_settings(tmp_path, urls), asyncio.Event(), instruments=[BTC], tempo=QUICK,
            raw_only=True, show=fail,
        )  # fmt: skip
        with pytest.raises(ZeroDivisionError, match="shown nowhere"):
            asyncio.run(work)
    assert not is_held(tmp_path, lock_of(EXCHANGE))
