from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import pytest

from pipeline.normalize.coinflex import Foreign, Refused, decode
from pipeline.simulator.exchange import ExchangeSimulator, Fault
from tests.simulator.exchange.client import (
    BTC,
    EASY,
    ETH,
    Clock,
    ListedFeed,
    connected,
    depth,
    trade,
    until,
)

if TYPE_CHECKING:
    from pipeline.simulator.exchange import Journal

# Book n of BTC comes at second n, one of ETH and a trade with each.
BOOKS = [depth(n, BTC, n) for n in range(10)]
EVENTS = [
    event for n in range(10) for event in (trade(n, BTC, n), BOOKS[n], depth(n, ETH, 100 + n))
]


class Visit(NamedTuple):
    """What a client of one connection saw: its frames after the answers, and how they ended."""

    frames: list[bytes]
    end: aiohttp.WSMessage
    code: int | None
    journal: Journal

    @property
    def books(self) -> list[int]:
        """The numbers of the books of BTC among the frames."""
        texts = [book.payload for book in BOOKS]
        return [texts.index(frame) for frame in self.frames if frame in texts]


def _visit(*faults: str, channels: tuple[str, ...] = (f"depth:{BTC}",)) -> Visit:
    """Subscribe, play all by hand, say goodbye, and tell what a client has received."""
    simulator = ExchangeSimulator(
        ListedFeed(EVENTS),
        speed="manual",
        faults=[Fault.parse(fault) for fault in faults],
        limits=EASY,
    )

    async def visit() -> Visit:
        url, _ = await simulator.start()
        frames = []
        async with connected(url) as client:
            await client.subscribe(*channels)
            await simulator.advance_to(99)
            stopping = asyncio.create_task(simulator.stop())
            while (end := await client.receive()).type in {
                aiohttp.WSMsgType.TEXT,
                aiohttp.WSMsgType.BINARY,
            }:
                frames.append(end.data if isinstance(end.data, bytes) else end.data.encode())
            code = client.socket.close_code
        await stopping
        return Visit(frames, end, code, simulator.journal)

    return asyncio.run(visit())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop", Fault("drop")),
        ("drop@12.5", Fault("drop", at=12.5)),
        ("close=1012@0*3", Fault("close", "1012", at=0.0, times=3)),
        ("skip=3@message 40*2", Fault("skip", "3", message=40, times=2)),
        ("stall=0.5*0", Fault("stall", "0.5", times=0)),
        (" restart=-5@7 ", Fault("restart", "-5", at=7.0)),
        ("refuse=BTC-flexUSD", Fault("refuse", "BTC-flexUSD")),
        ("http=429*5", Fault("http", "429", times=5)),
        ("garble-utf8", Fault("garble-utf8")),
        ("foreign=table", Fault("foreign", "table")),
    ],
)
def test_faults_are_read_from_text(text: str, fault: Fault) -> None:
    """KIND, and after it a value, a moment and a number of times."""
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("explode", "'explode' is no kind of fault; what would work: drop, close=CODE"),
        ("drop=1", "drop can't be played with '1'; what would work: drop"),
        ("close", "close can't be played with no value; what would work: close=CODE"),
        ("close=99", "close can't be played with '99'"),
        ("stall=long", "stall can't be played with 'long'; what would work: stall=SECONDS"),
        ("skip=0", "skip can't be played with '0'; what would work: skip=N"),
        ("http=200", "http can't be played with '200'"),
        ("foreign=x", "foreign can't be played with 'x'"),
        ("drop@noon", "a place unlike @12.5 (seconds) or @message 40"),
        ("drop@message 0", "a place unlike"),
        ("drop*x", "is no fault; what would work"),
        ("refuse=BTC@message 3", "refuse meets no message; what would work: @SECONDS"),
        ("", "is no fault"),
    ],
)
def test_what_can_not_be_played_is_refused(text: str, words: str) -> None:
    """The sentence says what was given and what would work."""
    with pytest.raises(ValueError, match=re.escape(words)):
        Fault.parse(text)


def test_times_are_not_negative() -> None:
    """0 is for always."""
    with pytest.raises(ValueError, match="not -1"):
        Fault("drop", times=-1)


def test_without_faults_everything_comes() -> None:
    """And the end is the exchange's goodbye."""
    visit = _visit()
    assert (visit.books, visit.code) == (list(range(10)), 1001)
    assert visit.journal.faults == []


def test_drop_is_a_reset() -> None:
    """What was sent before arrives; then the connection is gone without a word."""
    visit = _visit("drop@3")
    assert visit.books == [0, 1, 2]
    assert visit.end.type is not aiohttp.WSMsgType.CLOSE
    assert visit.code == 1006
    assert visit.journal.connections[0].ending == "dropped"


def test_close_has_its_code() -> None:
    """A closing handshake, after what was sent before."""
    visit = _visit("close=1012@message 5")
    assert (visit.books, visit.end.type) == ([0, 1, 2, 3], aiohttp.WSMsgType.CLOSE)
    assert visit.code == 1012
    assert visit.journal.connections[0].ending == "closed with 1012: fault"


