from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.normalize.coinflex import Book, Books, Tickers, Trades, decode
from pipeline.simulator.feed import Market
from pipeline.simulator.market import GeneratedFeed, MarketSpec, default_markets
from tests.conftest import ROOT
from tests.simulator.market.told import Levels, by_market, item, levels

if TYPE_CHECKING:
    from pipeline.simulator.feed import Event
    from pipeline.simulator.market.wire import Era

ERAS: list[Era] = ["us-v1", "2020", "2022-10"]
START = datetime(2022, 3, 4, 5, 6, 7, 891_000, tzinfo=UTC)
START_MS = 1646370367891

_DIGEST = """
import hashlib
from pipeline.simulator.market import GeneratedFeed
events = GeneratedFeed(5, markets=9, seconds=1).events()
print(hashlib.sha256(repr(list(events)).encode()).hexdigest())
"""


def played(era: Era = "2022-10", seed: int = 7, seconds: float = 4, **settings: Any) -> list[Event]:
    """Return the events of eight markets, with 15 levels a side."""
    feed = GeneratedFeed(
        seed, markets=8, seconds=seconds, start=START, levels=15, era=era, **settings
    )
    return list(feed.events())


def books(events: list[Event]) -> list[Book]:
    """Return the books among events, as the package decodes them."""
    found = []
    for event in events:
        if event.channel == "depth":
            message = decode(event.payload)
            assert isinstance(message, Books)
            found += message.items
    return found


def test_the_same_seed_tells_the_same() -> None:
    """Of one feed asked twice, and of two; another seed tells of another market."""
    feed = GeneratedFeed(3, seconds=2)
    first = list(feed.events())
    assert first == list(feed.events()) == list(GeneratedFeed(3, seconds=2).events())
    assert [event.payload for event in first] != [
        event.payload for event in GeneratedFeed(4, seconds=2).events()
    ]


def test_another_process_tells_the_same() -> None:
    """Nothing depends on what differs between processes, such as the hashes of texts."""
    done = subprocess.run(
        [sys.executable, "-c", _DIGEST],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "1234"},
        capture_output=True,
        text=True,
        check=True,
    )
    events = list(GeneratedFeed(5, markets=9, seconds=1).events())
    assert done.stdout.strip() == hashlib.sha256(repr(events).encode()).hexdigest()


def test_an_endless_feed_begins_as_a_short_one() -> None:
    """Its length changes nothing of what is told before its end."""
    short = list(GeneratedFeed(3, seconds=1.5).events())
    assert short == list(islice(GeneratedFeed(3).events(), len(short)))
    assert short[-1].at < 1.5


def test_a_market_is_its_own() -> None:
    """What is said of a market hangs on no other one, but for the moments of its turns."""
    alone = GeneratedFeed(3, markets=1, seconds=1).events()
    beside = by_market(GeneratedFeed(3, markets=4, seconds=1).events(), "depth", "trade", "ticker")
    assert list(alone) == beside["BTC-USD-SWAP-LIN"]


