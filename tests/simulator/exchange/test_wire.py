from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from pipeline.normalize.coinflex import Books, decode
from pipeline.simulator.exchange.wire import Rendering
from pipeline.simulator.feed import Event

_SIDES = {"asks": [[2681.63, 1.0], [2681.7, 2], [2682, 1e-05]], "bids": [[2681.6, 3.5]]}


def _event(**changes: Any) -> Event:
    texts = [json.dumps(side, separators=(",", ":")).encode() for side in _SIDES.values()]
    book = {
        "seqNum": 2166539633781385,
        "instrumentId": "ETH-flexUSD",
        **_SIDES,
        "checksum": zlib.crc32(b"".join(texts)),
    }
    message = {"data": [book | changes], "action": "partial", "table": "depth"}
    return Event(0.0, "depth", "ETH-flexUSD", json.dumps(message, separators=(",", ":")).encode())


@pytest.mark.parametrize("shift", [0, -(2**32)])
def test_checksum_of_a_cut_book_is_its_own(shift: int) -> None:
    """Signed or not, as the whole book's was; the checksum is of the levels in the message."""
    levels = [[2681.63 + n, 1.5] for n in range(30)]
    given = zlib.crc32(json.dumps(levels, separators=(",", ":")).encode() + b"[]") + shift
    payload = Rendering(_event(asks=levels, bids=[], checksum=given)).form("depthL5", "v1")
    decoded = decode(payload)
    assert isinstance(decoded, Books)
    assert (decoded.channel, decoded.items[0].checksum_status) == ("depthL5", "ok")
    assert list(decoded.items[0].asks) == [level[0] for level in levels[:5]]
    checksum = json.loads(payload)["data"][0]["checksum"]
    assert -(2**31) <= checksum < 2**31 if shift else 0 <= checksum < 2**32


@pytest.mark.parametrize("checksum", [0, None])
def test_checksum_that_was_not_given_is_not_made_up(checksum: int | None) -> None:
    """0 stays 0."""
    payload = Rendering(_event(checksum=checksum)).form("depthL5", "v1")
    assert json.loads(payload)["data"][0]["checksum"] == checksum


def test_numbers_and_the_order_of_keys_stay() -> None:
    """Nothing but the sides and the name of the table differs from the whole book."""
    event = _event(checksum=0)
    shorter = Rendering(event).form("depthL25", "v1")
    assert shorter == event.payload.replace(b'"depth"', b'"depthL25"')
    assert Rendering(event).form("depth", "v1") is event.payload
    assert Rendering(event).form("futures/depth", "v1") is event.payload


def test_older_trades_have_their_sides_in_upper_case() -> None:
    """Each of a message; in the newer dialect they stay."""
    newer = b'{"table":"trade","data":[{"side":"buy","price":"1"},{"side": "sell","price":"2"}]}'
    older = b'{"table":"trade","data":[{"side":"BUY","price":"1"},{"side": "SELL","price":"2"}]}'
    event = Event(0.0, "trade", "ETH-flexUSD", newer)
    assert Rendering(event).form("trade", "v1") == newer
    assert Rendering(event).form("trade", "v2") == older
    assert Rendering(event._replace(payload=older)).form("trade", "v2") == older


def test_older_books_say_that_they_are_whole() -> None:
    """Short ones too; what a message says of itself stays."""
    event = _event(checksum=0)
    event = event._replace(payload=event.payload.replace(b'"action":"partial",', b""))
    older = Rendering(event).form("futures/depth", "v2")
    told = b'"table":"futures/depth","action":"partial"}'
    assert older == event.payload.replace(b'"table":"depth"}', told)
    assert json.loads(Rendering(event).form("depthL5", "v2"))["action"] == "partial"
    assert Rendering(event._replace(payload=older)).form("futures/depth", "v2") is older
    assert Rendering(event._replace(payload=older)).form("depth", "v2") == older.replace(
        b'"futures/depth"', b'"depth"'
    )