def test_half_close_ends_without_a_close_frame() -> None:
    """The client sees an end of the stream in the midst of the conversation."""
    visit = _visit("half-close@2")
    assert visit.books == [0, 1]
    assert visit.end.type is not aiohttp.WSMsgType.CLOSE
    assert visit.code == 1006


def test_stall_leaves_data_out() -> None:
    """Nothing of these seconds is sent, then or later."""
    visit = _visit("stall=3@4")
    assert visit.books == [0, 1, 2, 3, 7, 8, 9]
    left_out = visit.journal.connections[0].left_out
    assert [(frame.at, frame.fault) for frame in left_out] == [(n, "stall") for n in (4, 5, 6)]


def test_a_stalled_exchange_answers_later() -> None:
    """Not even a ping is answered before the stall is over."""
    faults = [Fault("stall", "5", at=1.0)]
    clock = Clock()
    simulator = ExchangeSimulator(
        ListedFeed(EVENTS), speed="manual", faults=faults, limits=EASY, clock=clock
    )

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            await client.subscribe(f"depth:{BTC}")
            await simulator.advance_to(2)
            await client.send({"op": "ping"})
            await until(lambda: len(simulator.journal.commands) == 2)
            await simulator.advance_to(5.9)
            clock.now += 5
            await simulator.advance_to(6)
            assert await client.text() == BOOKS[0].payload
            assert (await client.json())["event"] == "pong"
            assert await client.text() == BOOKS[6].payload
        await simulator.stop()

    asyncio.run(visit())
    pong = [frame for frame in simulator.journal.connections[0].frames if b"pong" in frame.payload]
    assert [frame.time for frame in pong] == [clock.now]


def test_delay_makes_frames_late() -> None:
    """It and all behind it come when its time is over, in order, and nothing is lost."""
    faults = [Fault("delay", "2.5", at=1.0)]
    simulator = ExchangeSimulator(ListedFeed(EVENTS), speed="manual", faults=faults)

    async def visit() -> None:
        url, _ = await simulator.start()
        async with connected(url) as client:
            await client.subscribe(f"depth:{BTC}")
            await simulator.advance_to(3.4)
            assert [frame.at for frame in simulator.journal.sent] == [0]
            await simulator.advance_to(3.5)
            assert [(frame.at, frame.fault) for frame in simulator.journal.sent] == [
                (0, ""),
                (1, "delay"),
                (2, ""),
                (3, ""),
            ]
            assert await client.texts(4) == [book.payload for book in BOOKS[:4]]
        await simulator.stop()

    asyncio.run(visit())


def test_slow_sends_so_many_bytes_a_second() -> None:
    """Everything arrives in the end."""
    rate = len(BOOKS[0].payload) * 100
    visit = _visit(f"slow={rate}@message 2")
    assert visit.books == list(range(10))
    times = [frame.time for frame in visit.journal.sent]
    assert times[-1] - times[0] >= 8 / 100


def test_reorder_swaps_two() -> None:
    """The frame comes after the next one of its connection."""
    visit = _visit("reorder@2")
    assert visit.books == [0, 1, 3, 2, *range(4, 10)]
    assert [f.fault for f in visit.journal.sent] == ["", "", "reorder", "reorder"] + [""] * 6


def test_duplicate_comes_twice() -> None:
    """As often as asked; the second ones are marked."""
    visit = _visit("duplicate@message 3*2")
    assert visit.books == [0, 1, 2, 2, 3, 3, *range(4, 10)]
    assert [f.at for f in visit.journal.sent if f.fault == "duplicate"] == [2, 3]


def test_skip_leaves_books_of_one_market_out() -> None:
    """Trades and other markets are sent; the numbers of the books show what was missed."""
    visit = _visit("skip=3@4", channels=(f"trade:{BTC}", f"depth:{BTC}", f"depth:{ETH}"))
    assert visit.books == [0, 1, 2, 3, 7, 8, 9]
    assert len(visit.frames) == len(EVENTS) - 3
    left_out = visit.journal.connections[0].left_out
    assert [(frame.market, frame.at, frame.fault) for frame in left_out] == [
        (BTC, n, "skip") for n in (4, 5, 6)
    ]


@pytest.mark.parametrize(
    ("fault", "step"), [("restart@4", 3600 * 10**9), ("restart=-500000@4", -500_000)]
)
def test_restart_moves_all_numbers(fault: str, step: int) -> None:
    """Forward by far more than can have been missed, or back; all markets are of one engine."""
    visit = _visit(fault, channels=(f"depth:{BTC}", f"depth:{ETH}"))
    numbers = [json.loads(frame)["data"][0]["seqNum"] for frame in visit.frames]
    whole = [json.loads(e.payload)["data"][0]["seqNum"] for e in EVENTS if e.channel == "depth"]
    assert numbers == whole[:8] + [number + step for number in whole[8:]]
    assert [(met.fault, met.at) for met in visit.journal.faults] == [("restart", 4)]


