"""What is wrong with the lake, or with where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors.root import PipelineError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "DiskNearlyFull",
    "LakeDamaged",
    "LakeDiffers",
    "LakeDisagrees",
    "LakeError",
    "LakeForbidden",
    "LakeInconsistent",
    "LakeOutdated",
    "LakeUnwritable",
    "WorkerLost",
]


class LakeError(PipelineError):
    """The lake is not what it should be."""

    exit_code = 2


class LakeUnwritable(LakeError):
    """The data folder can't be written: disk full, no permission, read-only."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(path, reason)

    def __str__(self) -> str:
        return (
            f"can't write {self.path}: {self.reason}. What is there is whole; free space or "
            "give the permission, or name another folder with --data, and run it again."
        )


class DiskNearlyFull(LakeError):
    """A run stopped before the disk was full: bytes that are free, and that are to stay free."""

    def __init__(self, data: Path | str, free: int, least: int) -> None:
        self.data = data
        self.free = free
        self.least = least
        super().__init__(data, free, least)

    def __str__(self) -> str:
        return (
            f"the disk of {self.data} has {self.free / 1e9:.1f} GB left, less than the "
            f"{self.least / 1e9:.1f} GB that are to stay free (min_free_gb): the rest is left to "
            "do. What is there is whole; free space, and run it again."
        )


class LakeForbidden(LakeError):
    """There is no permission to read the lake."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        super().__init__(path)

    def __str__(self) -> str:
        return f"{self.path} can't be read: there is no permission to"


class LakeDamaged(LakeError):
    """A partition can't be read, or is not there though the catalogue counts it."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(path, reason)

    def __str__(self) -> str:
        return (
            f"{self.path} is damaged: {self.reason}. Raw slices are not touched by this; make the "
            "day again with: coinflex-l2 ingest --rebuild"
        )


class LakeOutdated(LakeError):
    """Days of the lake were written by another version of this program, with other columns."""

    def __init__(self, data: Path | str, days: str = "its days") -> None:
        self.data = data
        self.days = days
        super().__init__(data, days)

    def __str__(self) -> str:
        return (
            f"the lake of {self.data} has {self.days} as another version of this program wrote "
            "them; make them anew from the raw slices, without downloading: coinflex-l2 ingest"
        )


class LakeDisagrees(LakeError):
    """The lake says other than its raw slices."""

    def __init__(self, compared: int, different: int, first: str) -> None:
        self.compared = compared
        self.different = different
        self.first = first
        super().__init__(compared, different, first)

    def __str__(self) -> str:
        return (
            f"{self.different} of {self.compared} books differ from raw, the first: {self.first}. "
            "Rebuild with: coinflex-l2 ingest --rebuild"
        )


class LakeDiffers(LakeError):
    """A verification found that the lake says other than raw, or than was written."""

    def __init__(self, many: int, first: str) -> None:
        self.many = many
        self.first = first
        super().__init__(many, first)

    def __str__(self) -> str:
        things = "1 thing differs" if self.many == 1 else f"{self.many:,} things differ"
        return f"{things}, the first: {self.first}. Repair with: coinflex-l2 verify --repair"


class LakeInconsistent(LakeError):
    """Checks found that the lake disagrees with itself: check → how many bad rows."""

    def __init__(self, bad: Mapping[str, int]) -> None:
        self.bad = dict(bad)
        super().__init__(self.bad)

    def __str__(self) -> str:
        found = ", ".join(
            f"{name} ({count:,} bad {'row' if count == 1 else 'rows'})"
            if count
            else f"{name} (unreadable)"
            for name, count in self.bad.items()
        )
        return (
            f"the lake disagrees with itself: {found}. Rebuild with: coinflex-l2 ingest --rebuild"
        )


class WorkerLost(LakeError):
    """A process that worked on a day was killed from outside."""

    def __str__(self) -> str:
        return (
            "a process that worked on a day was killed, perhaps because memory ran out. The days "
            "that were done are in the lake; run it again, with fewer --jobs for less memory."
        )
