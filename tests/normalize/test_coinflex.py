"""Every variant of the wire gives the same message, and a line that lies is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.normalize.coinflex import (
    Book,
    Books,
    Control,
    Foreign,
    Refused,
    Tickers,
    Trades,
    decode,
)

_REAL = (Path(__file__).parent.parent / "recordings" / "real_messages.ndjson").read_bytes()
_LINES = _REAL.splitlines()


def _books(number: int) -> Books:
    message = decode(_LINES[number - 1])
    assert isinstance(message, Books)
    return message


def _book(number: int) -> Book:
    (book,) = _books(number).items
    return book


def test_subscribe_acknowledgements_are_control_lines() -> None:
    """What stands among the data lines but is no data is known as such."""
    about = [(channel, "BTC-USD-SWAP-LIN") for channel in ("depth", "trade", "ticker")]
    assert [decode(line) for line in _LINES[:3]] == [Control(feed, granted=True) for feed in about]


def test_what_the_exchange_says_of_the_connection_is_control() -> None:
    """A welcome with its nonce, a refusal and a pong are no data, and no trouble."""
    said = [
        b'{"event":"Welcome","nonce":"253ae705","timestamp":"1652711966653"}',
        b'{"nonce":"253ae705"}',
        b'{"event":"pong","timestamp":"1652711966653"}',
        b'{"event":"login","success":false,"code":"20000"}',
    ]
    assert [decode(line) for line in said] == [Control()] * 4
    refused = b'{"event":"subscribe","channel":"futures/depth:X","success":false,"code":"20015"}'
    assert decode(refused) == Control(("depth", "X"), granted=False)


def test_bytes_that_are_no_utf8_are_refused_wherever_they_stand() -> None:
    """Also in the name of a field, of which a message would otherwise lack a value."""
    whole = b'{"table":"depth","data":{"instrumentId":"X","checksum":7,"asks":[],"bids":[]}}'
    assert isinstance(decode(whole), Books)
    for field in (b"checksum", b"X", b"table"):
        with pytest.raises(Refused, match="utf-8"):
            decode(whole.replace(field, field[:-1] + b"\xff", 1))


def test_the_2020_form_of_a_book() -> None:
    """`data` first, four-element levels, a number as seqNum, checksum 0 which means not given."""
    assert _books(4).channel == "depth"
    assert _books(4).action == "partial"
    assert _book(4) == Book(
        instrument="BTC-USD",
        kind="book",
        timestamp=1594684800290000,
        seq_num=1594613594001171264,
        checksum=None,
        checksum_status="absent",
        irregular=False,
        bids={9239.9: 0.46, 9238.1: 0.5},
        asks={9241.0: 1.0, 9243.5: 0.967},
    )


def test_the_may_2022_form_of_a_book() -> None:
    """`table` first and named depth, seqNum as text, a signed checksum that can't be verified."""
    assert _books(11).channel == "depth"
    book = _book(11)
    assert (book.seq_num, book.checksum, book.checksum_status) == (
        1650424356029712528,
        -1222631948,
        "unverifiable",
    )
    assert book.timestamp == 1652708448921000
    assert book.bids == {29877.0: 0.047, 29872.0: 0.001}


@pytest.mark.parametrize("number", [15, 17, 18, 20])
def test_checksums_of_complete_real_messages_hold(number: int) -> None:
    """All complete real messages of the two-element era verify, two empty sides among them."""
    assert _book(number).checksum_status == "ok"


@pytest.mark.parametrize("number", [15, 18, 20])
def test_one_changed_number_breaks_a_checksum(number: int) -> None:
    """A book whose text was altered is labelled a mismatch, and is still given."""
    message = json.loads(_LINES[number - 1])
    data = message["data"][0] if isinstance(message["data"], list) else message["data"]
    data["asks"][0][1] += 0.5
    (book,) = decode(json.dumps(message).encode()).items  # type: ignore[union-attr] # books
    assert isinstance(book, Book)
    assert book.checksum_status == "mismatch"
    assert book.asks[data["asks"][0][0]] == data["asks"][0][1]


def test_a_signed_checksum_equals_its_unsigned_twin() -> None:
    """Checksums are compared modulo 2^32."""
    message = json.loads(_LINES[14])
    message["data"][0]["checksum"] -= 2**32
    (book,) = decode(json.dumps(message).encode()).items  # type: ignore[union-attr] # books
    assert isinstance(book, Book)
    assert book.checksum_status == "ok"


