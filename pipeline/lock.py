"""One run at a time works on a data folder. The lock goes with its process, however that ends.

A capture holds one of its own, by the exchange: it only adds slices to raw, beside other runs.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pipeline import durable
from pipeline.errors import LakeUnwritable, LockHeld

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["holding"]


@contextmanager
def holding(data: Path, what: str = "") -> Iterator[None]:
    """Hold the lock of a data folder, or of something in it.

    Raises LockHeld, with its holder, if another run does.
    """
    path, holder = data / f".lock{what}", data / f".lock{what}-holder"
    with durable.writing(path):
        try:
            data.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:  # below /proc, say
            raise LakeUnwritable(data, "the folder can't be made") from error
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise LockHeld(path, _holder(holder)) from None
    try:
        with durable.writing(holder):
            holder.write_text(_me(), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _me() -> str:
    """Say who holds the lock: the command's name, never its arguments, which may hold secrets."""
    command = " ".join([Path(sys.argv[0]).name, *(a for a in sys.argv[1:2] if a.isalpha())])
    return f"process {os.getpid()} ({command}) since {datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z"


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") or "unknown"
    except OSError:
        return "unknown"
