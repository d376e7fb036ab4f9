"""An independent, simple reading of slices: gzip, json, a dict, a scan. Slow, and nothing shared.

Tests hold the lake and the SQL against it. Its rule: a message is a whole book, which stands until
the next message, just after the last line before an empty line, the start of a minute that was not
fetched, or the end of what was fetched.
"""

from __future__ import annotations

import gc
import gzip
import json
from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

Levels = list[tuple[float, float]]
Book = tuple[Levels, Levels]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


@dataclass
class Message:
    """A full-depth message: arrival (microseconds), its book, until when it stands, its JSON.

    `broken` says that a hole ended it, and not the message after it.
    """

    arrival: int
    book: Book
    data: dict[str, Any]
    until: int | None = None
    broken: bool = False

    @property
    def timestamp(self) -> int | None:
        """The exchange's own time in microseconds, if it gave one."""
        given = self.data.get("timestamp")
        return None if given is None else int(given) * 1000


@dataclass
class Reading:
    """Full-depth messages and trades of each instrument, in line order."""

    depth: dict[str, list[Message]] = field(default_factory=dict)
    trades: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    holes: list[int] = field(default_factory=list)

    def standing_at(self, instrument: str, time: int) -> Message | None:
        """Return the message whose book stands at a time, None where it is unknown."""
        messages = self.depth.get(instrument, [])
        place = bisect_right(messages, time, key=attrgetter("until"))  # these never fall
        if place == len(messages) or time < messages[place].arrival:
            return None
        return messages[place]

    def book_at(self, instrument: str, time: int) -> Book | None:
        """Return the book at a time, None where it is unknown."""
        found = self.standing_at(instrument, time)
        return found.book if found else None

    def end_all(self, time: int) -> None:
        """From a time on, no book is known until its next message."""
        self.holes.append(time)
        for name in self.depth:
            self.end(name, time)

    def end(self, instrument: str, time: int) -> None:
        """From a time on, no book of an instrument is known until its next message."""
        messages = self.depth.get(instrument, [])
        if messages and messages[-1].until is None:
            messages[-1].broken = True
        _end(messages, time)


def _end(messages: list[Message], time: int) -> None:
    """Let no book stand from a time on: several where lines came late, or a clock stepped back."""
    for message in reversed(messages):
        if message.until is not None and message.until <= time:
            break
        message.until = time


def in_microseconds(time: datetime) -> int:
    """Return microseconds since 1970."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def book_of(data: dict[str, Any]) -> Book:
    """Return a message's sides, best first."""
    bids = {float(level[0]): float(level[1]) for level in data["bids"] if level[1] != 0}
    asks = {float(level[0]): float(level[1]) for level in data["asks"] if level[1] != 0}
    return sorted(bids.items(), reverse=True), sorted(asks.items())


def read(
    folder: Path, start: datetime, end: datetime, lacking: Collection[datetime] = ()
) -> Reading:
    """Read [start, end): a minute without a file is empty, unless it is said to be lacking."""
    reading = Reading()
    with _all_is_kept():
        _read(reading, folder, (start, end), lacking)
    reading.end_all(in_microseconds(end))
    return reading


def _read(
    reading: Reading, folder: Path, span: tuple[datetime, datetime], lacking: Collection[datetime]
) -> None:
    last = 0
    minute, end = span
    while minute < end:
        path = folder / f"{minute:%Y/%m/%d/%H/%M}.json.gz"
        if minute in lacking:
            reading.end_all(in_microseconds(minute))
        elif path.exists():
            for text in _lines(path):
                if not text.strip():
                    reading.end_all(last + 1)
                    continue
                last = in_microseconds(datetime.fromisoformat(text[:26] + "+00:00"))
                _take(reading, last, json.loads(text[29:]))
        minute += _MINUTE


@contextmanager
def _all_is_kept() -> Iterator[None]:
    """Have no garbage looked for: there is none, and to look among millions takes half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for text in file:
            yield text.rstrip("\n")


def _take(reading: Reading, arrival: int, message: dict[str, Any]) -> None:
    table = message.get("table")
    data = message.get("data", [])
    for item in data if isinstance(data, list) else [data]:
        if table in {"futures/depth", "depth"}:
            name = item.get("instrumentId") or item.get("marketCode")
            if message.get("action") not in {None, "partial"}:
                reading.end(name, arrival)  # whatever it changed, the book is no longer known
                continue
            messages = reading.depth.setdefault(name, [])
            _end(messages, arrival)
            messages.append(Message(arrival, book_of(item), item))
        elif table == "trade":
            reading.trades.setdefault(item["marketCode"], []).append(item)
