"""A disk of its own, which can be full or read-only; where none can be mounted, a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Disk", "a_disk"]

_LARGE = 256 << 20


class Disk:
    """Where the data folder lies. `is_own`: it can be full and read-only."""

    def __init__(self, folder: Path, *, is_own: bool) -> None:
        self.folder = folder
        self.is_own = is_own

    @contextmanager
    def full_after(self, size: int) -> Iterator[None]:
        """Let there be room for so many bytes more while the block runs."""
        self._remount(f"size={shutil.disk_usage(self.folder).used + size}")
        try:
            yield
        finally:
            self._remount(f"size={_LARGE}")

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nothing be written while the block runs."""
        self._remount("ro")
        try:
            yield
        finally:
            self._remount("rw")

    def _remount(self, option: str) -> None:
        _mount("-o", f"remount,{option}", str(self.folder))


@contextmanager
def a_disk(folder: Path) -> Iterator[Disk]:
    """Make a disk in memory while the block runs, if this user may; else a folder stands for it."""
    folder.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", f"size={_LARGE}", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        yield Disk(folder, is_own=False)
        return
    try:
        yield Disk(folder, is_own=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    if os.geteuid() != 0:
        raise PermissionError("only root may mount")
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
