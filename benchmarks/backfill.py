"""A backfill of a day from the loopback Tardis over a line like a real one, to its first answer.

The real commands, each in its own process: `coinflex-l2 backfill` into an empty folder, then
`coinflex-l2 sql` that asks for a book. They, the Tardis and the line share this machine's cores.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.line import Line
from benchmarks.market import INSTRUMENT
from benchmarks.service import OneFeedTardis, coinflex_l2
from benchmarks.slices import minute_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BANDWIDTH", "ROUND_TRIP", "Backfilled", "measure"]

ROUND_TRIP: Final = 0.05  # seconds
BANDWIDTH: Final = 100e6  # bits a second, shared by all connections


@dataclass(frozen=True)
class Backfilled:
    """How long it took, in seconds.

    `total` runs from the start of the first command to the end of the second; `line` is what the
    bytes need on the line alone, HTTP's own included; `after_last_byte` is the part of the total in
    which nothing was left to arrive.
    """

    minutes: int
    bytes: int
    total: float
    line: float
    after_last_byte: float


def measure(slices: Path, first: int, last: int, data: Path) -> Backfilled:
    """Backfill all minutes from the first to the last, some of which may have no slice."""
    options = "--data", str(data)
    with OneFeedTardis(slices).running() as url:
        port = int(url.rsplit(":", 1)[1])
        line = Line(port, round_trip=ROUND_TRIP, bandwidth=BANDWIDTH)
        with line.running() as near:
            begun = time.monotonic()
            coinflex_l2(
                *options, "backfill", "--from", minute_text(first), "--to", minute_text(last + 1),
                url=f"http://127.0.0.1:{near}",
            )  # fmt: skip
            # Half a minute before the end a book is known, however short the range.
            query = f"from book_at('{INSTRUMENT}', '{minute_text(last)}:30')"
            answer = coinflex_l2(*options, "sql", query, "--format", "json")
            ended = time.monotonic()
    assert json.loads(answer), "the backfilled lake knows no book"
    moved = line.down.bytes
    return Backfilled(
        minutes=last + 1 - first,
        bytes=moved,
        total=ended - begun,
        line=moved * 8 / BANDWIDTH,
        after_last_byte=ended - line.down.last_at,
    )
