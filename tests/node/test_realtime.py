"""Tardis's own client for Node.js takes the loopback exchange for the real one, where Node.js is.

The history that this project downloads was recorded on the socket that this client reads: the older
dialect.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final

from pipeline.normalize.coinflex import Books, Trades, decode
from pipeline.simulator.exchange import ExchangeSimulator, RecordedFeed
from pipeline.simulator.market import GeneratedFeed
from tests.campaign.asked import same
from tests.capturing import capturing, live_settings, recorded
from tests.conftest import ROOT
from tests.making import DAY, write_minute
from tests.node.client import heard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.simulator.exchange import Frame
    from tests.capturing import Line

_NAMES: Final = ("BTC-USD-SWAP-LIN", "ETH-USD-SWAP-LIN")
_CHANNELS: Final = ("futures/depth", "trade", "ticker")
_SAMPLE: Final = ROOT / "data" / "sample" / "2020/08/01/23/58.json.gz"


def test_it_hears_what_was_sent() -> None:
    """Its one command is carried out; books, trades and tickers come in order, none left out.

    The feed is one of the newer dialect, so that nothing in it is of the older one by itself.
    """
    feed = GeneratedFeed(11, seconds=10)
    exchange = ExchangeSimulator(feed, dialect="v2", speed=None, await_subscribers=6, end="close")
    with exchange.running() as urls:
        got = heard(urls.ws, _NAMES)
    (command,) = exchange.journal.commands
    assert (command.op, command.codes) == ("subscribe", ())
    asked = [f"{channel}:{name}" for channel in _CHANNELS for name in _NAMES]
    assert sorted(json.loads(command.text)["args"]) == sorted(asked)
    expected = list(_of_frames(exchange.journal.sent))
    kinds = {(kind, symbol) for kind, symbol, *_ in expected}
    types = ("book_change", "trade", "derivative_ticker")
    assert kinds == {(kind, name) for kind in types for name in _NAMES}
    same(got, expected)


def test_a_capture_beside_it_has_the_same_messages(tmp_path: Path) -> None:
    """A recording, sent to both at once: its normalized books and trades, and ours."""
    lines = gzip.decompress(_SAMPLE.read_bytes()).splitlines()[:3000]
    write_minute(tmp_path / "market", DAY, lines)
    feed = RecordedFeed(tmp_path / "market")
    exchange = ExchangeSimulator(feed, dialect="v2", speed=None, await_subscribers=10, end="close")
    with exchange.running() as urls:
        settings = live_settings(tmp_path / "data", urls)
        with capturing(settings, instruments=_NAMES, channels=["depth", "trade"]) as capture:
            got = heard(urls.ws, _NAMES)
            capture.wait_for_frames(sum(1 for _ in feed.events()))
    assert sum(kind == "book_change" for kind, *_ in got) > 500
    same(list(_of_lines(recorded(tmp_path / "data"))), got)


def _of_lines(lines: Sequence[Line]) -> Iterator[list[Any]]:
    """Yield what this project makes of recorded lines, in the form of what the client tells."""
    for line in lines:
        message = decode(line.frame) if line.frame else None
        if isinstance(message, Books):
            for book in message.items:
                head = [book.instrument, _milliseconds(book.timestamp), book.kind == "book"]
                yield ["book_change", *head, _levels(book.bids), _levels(book.asks)]
        elif isinstance(message, Trades):
            for trade in message.items:
                head = [trade.instrument, _milliseconds(trade.timestamp)]
                yield ["trade", *head, trade.id, trade.side, trade.price, trade.amount]


def _levels(side: dict[float, float]) -> list[list[float]]:
    return [[*level] for level in side.items()]


def _milliseconds(timestamp: int | None) -> int:
    assert timestamp is not None
    return timestamp // 1000


def _of_frames(frames: Sequence[Frame]) -> Iterator[list[Any]]:
    """Yield what the client is to make of data frames, read without this project's code."""
    figures: dict[str, list[float]] = {}
    for frame in frames:
        (item,) = json.loads(frame.payload)["data"]
        head = [frame.market, int(item["timestamp"])]
        if frame.channel == "depth":
            sides = ([level[:2] for level in item[side]] for side in ("bids", "asks"))
            yield ["book_change", *head, True, *sides]
        elif frame.channel == "trade":
            side = item["side"].lower()
            yield ["trade", *head, item["tradeId"], side, *_numbers(item, "price", "quantity")]
        else:
            told = _numbers(item, "last", "markPrice", "openInterest")
            # It tells of a ticker only when one of these has changed.
            if figures.get(frame.market) != told:
                yield ["derivative_ticker", *head, *told]
            figures[frame.market] = told


def _numbers(item: dict[str, Any], *names: str) -> list[float]:
    return [float(item[name]) for name in names]
