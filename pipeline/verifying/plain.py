"""Books as dicts, from a line's JSON and from a row's lists: as simple as can be.

Nothing of normalize/ or replay/ is used where these are, so that a mistake there can't hide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FULL_TABLES", "Sides", "book_in_lists", "change", "side_of"]

# What the wire calls the full book.
FULL_TABLES: Final = ("futures/depth", "depth")

# Bids and asks: price → amount.
Sides: TypeAlias = tuple[dict[float, float], dict[float, float]]


def side_of(levels: list[list[float]]) -> dict[float, float]:
    """Return a side as a line's JSON has it."""
    side = {float(level[0]): float(level[1]) for level in levels}
    return {price: amount for price, amount in side.items() if amount != 0}


def book_in_lists(lists: Sequence[list[float] | None]) -> Sides | None:
    """Return a whole book: bids' prices and amounts, asks' likewise; None where there is none."""
    bid_price, bid_amount, ask_price, ask_amount = lists
    if bid_price is None or bid_amount is None or ask_price is None or ask_amount is None:
        return None
    return (
        dict(zip(bid_price, bid_amount, strict=True)),
        dict(zip(ask_price, ask_amount, strict=True)),
    )


def change(side: dict[float, float], prices: list[float], amounts: list[float]) -> None:
    """Change a side: amount 0 takes a level away."""
    for price, amount in zip(prices, amounts, strict=True):
        if amount == 0:
            side.pop(price, None)
        else:
            side[price] = amount
