"""A feed whose first seconds are rendered once and told over and over: for load tests.

A frame is cut at its clocks and counters when it is rendered; telling it again only puts other
digits between the parts. So a seam is no gap: sequence numbers and trade ids go on by one, clocks
by the length of a cycle. The book jumps back to that of the first frame, as it may, for each frame
of depth is a whole book; its checksum still holds, because it covers nothing but levels. A ticker's
figures of 24 hours begin again with each cycle.
"""

from __future__ import annotations

import re
from itertools import count, takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.simulator.feed import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.simulator.feed import Feed, Market

__all__ = ["RepeatedFeed"]

_SECOND: Final = 1_000_000  # times are whole microseconds since the feed began
_CLOCK: Final = b"timestamp"
# The digits of what moves on; a number may be text.
_MOVING: Final = re.compile(rb'"(seqNum|timestamp|tradeId)":"?(\d+)')

_Counter = tuple[str, str, bytes]  # channel, market, name


class _Frame(NamedTuple):
    """A frame in parts; each number says which part it is, and how much it grows with a cycle."""

    at: int
    channel: str
    market: str
    parts: list[bytes]
    numbers: list[tuple[int, int, int]]  # place, value in the first cycle, growth


class RepeatedFeed:
    """The first `seconds` of a feed, again and again without end.

    They are rendered and kept in memory when this is made: 50 markets of 100 levels take 4 MB
    a second. ValueError where nothing happens in them.
    """

    def __init__(self, feed: Feed, seconds: int) -> None:
        self._markets = feed.markets
        self._cycle = seconds * _SECOND
        events = list(takewhile(lambda event: event.at < seconds, feed.events()))
        if not events:
            raise ValueError(f"seconds were {seconds}, in which nothing happens; name more of them")
        growth = _growth(events)
        self._frames = [_cut(event, growth, seconds * 1000) for event in events]

    @property
    def markets(self) -> Sequence[Market]:
        """The markets of the feed that is repeated."""
        return self._markets

    def events(self) -> Iterator[Event]:
        """Begin anew with the first cycle, and yield every event; there is no last one."""
        for cycle in count():
            begun = cycle * self._cycle
            for at, channel, market, cut, numbers in self._frames:
                parts = cut.copy()
                for place, value, growth in numbers:
                    parts[place] = b"%d" % (value + growth * cycle)
                yield Event((begun + at) / _SECOND, channel, market, b"".join(parts))


def _growth(events: Sequence[Event]) -> dict[_Counter, int]:
    """Return by how much each counter goes on in a cycle: the next one begins one after its end."""
    first: dict[_Counter, int] = {}
    last: dict[_Counter, int] = {}
    for event in events:
        for name, digits in _MOVING.findall(event.payload):
            counter = event.channel, event.market, name
            first.setdefault(counter, int(digits))
            last[counter] = int(digits)
    return {counter: last[counter] - value + 1 for counter, value in first.items()}


def _cut(event: Event, growth: dict[_Counter, int], cycle_ms: int) -> _Frame:
    at, channel, market, payload = event
    parts: list[bytes] = []
    numbers = []
    end = 0
    for found in _MOVING.finditer(payload):
        name, digits = found.groups()
        parts += [payload[end : found.start(2)], digits]
        by = cycle_ms if name == _CLOCK else growth[channel, market, name]
        numbers.append((len(parts) - 1, int(digits), by))
        end = found.end()
    return _Frame(round(at * _SECOND), channel, market, [*parts, payload[end:]], numbers)
