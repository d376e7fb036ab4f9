"""One run at a time works on a data folder. The lock goes with its process, however that ends.

A capture holds one of its own, by the exchange: it only adds slices to raw, beside other runs.
"""

from __future__ import annotations

import fcntl
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

__all__ = ["holder_of", "holding", "is_held"]


@contextmanager
def holding(data: Path, what: str = "", patience: float = 0.0) -> Iterator[None]:
    """Hold the lock of a data folder, or of something in it.

    Raises LockHeld, with its holder, if another run does, and goes on to for `patience` seconds.
    """
    path, holder = data / f".lock{what}", data / f".lock{what}-holder"
    with durable.writing(path):
        try:
            data.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:  # below /proc, say
            raise LakeUnwritable(data, "the folder can't be made") from error
        lock = FileLock(path, timeout=patience)
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


def is_held(data: Path, what: str) -> bool:
    """Say whether a run holds the lock of something in a data folder.

    To find out, the lock is shared for an instant. Who takes it with patience does not notice.
    """
    try:
        with (data / f".lock{what}").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none, or it is not for us to read
        return False
    return False


def holder_of(data: Path, what: str = "") -> str | None:
    """Return who holds the lock of a data folder, or of something in it; None if nobody does."""
    return _holder(data / f".lock{what}-holder") if is_held(data, what) else None


def _me() -> str:
    """Say who holds the lock: the command's name, never its arguments, which may hold secrets."""
    command = " ".join([Path(sys.argv[0]).name, *(a for a in sys.argv[1:2] if a.isalpha())])
    return f"process {os.getpid()} ({command}) since {datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z"


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") or "unknown"
    except OSError:
        return "unknown"
