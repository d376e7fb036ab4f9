"""Rows of depth for the replay, and what a dict and a sort make of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from pipeline.replay import Lists, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

Levels = list[tuple[float, float]]
Top = tuple[Levels, Levels]


@dataclass(frozen=True)
class Row:
    """A row of depth: what it changed on bids and asks, and the whole book where it is a keyframe.

    `bids` None: it is no book.
    """

    bids: Levels | None
    asks: Levels = field(default_factory=list)
    reset: bool = False
    whole: tuple[Levels, Levels] | None = None


def rows_of(rows: Sequence[Row]) -> Rows:
    """Return rows as the replay takes them."""
    nothing: Levels = []
    return Rows(
        np.array([row.bids is not None for row in rows], np.bool_),
        np.array([row.reset for row in rows], np.bool_),
        lists_of([row.bids or [] for row in rows]),
        lists_of([row.asks for row in rows]),
        lists_of([row.whole[0] if row.whole else nothing for row in rows]),
        lists_of([row.whole[1] if row.whole else nothing for row in rows]),
    )


def lists_of(lists: Sequence[Levels]) -> Lists:
    """Return lists of levels, one after the other, as from a file: not to be written to."""
    ends = np.cumsum([0, *map(len, lists)]).astype(np.int32)
    levels = np.array([level for each in lists for level in each], np.float64).reshape(-1, 2)
    arrays = ends, levels[:, 0].copy(), levels[:, 1].copy()
    for array in arrays:
        array.flags.writeable = False
    return Lists(*arrays)


def simple(rows: Sequence[Row], depth: int) -> list[Top | None]:
    """Return each row's top levels by a dict and a sort; None for what is no book."""
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    found: list[Top | None] = []
    for row in rows:
        if row.reset or row.bids is None:
            bids, asks = {}, {}
        for side, changes in ((bids, row.bids or []), (asks, row.asks)):
            for price, amount in changes:
                side.pop(price, None) if amount == 0 else side.update({price: amount})
        top = sorted(bids.items(), reverse=True)[:depth], sorted(asks.items())[:depth]
        found.append(None if row.bids is None else top)
    return found


_PRICES = st.sampled_from([-2.5, -1.0, -0.0, 0.0, 1e-8, 1.0, 2.0, 3.0, 61645.3])
_AMOUNTS = st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.0, 0.25])
_CHANGES = st.lists(st.tuples(_PRICES, _AMOUNTS), max_size=6)
ROWS = st.builds(
    Row,
    bids=st.one_of(st.none(), _CHANGES, _CHANGES, _CHANGES),
    asks=_CHANGES,
    reset=st.sampled_from([False, False, False, True]),
).map(lambda row: row if row.bids is not None else Row(None))
