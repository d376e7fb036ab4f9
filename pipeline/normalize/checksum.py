"""The exchange's checksum over a book: CRC-32 of asks then bids, each as compact JSON.

A level is `[price,quantity]`, every number printed as the shortest text that gives the same double
(`9241.0`, `0.967`, `1e-05`). This was verified on real messages whose levels have two elements.
For levels of four elements the rule is not known, so a checksum there is `unverifiable`. What
decides is the form of the message in hand, never its date.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["verdict"]

_BLANKS: Final = b" \t\r\n"
_PAIRS: Final = {2}


def verdict(
    given: int | None,
    asks_text: bytes,
    bids_text: bytes,
    asks: Sequence[Sequence[float]],
    bids: Sequence[Sequence[float]],
    form: set[int],
) -> str:
    """Return ok, mismatch, absent (None or 0: not given) or unverifiable.

    `form` are the numbers of elements that the levels have; none at all counts as two.
    The text as it was sent is tried first, since that is what was hashed; a message that was
    printed anew on its way is tried in the exchange's own number format.
    """
    if not given:
        return "absent"
    if not form <= _PAIRS:
        return "unverifiable"
    wanted = given % 2**32
    if zlib.crc32(bids_text.translate(None, _BLANKS), _crc(asks_text)) == wanted:
        return "ok"
    reprinted = zlib.crc32(_printed(bids), zlib.crc32(_printed(asks)))
    return "ok" if reprinted == wanted else "mismatch"


def _crc(text: bytes) -> int:
    return zlib.crc32(text.translate(None, _BLANKS))


def _printed(levels: Sequence[Sequence[float]]) -> bytes:
    pairs = (f"[{price!r},{amount!r}]" for price, amount in levels)
    return f"[{','.join(pairs)}]".encode("ascii")
