"""The six recorded minutes of data/sample, repeated: real order flow for as long as it takes.

Only clocks and sequence numbers are moved, so that each repetition goes on where the one before
ended: no restart, no step back. Prices, amounts and checksums are as recorded.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from benchmarks.slices import MINUTE_MS, minute_file, minute_text, write
from pipeline.slice_file import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["RECORDED", "count", "repeat"]

# The recorded minutes, 23:54 to 23:59, counted from midnight.
RECORDED: Final = range(1434, 1440)

_TIMESTAMP: Final = re.compile(rb'"timestamp":"(\d+)"')
_SEQUENCE: Final = re.compile(rb'"seqNum":(\d+)')
_INSTRUMENT: Final = re.compile(rb'"instrumentId":"([^"]+)"')


def repeat(sample: Path, folder: Path, minutes: list[int]) -> None:
    """Write some minutes, which count from midnight: minute 0 is the first recorded one."""
    steps = _steps(sample)
    for minute in minutes:
        repetition, place = divmod(minute, len(RECORDED))
        recorded = RECORDED[place]
        clocks = minute_text(recorded).encode(), minute_text(minute).encode()
        later_ms = (minute - recorded) * MINUTE_MS
        lines = []
        for line in read_lines(minute_file(sample, recorded)):
            named = _INSTRUMENT.search(line)
            step = repetition * steps[named[1]] if named else 0
            lines.append(_moved(line.replace(*clocks, 1), later_ms, step))
        write(folder, minute, b"\n".join([*lines, b""]))


def count(sample: Path, minutes: Iterable[int]) -> int:
    """Return how many lines some minutes have."""
    counts = [sum(1 for _ in read_lines(minute_file(sample, minute))) for minute in RECORDED]
    return sum(counts[minute % len(RECORDED)] for minute in minutes)


@lru_cache(maxsize=1)
def _steps(sample: Path) -> dict[bytes, int]:
    """Return by how much the sequence number of each instrument goes on in one repetition."""
    numbers: dict[bytes, list[int]] = {}
    for minute in RECORDED:
        for line in read_lines(minute_file(sample, minute)):
            if (named := _INSTRUMENT.search(line)) and (number := _SEQUENCE.search(line)):
                numbers.setdefault(named[1], []).append(int(number[1]))
    return {name: found[-1] - found[0] + 1 for name, found in numbers.items()}


def _moved(line: bytes, later_ms: int, step: int) -> bytes:
    """Return a line with the exchange's clock and sequence number moved on."""
    timed = _TIMESTAMP.sub(lambda it: b'"timestamp":"%d"' % (int(it[1]) + later_ms), line)
    return _SEQUENCE.sub(lambda it: b'"seqNum":%d' % (int(it[1]) + step), timed)
