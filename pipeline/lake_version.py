"""The version of a lake, to be cited: what it says, by which code and schema it was made.

    versions/<exchange>.jsonl     one line for each version that an ingest has left

The same raw slices give the same version wherever they are ingested, however the files were
compressed: it is a digest of each day's rows (content.py), of the release that made them and of the
schema. The lines say which days changed, so that any earlier version can be told again; they lie
beside the lake, which may be deleted and made anew.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from pipeline import durable
from pipeline.catalogue import Catalogue
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.schemas import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Cited",
    "Comparison",
    "Known",
    "compare",
    "lake_version",
    "note_version",
    "version_of",
    "versions",
]

log = logging.getLogger(__name__)

_DIGITS: Final = 12
_MIXED: Final = "mixed"


class Known(msgspec.Struct):
    """One version that the lake had: since when (UTC), by which code, and what had changed.

    `changed` has the days that were added or made anew, by ISO date what their rows say; None where
    a day went.
    """

    version: str
    since: datetime
    release: str
    schema_version: int
    changed: dict[str, str | None]


class Comparison(msgspec.Struct):
    """Two versions, and how they differ: days by ISO date, in order."""

    old: str
    new: str
    days_added: list[str]
    days_removed: list[str]
    days_changed: list[str]
    release_changed: bool
    schema_changed: bool

    @property
    def is_same(self) -> bool:
        """Whether both say the same."""
        return self.old == self.new


def lake_version(data: Path, exchange: str) -> str | None:
    """Return the version of the lake as it is; None if it has no day, or days of older releases.

    Days that are being recorded are not in it. As coinflex-5-0.1.0-3f2a0c5d7e91: exchange, schema,
    release (`mixed` if several made its days), digest.
    """
    return version_of(exchange, Catalogue(Lake(data, exchange)))


def version_of(exchange: str, catalogue: Catalogue) -> str | None:
    """Return the same of a catalogue that has been read."""
    days = _contents(catalogue)
    if not days or len(days) < len(catalogue.days):
        return None
    state = hashlib.sha256()
    for day, content in days.items():
        state.update(f"{day} {content}\n".encode())
    release = _release(catalogue)
    return f"{exchange}-{SCHEMA_VERSION}-{release}-{state.hexdigest()[:_DIGITS]}"


class Cited:
    """Which version an export is of: that before it was made, if it is the one after it too."""

    def __init__(self, data: Path, exchange: str) -> None:
        self._lake = data, exchange
        self._before = lake_version(*self._lake)

    def facts(self) -> dict[str, str]:
        """Return what the export is to say of itself; called when it is made.

        Without the lake's version if that has none, or another one by now.
        """
        if self._before is None:
            return {}
        if lake_version(*self._lake) != self._before:
            log.warning("the lake changed while it was exported: the file names no version of it")
            return {}
        return {"coinflex_l2.lake_version": self._before}


def note_version(lake: Lake, catalogue: Catalogue) -> None:
    """Take note of the lake's version, if it is another than before. The caller holds the lock."""
    version, days, known = version_of(lake.exchange, catalogue), _contents(catalogue), _read(lake)
    if version is None or (known and known[-1].version == version):
        return
    before = _days_of(known)
    changed: dict[str, str | None] = {
        day: content for day, content in days.items() if before.get(day) != content
    }
    changed |= {day: None for day in before if day not in days}
    known.append(Known(version, datetime.now(UTC), _release(catalogue), SCHEMA_VERSION, changed))
    with durable.replacing(_path(lake), lake.drafts) as draft:
        draft.write_bytes(b"".join(msgspec.json.encode(of) + b"\n" for of in known))


def versions(data: Path, exchange: str) -> list[Known]:
    """Return all versions that ingests have left in a lake, the oldest first."""
    return _read(Lake(data, exchange))


def compare(data: Path, exchange: str, old: str, new: str | None = None) -> Comparison:
    """Return how two versions of a lake differ; without `new` the last one that there was.

    Each may be shortened to its digest. Raises UsageError for one that the lake never had.
    """
    known = _read(Lake(data, exchange))
    first = _found(known, old)
    last = len(known) - 1 if new is None else _found(known, new)
    before, after = _days_of(known[: first + 1]), _days_of(known[: last + 1])
    both = sorted(before.keys() & after.keys())
    return Comparison(
        known[first].version,
        known[last].version,
        sorted(after.keys() - before.keys()),
        sorted(before.keys() - after.keys()),
        [day for day in both if before[day] != after[day]],
        known[first].release != known[last].release,
        known[first].schema_version != known[last].schema_version,
    )


def _contents(catalogue: Catalogue) -> dict[str, str]:
    """Return of each day what its rows say, and who made them; of those days that tell."""
    days = sorted(catalogue.days.items())
    return {day: f"{of['content']} {of['release']}" for day, of in days if of.get("content")}


def _release(catalogue: Catalogue) -> str:
    releases = {of.get("release", "") for of in catalogue.days.values()}
    return releases.pop() if len(releases) == 1 else _MIXED


def _days_of(known: list[Known]) -> dict[str, str]:
    """Return what each day said at the last of some versions."""
    days: dict[str, str | None] = {}
    for of in known:
        days |= of.changed
    return {day: content for day, content in days.items() if content is not None}


def _found(known: list[Known], wanted: str) -> int:
    """Return the place of a version, the last one that fits."""
    for place in reversed(range(len(known))):
        if known[place].version == wanted or known[place].version.endswith(f"-{wanted}"):
            return place
    raise UsageError.not_among("version", wanted, [of.version for of in known])


def _path(lake: Lake) -> Path:
    return lake.root.parent / "versions" / f"{lake.exchange}.jsonl"


def _read(lake: Lake) -> list[Known]:
    """Return the versions that are known; what can't be read of them is forgotten."""
    try:
        lines = _path(lake).read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Known) for line in lines]
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return []
