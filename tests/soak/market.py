"""A made market whose seconds are as long as a fast clock's: told at its pace, dated by it."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Final

from pipeline.simulator.feed import Event
from pipeline.simulator.market import GeneratedFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.simulator.feed import Market
    from tests.soak.clock import Clock

__all__ = ["FastMarket"]

_TIMESTAMP: Final = re.compile(rb'("timestamp":")(\d+)')
_TRADE_ID: Final = re.compile(rb'("tradeId":")(\d+)')
_IDS_A_START: Final = 10**9


class FastMarket:
    """A generated feed, drawn out so that its seconds last `clock.speed` of the clock's.

    Played `clock.speed` times as fast it comes as it was made, in no more messages a second than
    anybody can take, and says the clock's time. Each start begins anew, at the present, with other
    sequence numbers and trade ids than before: no two books of a market are the same, nor trades.
    """

    def __init__(self, seed: int, clock: Callable[[], Clock], books_per_second: int) -> None:
        self._seed = seed
        self._clock = clock
        self._books = books_per_second
        self._starts = count()

    @property
    def markets(self) -> Sequence[Market]:
        """Two markets."""
        return GeneratedFeed(self._seed).markets

    def events(self) -> Iterator[Event]:
        """Yield the events from now on."""
        number, clock = next(self._starts), self._clock()
        start, speed = clock.now(), clock.speed
        feed = GeneratedFeed(
            self._seed + number, levels=10, start=start, books_per_second=self._books
        )
        first = round(start.timestamp() * 1000)

        def later(found: re.Match[bytes]) -> bytes:
            return found[1] + b"%d" % (first + (int(found[2]) - first) * speed)

        def other(found: re.Match[bytes]) -> bytes:
            return found[1] + b"%d" % (int(found[2]) + number * _IDS_A_START)

        for event in feed.events():
            payload = _TRADE_ID.sub(other, _TIMESTAMP.sub(later, event.payload))
            yield Event(event.at * speed, event.channel, event.market, payload)
