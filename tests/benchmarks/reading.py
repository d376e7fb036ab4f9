"""An independent reading of slices by gzip, json and dictionaries; nothing of it is shared."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_Side = dict[float, float]


@dataclass
class Counts:
    """Lines, changed levels, and every full-depth object, in order."""

    lines: int = 0
    changes: int = 0
    books: list[dict[str, Any]] = field(default_factory=list)
    stamps: list[str] = field(default_factory=list)


def read(folder: Path) -> Counts:
    """Read all slices of a folder."""
    counts = Counts()
    before: dict[tuple[str, str], _Side] = {}
    for path in sorted(folder.glob("[0-9]*/*/*/*/*.json.gz")):
        for text in gzip.decompress(path.read_bytes()).decode("ascii").splitlines():
            counts.lines += 1
            counts.stamps.append(text[:28])
            message = json.loads(text[29:])
            if message["table"] == "futures/depth":
                counts.books += message["data"]
    for book in counts.books:
        for name in ("bids", "asks"):
            key = book["instrumentId"], name
            after = {level[0]: level[1] for level in book[name]}
            stood = before.get(key, {})
            prices = stood.keys() | after.keys()
            counts.changes += sum(stood.get(price) != after.get(price) for price in prices)
            before[key] = after
    return counts
