"""What an independent reading says of books: a loop over messages, a dict, a sort."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.independent import Book, Levels, Message, Reading

_DAY = 86_400_000_000


class Stretch(NamedTuple):
    """A message's book stands in [start, end)."""

    start: int
    end: int
    message: Message


def stretches(reading: Reading, name: str, start: int, end: int) -> list[Stretch]:
    """Return each stretch that overlaps a range, cut at midnights, in order."""
    found = []
    for message in reading.depth.get(name, []):
        begin = message.arrival
        assert message.until is not None
        while begin < message.until:
            stop = min(message.until, (begin // _DAY + 1) * _DAY)
            if start < end and begin < end and stop > start:
                found.append(Stretch(begin, stop, message))
            begin = stop
    return found


def at_exchange_time(reading: Reading, name: str, time: int) -> Book | None:
    """Return the book of the last message whose [timestamp, next timestamp) holds a time."""
    hour = 3_600_000_000
    messages = [m for m in reading.depth.get(name, []) if -hour <= m.arrival - time < hour]
    found = None
    for message, after in pairwise(messages):
        if message.timestamp is None or after.timestamp is None or message.broken:
            continue
        if message.timestamp <= time < after.timestamp:
            found = message.book
    return found


def on_change(reading: Reading, name: str, start: int, end: int, depth: int) -> Iterator[Message]:
    """Yield the messages of a range whose best levels are not those of the book before them."""
    before: Message | None = None
    for message in reading.depth.get(name, []):
        known = before if before and not before.broken else None
        changed = known is None or _best(known.book, depth) != _best(message.book, depth)
        if changed and start <= message.arrival < end:
            yield message
        before = message


def tardis_grid(
    reading: Reading, name: str, start: int, end: int, step: int, depth: int
) -> Iterator[tuple[int, int, Book]]:
    """Yield timestamp, local_timestamp and book of each snapshot, `step` in milliseconds.

    As a client that goes from message to message: before a book is taken, what changed earlier is
    reported if the new message lies in a later step; the very first change is reported at once.
    """
    book: Book = ([], [])
    changed, initialized, last = False, False, 0
    for message in reading.depth.get(name, []):
        if start <= message.arrival < end and message.timestamp is not None:
            bucket, last_bucket = (time // 1000 // step for time in (message.timestamp, last))
            if changed and bucket > last_bucket:
                yield (last_bucket + 1) * step * 1000, message.arrival, book
                changed = False
            changed = changed or _best(book, depth) != _best(message.book, depth)
            book, last = message.book, message.timestamp
            if changed and not initialized:
                yield message.timestamp, message.arrival, book
                changed, initialized = False, True
        if message.broken:
            book, changed, initialized = ([], []), False, False


def by_tardis_rule(rows: Sequence[tuple[Any, ...]], *, obey: bool) -> dict[int, Book]:
    """Return the book after each local_timestamp, from rows of incremental_book_L2.

    The documented rule: the book is discarded where a row is of a snapshot and the one before was
    not. Without it (`obey`), rows are only applied.
    """
    sides: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}
    was_snapshot = False
    found: dict[int, Book] = {}
    for arrival, together in groupby(rows, itemgetter(3)):
        for *_, is_snapshot, side, price, amount in together:
            if obey and is_snapshot and not was_snapshot:
                sides = {"bid": {}, "ask": {}}
            was_snapshot = is_snapshot
            sides[side].pop(price, None)
            if amount != 0:
                sides[side][price] = amount
        found[arrival] = (sorted(sides["bid"].items(), reverse=True), sorted(sides["ask"].items()))
    return found


def bucketed(book: Book, ticks_of_one: int, ticks: int) -> list[tuple[Any, ...]]:
    """Return side, level, price, amount and levels of each bucket, exactly counted."""
    found: list[tuple[Any, ...]] = []
    for side, levels, rounded in zip(("bid", "ask"), book, (math.floor, math.ceil), strict=True):

        def bucket(level: tuple[float, float], rounded: Any = rounded) -> int:
            whole = Fraction(repr(level[0])) * ticks_of_one
            return int(rounded(whole / ticks))

        for number, (key, members) in enumerate(groupby(levels, bucket)):
            amounts = [amount for _, amount in members]
            price = float(Fraction(key * ticks, ticks_of_one))
            found.append((side, number, price, sum(amounts), len(amounts)))
    return found


def _best(book: Book, depth: int) -> tuple[Levels, Levels]:
    return book[0][:depth], book[1][:depth]
