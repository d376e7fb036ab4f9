"""Rows as columns: records of numbers, and flat lists that belong to them in order.

How messages and trades travel from the scan to a frame: arrays, never an object a row or a level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from pipeline.normalize.scan import gathered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LISTS", "PAIRS", "Columns", "lengths", "offsets"]

# What `depth` has lists of, each a price and an amount; in the order of the scan's Output.used[1:].
PAIRS: Final = ("bid_change", "ask_change", "book_bid", "book_ask")
LISTS: Final = tuple(f"{pair}_{what}" for pair in PAIRS for what in ("price", "amount"))
# By pair: which field of MESSAGE says how many, and whether only a keyframe has them.
_COUNTS: Final = {
    "bid_change": ("bid_changes", False),
    "ask_change": ("ask_changes", False),
    "book_bid": ("bid_levels", True),
    "book_ask": ("ask_levels", True),
}


def lengths(rows: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Return how long each row's list of that name is; a book's is 0 where no keyframe stands."""
    if name == "id":
        return rows["id_bytes"].astype(np.int64)
    count, at_keyframes = _COUNTS[name.rpartition("_")[0]]
    each = rows[count].astype(np.int64)
    return np.where(rows["keyframe"], each, 0) if at_keyframes else each


def offsets(rows: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Return where each row's list of that name begins, and where the last one ends."""
    begins = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths(rows, name), out=begins[1:])
    return begins


@dataclass
class Columns:
    """Rows, and for each list's name all rows' lists, one after the other."""

    rows: NDArray[Any]
    lists: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """How much memory they take."""
        return self.rows.nbytes + sum(values.nbytes for values in self.lists.values())

    @classmethod
    def joined(cls, pieces: Sequence[Columns]) -> Self:
        """Return some, one of them at least, one after the other."""
        return cls(
            np.concatenate([piece.rows for piece in pieces]),
            {n: np.concatenate([piece.lists[n] for piece in pieces]) for n in pieces[0].lists},
        )

    def kept(self) -> Columns:
        """Return the same for keeping: in memory of its own, if it is a small view of much more."""
        whole = self.rows.base
        if whole is None or 2 * self.rows.nbytes > whole.nbytes:
            return self
        return Columns(self.rows.copy(), {name: own.copy() for name, own in self.lists.items()})

    def cut(self, begin: int, end: int) -> Columns:
        """Return some consecutive rows, as views."""
        lists = {}
        for name, values in self.lists.items():
            begins = offsets(self.rows[:end], name)
            lists[name] = values[begins[begin] : begins[end]]
        return Columns(self.rows[begin:end], lists)

    def in_order(self, order: NDArray[np.int64]) -> Columns:
        """Return rows in another order, or some of them."""
        lists = {}
        for name, values in self.lists.items():
            begins = offsets(self.rows, name)
            lists[name] = gathered(values, begins[order], np.diff(begins)[order])
        return Columns(self.rows[order], lists)

    def by_feed(self) -> dict[int, Columns]:
        """Return each feed's rows, in order of arrival."""
        feeds, arrivals = self.rows["feed"], self.rows["arrival"]
        order = np.argsort(feeds, kind="stable")
        if (np.diff(arrivals) < 0).any():  # a decoded line's rows came before or after the scan's
            order = np.lexsort((self.rows["item"], arrivals, feeds))
        numbers, counts = np.unique(feeds[order], return_counts=True)
        ordered = (
            self if len(numbers) == 1 and (np.diff(order) == 1).all() else self.in_order(order)
        )
        begins = np.cumsum(counts) - counts
        of_lists = {name: offsets(ordered.rows, name) for name in self.lists}
        found = {}
        for number, begin, end in zip(numbers, begins, begins + counts, strict=True):
            lists = {
                name: values[of_lists[name][begin] : of_lists[name][end]]
                for name, values in ordered.lists.items()
            }
            found[int(number)] = Columns(ordered.rows[begin:end], lists)
        return found
