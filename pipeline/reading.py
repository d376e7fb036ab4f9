"""A part of a day's slices: block by block from disk through the scan.

Parts are consecutive minutes, no more of them than have about so many bytes and lines together, so
that they can be read by several threads at once in bounded memory, and put together in order. How a
day is cut depends on its slices alone, so its lake does not depend on how many read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.normalize.part import Part, PartReader
from pipeline.normalize.scan import PADDING, beginning
from pipeline.normalize.slice_reader import SliceReader
from pipeline.normalize.stretches import Taken, arrivals, order_of, stretches_of
from pipeline.scanning import arrays_of, scanned
from pipeline.slice_file import Blocks
from pipeline.slices import Request
from pipeline.times import MINUTES_OF_DAY, day_start_us

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.day_sources import DaySources, MinuteSources
    from pipeline.normalize.coverage import Delivered
    from pipeline.normalize.scan import Words
    from pipeline.slice_file import SliceFacts

__all__ = [
    "Extent",
    "PartReading",
    "PartSources",
    "compile_scan",
    "parts_of",
    "read_part",
]

# A part ends with the minute that brings it to one of these, so that what comes of it fits into
# memory many times over: bytes of gzip, and lines, for the same bytes may hold a thousand times
# as many of those if they are alike.
_MINUTES: Final = 60
_BYTES: Final = 2 << 20
_LINES: Final = 100_000


@dataclass(frozen=True)
class PartSources:
    """Consecutive minutes of a day."""

    day: date
    requests: list[Request]
    first_minute: int
    minutes: list[MinuteSources]


@dataclass
class Extent:
    """How much of a part there is so far."""

    minutes: int = 0
    bytes: int = 0
    lines: int = 0

    def add(self, slices: Iterable[SliceFacts]) -> None:
        """Count one more minute, with its slices."""
        self.minutes += 1
        for facts in slices:
            self.bytes += facts.bytes
            self.lines += facts.lines + facts.disconnects

    @property
    def is_whole(self) -> bool:
        """Whether a part of that extent ends here."""
        return self.minutes == _MINUTES or self.bytes >= _BYTES or self.lines >= _LINES


def parts_of(sources: DaySources) -> Iterator[PartSources]:
    """Cut a day into parts, in order, each as soon as its minutes are settled."""
    first, minutes, extent = 0, [], Extent()
    for minute in range(MINUTES_OF_DAY):
        minutes.append(sources.minute(minute))
        extent.add(sources.facts(minute))
        if extent.is_whole or minute == MINUTES_OF_DAY - 1:
            yield PartSources(sources.day, sources.requests, first, minutes)
            first, minutes, extent = minute + 1, [], Extent()


def read_part(part: PartSources, delivered: Delivered | None = None) -> Part:
    """Read a part of a day; raises SliceCorrupt. `delivered` is what earlier parts found."""
    reading = PartReading(part.day, part.requests, part.first_minute, delivered)
    for minute in part.minutes:
        reading.take(minute)
    return reading.finish()


class PartReading:
    """A part that is read minute by minute, from its first one on."""

    def __init__(
        self,
        day: date,
        requests: list[Request],
        first_minute: int,
        delivered: Delivered | None = None,
    ) -> None:
        self._day = day
        self._reader = PartReader(requests, day_start_us(day), first_minute, delivered)
        self._blocks = Blocks(PADDING)
        self.finish = self._reader.finish
        self.piece = self._reader.piece

    def take(self, minute: MinuteSources) -> None:
        """Read the next minute's slices; raises SliceCorrupt."""
        reader = self._reader
        ranks = tuple(rank for rank, _ in minute.slices)
        reader.begin_minute(ranks)
        if not ranks:
            reader.hear(ranks)
            return
        begins = beginning(self._day, reader.minute)
        skipped = [minute.skipped.get(rank, ()) for rank in ranks]
        if len(ranks) <= 1 and not minute.cuts:  # then there is nothing to be put in order
            reader.hear(ranks)
            self._read(minute, begins, map(Taken, skipped))
            return
        arrived = [arrivals(_clocks(self._blocks, path, begins)) for _, path in minute.slices]
        orders = order_of(arrived)
        for stretch in stretches_of(ranks, arrived, minute.cuts):
            lines = stretch.lines
            heard = tuple(r for r, of in zip(ranks, lines, strict=True) if not of.is_deaf)
            reader.hear(heard, stretch.place, stretch.time, stretch.cause)
            self._read(minute, begins, map(Taken, skipped, orders, lines))

    def _read(self, minute: MinuteSources, begins: Words, taken: Iterable[Taken]) -> None:
        """Read what is taken of a stretch, slice by slice."""
        slices = []
        for (rank, path), of in zip(minute.slices, taken, strict=True):
            slices.append((rank, SliceReader(self._reader, rank, begins, of)))
            if of.lines is None or of.lines.numbers:
                for text, stop in arrays_of(self._blocks, path):
                    slices[-1][1].read(text, stop)
        self._reader.end_stretch((rank, slice_.line_before) for rank, slice_ in slices)


def _clocks(blocks: Blocks, path: Path, begins: Words) -> NDArray[np.int64]:
    """Return when each line arrived, in 100 ns since the minute began; -1 if it doesn't say."""
    arrived = [found.lines["time"].copy() for found in scanned(path, begins, blocks)]
    return np.concatenate([np.zeros(0, np.int64), *arrived])


def compile_scan() -> None:
    """Have the scan compiled: seconds, once. What was compiled before is taken from its cache."""
    book = b'{"table":"depth","data":{"instrumentId":"%b","asks":[[2,1]],"bids":[],"checksum":1}}'
    trade = b'{"table":"trade","data":{"marketCode":"A","side":"BUY","price":1,"quantity":1}}'
    time = b"2020-08-01T23:54:15.0881763Z "
    text = b"".join(time + message + b"\n" for message in (book % b"A", book % b"B", trade))
    reader = PartReader([Request("any", "none")], 0, 0)
    reader.begin_minute((0,))
    reader.hear((0,))
    padded = np.frombuffer(bytearray(text + bytes(PADDING)), np.uint8)
    SliceReader(reader, 0, beginning(date(2020, 8, 1), 1434), Taken()).read(padded, len(text))
    reader.finish()