def test_truncated_and_differential_channels_are_not_the_full_channel() -> None:
    """depthL10, depthUpdate and depthUpdate-diff keep their own names and kinds."""
    assert [(_books(n).channel, _book(n).kind) for n in (15, 16, 17, 18)] == [
        ("depth", "book"),
        ("depthL10", "book"),
        ("depthUpdate-diff", "difference"),
        ("depthUpdate", "book"),
    ]
    assert (_book(17).bids, _book(17).asks) == ({}, {})


def test_trades_of_every_era() -> None:
    """Sides in lower case, numbers as the nearest doubles, ids as text."""
    found = []
    for number in (5, 7, 8, 13):
        message = decode(_LINES[number - 1])
        assert isinstance(message, Trades)
        found += [(t.id, t.side, t.price, t.amount, t.timestamp) for t in message.items]
    assert found == [
        ("160061323905884640", "sell", 9237.5, 0.4999, 1594684856487000),
        ("160061323905902676", "buy", 9215.0, 0.258, 1594738801694000),
        ("160061323905902717", "sell", 9218.0, 0.817, 1594738849445000),
        ("304734619689878207", "buy", 30081.0, 0.042, 1652698566797000),
    ]


def test_tickers_of_every_era() -> None:
    """last, lastQty, open, high, low, volumes, open interest, mark prices; absent is NULL."""
    found: dict[str, tuple[float | None, ...]] = {}
    for number in (6, 9, 10, 12):
        message = decode(_LINES[number - 1])
        assert isinstance(message, Tickers)
        found |= {t.instrument: t.values for t in message.items}
    assert found == {
        "BTC-USD-SWAP-LIN": (
            9237.5, 0.4999, 9237.5, 9237.5, 9237.5, 9235.6525, 0.9998, 95.86840001, 9225.5, None,
        ),
        "FLEX-USD": (
            0.284, 100.0, 0.304, 0.304, 0.284, 6262.576, 21206.0, 0.0, 0.28725862068965517241, None,
        ),
        "BTC-USD-SPR-QP-LIN": (
            83.0, 17.979, 82.0, 86.0, 81.0, 39119727.02299, 4234.002, 0.0, None, None,
        ),
        "BTC-USD": (
            29586.0, 0.001, 29718.0, 31390.0, 29299.0, 30861108.936575339, 1017.773, 0.0, 29586.0,
            29601.0,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("number", [14, 19])
def test_other_tables_are_foreign(number: int) -> None:
    """Candles are counted, not read."""
    assert decode(_LINES[number - 1]) == Foreign("candles60s")


def _depth(**changes: Any) -> bytes:
    data = {"marketCode": "A", "asks": [[2, 1]], "bids": [[1, 1]], "seqNum": 1} | changes
    kept = {name: value for name, value in data.items() if value is not ...}
    return json.dumps({"table": "depth", "data": kept}).encode()


def _decoded(**changes: Any) -> Book:
    message = decode(_depth(**changes))
    assert isinstance(message, Books)
    return message.items[0]


def test_all_spellings_of_the_same_book_give_the_same_book() -> None:
    """Either name of the instrument, list or object, two elements or four, text or number."""
    expected = _decoded(timestamp=1594684800290)
    object_form = json.loads(_depth(timestamp="1594684800290"))
    data = object_form["data"]
    data["instrumentId"] = data.pop("marketCode")
    spellings = [
        object_form,
        {"data": [data], "table": "futures/depth", "action": "partial"},
        {"table": "depth", "data": [data | {"seqNum": "1"}]},
        {"table": "depth", "data": data | {"asks": [[2.0, 1.0, 0, 0]], "bids": [[1, 1.0, 0, 0]]}},
    ]
    for spelling in spellings:
        message = decode(json.dumps(spelling).encode())
        assert isinstance(message, Books)
        assert message.items == [expected]


def test_negative_and_zero_prices_are_prices() -> None:
    """REPO and spread markets quote below zero; best is still the highest bid, lowest ask."""
    book = _decoded(bids=[[0, 1], [-0.0001, 2]], asks=[[0.5, 1]])
    assert list(book.bids.items()) == [(0.0, 1.0), (-0.0001, 2.0)]
    assert not book.irregular


def test_of_a_repeated_price_the_last_counts_and_is_labelled() -> None:
    """Levels out of order, repeated, or of amount 0 are put right and labelled."""
    assert _decoded(bids=[[1, 1], [1, 3]]).bids == {1.0: 3.0}
    assert _decoded(bids=[[1, 1], [1, 3]]).irregular
    assert list(_decoded(bids=[[1, 1], [2, 1]]).bids) == [2.0, 1.0]
    assert _decoded(bids=[[1, 1], [2, 1]]).irregular
    assert _decoded(bids=[[2, 0], [1, 1]]).bids == {1.0: 1.0}
    assert _decoded(bids=[[2, 0], [1, 1]]).irregular
    assert _decoded(bids=[[2, 1, 0, 7]]).irregular
    assert not _decoded(bids=[[2, 1, 0, 0]]).irregular


def test_an_unknown_action_on_the_full_channel_is_no_book() -> None:
    """A full-depth message with another action is kept as what it is, not applied."""
    message = json.loads(_depth()) | {"action": "increment"}
    decoded = decode(json.dumps(message).encode())
    assert isinstance(decoded, Books)
    assert (decoded.action, decoded.items[0].kind) == ("increment", "unapplied")


def test_ten_thousand_levels_a_side_are_a_book() -> None:
    """Size alone is no reason to refuse."""
    levels = [[float(price), 1.5] for price in range(10_000)]
    book = _decoded(asks=levels, bids=levels[::-1])
    assert (len(book.asks), len(book.bids)) == (10_000, 10_000)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (_depth(asks="x"), "array"),
        (_depth(asks=None), "array"),
        (_depth(asks=...), "asks"),
        (_depth(asks=[[1]]), "neither two nor four"),
        (_depth(asks=[[1, 2, 3]]), "neither two nor four"),
        (_depth(asks=[[1, "2"]]), "float"),
        (_depth(asks=[[1, None]]), "float"),
        (_depth(asks=[[1, True]]), "float"),
        (_depth(asks=[[float("nan"), 1]]), "malformed"),
        (_depth(asks=[[float("inf"), 1]]), "malformed"),
        (_depth().replace(b"[[2, 1]]", b"[[1e999, 1]]"), "range"),
        (_depth(seqNum=2**63), "beyond 64 bits"),
        (_depth(seqNum="12x"), "not an integer"),
        (_depth(seqNum=1.5), "int"),
        (_depth(timestamp="soon"), "not an integer"),
        (_depth(timestamp=-1), "not milliseconds"),
        (_depth(timestamp=10**18), "not milliseconds"),
        (_depth(marketCode=""), "neither instrumentId nor marketCode"),
        (_depth(marketCode=7), "str"),
        (b'{"table":"depth"}', "truncated"),
        (b'{"table":7,"data":[]}', "str"),
        (b'{"table":"trade","data":[{"side":"?","price":"1","quantity":"1","marketCode":"A"}]}',
         "side"),
        (b'{"table":"trade","data":[{"side":"BUY","price":"NaN","quantity":"1","marketCode":"A"}]}',
         "price"),
        (b'{"table":"trade","data":[{"side":"BUY","price":"1_0","quantity":"1","marketCode":"A"}]}',
         "price"),
        (b'{"table":"ticker","data":[{"last":"Infinity","marketCode":"A"}]}', "last"),
        (b"{}", "neither a table nor an event"),
        (b"[]", "object"),
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"[" * 100_000, ""),
        (b'{"table":"depth","data":{"marketCode":"\xff","asks":[],"bids":[]}}', "utf-8"),
        (b'{"table":"depth","data":{"marketCode":"\\ud800","asks":[],"bids":[]}}', ""),
    ],
)  # fmt: skip
def test_a_line_that_lies_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    """Nothing is guessed: the whole line is refused, and the reason names what is wrong."""
    with pytest.raises(Refused) as refused:
        decode(line)
    assert reason in str(refused.value)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_crash_the_decoder(line: bytes) -> None:
    """Any bytes give a message or Refused."""
    with suppress(Refused):
        assert decode(line) is not None


_finite = st.floats(allow_nan=False, allow_infinity=False)
_levels = st.lists(st.tuples(_finite, _finite.filter(lambda amount: amount > 0)), max_size=8)


@given(asks=_levels, bids=_levels, seq=st.integers(0, 2**63 - 1))
def test_every_number_comes_back_as_the_double_it_was(
    asks: list[tuple[float, float]], bids: list[tuple[float, float]], seq: int
) -> None:
    """Prices and amounts are exact doubles, seqNum an exact integer, whatever their size."""
    text = msgspec.json.encode(
        {"table": "depth", "data": {"marketCode": "A", "asks": asks, "bids": bids, "seqNum": seq}}
    )
    message = decode(text)
    assert isinstance(message, Books)
    (book,) = message.items
    assert (book.asks, book.bids, book.seq_num) == (dict(asks), dict(bids), seq)