def test_malformed_is_cut_json() -> None:
    """A frame that is half of one."""
    visit = _visit("malformed@1")
    assert visit.frames[1] == BOOKS[1].payload[: len(visit.frames[1])]
    with pytest.raises(Refused):
        decode(visit.frames[1])
    assert visit.books == [0, *range(2, 10)]


def test_oversized_is_the_same_message_with_blanks() -> None:
    """As long as asked; who can take it reads the same book."""
    visit = _visit("oversized=200000@1")
    assert len(visit.frames[1]) == 200_000
    assert json.loads(visit.frames[1]) == json.loads(BOOKS[1].payload)


def test_oversized_may_be_more_than_a_client_takes() -> None:
    """This one takes 4 MiB, and closes with 1009."""
    visit = _visit("oversized=5000000@1")
    assert (visit.books, visit.code) == ([0], 1009)
    assert visit.end.type is aiohttp.WSMsgType.ERROR


def test_garbled_text_is_no_utf8() -> None:
    """A client that checks its text frames closes with 1007."""
    visit = _visit("garble-utf8@1")
    assert (visit.books, visit.code) == ([0], 1007)
    with pytest.raises(UnicodeDecodeError):
        visit.journal.sent[1].payload.decode()


def test_foreign_frames_are_added() -> None:
    """A table that nobody knows, and bytes; what comes after them is whole."""
    visit = _visit("foreign@1")
    assert isinstance(decode(visit.frames[1]), Foreign)
    assert visit.frames[2] == bytes(range(256))
    assert visit.books == list(range(10))
    added = [frame for frame in visit.journal.sent if frame.fault == "foreign"]
    assert [frame.binary for frame in added] == [False, True]


def test_sent_is_what_was_received_whatever_happens() -> None:
    """The journal holds the truth also of frames that are spoiled, added, moved or left out."""
    visit = _visit(
        "duplicate@0",
        "malformed@1",
        "reorder@2",
        "skip=1@4",
        "oversized=3000@5",
        "foreign@6",
        "stall=1@7",
        "close=1013@9",
        channels=(f"trade:{BTC}", f"depth:{BTC}", f"depth:{ETH}"),
    )
    assert visit.frames == [frame.payload for frame in visit.journal.sent]
    kinds = ["duplicate", "malformed", "reorder", "skip", "oversized", "foreign", "stall", "close"]
    assert [met.fault for met in visit.journal.faults] == kinds


def test_refused_market_can_be_asked_for_again() -> None:
    """As often as the fault says, the subscription is refused; then it stands."""
    faults = [Fault("refuse", ETH, times=2)]
    simulator = ExchangeSimulator(ListedFeed(EVENTS), speed="manual", faults=faults, limits=EASY)

    async def visit() -> list[str | None]:
        url, _ = await simulator.start()
        async with connected(url) as client:
            codes = []
            for _ in range(3):
                other, told = await client.subscribe(f"depth:{BTC}", f"depth:{ETH}")
                assert other["success"] is True
                codes.append(told.get("code"))
        await simulator.stop()
        return codes

    assert asyncio.run(visit()) == ["20015", "20015", None]
    assert [(met.fault, met.market) for met in simulator.journal.faults] == [("refuse", ETH)] * 2


def test_a_fault_meets_one_connection_after_the_other() -> None:
    """Once is once in all: whoever comes back is served."""
    faults = [Fault("close", "1001", at=1.0, times=2)]
    simulator = ExchangeSimulator(ListedFeed(EVENTS), speed="manual", faults=faults, limits=EASY)

    async def visit() -> None:
        url, _ = await simulator.start()
        await simulator.advance_to(0)
        for at in (1, 2, 3):
            async with connected(url) as client:
                await client.subscribe(f"depth:{BTC}")
                await simulator.advance_to(at)
                assert (await client.receive()).type is (
                    aiohttp.WSMsgType.TEXT if at == 3 else aiohttp.WSMsgType.CLOSE
                )
        await simulator.stop()

    asyncio.run(visit())
    assert [met.connection for met in simulator.journal.faults] == [0, 1]


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ("http=429*2", [429, 429, 200, 101]),
        ("rest=500*2", [500, 101, 500, 101]),
        ("upgrade=503", [200, 503, 200, 101]),
        ("http=500@60", [200, 101, 200, 101]),
    ],
)
def test_requests_can_be_answered_with_errors(fault: str, statuses: list[int]) -> None:
    """REST, upgrades or both; in the envelope of an error."""
    simulator = ExchangeSimulator(
        ListedFeed(EVENTS), speed="manual", faults=[Fault.parse(fault)], clock=Clock()
    )

    async def rest(url: str) -> int:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/v1/markets") as answer:
            told = await answer.json()
            code: Any = {200: None, 429: "429"}.get(answer.status, "50001")
            assert told.get("code") == code
            return answer.status

    async def upgrade(url: str) -> int:
        try:
            async with connected(url):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status

    async def visit() -> list[int]:
        ws_url, rest_url = await simulator.start()
        found = []
        for _ in range(2):
            found += [await rest(rest_url), await upgrade(ws_url)]
        await simulator.stop()
        return found

    assert asyncio.run(visit()) == statuses
    assert [request.status for request in simulator.journal.requests] == statuses
