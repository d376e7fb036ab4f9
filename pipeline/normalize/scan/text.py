"""Bytes, words and numbers: what the scan's grammars are made of, in compiled code.

    number   = ["-"] ( "0" | 1-9 *DIGIT ) [ "." 1*DIGIT ] [ ( "e" | "E" ) [ "+" | "-" ] 1*3DIGIT ]

its digits at most 2^53, its power of ten at most 22 either way, and not minus zero.

Text is an array of bytes with at least PADDING more after its last line, so that eight of them may
be looked at from any place in it. A place is an index; -1 is "not what the grammar says". Every
line ends in LF, which no rule but a line's own accepts, so no search runs past its line for long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "PADDING",
    "Words",
    "agreement",
    "copied",
    "digits",
    "eight_of",
    "gathered",
    "integer",
    "line_end",
    "number",
    "side_end",
    "text_end",
    "value",
    "whole",
    "word",
    "words",
]

# The widest word takes 24 bytes, the beginning of a line; whoever looks for it may be at the end.
PADDING: Final = 32

_LF, _QUOTE, _PLUS, _COMMA, _MINUS, _POINT, _0, _9 = b'\n"+,-.09'
_OPEN, _BACKSLASH, _CLOSE, _E = b"[\\]e"

_EIGHT_ONES: Final = np.uint64(0x0101010101010101)
_EIGHT_TOPS: Final = np.uint64(0x8080808080808080)
_INT64_MAX: Final = np.uint64(2**63 - 1)
_MOST_DIGITS: Final = 19  # always fit into 64 bits
# Integers up to 2^53 and powers of ten up to 10^22 are doubles exactly.
_EXACT_MANTISSA: Final = np.uint64(2**53)
_EXACT_POWER: Final = 22
_POWERS: Final = np.array([float(10**power) for power in range(_EXACT_POWER + 1)])


# --- eight bytes at once -------------------------------------------------------------------------


def _load_eight(_context: Any, text: Any, _at: Any) -> Any:  # noqa: ANN401 - numba's own types
    """Return the eight bytes from a place on as one number: a single load, aligned or not."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        load = builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()))
        load.align = 1
        return load

    return types.uint64(text, types.int64), generate


_eight: Final[Any] = intrinsic(_load_eight)


@compiled
def _has(eight: np.uint64, byte: int) -> np.uint64:
    """Return the top bit of each byte that is `byte`, and perhaps of one after such a byte.

    A byte that is `byte` becomes 0 by the exclusive or; taking 1 from a 0 sets its top bit, and
    the last term drops those that had it before. The borrow of a 0 may mark its neighbour too.
    """
    zeros = eight ^ (_EIGHT_ONES * np.uint64(byte))
    return (zeros - _EIGHT_ONES) & ~zeros & _EIGHT_TOPS


@compiled
def eight_of(text: NDArray[np.uint8], at: int, end: int) -> np.uint64:
    """Return the eight bytes from a place on, with zeros for those that are not before `end`."""
    eight = _eight(text, at)
    if end - at >= 8:  # noqa: PLR2004 - eight
        return eight  # type: ignore[no-any-return] # an intrinsic's
    return eight & ((np.uint64(1) << np.uint64(8 * (end - at))) - np.uint64(1))  # type: ignore[no-any-return] # as above


@compiled
def agreement(
    one: NDArray[np.uint8], at: int, other: NDArray[np.uint8], there: int, most: int
) -> int:
    """Return how many bytes, at most `most`, are the same from two places on."""
    same = 0
    while same < most:
        differ = _eight(one, at + same) ^ _eight(other, there + same)
        if differ != 0:
            return min(same + _first_byte(differ), most)
        same += 8
    return most


@compiled
def _first_byte(eight: np.uint64) -> int:
    """Return which of eight bytes, not all 0, is the first that is not: halves, then quarters.

    The first in memory is the lowest of the number, as on every processor that numba knows.
    """
    byte = 0
    if eight & np.uint64(0xFFFFFFFF) == 0:
        byte, eight = 4, eight >> np.uint64(32)
    if eight & np.uint64(0xFFFF) == 0:
        byte, eight = byte + 2, eight >> np.uint64(16)
    if eight & np.uint64(0xFF) == 0:
        byte += 1
    return byte


