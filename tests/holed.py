"""The sample with holes across midnight, in a lake; and independent readings of both."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.sources.files import adopt
from tests.independent import Reading, read
from tests.lakes import ingest

BTC, ETH = "BTC-USD-SWAP-LIN", "ETH-USD-SWAP-LIN"
MIDNIGHT = datetime(2020, 8, 2, tzinfo=UTC)

_SAMPLE = Path(__file__).parent.parent / "data" / "sample"
_START = datetime(2020, 8, 1, 23, 54, tzinfo=UTC)
_MINUTES = 6
# Moves the six minutes so that midnight falls into their middle.
_SHIFT = timedelta(minutes=3)


@dataclass
class Read:
    """A data folder with a lake, and what an independent reader makes of the same."""

    data: Path
    reading: Reading


def read_sample() -> Reading:
    """Return the sample as it is, as an independent reader has it."""
    return read(_SAMPLE, _START, _START + timedelta(minutes=_MINUTES))


def holed_sample(slices: Path, data: Path) -> Read:
    """Return the sample moved across midnight, with planted disconnects and a lacking minute."""
    rng = random.Random(20200714)
    lacking = _START + timedelta(minutes=1) + _SHIFT
    for ordinal in range(_MINUTES):
        minute = _START + timedelta(minutes=ordinal)
        moved = minute + _SHIFT
        if moved == lacking:
            continue
        path = slices / f"{moved:%Y/%m/%d/%H/%M}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(_SAMPLE / f"{minute:%Y/%m/%d/%H/%M}.json.gz", "rt") as file:
            lines = [_moved(text) for text in file]
        for _ in range(3):
            # Not before the first line of a day: what the day before knew of it, a day can't say.
            lines.insert(rng.randrange(1, len(lines)), "\n")
        path.write_bytes(gzip.compress("".join(lines).encode()))
    adopt(data, "coinflex", slices)
    ingest(data, "coinflex", jobs=1)
    start = _START + _SHIFT
    return Read(data, read(slices, start, start + timedelta(minutes=_MINUTES), {lacking}))


def _moved(text: str) -> str:
    time = datetime.fromisoformat(text[:26]) + _SHIFT
    return f"{time.isoformat(timespec='microseconds')}{text[26:]}"
