"""How messages look on the wire: welcomes, answers, and data as each dialect spells them.

In the newer dialect ("v1") the table of full depth is `depth`. In the older one ("v2") it is what
was subscribed to: two public clients read that socket, CoinFLEX's own asks for `depth` and looks
for that table, Tardis's asks for `futures/depth` and looks for that. A book of v2 says that it is
`partial`, which is how Tardis's client knows a whole one, and the sides of its trades are in upper
case: to that client all else is a buy.

The numbers of a book are never printed anew: what a feed holds goes out as it stands.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from pipeline.channels import FULL_DEPTH, canonical_channel

if TYPE_CHECKING:
    from pipeline.simulator.feed import Event, Market

__all__ = ["CUTS", "Dialect", "Rendering", "answer", "market_data", "welcome"]

Dialect: TypeAlias = Literal["v1", "v2"]
# Channels whose books are cut → how many levels of a side are left.
CUTS: Final = {"depthL5": 5, "depthL10": 10, "depthL25": 25}
_ACTION: Final = b'"action"'
_SIDE: Final = re.compile(rb'"side"\s*:\s*"(?:buy|sell)"')
_TABLE: Final = re.compile(rb'"table"\s*:\s*("(?:futures/)?depth")')
_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_data: Final = msgspec.json.Decoder(
    list[dict[str, msgspec.Raw]] | dict[str, msgspec.Raw]
).decode
_decode_levels: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_checksum: Final = msgspec.json.Decoder(int | str | None).decode
_encode: Final = msgspec.json.encode


def welcome(nonce: str, timestamp: int) -> bytes:
    """Return what a new connection is told; the time is milliseconds UTC."""
    return _encode({"event": "Welcome", "nonce": nonce, "timestamp": str(timestamp)})


def answer(
    event: str,
    timestamp: int,
    *,
    tag: str | None = None,
    channel: str | None = None,
    success: bool | None = True,
    refusal: tuple[str, str] | None = None,
) -> bytes:
    """Return an answer to a command; `refusal` is the code and the message of one not done."""
    fields: dict[str, Any] = {"event": event, "channel": channel, "success": success, "tag": tag}
    if refusal is not None:
        fields |= {"success": False, "code": refusal[0], "message": refusal[1]}
    told = {name: value for name, value in fields.items() if value is not None}
    return _encode(told | {"timestamp": str(timestamp)})


def market_data(markets: list[Market]) -> bytes:
    """Return the message of the channel `market`."""
    fields = ("marketCode", "tickSize", "minSize", "type", "listedAt")
    data = [dict(zip(fields, map(str, market), strict=True)) for market in markets]
    return _encode({"table": "market", "data": data})


class Rendering:
    """The forms of one event, each made when it is first asked for."""

    def __init__(self, event: Event) -> None:
        self._payload = event.payload
        self._channel = event.channel
        self._forms: dict[tuple[str, Dialect], bytes] = {}

    def form(self, channel: str, dialect: Dialect) -> bytes:
        """Return the frame for those who speak a dialect and subscribed a channel by this name."""
        key = (channel, dialect)
        if key not in self._forms:
            self._forms[key] = self._made(channel, dialect)
        return self._forms[key]

    def _made(self, channel: str, dialect: Dialect) -> bytes:
        if self._channel == FULL_DEPTH:
            return self._depth(channel, dialect)
        if self._channel == "trade" and dialect == "v2":
            return _SIDE.sub(_with_upper_side, self._payload)
        return self._payload

    def _depth(self, channel: str, dialect: Dialect) -> bytes:
        table = canonical_channel(channel) if dialect == "v1" else channel
        cut = CUTS.get(channel)
        whole = self._payload if cut is None else _cut(self._payload, cut)
        named = _with_table(whole, f'"{table}"'.encode())
        return _with_action(named) if dialect == "v2" else named


def _with_table(payload: bytes, table: bytes) -> bytes:
    found = _TABLE.search(payload)
    if found is None or found[1] == table:
        return payload
    return payload[: found.start(1)] + table + payload[found.end(1) :]


def _with_upper_side(found: re.Match[bytes]) -> bytes:
    name, _, side = found[0].partition(b":")
    return name + b":" + side.upper()


def _with_action(payload: bytes) -> bytes:
    """Return a book that says it is a whole one, unless it says what it is already."""
    end = payload.rfind(b"}")
    if end < 0 or _ACTION in payload:
        return payload
    return payload[:end] + b',"action":"partial"' + payload[end:]


def _cut(payload: bytes, levels: int) -> bytes:
    """Return a full-depth message with fewer levels, everything else and its order as it was."""
    message = _decode_object(payload)
    if canonical_channel(msgspec.json.decode(message["table"])) != FULL_DEPTH:
        return payload
    data = _decode_data(message["data"])
    for book in data if isinstance(data, list) else [data]:
        _cut_book(book, levels)
    return _encode(message | {"data": msgspec.Raw(_encode(data))})


def _cut_book(book: dict[str, msgspec.Raw], levels: int) -> None:
    """Cut both sides; a checksum that was given is the one of what is left."""
    for side in ("asks", "bids"):
        book[side] = msgspec.Raw(_encode(_decode_levels(book[side])[:levels]))
    given = _decode_checksum(book.get("checksum", b"null"))
    if given and int(given):
        crc = zlib.crc32(bytes(book["bids"]), zlib.crc32(bytes(book["asks"])))
        # Signed in one era, unsigned in the next; this is the same number in either.
        crc -= 2**32 if int(given) < 0 <= crc - 2**31 else 0
        book["checksum"] = msgspec.Raw(_encode(str(crc) if isinstance(given, str) else crc))
