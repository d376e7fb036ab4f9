"""What the lake has of a day, file by file, as it was written.

    lake/_manifests/<exchange>/<YYYY-MM-DD>.json

Written after the day's files and before the catalogue, by whoever makes the day whole. `verify`
holds the files against it. A day that is being recorded has none, nor have derived tables, which
are made again from the day, and trades that were fetched, which are filed under other days.
"""

from __future__ import annotations

import hashlib
from datetime import date  # noqa: TC003 - a manifest's field, which msgspec reads
from typing import TYPE_CHECKING

import msgspec

from pipeline import durable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pipeline.lake import Lake

__all__ = ["DayManifest", "FileFacts", "read_manifest", "write_manifest"]


class FileFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file: whose it is, and what is in it.

    `sha256` and `bytes` are of the file, `content` of what its rows say (content.py). Without an
    instrument it is of the whole exchange.
    """

    table: str
    rows: int
    bytes: int
    sha256: str
    content: str
    instrument: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What names the file among those of its day."""
        return self.table, self.instrument or ""


class DayManifest(msgspec.Struct, frozen=True):
    """The files of a day, by table and instrument in order, and what they were made from and by."""

    day: date
    schema_version: int
    release: str
    source: str
    files: list[FileFacts]

    @property
    def content(self) -> str:
        """The digest of what all rows of the day say."""
        state = hashlib.sha256()
        for of in self.files:
            state.update(f"{of.table}\t{of.instrument or ''}\t{of.content}\n".encode())
        return state.hexdigest()[:32]


def read_manifest(lake: Lake, day: date) -> DayManifest | None:
    """Return the manifest of a day; None if there is none that can be read."""
    try:
        return msgspec.json.decode(lake.manifest(day).read_bytes(), type=DayManifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write_manifest(
    lake: Lake,
    manifest: DayManifest,
    instruments: Collection[str] | None = None,
) -> DayManifest:
    """Write the manifest of a day; of `instruments` alone, the files of others stay as they were.

    Returns it with these.
    """
    files = {of.key: of for of in _others(lake, manifest, instruments)}
    files |= {of.key: of for of in manifest.files}
    whole = msgspec.structs.replace(manifest, files=[files[key] for key in sorted(files)])
    with durable.replacing(lake.manifest(manifest.day), lake.drafts) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1))
    return whole


def _others(
    lake: Lake, manifest: DayManifest, instruments: Collection[str] | None
) -> Iterable[FileFacts]:
    """Return the files of a day that were not written now, and stay."""
    before = None if instruments is None else read_manifest(lake, manifest.day)
    if before is None or instruments is None:
        return []
    return [of for of in before.files if of.instrument and of.instrument not in instruments]