# --- where something ends -----------------------------------------------------------------------


@compiled
def line_end(text: NDArray[np.uint8], at: int) -> int:
    """Return the place of the next LF."""
    while _has(_eight(text, at), _LF) == 0:
        at += 8
    while text[at] != _LF:
        at += 1
    return at


@compiled
def side_end(text: NDArray[np.uint8], at: int) -> int:
    """Return the place after `[]`, or after the first `]]` on the line.

    A false mark of `_has` costs a look byte by byte, no more.
    """
    if text[at] != _OPEN:
        return -1
    if text[at + 1] == _CLOSE:
        return at + 2
    while True:
        # `]]` is two marks side by side. Steps of seven, so that none is cut in two.
        eight = _eight(text, at)
        closes = _has(eight, _CLOSE)
        if ((closes & (closes >> np.uint64(8))) | _has(eight, _LF)) != 0:
            for place in range(at, at + 7):
                if text[place] == _LF:
                    return -1
                if text[place] == _CLOSE and text[place + 1] == _CLOSE:
                    return place + 2
        at += 7


@compiled
def _only_plain(eight: np.uint64) -> bool:
    """Say whether eight bytes are all printable ASCII without a quote and a backslash.

    A top bit is set by any byte that is below 0x20 (taking 0x20 from it), above 0x7e (adding 1 to
    it, or having been there), or one of the two.
    """
    odd = (eight - _EIGHT_ONES * np.uint64(0x20)) | (eight + _EIGHT_ONES) | eight
    return ((odd & _EIGHT_TOPS) | _has(eight, _QUOTE) | _has(eight, _BACKSLASH)) == 0  # type: ignore[no-any-return] # numpy's bool


@compiled
def text_end(text: NDArray[np.uint8], at: int) -> int:
    """Return the place of the quote that ends a plain text, whose first character is at `at`."""
    while _only_plain(_eight(text, at)):
        at += 8
    while text[at] != _QUOTE:
        if text[at] < 0x20 or text[at] > 0x7E or text[at] == _BACKSLASH:  # noqa: PLR2004 - ASCII
            return -1
        at += 1
    return at


# --- words ---------------------------------------------------------------------------------------


class Words(NamedTuple):
    """Some words, eight bytes at a time: [word, eight], with a mask of the bytes that matter."""

    eights: NDArray[np.uint64]
    masks: NDArray[np.uint64]
    lengths: NDArray[np.int64]


