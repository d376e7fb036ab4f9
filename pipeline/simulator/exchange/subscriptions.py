"""Who is to be sent what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from pipeline.channels import FULL_DEPTH, canonical_channel
from pipeline.simulator.exchange.wire import CUTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from pipeline.simulator.feed import Event

__all__ = ["ALL", "Subscription", "Subscriptions", "parse_subscription"]

ALL: Final = "all"
_CHANNELS: Final = (FULL_DEPTH, *CUTS, "trade", "ticker", "market")
_FOR_ALL: Final = ("ticker", "market")
_T = TypeVar("_T")

Subscription = tuple[str, str]


def parse_subscription(text: object, markets: AbstractSet[str]) -> Subscription | None:
    """Return the channel and the market that CHANNEL:MARKET names; None if there is no such.

    `futures/depth` and `depth` are one channel; `all` is a market of ticker and market alone.
    """
    if not isinstance(text, str):
        return None
    name, _, market = text.partition(":")
    channel = canonical_channel(name)
    if channel not in _CHANNELS:
        return None
    known = market in markets or (market == ALL and channel in _FOR_ALL)
    return (channel, market) if known else None


class Subscriptions(Generic[_T]):
    """The subscriptions of all subscribers; each of them is served in the order they came in.

    A channel of two names is served under the one it was last subscribed as.
    """

    def __init__(self) -> None:
        self._subscribers: dict[Subscription, dict[_T, str]] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return sum(map(len, self._subscribers.values()))

    def add(self, subscriber: _T, subscription: Subscription, name: str = "") -> None:
        """Serve the subscriber from the next event on; twice is as once.

        `name` is the channel as the subscriber spells it, where that is not the subscription's.
        """
        self._subscribers.setdefault(subscription, {})[subscriber] = name or subscription[0]
        self._changed.set()

    def remove(self, subscriber: _T, subscription: Subscription) -> None:
        """Serve the subscriber no longer; nothing happens if it was not served."""
        self._subscribers.get(subscription, {}).pop(subscriber, None)

    def drop(self, subscriber: _T) -> None:
        """Forget a subscriber."""
        for subscribers in self._subscribers.values():
            subscribers.pop(subscriber, None)

    def of(self, event: Event) -> Iterator[tuple[str, str, _T]]:
        """Yield who gets an event, as which channel, and how the subscriber spells that."""
        if event.channel == FULL_DEPTH:
            for channel in (FULL_DEPTH, *CUTS):
                subscribers = self._subscribers.get((channel, event.market), {})
                for subscriber, name in [*subscribers.items()]:
                    yield channel, name, subscriber
            return
        every = self._subscribers.get((event.channel, ALL), {})
        # Who asked for one market and for all of them is sent a message once.
        for subscriber in [*(every | self._subscribers.get((event.channel, event.market), {}))]:
            yield event.channel, event.channel, subscriber

    async def reach(self, count: int) -> None:
        """Return as soon as so many subscriptions stand."""
        while len(self) < count:
            self._changed.clear()
            await self._changed.wait()
