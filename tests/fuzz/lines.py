"""Bytes to be read: as the wire has them, spoiled in some places, or never seen anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.hostile import MESSAGES as HOSTILE
from tests.hostile import NAMES, named
from tests.normalize.wire import STAMP, Wire

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["LINES", "MESSAGES", "MINUTES"]

_SHORT: Final = 5_000  # bytes; longer ones have tests of their own
_WIRE: Final = Wire(0)
_SEEN: Final = [line for line in (_WIRE.line() for _ in range(400)) if line]
_SENT: Final = [
    *(line[29:] for line in _SEEN),
    *(message for message, _ in HOSTILE.values() if len(message) < _SHORT),
    *(message for name in NAMES if len(name) < _SHORT for message in named(name)),
]
# What JSON, the line codec and the scan's own roads turn on.
_TOKENS: Final = [
    b"", b" ", b"\n", b"\r", b"\t", b"\0", b"\x1b", b"\x7f", b"\x80", b"\xff", b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b'"', b"\\", b"\\u0000", b"\\ud800", b"\\/", b"[", b"]", b"{", b"}",
    b",", b":",
    b"-", b"+", b"-0", b"0.0", b"00", b"1e999", b"-1e999", b"1e-999", b"1E5", b"9" * 19, b"9" * 40,
    b"0." + b"1" * 40, b"4.9e-324", b"1.7976931348623157e308", b"9007199254740993", b"null",
    b"true",
    b"NaN", b"[]", b"[[1,1]]", b"[1,0]", b"[1,1,0,0]", b'"asks":[]', b'"bids":[[1,1]]',
    b'"table":"depth"', b'"table":"trade"', b'"data":', b'"instrumentId":"A"', b'"marketCode":"A"',
    b'"seqNum":1', b'"checksum":0', b'"timestamp":"1"', b'"action":"partial"', b"[" * 200,
]  # fmt: skip
_BITS: Final = st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=12))


@st.composite
def _spoiled(draw: st.DrawFn, whole: SearchStrategy[bytes]) -> bytes:
    """Return some bytes in which a few places were written over, cut out, or doubled."""
    text = draw(whole)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.integers(0, 30)))
        bit = draw(_BITS | st.just(text[at:to] * 2))
        text = text[:at] + bit + text[to:]
    return text


MESSAGES: Final = _spoiled(st.sampled_from(_SENT)) | st.binary(max_size=300)
_STAMPS: Final = st.sampled_from(
    [STAMP + b"15.0881763Z ", STAMP + b"59.9999999Z ", b"2020-08-01T23:53:59.9999999Z ", b""]
)
LINES: Final = (
    _spoiled(st.sampled_from(_SEEN))
    | st.builds(lambda stamp, message: stamp + message, _STAMPS, MESSAGES)
    | st.binary(max_size=100)
)
# Some lines, for a book is read against the one before it.
MINUTES: Final = st.lists(LINES | st.sampled_from(_SEEN), min_size=1, max_size=12).map(
    lambda lines: b"".join(line + b"\n" for line in lines)
)
