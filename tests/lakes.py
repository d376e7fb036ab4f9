"""Makes data folders for tests, and reads back what came of them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.parquet as pq

from pipeline import ingest as in_process
from pipeline.slices import Door, Request
from pipeline.views import write_database

from .making import DAY, at, depth, trade, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from pipeline.ingest import IngestReport

EXCHANGE = "coinflex"
EVERYTHING = Request(EXCHANGE, "tardis")
TODAY = DAY.date()


def put(
    data: Path, minute: datetime, lines: Iterable[str | bytes], request: Request = EVERYTHING
) -> Path:
    """Bring a minute through the door, as the answer to a request; return where it lies."""
    door = Door(data, EXCHANGE)
    door.open(request)
    written = write_minute(data / "drafts-of-tests", minute, lines)
    slices = door.day(request, minute.date())
    number = minute.hour * 60 + minute.minute
    slices.commit(number, written)
    slices.save()
    return slices.path(number)


def minute_of(
    start: datetime, instruments: Iterable[str] = ("A", "B"), messages: int = 6, base: float = 100
) -> list[str]:
    """Return a minute's lines: moving books and a trade of each instrument, a disconnect within."""
    lines = []
    for number in range(messages):
        time = at(0, number * 50 / messages, start)
        for name in instruments:
            # Told by its name, so that two slices of one minute say the same of an instrument.
            top = base + 10 * (sum(name.encode()) % 7) + number % 3 + start.minute / 8
            bids = [[top - level, 1 + (number + level) % 5] for level in range(5)]
            asks = [[top + 0.5 + level, 2 + (number * level) % 3] for level in range(5)]
            seq = 1_000_000 + start.minute * 100 + number
            lines.append(depth(time, bids, asks, instrument=name, seq=seq))
            if number == 1:
                lines.append(trade(time, str(top), "1.5", instrument=name, id_=str(seq)))
        if number == messages // 2:
            lines.append("")
    return lines


def ingest(data: Path, exchange: str, **options: Any) -> IngestReport:
    """Ingest days in this process, and leave in the data folder what commands leave there."""
    report = in_process.ingest(data, exchange, **options)
    leave_objects(data, exchange)
    return report


def leave_objects(data: Path, exchange: str = EXCHANGE) -> None:
    """Leave in a data folder what the first command leaves for `connect` and for later ones.

    `connect` is four times as quick then, and the next command has half a second less to do.
    """
    kept = data / ".objects" / f"{exchange}.duckdb"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(_objects())


def bring_in(data: Path, *days: date, **options: Any) -> IngestReport:
    """Ingest days (all, if none) in this process."""
    return ingest(data, EXCHANGE, days=days or None, **{"jobs": 1} | options)


@cache
def _objects() -> bytes:
    """Return the file of the objects that are the same in every lake; made once a process."""
    with tempfile.TemporaryDirectory() as folder:
        write_database(Path(folder), EXCHANGE)
        return (Path(folder) / ".objects" / f"{EXCHANGE}.duckdb").read_bytes()


def partitions(data: Path) -> list[Path]:
    """Return the lake's partitions, the empty ones apart."""
    found = (data / "lake").glob("*/exchange=*/**/data*.parquet")
    return sorted(path for path in found if path.parts[-5] != "_empty")


def contents(data: Path) -> dict[str, bytes]:
    """Return every file of the lake, drafts too, byte by byte."""
    root = data / "lake"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def rows(data: Path) -> dict[str, pl.DataFrame]:
    """Return the rows of every partition, read by Parquet alone."""
    found = {}
    for path in partitions(data):
        frame = pl.from_arrow(pq.ParquetFile(path).read())
        assert isinstance(frame, pl.DataFrame)
        found[str(path.relative_to(data / "lake"))] = frame
    return found


def same_rows(one: Mapping[str, pl.DataFrame], other: Mapping[str, pl.DataFrame]) -> bool:
    """Say whether two lakes hold the same partitions with the same rows in the same order."""
    return one.keys() == other.keys() and all(one[name].equals(other[name]) for name in one)


def identities(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what tells whether a file was written again: its inode and its time."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }
