"""One minute of a day and one market in it, to be held against other ways to get the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from pipeline.channels import FULL_DEPTH, canonical_channel
from pipeline.slice_file import read_lines
from pipeline.stamp import split_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from pipeline.doctor.real.sampling import Sample

__all__ = ["Book", "Choice", "books_in", "choice_of"]


class _Item(msgspec.Struct, rename="camel"):
    instrument_id: str | None = None
    market_code: str | None = None
    asks: list[list[float]] = []
    bids: list[list[float]] = []


class _Message(msgspec.Struct):
    table: str | None = None
    data: list[_Item] | _Item = msgspec.field(default_factory=list)


_decode: Final = msgspec.json.Decoder(_Message).decode

Side = dict[float, float]


class Book(NamedTuple):
    """A full-depth message: when it arrived (microseconds UTC), whose it is, price → amount."""

    arrival: int
    instrument: str
    bids: Side
    asks: Side


class Choice(NamedTuple):
    """A minute (0 to 1439) of a day, its busiest instrument, and all books in it, in order."""

    day: date
    minute: int
    instrument: str
    books: list[Book]

    @property
    def own(self) -> list[Book]:
        """The books of the instrument."""
        return [book for book in self.books if book.instrument == self.instrument]


def choice_of(sample: Sample, day: date) -> Choice | None:
    """Return the first minute of a day that has a book; None if there is none."""
    for minute in sample.minutes[day]:
        books = list(books_in(sample.path(day, minute)))
        if books:
            counts = Counter(book.instrument for book in books)
            busiest = max(counts, key=lambda name: (counts[name], name))
            return Choice(day, minute, busiest, books)
    return None


def books_in(path: Path) -> Iterator[Book]:
    """Yield the books of a slice, read with a JSON decoder alone."""
    for line in read_lines(path):
        try:
            arrival, payload = split_line(line)
            message = _decode(payload)
        except (ValueError, msgspec.MsgspecError):
            continue  # a disconnect, or what is counted elsewhere
        if canonical_channel(message.table or "") != FULL_DEPTH:
            continue
        for item in message.data if isinstance(message.data, list) else [message.data]:
            name = item.instrument_id or item.market_code or "?"
            yield Book(arrival, name, _side(item.bids), _side(item.asks))


def _side(levels: list[list[float]]) -> Side:
    return {level[0]: level[1] for level in levels}
