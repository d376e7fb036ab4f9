"""What a line of a slice begins with: when it arrived. The rest is the exchange's own JSON.

2020-07-14T00:00:00.2904133Z {"table":"futures/depth",…}
└ arrival time, 28 characters, 100 ns ┘
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from pipeline.times import to_us

__all__ = ["LONGEST_MESSAGE", "STAMP", "split_line", "stamp_of"]

STAMP: Final = 29  # bytes before the JSON: the time and a space
# A book of 400 levels a side has some 20 KB. What is much longer is none: to decode it would take
# hundreds of megabytes. A live feed ends at it, and in a recording it can't be read.
LONGEST_MESSAGE: Final = 8 << 20  # bytes

_STAMP: Final = re.compile(rb"((\d{4}-\d\d-\d\dT\d\d:\d\d):([0-5]\d)\.(\d{6})\dZ) ")


def split_line(line: bytes) -> tuple[int, bytes]:
    """Return the arrival time (microseconds UTC, truncated as Tardis's clients do) and the JSON.

    Raises ValueError for a line that does not begin with an arrival time and a space.
    """
    stamp = _STAMP.match(line)
    if stamp is None:
        raise ValueError("no arrival time at the start of the line")
    _, minute, seconds, microseconds = stamp.groups()
    time = _minute_us(minute) + int(seconds) * 1_000_000 + int(microseconds)
    return time, line[stamp.end() :]


def stamp_of(line: bytes) -> str | None:
    """Return the arrival time as it stands in a line; None if it begins with something else."""
    stamp = _STAMP.match(line)
    return stamp[1].decode("ascii") if stamp else None


@lru_cache(maxsize=64)
def _minute_us(text: bytes) -> int:
    return to_us(datetime.fromisoformat(text.decode("ascii")).replace(tzinfo=UTC))
