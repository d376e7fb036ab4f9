"""A slice whose gzip was taken for zstd, which has a third less: the same lines, byte for byte.

    MM.json.zst: one frame of zstd with a checksum, behind a skippable frame (RFC 8878) that says
    what the gzip was, as JSON: {"sha256", "bytes", "lines", "disconnects"}

What the lake was made from stays so known, by the digest that it was made from. Any zstd reads it.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING, Final

import msgspec

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from io import BufferedIOBase
    from pathlib import Path

__all__ = [
    "SUFFIX",
    "Made",
    "ZstdError",
    "made_from",
    "open_thinned",
    "thinned_name",
    "write_thinned",
]

ZstdError = zstd.ZstdError

SUFFIX: Final = ".json.zst"
# From here on time doubles for a few percent less.
_LEVEL: Final = 9
_OPTIONS: Final[dict[int, int]] = {
    zstd.CompressionParameter.compression_level: _LEVEL,
    zstd.CompressionParameter.checksum_flag: 1,
}
# Of what is read: the most that a reader of its own has to have ready. Level 9 asks for less.
_WINDOW: Final[dict[int, int]] = {zstd.DecompressionParameter.window_log_max: 27}
_HEAD: Final = struct.Struct("<II")
_SKIPPABLE: Final = 0x184D2A50
_LONGEST: Final = 1 << 12
_PIECE: Final = 1 << 20


def thinned_name(name: str) -> str:
    """Return what a slice, or a path to it, is called once it was thinned."""
    return name.removesuffix(".json.gz") + SUFFIX


class Made(msgspec.Struct, frozen=True):
    """The gzip that a thinned slice was made from, and how many lines it has."""

    sha256: str
    bytes: int
    lines: int
    disconnects: int


def write_thinned(lines: BufferedIOBase, made: Made, path: Path) -> None:
    """Write what a slice says, as it is read from `lines`; raises OSError."""
    about = msgspec.json.encode(made)
    with path.open("wb") as file:
        file.write(_HEAD.pack(_SKIPPABLE, len(about)) + about)
        with zstd.ZstdFile(file, "wb", options=_OPTIONS) as packed:
            while piece := lines.read(_PIECE):
                packed.write(piece)


def open_thinned(path: Path) -> BufferedIOBase:
    """Open a thinned slice for what it says; reading raises ZstdError or EOFError for damage."""
    return zstd.ZstdFile(path, "rb", options=_WINDOW)


def made_from(path: Path) -> Made:
    """Return what a thinned slice was made from; raises OSError, and ValueError if it is none."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or _HEAD.unpack(head)[0] != _SKIPPABLE:
            raise ValueError("it does not say which gzip it was made from")
        about = file.read(min(_HEAD.unpack(head)[1], _LONGEST))
    try:
        return msgspec.json.decode(about, type=Made)
    except msgspec.MsgspecError as error:
        raise ValueError(f"what it says of its gzip can't be read ({error})") from None
