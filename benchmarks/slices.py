"""Folders of minute slices: where each lies, how large it is, and writing one so that it is whole.

A slice with its real name is whole: a generation that was interrupted is gone on with, and a
second run of the benchmark finds everything there. Minutes count from the midnight of DAY; those
of the day before are below 0.
"""

from __future__ import annotations

import gzip
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline import durable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = [
    "DAY", "MINUTE_MS", "Slices",
    "link", "minute_file", "minute_text", "slice_files", "span", "write",
]  # fmt: skip

# A first of a month, so that the loopback Tardis asks for no key; the day of the recording too.
DAY: Final = datetime(2020, 8, 1, tzinfo=UTC)
MINUTE_MS: Final = 60_000
_LEVEL: Final = 6  # what web servers use


@dataclass(frozen=True)
class Slices:
    """A folder of slices that a contender reads from end to end.

    `messages` counts data lines, `raw_bytes` is what gunzip makes of all files, `bytes` their size.
    """

    folder: Path
    minutes: int
    messages: int
    bytes: int
    raw_bytes: int

    @classmethod
    def of(cls, folder: Path, messages: int) -> Slices:
        """Return a folder's slices; sizes are taken from the files and from gzip's own trailers."""
        paths = slice_files(folder)
        sizes = [path.stat().st_size for path in paths]
        return cls(folder, len(paths), messages, sum(sizes), sum(map(_raw_size, paths)))


def slice_files(folder: Path) -> list[Path]:
    """Return all slices of a folder in order of time."""
    return sorted(folder.glob("[0-9]*/*/*/*/*.json.gz"))


def span(paths: Sequence[Path]) -> tuple[str, str]:
    """Return from when to when slices last that are in order, [start, end), as texts of UTC."""
    first, last = _minute(paths[0]), _minute(paths[-1])
    return first.isoformat(), (last + timedelta(minutes=1)).isoformat()


def _minute(path: Path) -> datetime:
    year, month, day, hour, minute = path.parts[-5:]
    return datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute[:2]}")


def minute_file(folder: Path, minute: int) -> Path:
    """Return where the slice of a minute lies."""
    return folder / f"{DAY + timedelta(minutes=minute):%Y/%m/%d/%H/%M}.json.gz"


def minute_text(minute: int) -> str:
    """Return a minute as arrival times begin: 2020-08-01T23:54."""
    return f"{DAY + timedelta(minutes=minute):%Y-%m-%dT%H:%M}"


def write(folder: Path, minute: int, lines: bytes) -> None:
    """Write a minute's slice: under another name first, its own when it is whole.

    The same lines always give the same bytes.
    """
    with durable.replacing(minute_file(folder, minute), folder / ".drafts") as draft:
        draft.write_bytes(gzip.compress(lines, _LEVEL, mtime=0))


def link(source: Path, minutes: Iterable[int], folder: Path) -> Path:
    """Make a folder that holds some minutes of another one, without copying them."""
    for minute in minutes:
        path = minute_file(folder, minute)
        path.parent.mkdir(parents=True, exist_ok=True)
        _link(minute_file(source, minute), path)
    return folder


def _raw_size(path: Path) -> int:
    # The last four bytes of a gzip of one member; a minute is far below their 4 GB.
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(), "little")


def _link(source: Path, path: Path) -> None:
    """Let a file have another name; on another disk it is copied."""
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
