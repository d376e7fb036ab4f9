"""Recordings of some free days, made so that claims hold on some of them and are broken on others.

2020-08-01  as believed: four elements, checksum 0, a step a book, every 60 ms
2021-02-01  the counter is that of several markets: a book every 20 ms, steps of 1 and of 3 alike;
differences, crossed and locked books, levels unsorted, twice, of amount 0, below zero
2022-05-01  books are missed: every third step is one of 3 that takes as long as three;
checksums of four elements, signed
2022-10-01  as believed: two elements, checksums that fit, numbers of a new form; a restart
"""

from __future__ import annotations

import json
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.making import line, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD, STRANGE, MISSED, NEW = (
    date(2020, 8, 1), date(2021, 2, 1), date(2022, 5, 1), date(2022, 10, 1),
)  # fmt: skip
SWAP = "BTC-USD-SWAP-LIN"
BOOKS = 130
# A level comes and goes: every book has a level that the next one has not.
_Levels = list[list[float]]


def midnight(day: date) -> datetime:
    """Return the start of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def write_eras(folder: Path) -> Path:
    """Write the first minute of each of the days."""
    for day, lines in ((OLD, _old()), (STRANGE, _strange()), (MISSED, _missed()), (NEW, _new())):
        write_minute(folder, midnight(day), list(lines))
    return folder


def _sides(number: int) -> tuple[_Levels, _Levels]:
    asks = [[101.0, 1.0], [102.5 + number % 7, 2.0]]
    return asks, [[100.0, 1.5], [99.5 - number % 5, 3.0]]


def _wide(levels: _Levels, rest: int = 0) -> _Levels:
    return [[*level, rest, 0] for level in levels]


def _book(time: datetime, arrival: datetime, **fields: Any) -> tuple[datetime, dict[str, Any]]:
    stamp = str(round(time.timestamp() * 1000))
    return arrival, {"instrumentId": SWAP, "timestamp": stamp, **fields}


def _old() -> Iterator[str]:
    start = midnight(OLD)
    welcome = {"event": "Welcome", "nonce": "253ae705", "timestamp": "1"}
    yield line(start, welcome)
    yield ""
    for number in range(BOOKS):
        time = start + timedelta(milliseconds=60 * number)
        asks, bids = map(_wide, _sides(number))
        arrival, data = _book(
            time, time + timedelta(milliseconds=30), seqNum=1594684800000000000 + number,
            checksum=0, asks=asks, bids=bids,
        )  # fmt: skip
        yield line(arrival, {"data": [data], "action": "partial", "table": "futures/depth"})
    for number in range(40):
        print_ = {"side": "SELL", "quantity": "0.5", "price": "100.5", "marketCode": SWAP,
                  "tradeId": str(number), "timestamp": "1596240000000"}  # fmt: skip
        yield line(start + timedelta(seconds=30), {"data": [print_], "table": "trade"})


def _strange() -> Iterator[str]:
    start = midnight(STRANGE)
    seq = 4_000
    for number in range(BOOKS):
        time = start + timedelta(milliseconds=20 * number)
        seq += 1 if number % 2 else 3
        asks, bids = map(_wide, _sides(number))
        _spoil(number % 10, asks, bids)
        action = "increment" if number % 10 == 8 else "partial"
        arrival, data = _book(time, time + timedelta(seconds=2), seqNum=seq, asks=asks, bids=bids)
        data["instrumentId"] = SWAP.lower()  # in another case than it is listed
        yield line(arrival, {"table": "depth", "data": data, "action": action})
    for number in range(40):
        time = start + timedelta(seconds=10 + number)
        print_ = {"side": "buy", "quantity": "0.5", "price": str(100 + number), "marketCode": SWAP,
                  "tradeId": "7", "timestamp": str(round(time.timestamp() * 1000))}  # fmt: skip
        yield line(time, {"data": [print_], "table": "trade"})
    yield line(start + timedelta(seconds=5), "no message")


def _spoil(place: int, asks: _Levels, bids: _Levels) -> None:
    """Do something else to each of seven books in ten."""
    match place:
        case 1:
            bids[0][0] = 101.5  # crossed
        case 2:
            bids[0][0] = 101.0  # locked
        case 3:
            asks.reverse()
        case 4:
            asks.append(list(asks[-1]))
        case 5:
            asks[0][1] = 0.0
        case 6:
            asks[0][2] = 7.0
        case 7:
            bids.append([-1.0, 1.0, 0, 0])


def _missed() -> Iterator[str]:
    time, seq = midnight(MISSED), 1651000000000000000
    for number in range(BOOKS):
        step = 3 if number % 3 == 0 else 1
        time, seq = time + timedelta(milliseconds=60 * step), seq + step
        asks, bids = map(_wide, _sides(number))
        summed = json.dumps(asks, separators=(",", ":")) + json.dumps(bids, separators=(",", ":"))
        checksum = zlib.crc32(summed.encode())
        signed = checksum - 2**32 if checksum >= 2**31 else checksum
        arrival, data = _book(
            time, time, seqNum=seq, checksum=signed, asks=asks, bids=[] if number == 9 else bids
        )
        yield line(arrival, {"table": "depth", "data": [data], "action": "partial"})


def _new() -> Iterator[str]:
    start, seq = midnight(NEW), 4 * 10**15 + 1664000000 * 10**5
    for number in range(BOOKS):
        time = start + timedelta(milliseconds=100 * number)
        seq += 10**10 if number == 60 else 1  # the engine began anew
        asks, bids = _sides(number)
        text = "".join(f"[{','.join(f'[{p!r},{q!r}]' for p, q in side)}]" for side in (asks, bids))
        arrival, data = _book(
            time, time + timedelta(milliseconds=5), seqNum=str(seq),
            checksum=zlib.crc32(text.encode()), asks=asks, bids=bids,
        )  # fmt: skip
        data["marketCode"] = data.pop("instrumentId")
        yield line(arrival, {"table": "depth", "data": data})
