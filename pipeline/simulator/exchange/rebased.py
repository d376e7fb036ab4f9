"""A feed whose timestamps are moved to now, so that a demo of old data looks live."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.simulator.feed import Event, Feed, Market

__all__ = ["Rebased"]

_TIMESTAMP: Final = re.compile(rb'("timestamp"\s*:\s*"?)(\d+)')


class Rebased:
    """A feed moved in time: its first timestamp becomes the moment at which it is played.

    All are moved by as much, so at another speed than 1 they run away from the clock again.
    `wall` tells seconds UTC since 1970. A timestamp that had fewer digits than now has makes its
    message longer; nothing else changes.
    """

    def __init__(self, feed: Feed, wall: Callable[[], float]) -> None:
        self._feed = feed
        self._wall = wall

    @property
    def markets(self) -> Sequence[Market]:
        """The markets of the feed; when they were listed stays as it was."""
        return self._feed.markets

    def events(self) -> Iterator[Event]:
        """Yield the events of the feed with later timestamps."""
        shift: int | None = None
        for event in self._feed.events():
            first = _TIMESTAMP.search(event.payload)
            if shift is None and first is not None:
                shift = round(self._wall() * 1000) - int(first[2])
            yield event if shift is None else _moved(event, shift)


def _moved(event: Event, shift: int) -> Event:
    def later(match: re.Match[bytes]) -> bytes:
        return match[1] + str(int(match[2]) + shift).encode()

    return event._replace(payload=_TIMESTAMP.sub(later, event.payload))
