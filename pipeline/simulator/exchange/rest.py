"""The public REST of the exchange, answered from what was played so far.

GET /v1/markets           markets: marketCode (all, if none is named)
GET /v1/tickers           the last tickers: marketCode
GET /v1/depth             the last book: marketCode, level
GET /v1/exchange-trades   trades, newest first: marketCode, limit, startTime, endTime

/v2 and /v3 answer the same: beside the socket of v2 REST came to be v3. "Now" is the feed's: the
latest time of all that was played.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.simulator.exchange.state import State
    from pipeline.simulator.feed import Market

__all__ = ["Rest", "error_response"]

_LEVEL: Final = 5
_LARGEST_LEVEL: Final = 100
_TRADES: Final = 300
_DAY_MS: Final = 86_400_000
_LONGEST_WINDOW_MS: Final = 7 * _DAY_MS
# Ticker channel → REST.
_TICKER_NAMES: Final = {
    "markPrice": "markPrice",
    "open24h": "open24h",
    "high24h": "high24h",
    "low24h": "low24h",
    "volume24h": "volume24h",
    "currencyVolume24h": "currencyVolume24h",
    "last": "lastTradedPrice",
    "lastQty": "lastTradedQuantity",
    "timestamp": "lastUpdatedAt",
}


class _RefusedError(Exception):
    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code, message)


def error_response(status: int, code: str, message: str) -> web.Response:
    """Return an error in the exchange's envelope."""
    return _response({"success": False, "code": code, "message": message}, status)


class Rest:
    """The answers to the public endpoints."""

    def __init__(self, markets: Sequence[Market], state: State) -> None:
        self._markets = {market.code: market for market in markets}
        self._state = state

    def routes(self, version: str) -> list[web.RouteDef]:
        """Return the endpoints under a version's path."""
        answers: dict[str, Callable[[Mapping[str, str]], dict[str, Any]]] = {
            "markets": self._tell_markets,
            "tickers": self._tell_tickers,
            "depth": self._tell_depth,
            "exchange-trades": self._tell_trades,
        }

        def handler(
            tell: Callable[[Mapping[str, str]], dict[str, Any]],
        ) -> Callable[[web.Request], Any]:
            async def handle(request: web.Request) -> web.Response:
                try:
                    return _response({"success": True} | tell(request.query))
                except _RefusedError as refused:
                    return error_response(400, refused.code, refused.message)

            return handle

        return [web.get(f"/{version}/{name}", handler(tell)) for name, tell in answers.items()]

    def _tell_markets(self, query: Mapping[str, str]) -> dict[str, Any]:
        return {"data": [self._market(market) for market in self._asked(query)]}

    def _market(self, market: Market) -> dict[str, str]:
        base, counter = [*market.code.split("-"), ""][:2]
        pair = f"{base}/{counter}"
        rest = market.code.removeprefix(f"{base}-{counter}").replace("-", " ")
        return {
            "marketCode": market.code,
            "name": pair + rest,
            "referencePair": pair,
            "base": base,
            "counter": counter,
            "type": market.type,
            "tickSize": market.tick_size,
            "minSize": market.min_size,
            "listedAt": str(market.listed_at),
            **self._bounds(market.code),
        }

    def _bounds(self, code: str) -> dict[str, str]:
        """Return what follows from a mark price; nothing as long as there is none."""
        ticker = self._state.ticker(code)
        mark = ticker.get("markPrice") or ticker.get("last")
        if mark is None:
            return {}
        band = abs(Decimal(str(mark))) / 20
        return {
            "upperPriceBound": f"{Decimal(str(mark)) + band:f}",
            "lowerPriceBound": f"{Decimal(str(mark)) - band:f}",
            "markPrice": str(mark),
            "lastUpdatedAt": str(ticker.get("timestamp", 0)),
        }

    def _tell_tickers(self, query: Mapping[str, str]) -> dict[str, Any]:
        told = []
        for market in self._asked(query):
            ticker = self._state.ticker(market.code)
            fields = {
                name: str(ticker[wire])
                for wire, name in _TICKER_NAMES.items()
                if ticker.get(wire) is not None
            }
            if fields:
                told.append({"marketCode": market.code} | fields)
        return {"data": told}

    def _tell_depth(self, query: Mapping[str, str]) -> dict[str, Any]:
        level = _number(query, "level", _LEVEL, 1, _LARGEST_LEVEL)
        if not query.get("marketCode"):
            raise _RefusedError("30001", "marketCode is missing")
        (market,) = self._asked(query)
        book = self._state.book(market.code, level)
        shown = {"marketCode": market.code, "lastUpdatedAt": str(book.timestamp)}
        return {"level": str(level), "data": {**shown, "asks": book.asks, "bids": book.bids}}

    def _tell_trades(self, query: Mapping[str, str]) -> dict[str, Any]:
        markets = [market.code for market in self._asked(query)]
        limit = _number(query, "limit", _TRADES, 1, _TRADES)
        end = _number(query, "endTime", self._state.now())
        start = _number(query, "startTime", max(0, end - _DAY_MS))
        if not 0 <= end - start <= _LONGEST_WINDOW_MS:
            raise _RefusedError("20001", "startTime to endTime is not 0 to 7 days")
        found = self._state.trades(markets, start, end, limit)
        data = [
            {
                "marketCode": trade.market,
                "matchPrice": trade.price,
                "matchQuantity": trade.quantity,
                "side": trade.side,
                "matchedAt": str(trade.timestamp),
            }
            for trade in found
        ]
        return {"data": data}

    def _asked(self, query: Mapping[str, str]) -> list[Market]:
        code = query.get("marketCode")
        if not code:
            return list(self._markets.values())
        if code not in self._markets:
            raise _RefusedError("20001", f"marketCode {code!r} does not exist")
        return [self._markets[code]]


def _number(
    query: Mapping[str, str], name: str, default: int, lowest: int = 0, highest: int = 10**14
) -> int:
    text = query.get(name) or str(default)
    if not (text.isdecimal() and lowest <= int(text) <= highest):
        raise _RefusedError("20001", f"{name} is {text[:40]!r}, not {lowest} to {highest}")
    return int(text)


def _response(told: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(told), status=status, content_type="application/json"
    )
