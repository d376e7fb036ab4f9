"""Makes lines of REST slices for tests: questions, and what the exchange answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pipeline.answer_line import DEPTH, MARKETS, TRADES, wrapped
from pipeline.slices import REST, REST_CHANNELS, Request
from tests.lakes import EXCHANGE
from tests.making import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime


HOST: Final = "api.example.com"
OF_REST: Final = Request(EXCHANGE, REST, REST_CHANNELS, None, HOST)
OF_FEED: Final = Request(EXCHANGE, "live", ("depth", "trade", "ticker"), None, HOST)

# Side, price, amount, milliseconds UTC: all that REST says of a trade of a market.
Print = tuple[str, float, float, int]


def answered(time: datetime, endpoint: str, query: dict[str, str], **said: Any) -> str:
    """Return the line of an answer."""
    answer = json.dumps({"success": True} | said, separators=(",", ":")).encode()
    return line(time, wrapped(endpoint, query, answer).decode())


def markets(time: datetime, *sizes: tuple[str, str, str]) -> str:
    """Return the line of an answer with markets: of each its name, tick size and smallest size."""
    data = [
        {"marketCode": name, "name": name, "type": "SPOT", "tickSize": tick, "minSize": least,
         "listedAt": "1593345600000", "markPrice": str(time.microsecond)}
        for name, tick, least in sizes
    ]  # fmt: skip
    return answered(time, MARKETS, {}, data=data)


def depth(time: datetime, market: str, bids: Sequence[Any], asks: Sequence[Any]) -> str:
    """Return the line of an answer with the best levels of a book, of the time of its arrival."""
    at = str(round(time.timestamp() * 1000))
    data = {"marketCode": market, "lastUpdatedAt": at, "asks": asks, "bids": bids}
    query = {"marketCode": market, "level": "100"}
    return answered(time, DEPTH, query, level="100", data=data)


def trades(time: datetime, market: str, prints: Iterable[Print]) -> str:
    """Return the line of an answer with trades, in the order that is given."""
    data = [
        {"marketCode": market, "matchPrice": str(price), "matchQuantity": str(amount),
         "side": side.upper(), "matchedAt": str(at)}
        for side, price, amount, at in prints
    ]  # fmt: skip
    query = {"marketCode": market, "limit": "300", "startTime": "0", "endTime": "1"}
    return answered(time, TRADES, query, data=data)