def words(texts: Sequence[bytes]) -> Words:
    """Return texts in the form in which they are looked for."""
    width = -(-max(map(len, texts)) // 8) * 8  # rounded up
    eights = [np.frombuffer(text.ljust(width, b"\0"), np.uint64) for text in texts]
    masks = [np.frombuffer((b"\xff" * len(text)).ljust(width, b"\0"), np.uint64) for text in texts]
    return Words(np.stack(eights), np.stack(masks), np.array([len(text) for text in texts]))


@compiled
def word(text: NDArray[np.uint8], at: int, among: Words, first: int, stop: int) -> int:
    """Return which of some words, from the first-th on, stands at a place; -1 if none does."""
    eights, masks, _ = among
    for candidate in range(first, stop):
        same = 0
        while (
            same < eights.shape[1]
            and _eight(text, at + 8 * same) & masks[candidate, same] == eights[candidate, same]
        ):
            same += 1
        if same == eights.shape[1]:
            return candidate
    return -1


# --- numbers -------------------------------------------------------------------------------------


@compiled
def digits(text: NDArray[np.uint8], at: int, count: int) -> int:
    """Return the number that exactly so many digits say, -1 if they are not all digits."""
    said = 0
    for place in range(at, at + count):
        if text[place] < _0 or text[place] > _9:
            return -1
        said = 10 * said + text[place] - _0
    return said


@compiled
def integer(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Return a JSON integer without a sign, up to 2^63 - 1, and the place after it."""
    begin, said = at, np.uint64(0)
    while _0 <= text[at] <= _9 and at - begin < _MOST_DIGITS:
        said = np.uint64(10) * said + np.uint64(text[at] - _0)
        at += 1
    leading_zero = text[begin] == _0 and at - begin > 1
    if at == begin or leading_zero or said > _INT64_MAX:
        return 0, -1
    return np.int64(said), at  # type: ignore[return-value] # an int, once compiled


@compiled
def number(text: NDArray[np.uint8], at: int) -> tuple[float, int]:
    """Return the double nearest to a JSON number, and the place after it.

    Told by one exact step: where the digits as an integer are at most 2^53 and the power of ten is
    at most 22, both are doubles, and one multiplication or division rounds but once, correctly.
    Whatever needs more (or is minus zero) is left to the general decoder. Zeros at the end of a
    fraction say nothing and are not counted: the exchange writes 61800.300000000000.
    """
    negative = text[at] == _MINUS
    at += negative
    begin, mantissa = at, np.uint64(0)
    while _0 <= text[at] <= _9:
        mantissa = np.uint64(10) * mantissa + np.uint64(text[at] - _0)
        at += 1
    count = at - begin
    if count == 0 or (text[begin] == _0 and count > 1):
        return 0.0, -1
    decimals = 0
    if text[at] == _POINT:
        begin = at = at + 1
        while _0 <= text[at] <= _9:
            at += 1
        if at == begin:
            return 0.0, -1
        decimals = at - begin
        while decimals > 0 and text[begin + decimals - 1] == _0:
            decimals -= 1
        for place in range(begin, begin + decimals):
            mantissa = np.uint64(10) * mantissa + np.uint64(text[place] - _0)
    power = -decimals
    if text[at] | 0x20 == _E:  # the bit that makes an E an e
        shift, at = _exponent(text, at + 1)
        power += shift
    # More digits than that may have wrapped around.
    fits = count + decimals <= _MOST_DIGITS and mantissa <= _EXACT_MANTISSA
    if at < 0 or not fits or abs(power) > _EXACT_POWER or (negative and mantissa == 0):
        return 0.0, -1
    said = float(mantissa)
    said = said / _POWERS[-power] if power < 0 else said * _POWERS[power]
    return -said if negative else said, at


@compiled
def _exponent(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Return what follows an e, and the place after it; at most three digits are read."""
    negative = text[at] == _MINUS
    if negative or text[at] == _PLUS:
        at += 1
    begin, said = at, 0
    while _0 <= text[at] <= _9 and at - begin < 3:  # noqa: PLR2004 - 999 is beyond any double
        said = 10 * said + text[at] - _0
        at += 1
    if at == begin:
        return 0, -1
    return -said if negative else said, at


@compiled
def _closed(text: NDArray[np.uint8], at: int, quoted: bool) -> int:
    """Return the place after a quote, if there was one to close."""
    if not quoted or at < 0:
        return at
    return at + 1 if text[at] == _QUOTE else -1


@compiled
def whole(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Return an integer, quoted or not, and the place after it."""
    quoted = text[at] == _QUOTE
    said, at = integer(text, at + quoted)
    return said, _closed(text, at, quoted)


@compiled
def value(text: NDArray[np.uint8], at: int) -> tuple[float, int]:
    """Return a number, quoted or not, and the place after it."""
    quoted = text[at] == _QUOTE
    said, at = number(text, at + quoted)
    return said, _closed(text, at, quoted)


# --- arrays --------------------------------------------------------------------------------------


@compiled
def copied(source: NDArray[Any], at: int, target: NDArray[Any], to: int, count: int) -> None:
    """Copy some elements, where source and target do not overlap."""
    # Slices first: their indices can't be negative, so the loop becomes a block move.
    source, target = source[at : at + count], target[to : to + count]
    for place in range(count):
        target[place] = source[place]


def gathered(
    source: NDArray[Any], begins: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[Any]:
    """Return some stretches of an array, one after the other."""
    found = np.empty(counts.sum(), source.dtype)
    _gather(source, begins, counts, found)
    return found


@compiled
def _gather(
    source: NDArray[Any], begins: NDArray[np.int64], counts: NDArray[np.int64], found: NDArray[Any]
) -> None:
    to = 0
    for stretch in range(len(begins)):
        copied(source, begins[stretch], found, to, counts[stretch])
        to += counts[stretch]
