"""What a feed tells, read without the package: exact numbers, from the text alone."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.simulator.feed import Event

Levels = list[tuple[Decimal, Decimal]]


def item(event: Event) -> dict[str, Any]:
    """Return the one object that a frame is about; fractions are Decimals."""
    (only,) = json.loads(event.payload, parse_float=Decimal)["data"]
    assert isinstance(only, dict)
    return only


def levels(event: Event, side: str) -> Levels:
    """Return price and amount of a book's side, "asks" or "bids", as they stand in the frame."""
    return [(Decimal(price), Decimal(amount)) for price, amount, *_ in item(event)[side]]


def by_market(events: Iterable[Event], *channels: str) -> dict[str, list[Event]]:
    """Return the events of some channels for each market, in order."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.channel in channels:
            found[event.market].append(event)
    return found
