"""One slice: its lines, the times they begin with, and its facts.

A slice is gzip NDJSON, one UTC minute of the arrival clock, in Tardis's own form: each line is an
arrival time, a space and the exchange's own JSON (stamp.py), and an empty line marks a disconnect
of the recorder. It may have been thinned (thinned_file.py): then the same lines are in zstd.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from isal import igzip
from isal.igzip_lib import IsalError

from pipeline.digest import sha256_of
from pipeline.errors import SliceCorrupt
from pipeline.stamp import stamp_of
from pipeline.thinned_file import SUFFIX, Made, ZstdError, made_from, open_thinned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase
    from pathlib import Path

__all__ = ["Blocks", "SliceFacts", "Stored", "examine", "open_slice", "read_lines"]

_BLOCK: Final = 4 << 20
# Messages have some kilobytes. What has no end after so many bytes is no line of a recorder, and
# must not fill the memory.
_LONGEST_LINE: Final = 64 << 20
# Nor has a minute of any exchange so much text, or so many lines: what has is a gzip bomb, of which
# a kilobyte stands for a million lines. Each of them takes memory: it is refused, or a disconnect.
_MOST_TEXT: Final = 8 << 30
_MOST_LINES: Final = 2_000_000
_LF: Final = ord("\n")
_BLANKS: Final = tuple(b" \t\n\r\x0b\x0c")
# What reading one that is broken or ends early may raise.
_DAMAGED: Final[tuple[type[Exception], ...]] = (
    OSError, EOFError, zlib.error, ZstdError,
    IsalError,  # type: ignore[assignment] # its stub declares the class as an instance
)  # fmt: skip


class Stored(msgspec.Struct, frozen=True):
    """The file of a slice that was thinned."""

    sha256: str
    bytes: int


class SliceFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a manifest says of one slice.

    `bytes` and `sha256` are of the gzip that arrived, also when it was thinned since (`stored`).
    `lines` counts data lines, `disconnects` empty ones, `first` and `last` are arrival times as
    they stand in it. `mtime_ns` is the file's own, so that an untouched file need not be read again
    to be believed. Of one that was `dropped` since, these facts are all that is left.
    """

    sha256: str
    bytes: int
    lines: int
    disconnects: int
    first: str | None
    last: str | None
    mtime_ns: int
    stored: Stored | None = None
    dropped: bool = False

    @property
    def file_sha256(self) -> str:
        """The digest of the file that lies there."""
        return self.stored.sha256 if self.stored else self.sha256

    @property
    def file_bytes(self) -> int:
        """The size of the file that lies there."""
        return self.stored.bytes if self.stored else self.bytes


def open_slice(path: Path) -> BufferedIOBase:
    """Open a slice for the lines in it, whatever they are packed in."""
    if path.name.endswith(SUFFIX):
        return open_thinned(path)
    return igzip.open(path, "rb")  # type: ignore[no-any-return, no-untyped-call] # no stub


class Blocks:
    """Slices as blocks of whole lines, read into one buffer that is used again and again.

    At least `padding` bytes of the buffer lie behind a block's end; they have no meaning. A slice
    has no more than `most` bytes of text.
    """

    def __init__(self, padding: int = 0, most: int = _MOST_TEXT) -> None:
        self._padding = padding
        self._most = most
        self._buffer = bytearray(_BLOCK + padding)

    def of(self, path: Path) -> Iterator[tuple[bytearray, int]]:
        """Yield (buffer, stop): buffer[:stop] are the next whole lines, each with its LF.

        Valid until the next one is asked for. No more than a block and a line are in memory.
        Raises SliceCorrupt where the file ends early, its checksum fails, a line has no end, or
        there is too much text (8 GiB); the blocks before that were already yielded, so examine
        first.
        """
        if path.stat().st_size == 0:  # how Tardis serves a minute without data
            return
        rest = 0  # bytes of a line whose end is still to come
        size = 0
        try:
            with open_slice(path) as file:
                while count := file.readinto(self._room(rest)):
                    end = rest + count
                    size += count
                    if size > self._most:
                        raise SliceCorrupt(path, f"more than {self._most} bytes of text")
                    stop = self._buffer.rfind(b"\n", rest, end) + 1
                    # Only a line that began in an earlier block may be longer than a block.
                    length = self._buffer.find(b"\n", rest, end) if stop else end
                    if length > _LONGEST_LINE:
                        raise SliceCorrupt(path, f"a line of more than {_LONGEST_LINE} bytes")
                    if stop:
                        yield self._buffer, stop
                        self._buffer[: end - stop] = self._buffer[stop:end]
                    rest = end - stop
        except _DAMAGED as error:
            raise SliceCorrupt(path, str(error)) from error
        if rest:
            self._buffer[rest] = _LF
            yield self._buffer, rest + 1

    def _room(self, used: int) -> memoryview:
        """Return where the next block goes; behind it is room for a last line's LF."""
        if used + self._padding + 1 >= len(self._buffer):  # a line longer than the buffer
            self._buffer = self._buffer + bytes(len(self._buffer))  # others may look at the old one
        end = min(used + _BLOCK, len(self._buffer) - self._padding - 1)
        return memoryview(self._buffer)[used:end]


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield a slice's lines without their ends, in order, an empty one for each disconnect.

    Raises SliceCorrupt as Blocks does.
    """
    for buffer, stop in Blocks().of(path):
        yield from bytes(buffer[: stop - 1]).split(b"\n")


def examine(path: Path) -> SliceFacts:
    """Read a slice through to its end and return its facts.

    Raises SliceCorrupt if it has none, or more than two million lines.
    """
    status = path.stat()
    lines = disconnects = 0
    first = last = b""
    for buffer, stop in Blocks().of(path):
        count, blank, begin, end = _counted(buffer, stop)
        lines, disconnects = lines + count - blank, disconnects + blank
        if lines + disconnects > _MOST_LINES:
            raise SliceCorrupt(path, f"more than {_MOST_LINES} lines")
        first, last = first or begin, end or last
    file = Stored(sha256_of(path), status.st_size)
    made = _made_from(path, lines, disconnects) if path.name.endswith(SUFFIX) else None
    return SliceFacts(
        sha256=(made or file).sha256,
        bytes=(made or file).bytes,
        lines=lines,
        disconnects=disconnects,
        first=stamp_of(first),
        last=stamp_of(last),
        mtime_ns=status.st_mtime_ns,
        stored=file if made else None,
    )


def _made_from(path: Path, lines: int, disconnects: int) -> Made:
    """Return what a thinned slice was made from, if it has as many lines as that had."""
    try:
        made = made_from(path)
    except ValueError as error:
        raise SliceCorrupt(path, str(error)) from error
    if (made.lines, made.disconnects) != (lines, disconnects):
        raise SliceCorrupt(path, f"it has {lines} lines, and says that it had {made.lines}")
    return made


def _counted(buffer: bytearray, stop: int) -> tuple[int, int, bytes, bytes]:
    """Return how many lines a block has, how many are blank, and the first and last that is not."""
    text = np.frombuffer(buffer, np.uint8, stop)
    ends = np.flatnonzero(text == _LF)
    begins = np.concatenate([[0], ends[:-1] + 1])
    if np.isin(text[begins], _BLANKS).any():
        lines = [bytes(line) for line in buffer[: stop - 1].split(b"\n")]
        told = [line for line in lines if line.strip()] or [b""]
        return len(lines), sum(not line.strip() for line in lines), told[0], told[-1]
    return len(ends), 0, bytes(buffer[: ends[0]]), bytes(buffer[begins[-1] : stop - 1])
