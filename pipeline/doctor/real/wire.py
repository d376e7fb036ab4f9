"""The lines of a day's slices as they were sent: which forms they have, and how often.

Read with a JSON decoder alone, apart from the normalizer, which takes all forms for the same. The
small fields of every line are looked at; the levels of the first messages of each minute and
instrument alone, since they are most of the text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from pipeline.channels import FULL_DEPTH, canonical_channel
from pipeline.doctor.real.levels import Levels
from pipeline.slice_file import read_lines
from pipeline.stamp import split_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

__all__ = ["NODE_FIRST", "SECONDS_FIRST", "Wire", "read_wire"]

# Messages of each minute and instrument whose levels are looked at.
_EXAMINED: Final = 100
# What a sequence number may be made of: the second in which the engine started, and a counter.
SECONDS_FIRST: Final = "seconds · 10^9 + counter"
NODE_FIRST: Final = "node · 10^15 + seconds · 10^5 + counter"
_LONG_AGO: Final = 1_500_000_000  # 2017, before the exchange had such an engine
_MONTHS: Final = 90 * 86_400
_FIRST_KEY: Final = re.compile(rb'\s*\{\s*"([^"]*)"')


class _Line(msgspec.Struct):
    table: str | None = None
    event: str | None = None
    nonce: msgspec.Raw = msgspec.Raw(b"")
    action: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


class _Item(msgspec.Struct, rename="camel"):
    instrument_id: str | None = None
    market_code: str | None = None
    seq_num: msgspec.Raw = msgspec.Raw(b"")
    checksum: msgspec.Raw = msgspec.Raw(b"")
    timestamp: msgspec.Raw = msgspec.Raw(b"")
    asks: msgspec.Raw = msgspec.Raw(b"[]")
    bids: msgspec.Raw = msgspec.Raw(b"[]")
    side: str | None = None


_decode_line: Final = msgspec.json.Decoder(_Line).decode
_decode_items: Final = msgspec.json.Decoder(list[_Item] | _Item).decode


@dataclass
class Wire:
    """What the lines of a day were like.

    `counts` has, by field, how often each form of it came: table, first key, data, name, action,
    seqNum, digits, sequence, checksum, timestamp, side, control. `books` are full-depth objects by
    instrument, `symbols` lines of any table. Equal stamps are lines of the microsecond of the line
    before.
    """

    day: date
    minutes: int = 0
    empty_minutes: int = 0
    lines: int = 0
    unreadable: int = 0
    disconnects: int = 0
    equal_stamps: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    books: Counter[str] = field(default_factory=Counter)
    symbols: Counter[str] = field(default_factory=Counter)
    levels: Levels = field(default_factory=Levels)

    def take(self, payload: bytes, examined: Counter[str], second: int) -> None:
        """Take note of one line's JSON, which arrived in a second since 1970."""
        line = _decode_line(payload)
        if line.table is None:
            event = line.event or ("welcome" if line.nonce else "other")
            self.counts["control"][event.lower()] += 1
            return
        items = _decode_items(line.data) if line.data else []
        items, form = (items, "a list") if isinstance(items, list) else ([items], "an object")
        full = canonical_channel(line.table) == FULL_DEPTH
        self.counts["table"][line.table] += 1
        if full:
            first = _FIRST_KEY.match(payload)
            self.counts["first key"][first[1].decode("utf-8", "replace") if first else "?"] += 1
            self.counts["data"][form] += 1
            self.counts["action"][line.action or "none"] += 1
        for item in items:
            self._item(item, examined, second, full=full)

    def _item(self, item: _Item, examined: Counter[str], second: int, *, full: bool) -> None:
        name = item.instrument_id or item.market_code or "?"
        self.symbols[name] += 1
        if item.side is not None:
            self.counts["side"][item.side] += 1
        if not full:
            return
        self.books[name] += 1
        self.counts["name"]["instrumentId" if item.instrument_id else "marketCode"] += 1
        self.counts["timestamp"][_form(bytes(item.timestamp))] += 1
        self._numbered(bytes(item.seq_num), second)
        checksum = _whole(bytes(item.checksum))
        self.counts["checksum"][_kind_of_checksum(checksum)] += 1
        if examined[name] < _EXAMINED:
            examined[name] += 1
            self.levels.take(name, bytes(item.asks), bytes(item.bids), checksum)

    def _numbered(self, text: bytes, second: int) -> None:
        self.counts["seqNum"][_form(text)] += 1
        number = _whole(text)
        if number is not None:
            self.counts["digits"][str(len(str(abs(number))))] += 1
            self.counts["sequence"][_sequence(number, second)] += 1


def read_wire(day: date, minutes: Iterable[Path]) -> Wire:
    """Return what the lines of some minutes of a day were like, the slices given in order."""
    wire = Wire(day)
    for path in minutes:
        _read_minute(wire, path)
    return wire


def _read_minute(wire: Wire, path: Path) -> None:
    before, there, examined = None, 0, Counter[str]()
    wire.levels.begin_minute()
    for line in read_lines(path):
        if not line.strip():
            wire.disconnects += 1
            wire.levels.begin_minute()  # what comes next has no message before
            continue
        there += 1
        try:
            arrival, payload = split_line(line)
            wire.equal_stamps += arrival == before
            before = arrival
            wire.take(payload, examined, arrival // 1_000_000)
        except (ValueError, msgspec.MsgspecError):
            wire.unreadable += 1
    wire.minutes += 1
    wire.empty_minutes += there == 0
    wire.lines += there


def _form(text: bytes) -> str:
    if not text or text == b"null":
        return "absent"
    return "text" if text.startswith(b'"') else "number"


def _whole(text: bytes) -> int | None:
    try:
        return int(text.strip(b'"'))
    except ValueError:
        return None


def _sequence(number: int, second: int) -> str:
    """Return what a sequence number may be made of, if its message arrived in a second."""
    if _LONG_AGO <= number // 10**9 <= second:
        return SECONDS_FIRST
    # The counter outgrows its five digits, so the seconds seem to go on; not for months, though.
    if _LONG_AGO <= number % 10**15 // 10**5 <= second + _MONTHS:
        return NODE_FIRST
    return "neither"


def _kind_of_checksum(checksum: int | None) -> str:
    if checksum is None:
        return "absent"
    if checksum == 0:
        return "0"
    if checksum < 0:
        return "negative"
    return "above 2^31" if checksum >= 1 << 31 else "below 2^31"
