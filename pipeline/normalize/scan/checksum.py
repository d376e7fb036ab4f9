"""The checksum over a book's text, in compiled code. Its rule is told in normalize/checksum.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.normalize.scan.records import Record

__all__ = ["MISMATCH", "STATUSES", "checked"]

# What the checksum said, by number.
STATUSES: Final = ("absent", "ok", "unverifiable", "mismatch")
_ABSENT, _OK, _UNVERIFIABLE, MISMATCH = range(4)
_FOUR_ELEMENTS: Final = 4


def _crc_tables() -> NDArray[np.uint32]:
    """Return what each byte, followed by 0 to 15 zero bytes, leaves in an empty register."""
    tables = np.zeros((16, 256), np.uint32)
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
        tables[0, byte] = crc
    for zeros in range(1, 16):
        before = tables[zeros - 1]
        tables[zeros] = (before >> 8) ^ tables[0][before & 0xFF]
    return tables


_CRC: Final = _crc_tables()
_ALL_ONES: Final = np.uint32(0xFFFFFFFF)


@compiled
def checked(text: NDArray[np.uint8], line: Record, form: int) -> int:
    """Return what a message's checksum says of its text, as a place in STATUSES."""
    if line.checksum == 0:
        return _ABSENT
    if form == _FOUR_ELEMENTS:
        return _UNVERIFIABLE
    crc = _crc32(text, line.asks, line.asks_end, np.uint32(0))
    crc = _crc32(text, line.bids, line.bids_end, crc)
    return _OK if crc == line.checksum & 0xFFFFFFFF else MISMATCH


@compiled
def _crc32(text: NDArray[np.uint8], at: int, end: int, crc: np.uint32) -> np.uint32:
    """Go on with a CRC-32 over text[at:end], sixteen bytes a step.

    Slicing by 16: the CRC is linear, so what a byte adds depends on nothing but its value and how
    many bytes of the step follow it. Sixteen look-ups, none of which waits for another.
    """
    crc = np.uint32(crc ^ _ALL_ONES)
    while end - at >= 16:  # noqa: PLR2004 - a step
        step = np.uint32(0)
        for place in range(4):
            step ^= _CRC[15 - place, text[at + place] ^ ((crc >> (8 * place)) & 0xFF)]
        for place in range(4, 16):
            step ^= _CRC[15 - place, text[at + place]]
        crc, at = np.uint32(step), at + 16
    while at < end:
        crc = np.uint32((crc >> 8) ^ _CRC[0, (crc ^ text[at]) & 0xFF])
        at += 1
    return np.uint32(crc ^ _ALL_ONES)
