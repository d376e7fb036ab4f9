"""Names of feeds → numbers, in compiled code: a hash table, for every line asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pipeline.compiled import compiled
from pipeline.normalize.scan.text import eight_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Names", "numbered"]

_EIGHTS: Final = 8  # the longest name has 64 characters
_SLOTS_BITS: Final = 13  # at most half of the slots are used
# 2^64 over the golden ratio: a product's upper bits depend on all bits of what is multiplied.
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


class Names(NamedTuple):
    """The feeds seen so far: a number for each table and instrument.

    Names that don't fit are left to the general decoder: longer ones, and any beyond 4,096.
    """

    slots: NDArray[np.int64]  # a feed's number, or -1
    tables: NDArray[np.uint8]  # by number, as are the next two
    texts: NDArray[np.uint64]  # eight characters each, zeros behind the last one
    lengths: NDArray[np.int64]
    used: NDArray[np.int64]  # how many, as the one element

    @classmethod
    def none(cls) -> Names:
        """Return a table without a name in it."""
        slots = 1 << _SLOTS_BITS
        feeds = slots // 2
        return cls(
            np.full(slots, -1), np.zeros(feeds, np.uint8), np.zeros((feeds, _EIGHTS), np.uint64),
            np.zeros(feeds, np.int64), np.zeros(1, np.int64),
        )  # fmt: skip

    def text(self, number: int) -> str:
        """Return a feed's instrument."""
        name: bytes = self.texts[number].tobytes()[: self.lengths[number]]
        return name.decode("ascii")


@compiled
def numbered(text: NDArray[np.uint8], at: int, end: int, table: int, names: Names) -> int:
    """Return the number of a table's instrument text[at:end], a new one if need be, or -1."""
    slots, tables, texts, lengths, used = names
    length = end - at
    if length > 8 * _EIGHTS:
        return -1
    hashed = np.uint64(table)
    for place in range(at, end, 8):
        hashed ^= eight_of(text, place, end)
        hashed = (hashed ^ (hashed >> np.uint64(32))) * _GOLDEN
    slot = np.int64(hashed >> np.uint64(64 - _SLOTS_BITS))
    while slots[slot] >= 0:
        number = slots[slot]
        if tables[number] == table and lengths[number] == length:
            same = 0
            while 8 * same < length and texts[number, same] == eight_of(text, at + 8 * same, end):
                same += 1
            if 8 * same >= length:
                return number  # type: ignore[no-any-return] # an element of an array
        slot = (slot + 1) % len(slots)
    number = used[0]
    if number == len(lengths):
        return -1
    slots[slot], tables[number], lengths[number] = number, table, length
    for place in range(0, length, 8):
        texts[number, place // 8] = eight_of(text, at + place, end)
    used[0] += 1
    return number  # type: ignore[no-any-return] # as above