@pytest.mark.parametrize(
    ("era", "verdict"), [("us-v1", "unverifiable"), ("2020", "absent"), ("2022-10", "ok")]
)
def test_every_frame_is_read_by_the_package(era: Era, verdict: str) -> None:
    """As what its channel says, of its market, in its form, with a checksum that holds."""
    events = played(era)
    assert {event.channel for event in events} == {"depth", "trade", "ticker"}
    kinds = {"depth": Books, "trade": Trades, "ticker": Tickers}
    for event in events:
        message = decode(event.payload)
        assert isinstance(message, Books | Trades | Tickers)
        assert isinstance(message, kinds[event.channel])
        (told,) = message.items
        assert told.instrument == event.market
        assert told.timestamp == (START_MS + int(event.at * 1e6 + 0.5) // 1000) * 1000
    for book in books(events):
        assert (book.kind, book.irregular, book.checksum_status) == ("book", False, verdict)


@pytest.mark.parametrize(
    ("era", "beginning", "end"),
    [
        ("us-v1", b'{"table":"depth","data":[{"instrumentId":"', b"]]}]}"),
        ("2020", b'{"data":[{"instrumentId":"', b'"action":"partial","table":"futures/depth"}'),
        ("2022-10", b'{"table":"futures/depth","data":[{"seqNum":', b'"action":"partial"}'),
    ],
)
def test_a_book_has_the_form_of_its_era(era: Era, beginning: bytes, end: bytes) -> None:
    """Keys stand in that order; levels are of four with short numbers, later pairs of doubles."""
    for event in by_market(played(era), "depth")["BTC-USD-SWAP-LIN"]:
        assert event.payload.startswith(beginning)
        assert event.payload.endswith(end)
        lengths = {len(level) for side in ("asks", "bids") for level in item(event)[side]}
        assert lengths == {2 if era == "2022-10" else 4}
        assert (b".0," in event.payload or b".0]" in event.payload) == (era == "2022-10")


def test_the_checksum_of_us_v1_is_signed_and_of_doubles() -> None:
    """CRC-32 of asks and bids as pairs of doubles; above half of its range it is negative."""
    signs = set()
    for event in by_market(played("us-v1"), "depth")["BTC-USD-REPO-LIN"]:
        told = item(event)
        text = "".join(
            "[" + ",".join(f"[{float(p)!r},{float(q)!r}]" for p, q, *_ in told[side]) + "]"
            for side in ("asks", "bids")
        )
        assert told["checksum"] % 2**32 == zlib.crc32(text.encode())
        assert -(2**31) <= told["checksum"] < 2**31
        signs.add(told["checksum"] < 0)
    assert signs == {True, False}


@pytest.mark.parametrize("era", ERAS)
def test_checksums_can_be_left_out(era: Era) -> None:
    """They are 0 then, and nothing else changes."""
    with_them = [event.payload for event in played(era, seconds=1)]
    without = played(era, seconds=1, checksums=False)
    assert {book.checksum_status for book in books(without)} == {"absent"}
    for before, event in zip(with_them, without, strict=True):
        if event.channel == "depth":
            given = b'"checksum":%d,' % item(event._replace(payload=before))["checksum"]
            assert before.replace(given, b'"checksum":0,') == event.payload
        else:
            assert before == event.payload


def test_books_are_never_crossed_and_have_their_levels() -> None:
    """Best first, as many levels as were asked for; below zero only where that is possible."""
    positive = {spec.code: spec.positive for spec in default_markets(8)}
    negative = set()
    for event in played(seconds=10):
        if event.channel == "depth":
            bids, asks = [[price for price, _ in levels(event, side)] for side in ("bids", "asks")]
            assert bids == sorted(set(bids), reverse=True)
            assert asks == sorted(set(asks))
            assert bids[0] < asks[0]
            assert (len(bids), len(asks)) == (15, 15)
            if bids[-1] <= 0:
                negative.add(event.market)
    assert "BTC-USD-REPO-LIN" in negative
    assert not any(positive[market] for market in negative)


@pytest.mark.parametrize(
    ("era", "digits"), [("us-v1", 19), ("2020", 19), ("2022-10", 16)], ids=ERAS
)
def test_sequence_numbers_step_by_one(era: Era, digits: int) -> None:
    """Of each market on its own, from where its engine had come to; beyond what a double holds."""
    begun = set()
    for events in by_market(played(era), "depth").values():
        numbers = [item(event)["seqNum"] for event in events]
        assert {after - before for before, after in pairwise(numbers)} == {1}
        assert len(str(numbers[0])) == digits
        begun.add(numbers[0])
    assert len(begun) == 8


def test_books_come_as_often_as_they_should() -> None:
    """Each market at equal distances, the markets one after the other; events in order of time."""
    events = played(seconds=2, books_per_second=10)
    times = [event.at for event in events]
    assert times == sorted(times)
    assert times[0] == 0
    for place, depths in enumerate(by_market(events, "depth").values()):
        expected = [place / 80 + number / 10 for number in range(20)]
        assert [event.at for event in depths] == pytest.approx(expected, abs=1e-9)


def test_trade_ids_count_the_trades() -> None:
    """They grow by one with each trade of a market, and no two markets share one."""
    seen: set[str] = set()
    for events in by_market(played(), "trade").values():
        ids = [item(event)["tradeId"] for event in events]
        assert {int(after) - int(before) for before, after in pairwise(ids)} == {1}
        assert not seen & set(ids)
        seen.update(ids)


def _swept(book: Event, trades: list[Event]) -> tuple[str, Levels]:
    """Return the side that one taker met and what is left of it; each trade must be the best."""
    (side,) = {item(trade)["side"].upper() for trade in trades}
    met = "asks" if side == "BUY" else "bids"
    left = levels(book, met)
    for trade in trades:
        told = item(trade)
        price, amount = left[0]
        traded = Decimal(told["quantity"])
        assert Decimal(told["price"]) == price
        assert 0 < traded <= amount
        left[:1] = [(price, amount - traded)] if traded < amount else []
    return met, left


@pytest.mark.parametrize("era", ERAS)
def test_trades_take_from_the_book_before_and_leave_the_one_after(era: Era) -> None:
    """Level by level and lot by lot: best price first, and what they took is no longer there.

    Orders are so far apart that no two of them fall between two books.
    """
    specs = [
        MarketSpec("SWAP", price="61800", orders_per_second=20),
        MarketSpec("REPO", "0.0001", "0.01", "0", "REPO", 20),
    ]
    feed = GeneratedFeed(1, markets=specs, seconds=15, books_per_second=100, levels=10, era=era)
    swept = 0
    for events in by_market(feed.events(), "depth", "trade").values():
        book = events[0]
        trades: list[Event] = []
        for event in events[1:]:
            if event.channel == "trade":
                trades.append(event)
                continue
            if trades:
                met, left = _swept(book, trades)
                assert levels(event, met)[: len(left)] == left
                swept += len({item(trade)["price"] for trade in trades}) > 1
            book, trades = event, []
    assert swept, "no taker met more than one level"


@pytest.mark.parametrize("era", ERAS)
def test_tickers_are_those_of_the_trades_before(era: Era) -> None:
    """Exactly, in a feed of less than a day: last, open, high, low, and both volumes."""
    counted = 0
    for events in by_market(played(era, seconds=6), "trade", "ticker").values():
        trades: list[tuple[Decimal, Decimal]] = []
        for event in events:
            told = item(event)
            if event.channel == "trade":
                trades.append((Decimal(told["price"]), Decimal(told["quantity"])))
                continue
            prices = [price for price, _ in trades]
            expected = {
                "last": prices[-1],
                "lastQty": trades[-1][1],
                "open24h": prices[0],
                "high24h": max(prices),
                "low24h": min(prices),
                "volume24h": sum(price * amount for price, amount in trades),
                "currencyVolume24h": sum(amount for _, amount in trades),
            }
            assert {name: Decimal(told[name]) for name in expected} == expected
            counted += 1
    assert counted > 30


def test_each_market_that_has_traded_tells_a_ticker_each_second() -> None:
    """A second apart, and none before there is a last price."""
    for events in by_market(played(seconds=6), "trade", "ticker").values():
        tickers = [event.at for event in events if event.channel == "ticker"]
        traded = next(event.at for event in events if event.channel == "trade")
        assert tickers[0] - 1 < traded <= tickers[0]
        assert {round(after - before, 6) for before, after in pairwise(tickers)} == {1.0}
        assert tickers[-1] >= 5


def test_markets_are_listed_as_specified() -> None:
    """In their order, with the steps as they were written, listed before the feed began."""
    specs = [MarketSpec("A-USD", "0.50", "1", "20", "SPOT"), *default_markets(1)]
    assert GeneratedFeed(1, markets=specs, start=START).markets == [
        Market("A-USD", "0.50", "1", "SPOT", START_MS - 365 * 86_400_000),
        Market("BTC-USD-SWAP-LIN", "0.1", "0.001", "FUTURE", START_MS - 365 * 86_400_000),
    ]


def test_start_is_a_moment_in_any_zone() -> None:
    """The same moment told in another zone gives the same feed."""
    zone = datetime.fromisoformat("2022-03-04T07:06:07.891+02:00")
    feeds = [GeneratedFeed(1, seconds=1, start=start) for start in (START, zone)]
    assert list(feeds[0].events()) == list(feeds[1].events())
    later = GeneratedFeed(1, seconds=1, start=START + timedelta(seconds=1))
    assert list(feeds[0].events()) != list(later.events())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"era": "2023"}, "era was '2023'; what would work: one of us-v1, 2020, 2022-10"),
        ({"start": datetime(2022, 1, 1)}, "start was .*a time with a time zone"),  # noqa: DTZ001
        ({"books_per_second": 0}, "books_per_second was 0; what would work: 1 to 1000"),
        ({"levels": 0}, "levels was 0; what would work: 1 or more"),
        ({"markets": 0}, "markets were 0; what would work: 1 or more"),
        ({"markets": []}, "markets were none"),
        ({"markets": [*default_markets(2), *default_markets(1)]}, "named BTC-USD-SWAP-LIN twice"),
    ],
)
def test_what_can_t_be_played_is_refused(settings: dict[str, Any], sentence: str) -> None:
    """When the feed is made, with what was given and what would have worked."""
    with pytest.raises(ValueError, match=sentence):
        GeneratedFeed(1, **settings)
