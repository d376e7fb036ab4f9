"""What must be in the lake: of all that was received the simplest reading, frame by frame.

json, dicts and lists; nothing of it is shared with the pipeline. Times are microseconds UTC, of
the arrival clock where nothing else is said.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.simulator.feed import Event
    from tests.faults.received import Arrived, Visit

__all__ = [
    "DAY_US", "Book", "Model", "Stretch", "let_stand", "model_of", "number", "take", "unknown",
]  # fmt: skip

DAY_US: Final = 86_400_000_000
_TABLES: Final = {
    "depth": "depth",
    "futures/depth": "depth",
    "trade": "trades",
    "ticker": "tickers",
}
_TICKER: Final = {
    "last_price": "last", "last_amount": "lastQty", "open_24h": "open24h", "high_24h": "high24h",
    "low_24h": "low24h", "volume_24h": "volume24h", "currency_volume_24h": "currencyVolume24h",
    "open_interest": "openInterest", "mark_price": "markPrice", "last_mark_price": "lastMarkPrice",
}  # fmt: skip
# A step of seqNum up to so much, and so much a second, is what was missed; else it is a restart.
_PLAUSIBLE: Final = 1000

Stretch = tuple[int, int]  # [start, stop)
Side = dict[float, float]


@dataclass
class Book:
    """A row of `depth`, and the book that stands after it; `row` has what the lake is to say."""

    visit: int
    bids: Side
    asks: Side
    row: dict[str, Any]


@dataclass
class Model:
    """What must be in the lake, by market; `order` is the table and market of each row, in order.

    `connected` are the stretches of connections on which trades of a market could be received, from
    the first line to the last, `live` those from the first line with data.
    """

    depth: dict[str, list[Book]] = field(default_factory=lambda: defaultdict(list))
    trades: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    tickers: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    order: list[tuple[str, str]] = field(default_factory=list)
    quarantine: list[str] = field(default_factory=list)
    control: int = 0
    foreign: int = 0
    day: int = 0
    connected: dict[str, list[Stretch]] = field(default_factory=lambda: defaultdict(list))
    live: dict[str, list[Stretch]] = field(default_factory=lambda: defaultdict(list))
    standing: dict[str, list[Stretch]] = field(default_factory=lambda: defaultdict(list))


def model_of(visits: Sequence[Visit], events: Sequence[Event]) -> Model:
    """Read what was received on each connection; `events` are what there was to receive."""
    model = Model()
    for visit in visits:
        model.day = visit.frames[0].at // DAY_US * DAY_US
        began: int | None = None
        for arrived in visit.frames:
            if take(model, arrived, visit.log.number) and began is None:
                began = arrived.at
        end = visit.frames[-1].at + 1
        for market in {event.market for event in events}:
            if _stands(f"trade:{market}", visit):
                model.connected[market].append((visit.frames[0].at, end))
                if began is not None:
                    model.live[market].append((began, end))
        let_stand(model, visit.log.number, end)
    for market, books in model.depth.items():
        number(books)
        _check_missed(books, [e for e in events if (e.channel, e.market) == ("depth", market)])
    return model


def take(model: Model, arrived: Arrived, visit: int) -> bool:
    """Take in one frame; tell whether it has data that can be read."""
    message = _read(arrived.frame.payload)
    if message is None:
        model.quarantine.append(arrived.line.frame.decode("utf-8", "backslashreplace"))
        return False
    if "table" not in message:
        model.control += 1
        return False
    table = _TABLES.get(message["table"])
    if table is None:
        model.foreign += 1
        return False
    for item in message["data"]:
        market = item.get("instrumentId") or item["marketCode"]
        row: dict[str, Any] = {
            "local_timestamp": arrived.at,
            "timestamp": int(item["timestamp"]) * 1000,
        }
        if table == "depth":
            row["_at"] = arrived.frame.at
            book = _book(item, message.get("action"), row, visit)
            model.depth[market].append(book)
        elif table == "trades":
            model.trades[market].append(row | _trade(item))
        else:
            values = {name: _number_or_none(item.get(key)) for name, key in _TICKER.items()}
            model.tickers[market].append(row | values)
        model.order.append((table, market))
    return True


def _read(payload: bytes) -> dict[str, Any] | None:
    """Return what a frame says; None if it is no JSON object in UTF-8."""
    try:
        message = json.loads(payload.decode("utf-8"))
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _stands(subscription: str, visit: Visit) -> bool:
    """Tell whether a subscription was granted on a connection."""
    answers = (_read(a.frame.payload) or {} for a in visit.frames if a.frame.kind == "answer")
    return any(said.get("channel") == subscription and said["success"] for said in answers)


def _trade(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": item["tradeId"],
        "side": item["side"].lower(),
        "price": float(item["price"]),
        "amount": float(item["quantity"]),
    }


def _number_or_none(text: str | None) -> float | None:
    return None if text is None else float(text)


def _book(item: dict[str, Any], action: str | None, row: dict[str, Any], visit: int) -> Book:
    sides = {}
    for name in ("bids", "asks"):
        sides[name] = {float(level[0]): float(level[1]) for level in item[name]}
        best = next(iter(sides[name].items()), (None, None))
        row[f"{name[:-1]}_price"], row[f"{name[:-1]}_amount"] = best
        row[f"{name[:-1]}_levels"] = len(item[name])
    row |= {
        "channel": "depth",
        "action": action,
        "seq_num": item["seqNum"],
        "checksum": item["checksum"] or None,
        "checksum_status": _checksum_status(item),
        "irregular": False,
    }
    return Book(visit, sides["bids"], sides["asks"], row)


def _checksum_status(item: dict[str, Any]) -> str:
    if not item["checksum"]:
        return "absent"
    if any(len(level) != 2 for level in item["asks"] + item["bids"]):
        return "unverifiable"
    text = "".join(json.dumps(item[side], separators=(",", ":")) for side in ("asks", "bids"))
    fits = (zlib.crc32(text.encode()) - item["checksum"]) % 2**32 == 0
    return "ok" if fits else "mismatch"


# --- what follows from one book to the next -------------------------------------------------------


def let_stand(model: Model, visit: int, end: int) -> None:
    """Let books stand until the next one of the same connection, or its end."""
    for market, books in model.depth.items():
        there = [book for book in books if book.visit == visit]
        for book, following in pairwise(there):
            book.row["valid_until"] = following.row["local_timestamp"]
        if there:
            there[-1].row["valid_until"] = end
            model.standing[market].append((there[0].row["local_timestamp"], end))


def number(books: list[Book]) -> None:
    """Say of each book what its seqNum says, against the one before."""
    epoch = 0
    before: Book | None = None
    for book in books:
        row = book.row
        broken = before is not None and book.visit != before.visit
        step = None if before is None else row["seq_num"] - before.row["seq_num"]
        lost = None
        if before is not None and step is not None:
            elapsed_ms = (row["timestamp"] - before.row["timestamp"]) // 1000
            if 0 <= step <= max(_PLAUSIBLE, _PLAUSIBLE * elapsed_ms // 1000):
                lost = max(step - 1, 0)
            else:
                epoch += 1
        row |= {
            "seq_step": step,
            "missed": None if broken else lost,
            "missed_in_gap": lost if broken else None,
            "epoch": epoch,
            "duplicate": step == 0,
            "reset": before is None or broken,
            "crossed": _crossed(row),
        }
        before = book


def _crossed(row: dict[str, Any]) -> bool:
    bid, ask = row["bid_price"], row["ask_price"]
    return bid is not None and ask is not None and bid >= ask


def _check_missed(books: list[Book], events: list[Event]) -> None:
    """Hold what seqNum says against the books that there were: it must count them exactly.

    Where an engine was started anew seqNum says nothing of the books between.
    """
    places = {event.at: place for place, event in enumerate(events)}
    sent = {place: json.loads(event.payload)["data"][0]["seqNum"] for place, event in
            enumerate(events)}  # fmt: skip
    for before, book in pairwise(books):
        one, other = places[before.row["_at"]], places[book.row["_at"]]
        restarted = book.row["seq_num"] - before.row["seq_num"] != sent[other] - sent[one]
        lost = [book.row[name] for name in ("missed", "missed_in_gap")]
        if not restarted and other >= one:
            assert sorted(lost, key=str) == sorted([max(other - one - 1, 0), None], key=str)


def unknown(known: Sequence[Stretch], day: int) -> list[Stretch]:
    """Return the rest of the day, which begins at `day`; stretches that touch are one."""
    return [*_rest(sorted(known), day)]


def _rest(known: list[Stretch], day: int) -> Iterator[Stretch]:
    at = day
    for start, stop in known:
        if start > at:
            yield at, start
        at = max(at, stop)
    if at < day + DAY_US:
        yield at, day + DAY_US
