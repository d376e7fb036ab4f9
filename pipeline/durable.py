"""A file with its real name is whole: written elsewhere, flushed, renamed, folder flushed."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.errors import LakeUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["clear", "commit", "new_draft", "remove", "replacing", "writing"]

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than the file system or a limit allows",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a file stands where a folder should be",
    errno.EISDIR: "a folder stands where a file should be",
    errno.EIO: "the disk reports an input/output error",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write into LakeUnwritable, with its reason."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REASONS:
            raise
        raise LakeUnwritable(error.filename or path, _REASONS[error.errno]) from error


def new_draft(drafts: Path) -> Path:
    """Return a fresh name in a folder for drafts (made if needed) on the disk of the target."""
    drafts.mkdir(parents=True, exist_ok=True)
    return drafts / f"{os.getpid()}-{secrets.token_hex(8)}"


def commit(draft: Path, path: Path) -> None:
    """Give a finished draft its real name; after this returns it survives a power cut."""
    _flush(draft)
    made = _make_folder(path.parent)
    draft.replace(path)
    for folder in (path.parent, *made):
        _flush(folder)


def remove(path: Path) -> None:
    """Remove a file; after this returns it does not come back by a power cut. Its folder goes too.

    But not if others have put something there.
    """
    with writing(path):
        path.unlink()
        _flush(path.parent)
        with suppress(OSError):
            path.parent.rmdir()


@contextmanager
def replacing(path: Path, drafts: Path) -> Iterator[Path]:
    """Yield a draft to write; give it the real name at the end, or remove it on an error."""
    with writing(path):
        draft = new_draft(drafts)
        try:
            yield draft
            commit(draft, path)
        finally:
            draft.unlink(missing_ok=True)


def clear(drafts: Path) -> None:
    """Remove what earlier, killed runs left in a folder for drafts. The caller holds the lock."""
    with writing(drafts):
        if drafts.is_dir():
            shutil.rmtree(drafts)


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder with its parents; return those whose entry is new and must be flushed."""
    missing = [folder] if not folder.exists() else []
    while missing and not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    folder.mkdir(parents=True, exist_ok=True)
    return [new.parent for new in missing]


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
