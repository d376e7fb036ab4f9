"""The levels of some full-depth messages: their form and order, and what checksums are made of."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CANDIDATES", "FORMS", "PAIRS", "Levels"]

_Side = list[list[float]]

# What the levels of a message have: two elements, four, both, or there are none.
FORMS: Final = {
    frozenset({2}): "two elements", frozenset({4}): "four elements", frozenset(): "no levels",
}  # fmt: skip
_OTHER: Final = "other forms"
_REST: Final = re.compile(rb"(\[[^,\[\]]+,[^,\[\]]+)(?:,[^\]]*)?\]")
_BLANKS: Final = b" \t\r\n"
_decode: Final = msgspec.json.Decoder(list[list[float]]).decode

PAIRS: Final = "pairs as printed"


def _printed(side: _Side, rest: str = "") -> bytes:
    return f"[{','.join(f'[{level[0]!r},{level[1]!r}{rest}]' for level in side)}]".encode()


def _plain(text: bytes) -> bytes:
    return text.translate(None, _BLANKS)


# What a checksum may be of: from asks and bids as numbers and as text to what is summed up.
CANDIDATES: Final[dict[str, Callable[[_Side, _Side, bytes, bytes], bytes]]] = {
    PAIRS: lambda asks, bids, *_: _printed(asks) + _printed(bids),
    "as sent": lambda _a, _b, asks, bids: _plain(asks) + _plain(bids),
    "pairs as sent": lambda _a, _b, asks, bids: (
        _REST.sub(rb"\1]", _plain(asks)) + _REST.sub(rb"\1]", _plain(bids))
    ),
    "with 0,0 as printed": lambda asks, bids, *_: _printed(asks, ",0,0") + _printed(bids, ",0,0"),
    "with 0.0,0.0 as printed": lambda asks, bids, *_: (
        _printed(asks, ",0.0,0.0") + _printed(bids, ",0.0,0.0")
    ),
    "bids first, pairs as printed": lambda asks, bids, *_: _printed(bids) + _printed(asks),
    "bids first, as sent": lambda _a, _b, asks, bids: _plain(bids) + _plain(asks),
}


@dataclass
class Levels:
    """What was seen of levels.

    `messages` were looked at, and `levels` of them. `kept` and `changed` say of the levels of a
    message that has one before it in its minute how many stood there as they are; `gone` how many
    of the one before are no more. `checksums` has by form how many were given, `fitting` by form
    and candidate how many fit.
    """

    messages: int = 0
    levels: int = 0
    most: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    beyond_not_zero: int = 0
    repeated: int = 0
    unsorted: int = 0
    zero_amounts: int = 0
    not_above_zero: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    changed: int = 0
    gone: int = 0
    checksums: Counter[str] = field(default_factory=Counter)
    fitting: Counter[tuple[str, str]] = field(default_factory=Counter)
    _before: dict[str, tuple[dict[float, float], dict[float, float]]] = field(default_factory=dict)

    def begin_minute(self) -> None:
        """Forget the books: what comes next may be much later."""
        self._before.clear()

    def take(self, name: str, asks_text: bytes, bids_text: bytes, checksum: int | None) -> None:
        """Take note of a message; raises MsgspecError for what is no side of a book."""
        asks, bids = _decode(asks_text), _decode(bids_text)
        lengths = frozenset(len(level) for level in asks + bids)
        if lengths and min(lengths) < 2:  # noqa: PLR2004 - a price and an amount
            raise msgspec.ValidationError("a level without an amount")
        self.messages += 1
        form = FORMS.get(lengths, _OTHER)
        self.forms[form] += 1
        self.beyond_not_zero += sum(any(level[2:]) for level in asks + bids)
        for side, falling in ((asks, False), (bids, True)):
            self._side(name, side, falling=falling)
        self._compare(name, asks, bids)
        if checksum:
            self._sum(form, checksum % 2**32, asks, bids, asks_text, bids_text)

    def _side(self, name: str, side: _Side, *, falling: bool) -> None:
        prices = [level[0] for level in side]
        self.levels += len(side)
        self.most = max(self.most, len(side))
        self.repeated += len(set(prices)) != len(prices)
        self.unsorted += prices != sorted(prices, reverse=falling)
        self.zero_amounts += sum(level[1] == 0 for level in side)
        if not_above := sum(price <= 0 for price in prices):
            self.not_above_zero[name] += not_above

    def _compare(self, name: str, asks: _Side, bids: _Side) -> None:
        now = _amounts(asks), _amounts(bids)
        before = self._before.get(name)
        self._before[name] = now
        if before is None:
            return
        for old, new in zip(before, now, strict=True):
            kept = len(old.items() & new.items())
            self.kept += kept
            self.changed += len(new) - kept
            self.gone += len(old.keys() - new.keys())

    def _sum(
        self, form: str, wanted: int, asks: _Side, bids: _Side, asks_text: bytes, bids_text: bytes
    ) -> None:
        self.checksums[form] += 1
        for candidate, summed in CANDIDATES.items():
            fits = zlib.crc32(summed(asks, bids, asks_text, bids_text)) == wanted
            self.fitting[form, candidate] += fits


def _amounts(side: Sequence[Sequence[float]]) -> dict[float, float]:
    return {level[0]: level[1] for level in side}
