"""A slice's lines as the scan finds them, some at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pipeline.normalize.scan import LINE, PADDING, Names, scan_lines
from pipeline.slice_file import Blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.normalize.scan import Words

__all__ = ["Scanned", "arrays_of", "scanned"]

_LINES_AT_ONCE: Final = 16_384


class Scanned(NamedTuple):
    """Consecutive lines, `first` being the number of the first, from 1; valid until the next."""

    text: NDArray[np.uint8]
    lines: NDArray[np.void]
    names: Names
    first: int


def arrays_of(blocks: Blocks, path: Path) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Yield a slice's blocks as arrays of bytes, each with where its lines end.

    Raises SliceCorrupt.
    """
    for buffer, stop in blocks.of(path):
        yield np.frombuffer(buffer, np.uint8), stop


def scanned(path: Path, begins: Words, blocks: Blocks | None = None) -> Iterator[Scanned]:
    """Yield the lines of a slice, which begin as said (scan.beginning). Raises SliceCorrupt."""
    found, names, first = np.zeros(_LINES_AT_ONCE, LINE), Names.none(), 1
    for text, stop in arrays_of(blocks or Blocks(PADDING), path):
        at = 0
        while at < stop:
            count, at = scan_lines(text, at, stop, begins, found, names)
            yield Scanned(text, found[:count], names, first)
            first += count
