"""The lake against raw, by an independent simple reading: gzip, json, a dict.

Nothing of normalize/ is used here, so that a mistake there can't hide. What it proves: the book of
every message that the lake has equals, level for level and number for number, the levels that
stand in that message's line of its slice, as does its keyframe where it has one; and that no
full-depth message is lacking of slices that count alone and have no quarantined line.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.verifying.plain import FULL_TABLES, Sides, book_in_lists, change, side_of
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

__all__ = ["BookComparison", "compare_books"]

_ROWS_AT_ONCE: Final = 2_000


@dataclass
class BookComparison:
    """How many books were compared, how many are equal, and the first that is not."""

    compared: int = 0
    equal: int = 0
    first_different: str | None = None

    def note(self, place: str, *, equal: bool) -> None:
        """Count one comparison."""
        self.compared += 1
        self.equal += equal
        if not equal and self.first_different is None:
            self.first_different = place


def compare_books(data: Path, exchange: str) -> BookComparison:
    """Compare every book of the lake's full channel with its line in raw."""
    comparison = BookComparison()
    with connect(data, exchange) as connection:
        names = connection.execute("select instrument from instruments order by all").fetchall()
        for (instrument,) in names:
            raw = _RawBooks(data / "raw" / exchange)
            for place, book in _rebuilt(connection, instrument):
                comparison.note(f"{instrument} {place}", equal=raw.at(*place) == book)
        for slice_, expected in _messages_by_slice(connection):
            there = _count_messages(data / "raw" / exchange / slice_)
            if there != expected:
                comparison.note(f"{slice_}: {there} messages in raw, {expected} used", equal=False)
    return comparison


def _messages_by_slice(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Return how many full-depth messages the lake has of each slice that counts alone."""
    return connection.execute(
        """select slice, count(message) from ingests left join depth_messages using (slice)
        where shadowed = 0 and quarantined = 0 group by slice order by slice"""
    ).fetchall()


def _count_messages(path: Path) -> int:
    """Count the full-depth books in a slice."""
    count = 0
    with gzip.open(path) as file:
        for line in file:
            message = json.loads(line[29:]) if line.strip() else {}
            if message.get("table") in FULL_TABLES:
                count += len(message["data"]) if isinstance(message["data"], list) else 1
    return count


def _rebuilt(
    connection: duckdb.DuckDBPyConnection, instrument: str
) -> Iterator[tuple[tuple[str, int, int], Sides | None]]:
    """Yield each message's place and its book, from nothing but what changed."""
    cursor = connection.cursor().execute(
        """select slice, line, item, reset, bid_change_price, bid_change_amount, ask_change_price,
        ask_change_amount, book_bid_price, book_bid_amount, book_ask_price, book_ask_amount
        from depth_rows where instrument = ? and bid_levels is not null order by date, message""",
        [instrument],
    )
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        for slice_, line, item, reset, *changes in rows:
            if reset:
                bids, asks = {}, {}
            change(bids, *changes[:2])
            change(asks, *changes[2:4])
            book = bids, asks
            keyframe = book_in_lists(changes[4:])
            # Where a keyframe stands beside the changes, both must say the same.
            yield (slice_, line, item), book if keyframe in (None, book) else None


class _RawBooks:
    """The books of slices, one slice in memory at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._slice: str | None = None
        self._lines: list[bytes] = []

    def at(self, slice_: str, line: int, item: int) -> Sides | None:
        """Return the sides that a line says, None if it is no full-depth message."""
        if slice_ != self._slice:
            with gzip.open(self._root / slice_) as file:
                self._lines = file.read().split(b"\n")
            self._slice = slice_
        message = json.loads(self._lines[line - 1][29:])
        if message.get("table") not in FULL_TABLES:
            return None
        data = message["data"]
        book = data[item] if isinstance(data, list) else data
        return side_of(book["bids"]), side_of(book["asks"])
