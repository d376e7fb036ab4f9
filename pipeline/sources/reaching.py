"""Whether an exchange can be reached: one question to its REST, one connection to its socket.

Nothing is subscribed and nothing is kept.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from pipeline.sources.rest import Rest, RestRefused, market_codes

if TYPE_CHECKING:
    from pipeline.sources.coinflex.address import Address

__all__ = ["Reached", "reach"]

# Every failed handshake is told by websockets too; what came of it is in the answer.
_SOCKET_LOG: Final = logging.getLogger(f"{__name__}.socket")
_SOCKET_LOG.setLevel(logging.CRITICAL)


class Reached(NamedTuple):
    """How it went: `markets` that REST lists, or None; why a part was not reached, or None."""

    markets: int | None
    rest_error: str | None
    socket_error: str | None


async def reach(address: Address, patience: float) -> Reached:
    """Try both, at once, for `patience` seconds each; whatever comes of it is in the answer."""
    (markets, rest_error), socket_error = await asyncio.gather(
        _ask(address, patience), _connect(address, patience)
    )
    return Reached(markets, rest_error, socket_error)


async def _ask(address: Address, patience: float) -> tuple[int | None, str | None]:
    try:
        async with asyncio.timeout(patience), Rest(address.rest, address.dialect.rest) as rest:
            return len(market_codes(await rest.get("markets"))), None
    except TimeoutError:
        return None, "no answer in time"
    except RestRefused as error:
        return None, error.reason


async def _connect(address: Address, patience: float) -> str | None:
    try:
        async with connect(
            address.websocket, open_timeout=patience, close_timeout=1.0, logger=_SOCKET_LOG
        ):
            return None
    except TimeoutError:
        return "no answer in time"
    except (WebSocketException, OSError, EOFError) as error:
        return str(error) or type(error).__name__
