"""The channels of the exchange: what Tardis calls them, and what their messages are.

Apart from schemas.py, so that who only plans and fetches need not wait for Polars.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "BOOK_CHANNELS",
    "CHANNELS",
    "DEPTH_CHANNELS",
    "DIFFERENCE_CHANNELS",
    "FULL_DEPTH",
    "canonical_channel",
]

FULL_DEPTH: Final = "depth"
# Whole books, cut to their best levels or not.
BOOK_CHANNELS: Final = (FULL_DEPTH, "depthL5", "depthL10", "depthL25", "depthUpdate")
# Messages that hold a difference to a book that was sent on another channel.
DIFFERENCE_CHANNELS: Final = ("depthUpdate-diff",)
DEPTH_CHANNELS: Final = BOOK_CHANNELS + DIFFERENCE_CHANNELS

# What a user asks for → what Tardis calls it for this exchange.
CHANNELS: Final = {"depth": "futures/depth", "trade": "trade", "ticker": "ticker"}
_CANONICAL: Final = {wire: name for name, wire in CHANNELS.items()}


def canonical_channel(name: str) -> str:
    """Return one name for a channel that the wire spells in two ways: futures/depth is depth."""
    return _CANONICAL.get(name, name)
