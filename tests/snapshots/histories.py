"""Partitions of `depth` made by hand, and what the rules say of them, slowly.

A history is days of messages. Its partitions are laid down as the lake's are: changes against the
message before, a whole book beside them every so often, a group of rows beginning with one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.lake import Lake
from pipeline.parquet import arrow_schema
from pipeline.replay import ASKS, BIDS
from pipeline.schemas import DEPTH
from pipeline.times import DAY_US

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.snapshots.tables import Snapshots

Side = dict[float, float]
Top = tuple[list[tuple[float, float]], list[tuple[float, float]]]
# What was asked for (None: on change), when its message arrived (None: unknown), the levels.
Seen = tuple[int | None, int | None, Top]

NAME = "A"
FIRST_DAY = (date(2020, 8, 1) - date(1970, 1, 1)).days
MIDNIGHT = FIRST_DAY * DAY_US


@dataclass(frozen=True)
class Message:
    """A message: when it arrived, in microseconds of its day; its bids and asks, None: no book.

    `broken_from`: from when on, after it, the feed was broken.
    """

    time: int
    bids: Side | None = field(default_factory=dict)
    asks: Side = field(default_factory=dict)
    broken_from: int | None = None


@dataclass(frozen=True)
class Day:
    """A day of messages, and from when on the feed was broken before the first of them, if it was.

    A keyframe every few messages, a group of at least so many rows.
    """

    number: int
    messages: list[Message]
    broken_from: int | None = None
    keyframe_every: int = 3
    rows_in_group: int = 4


def write(data: Path, days: list[Day]) -> Lake:
    """Lay a history down; return the lake."""
    lake = Lake(data, "coinflex")
    for day in days:
        path = lake.partition(DEPTH.name, NAME, date.fromordinal(719_163 + day.number))
        path.parent.mkdir(parents=True)
        with pq.ParquetWriter(path, arrow_schema(DEPTH)) as writer:
            for group in groups(day):
                table = pa.Table.from_pylist(group, arrow_schema(DEPTH))
                writer.write_table(table, row_group_size=len(group))
    return lake


def groups(day: Day) -> list[list[dict[str, Any]]]:
    """Return a day's rows, cut where a group may begin."""
    found: list[list[dict[str, Any]]] = [[]]
    for row in rows(day):
        is_start = row.get("keyframe") in (None, row["message"])
        if is_start and len(found[-1]) >= day.rows_in_group:
            found.append([])
        found[-1].append(row)
    return found


def rows(day: Day) -> list[dict[str, Any]]:
    """Return a day's rows of depth, as far as books need them."""
    found: list[dict[str, Any]] = []
    start = day.number * DAY_US
    book: tuple[Side, Side] = ({}, {})
    keyframe = since = 0
    fresh = True
    for number, message in enumerate(day.messages):
        row: dict[str, Any] = {"message": number, "local_timestamp": start + message.time}
        row["timestamp"] = None if number % 5 == 4 else start + message.time - 1000
        row["reset"] = fresh and message.bids is not None
        if number == 0:
            first = min(message.time, message.time if day.broken_from is None else day.broken_from)
            row["carry_until"] = start + first
        before = ({}, {}) if fresh else book
        book = (message.bids or {}, message.asks)
        if message.bids is None:
            row |= changes(({}, {}), ({}, {}))
        else:
            row |= changes(before, book)
            row |= {"bid_levels": len(book[0]), "ask_levels": len(book[1])}
            since = 0 if fresh else since + 1
            if since % day.keyframe_every == 0:
                row |= lists("book_bid", book[0], best=-1) | lists("book_ask", book[1], best=1)
                keyframe = number
            row["keyframe"] = keyframe
        fresh = message.bids is None or message.broken_from is not None
        found.append(row)
    until = start + DAY_US
    for row, message in zip(reversed(found), reversed(day.messages), strict=True):
        ends = [until]
        if message.bids is None:
            ends.append(start + message.time)
        elif message.broken_from is not None:
            ends.append(start + message.broken_from)
        row["valid_until"] = min(ends)
        until = min(row["valid_until"], row["local_timestamp"])
    return found


