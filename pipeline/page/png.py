"""Small pictures as PNG, written here: a byte a dot, each the number of a colour."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["data_uri", "png"]


def png(dots: NDArray[np.uint8], colours: Sequence[tuple[int, int, int]]) -> bytes:
    """Return a picture of (rows, columns) from the top down; the first colour is no colour."""
    height, width = dots.shape
    # A byte before each row says that it is as it is: a filter gains nothing with few colours.
    lines = b"".join(b"\0" + dots[row].tobytes() for row in range(height))
    return b"\x89PNG\r\n\x1a\n" + b"".join((
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", bytes(part for colour in colours for part in colour)),
        _chunk(b"tRNS", b"\0"),
        _chunk(b"IDAT", zlib.compress(lines, 9)),
        _chunk(b"IEND", b""),
    ))  # fmt: skip


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def data_uri(picture: bytes) -> str:
    """Return a PNG as an address that holds all of it."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
