"""How much the files of a data folder take, by month and by what they are."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.lake import Lake
from pipeline.slices import Door
from pipeline.thinned_file import SUFFIX as THINNED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Size", "sizes_of"]

_DATE: Final = "date="
_RAW: Final = "raw"


class Size(NamedTuple):
    """Files of a month (YYYY-MM) and a kind: raw, raw thinned, or a table of the lake."""

    month: str
    kind: str
    files: int
    bytes: int


def sizes_of(data: Path, exchange: str) -> list[Size]:
    """Return how much there is, by month and kind; looks at every file, and opens none."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    door, lake = Door(data, exchange), Lake(data, exchange)
    for request in door.requests():
        for day in door.days(request):
            folder = door.root / request.folder / f"{day:%Y/%m/%d}"
            for entry in _files(folder):
                kind = f"{_RAW} thinned" if entry.name.endswith(THINNED) else _RAW
                found[f"{day:%Y-%m}", kind].append(entry.stat().st_size)
    for table in sorted(lake.root.glob(f"*/exchange={exchange}")):
        for entry in _files(table):
            date = os.path.basename(os.path.dirname(entry.path))  # noqa: PTH119, PTH120 - many
            if date.startswith(_DATE):
                month = date.removeprefix(_DATE)[:7]
                found[month, table.parent.name].append(entry.stat().st_size)
    return [Size(*key, len(sizes), sum(sizes)) for key, sizes in sorted(found.items())]


def _files(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """Yield all files below a folder that lie there now."""
    try:
        with os.scandir(folder) as entries:
            there = list(entries)
    except FileNotFoundError:
        return
    for entry in there:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        elif entry.is_file():
            yield entry
