"""One minute of a day and one market in it, to be held against other ways to get the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec

from pipeline.channels import FULL_DEPTH, canonical_channel
from pipeline.slice_file import read_lines
from pipeline.stamp import split_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from pipeline.doctor.real.sampling import Sample

__all__ = ["Book", "Choice", "choice_of", "names_in"]


class _Item(msgspec.Struct, rename="camel"):
    instrument_id: str | None = None
    market_code: str | None = None
    asks: msgspec.Raw = msgspec.Raw(b"[]")
    bids: msgspec.Raw = msgspec.Raw(b"[]")

    @property
    def name(self) -> str:
        return self.instrument_id or self.market_code or "?"


class _Message(msgspec.Struct):
    table: str | None = None
    data: list[_Item] | _Item = msgspec.field(default_factory=list)


_decode: Final = msgspec.json.Decoder(_Message).decode
_decode_side: Final = msgspec.json.Decoder(list[list[float]]).decode

Side: TypeAlias = dict[float, float]


class Book(NamedTuple):
    """A full-depth message: when it arrived (microseconds UTC), price → amount of its sides."""

    arrival: int
    bids: Side
    asks: Side


class Choice(NamedTuple):
    """A minute (0 to 1439) of a day, and the books of its busiest instrument in it, in order."""

    day: date
    minute: int
    instrument: str
    books: list[Book]


def choice_of(sample: Sample, day: date) -> Choice | None:
    """Return the first minute of a day that has a book; None if there is none."""
    for minute in sample.minutes[day]:
        path = sample.path(day, minute)
        counts = names_in(path)
        if counts:
            busiest = max(counts, key=lambda name: (counts[name], name))
            return Choice(day, minute, busiest, list(_books_of(path, busiest)))
    return None


def names_in(path: Path) -> Counter[str]:
    """Return how many full-depth books a slice has, by instrument."""
    return Counter(item.name for _, item in _items(path))


def _books_of(path: Path, instrument: str) -> Iterator[Book]:
    for arrival, item in _items(path):
        if item.name == instrument:
            yield Book(arrival, _side(item.bids), _side(item.asks))


def _items(path: Path) -> Iterator[tuple[int, _Item]]:
    """Yield the full-depth objects of a slice and their arrival, read by a JSON decoder alone."""
    for line in read_lines(path):
        try:
            arrival, payload = split_line(line)
            message = _decode(payload)
        except (ValueError, msgspec.MsgspecError):
            continue  # a disconnect, or what is counted elsewhere
        if canonical_channel(message.table or "") == FULL_DEPTH:
            items = message.data if isinstance(message.data, list) else [message.data]
            yield from ((arrival, item) for item in items)


def _side(text: msgspec.Raw) -> Side:
    return {level[0]: level[1] for level in _decode_side(text)}