def changes(before: tuple[Side, Side], after: tuple[Side, Side]) -> dict[str, list[float]]:
    """Return the lists of changes that lead from one book to another."""
    found: dict[str, list[float]] = {}
    for number, (side, best) in enumerate((("bid", -1), ("ask", 1))):
        old, new = before[number], after[number]
        changed = {price: amount for price, amount in new.items() if old.get(price) != amount}
        changed |= dict.fromkeys(old.keys() - new.keys(), 0.0)
        found |= lists(f"{side}_change", changed, best)
    return found


def lists(name: str, levels: Side, best: int) -> dict[str, list[float]]:
    """Return levels as two columns of lists, best first."""
    ordered = sorted(levels.items(), key=lambda level: best * level[0])
    return {
        f"{name}_price": [price for price, _ in ordered],
        f"{name}_amount": [amount for _, amount in ordered],
    }


def top(message: Message, depth: int) -> Top:
    """Return a book's top levels."""
    bids = sorted((message.bids or {}).items(), reverse=True)
    return bids[:depth], sorted(message.asks.items())[:depth]


def changed(days: list[Day], start: int, end: int, depth: int) -> list[tuple[int, Top]]:
    """Return arrival and top of each message of [start, end) that changed its top, as the rule is.

    A row where the top differs from that of the message before, or where no book was known just
    before; of days the lake has, those whose files may hold arrivals of the range.
    """
    found = []
    before: tuple[Day, Message, dict[str, Any]] | None = None
    for day in sorted(days, key=lambda day: day.number):
        for message, row in zip(day.messages, rows(day), strict=True):
            if message.bids is not None:
                known = before is not None and stands_up_to(before, day, row)
                same = known and before is not None and top(before[1], depth) == top(message, depth)
                if not same and start <= row["local_timestamp"] < end:
                    found.append((row["local_timestamp"], top(message, depth)))
            before = day, message, row
    return found


def stands_up_to(
    before: tuple[Day, Message, dict[str, Any]], day: Day, row: dict[str, Any]
) -> bool:
    """Say whether the book of a row stands until the one after it."""
    of, message, last = before
    if message.bids is None:
        return False
    if of.number == day.number:
        return not row["reset"]
    at_end = last["valid_until"] >= (of.number + 1) * DAY_US and of.number + 1 == day.number
    return bool(at_end and row["carry_until"] >= row["local_timestamp"])


def standing(days: list[Day], time: int) -> tuple[int, Message] | None:
    """Return arrival and message of the book that stands at a time, by a look at every row."""
    by_number = {day.number: day for day in days}
    day = by_number.get(time // DAY_US)
    if day is None:
        return None
    for message, row in zip(day.messages, rows(day), strict=True):
        if row["valid_until"] > time:
            if row["local_timestamp"] <= time:
                return row["local_timestamp"], message
            if row.get("carry_until", 0) <= time or day.number - 1 not in by_number:
                return None
            return carried(by_number[day.number - 1], time)
    return None


def carried(day: Day, time: int) -> tuple[int, Message] | None:
    """Return arrival and message of the last book of a day, at a time after its end."""
    found = [
        (row["local_timestamp"], message)
        for message, row in zip(day.messages, rows(day), strict=True)
        if row["valid_until"] >= (day.number + 1) * DAY_US and row["local_timestamp"] <= time
    ]
    return found[-1] if found and found[-1][1].bids is not None else None


def seen_in(found: Iterable[Snapshots]) -> list[Seen]:
    """Return time, arrival and top of each book, in order."""
    seen = []
    for piece in found:
        times = [None] * len(piece) if piece.times is None else piece.times.tolist()
        arrivals = piece.local_timestamp.cast("int64").to_pylist()
        for number, (time, arrival) in enumerate(zip(times, arrivals, strict=True)):
            top = levels_of(piece, number, BIDS), levels_of(piece, number, ASKS)
            seen.append((time, arrival, top))
    return seen


def levels_of(piece: Snapshots, number: int, side: int) -> list[tuple[float, float]]:
    """Return the levels of a side."""
    count = piece.tops.levels[number, side]
    prices = piece.tops.price[number, side, :count].tolist()
    return list(zip(prices, piece.tops.amount[number, side, :count].tolist(), strict=True))
