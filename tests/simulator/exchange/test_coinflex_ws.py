"""CoinFLEX's own published client takes the loopback exchange for the real one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import pytest

from pipeline.simulator.exchange import ExchangeSimulator, Limits, RecordedFeed
from pipeline.simulator.market import GeneratedFeed
from tests.campaign.asked import same
from tests.conftest import ROOT, clean_environment
from tests.simulator.exchange.client import EASY
from tests.simulator.slices import SWAP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.simulator.exchange.wire import Dialect

_SCRIPT: Final = Path(__file__).with_name("coinflex_ws_script.py")
_SAMPLE: Final = ROOT / "data" / "sample" / "2020/08/01/23/58.json.gz"
_KEY, _SECRET = "a-key", "a-secret/+="
_CHANNELS: Final = ("depth", "depthL5", "trade", "ticker")


@dataclass
class _Client:
    commands: IO[str]
    answers: IO[str]

    def take(self, counts: Mapping[str, int]) -> dict[str, list[Any]]:
        """Return the next messages by channel; 0 stands for all that are there."""
        self.commands.write(json.dumps(counts) + "\n")
        self.commands.flush()
        taken = json.loads(self.answers.readline())
        assert isinstance(taken, dict)
        assert not any(counts.values()) or counts == {name: len(got) for name, got in taken.items()}
        return taken


@contextmanager
def _subscribed(url: str, key: str | None = None, secret: str | None = None) -> Iterator[_Client]:
    """Run the client, and yield it when it has asked for all its channels."""
    job = json.dumps({"url": url, "market": SWAP, "key": key, "secret": secret})
    process = subprocess.Popen(
        [sys.executable, str(_SCRIPT), job], env=clean_environment(), cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert json.loads(process.stdout.readline()) == "subscribed"
            yield _Client(process.stdin, process.stdout)
            process.stdin.close()
            assert process.wait(30) == 0
        finally:
            process.kill()


def _play(exchange: ExchangeSimulator, client: _Client, *stops: float) -> dict[str, list[Any]]:
    """Play to one moment after the other, and return what the client got, by channel.

    It keeps 200 messages of a channel at most, so no more than that may lie between two stops.
    """
    got: dict[str, list[Any]] = defaultdict(list)
    (log,) = exchange.journal.connections
    for stop in stops:
        before = log.sent_count
        exchange.play_to(stop)
        counts = Counter(frame.channel for frame in log.sent[before:])
        assert max(counts.values()) <= 200
        for channel, messages in client.take(counts).items():
            got[channel] += messages
    assert client.take(dict.fromkeys(_CHANNELS, 0)) == {name: [] for name in _CHANNELS}
    return got


@pytest.mark.parametrize("dialect", ["v1", "v2"])
def test_it_gets_what_was_sent(dialect: Dialect) -> None:
    """Whole books, short ones, trades, tickers: message for message, in order, none beyond."""
    feed = GeneratedFeed(7, seconds=10)
    exchange = ExchangeSimulator(feed, dialect=dialect, speed="manual", limits=EASY)
    with exchange.running() as urls, _subscribed(urls.ws) as client:
        exchange.wait_for_subscriptions(len(_CHANNELS))
        got = _play(exchange, client, *range(1, 10))
    assert got.keys() == {*_CHANNELS}
    _assert_sent(exchange, got)


def test_it_gets_what_was_recorded(tmp_path: Path) -> None:
    """A client of a later year reads messages in the form of 2020."""
    kept = tmp_path / _SAMPLE.relative_to(ROOT / "data" / "sample")
    kept.parent.mkdir(parents=True)
    shutil.copyfile(_SAMPLE, kept)
    feed = RecordedFeed(tmp_path)
    exchange = ExchangeSimulator(feed, dialect="v2", speed="manual", limits=EASY)
    with exchange.running() as urls, _subscribed(urls.ws) as client:
        exchange.wait_for_subscriptions(len(_CHANNELS))
        got = _play(exchange, client, *range(1, 10))
    # The recording has no tickers.
    assert got.keys() == {"depth", "depthL5", "trade"}
    _assert_sent(exchange, got)


def test_it_logs_in_and_may_ask_more_then() -> None:
    """Its signature is right; the documented limits hold for a client that does not wait."""
    feed = GeneratedFeed(7, seconds=3, era="2022-10")
    exchange = ExchangeSimulator(feed, dialect="v2", speed="manual", key=_KEY, secret=_SECRET)
    with exchange.running() as urls, _subscribed(urls.ws, _KEY, _SECRET) as client:
        exchange.wait_for_subscriptions(len(_CHANNELS))
        got = _play(exchange, client, 1, 2)
    commands = exchange.journal.commands
    asked = ["login", *["subscribe"] * len(_CHANNELS)]
    assert [(each.op, each.codes) for each in commands] == [(op, ()) for op in asked]
    assert got.keys() == {*_CHANNELS}
    _assert_sent(exchange, got)


def test_its_login_with_another_secret_is_refused() -> None:
    """As the exchange refuses it: by the signature. The client goes on and is told nothing more."""
    feed = GeneratedFeed(7, seconds=1)
    exchange = ExchangeSimulator(
        feed, speed="manual", key=_KEY, secret=_SECRET, limits=Limits(commands_a_second=5)
    )
    with exchange.running() as urls, _subscribed(urls.ws, _KEY, "another"):
        exchange.wait_for_subscriptions(len(_CHANNELS))
    assert [each.codes for each in exchange.journal.commands] == [("20000",), *[()] * 4]


def _assert_sent(exchange: ExchangeSimulator, got: Mapping[str, list[Any]]) -> None:
    sent: dict[str, list[Any]] = defaultdict(list)
    for frame in exchange.journal.sent:
        sent[frame.channel].append(json.loads(frame.payload))
    assert got.keys() == sent.keys()
    for channel, messages in got.items():
        same(messages, sent[channel])
