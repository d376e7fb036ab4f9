"""When a subscription was last heard of: a feed that fell silent looks like a quiet market."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from pipeline.channels import canonical_channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["STALE_AFTER", "Freshness"]

# Seconds of silence after which a channel is stale. Books are a heartbeat of 50 to 100 ms, tickers
# come with each change of a market; a market may be without a trade for hours.
STALE_AFTER: Final[Mapping[str, float]] = {"depth": 15.0, "ticker": 300.0}


class Freshness:
    """Keeps, for each subscription that stands, when it was last heard of. Times are in seconds."""

    def __init__(self, stale_after: Mapping[str, float] = STALE_AFTER) -> None:
        self._stale_after = stale_after
        self._heard: dict[str, dict[str, float]] = defaultdict(dict)  # channel → market → when

    def expect(self, subscription: str, now: float) -> None:
        """Count the silence of a subscription from now on."""
        channel, _, market = subscription.partition(":")
        self._heard[canonical_channel(channel)].setdefault(market, now)

    def hear(self, table: str, market: str | None, now: float) -> None:
        """Take note of a message."""
        heard = self._heard.get(canonical_channel(table))
        if heard is not None and market in heard:
            heard[market] = now

    def silent(self, now: float) -> list[str]:
        """Return the subscriptions that have been silent for too long, as channel:market."""
        return [
            f"{channel}:{market}"
            for channel, market, when in self._all()
            if now - when > self._stale_after.get(channel, float("inf"))
        ]

    def stale_channel(self, now: float) -> str | None:
        """Return a channel none of whose subscriptions was heard of for too long, if there is one.

        One market may have fallen silent by itself; when all have, it is the connection.
        """
        for channel, heard in self._heard.items():
            limit = self._stale_after.get(channel)
            if limit is not None and heard and now - max(heard.values()) > limit:
                return channel
        return None

    def next_check(self, now: float) -> float:
        """Return when a channel may be stale at the earliest."""
        times = [
            max(heard.values()) + limit
            for channel, heard in self._heard.items()
            if heard and (limit := self._stale_after.get(channel)) is not None
        ]
        return max(now, min(times, default=now + 60.0))

    def _all(self) -> Iterable[tuple[str, str, float]]:
        for channel, heard in self._heard.items():
            for market, when in heard.items():
                yield channel, market, when
