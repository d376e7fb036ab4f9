"""A file with its real name is whole: written elsewhere, flushed, renamed, folder flushed."""

from __future__ import annotations

import ctypes
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

__all__ = [
    "adding",
    "can_exchange",
    "clear",
    "commit",
    "flush",
    "new_draft",
    "put_folder",
    "remove",
    "remove_folder",
    "replacing",
    "writing",
]

# What Linux has and Python does not: rename(2) that exchanges.
_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
_HERE = -100  # AT_FDCWD
_RENAME_EXCHANGE = 2
_CAN_NOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)

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
    flush(draft)
    made = _make_folder(path.parent)
    draft.replace(path)
    for folder in (path.parent, *made):
        flush(folder)


def remove(path: Path) -> None:
    """Remove a file; after this returns it does not come back by a power cut. Its folder goes too.

    But not if others have put something there.
    """
    with writing(path):
        path.unlink()
        flush(path.parent)
        with suppress(OSError):
            path.parent.rmdir()


def remove_folder(folder: Path, drafts: Path) -> None:
    """Remove a folder with all that is in it, in one step for whoever looks at it."""
    with writing(folder):
        away = new_draft(drafts)
        folder.rename(away)
        flush(folder.parent)
        shutil.rmtree(away)


def put_folder(draft: Path, folder: Path) -> None:
    """Give a finished folder its real name, in place of another if there is one, in one step.

    Where the system can't exchange two folders the name is free for a moment. After this returns
    it survives a power cut. The files in the folder are to be flushed already.
    """
    flush(draft)
    made = _make_folder(folder.parent)
    try:
        _exchange(draft, folder)
    except FileNotFoundError:  # nothing is there yet
        draft.rename(folder)
    for changed in (folder.parent, *made):
        flush(changed)
    if draft.exists():
        shutil.rmtree(draft)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders of a file system have each other's names."""
    if _exchanged(one, other):
        return
    away = one.with_name(f"{one.name}-away")
    other.rename(away)
    one.rename(other)
    away.rename(one)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; False where the system can't."""
    if _renameat2 is None:
        return False
    failed = _renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _RENAME_EXCHANGE)
    code = ctypes.get_errno()
    if failed and code not in _CAN_NOT_EXCHANGE:
        raise OSError(code, os.strerror(code), os.fspath(one), None, os.fspath(other))
    return not failed


def can_exchange(folder: Path) -> bool:
    """Say whether two folders in a folder, which is for this alone, can be exchanged in a step."""
    one, other = folder / "one", folder / "other"
    for made in (one, other):
        made.mkdir()
    return _exchanged(one, other)


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


@contextmanager
def adding(path: Path, drafts: Path) -> Iterator[Path]:
    """Yield a draft to write; give it the real name at the end, unless something has it by then."""
    with writing(path):
        draft = new_draft(drafts)
        try:
            yield draft
            flush(draft)
            made = _make_folder(path.parent)
            with suppress(FileExistsError):
                os.link(draft, path)
            for folder in (path.parent, *made):
                flush(folder)
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


def flush(path: Path) -> None:
    """Bring a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
