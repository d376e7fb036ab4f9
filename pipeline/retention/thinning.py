"""A day's slices from gzip to zstd: the same lines in less, proven before the gzip goes."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from pipeline import durable
from pipeline.digest import sha256_of
from pipeline.errors import SliceCorrupt
from pipeline.slice_file import open_slice
from pipeline.thinned_file import SUFFIX, Made, ZstdError, write_thinned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.slice_file import SliceFacts
    from pipeline.slices import DayOfSlices

__all__ = ["thin", "thinnable"]

# What a file takes on most disks, however little is in it.
_WORTH_IT: Final = 4096
_PIECE: Final = 1 << 20


def thinnable(day: DayOfSlices) -> list[int]:
    """Return the minutes whose slices are gzip, and large enough to be worth it, in order."""
    return sorted(
        minute
        for minute, facts in day.slices.items()
        if minute not in day.thinned and not facts.dropped and facts.bytes > _WORTH_IT
    )


def thin(day: DayOfSlices, minute: int) -> None:
    """Take zstd for the gzip of a minute; the caller saves the day.

    Raises SliceCorrupt, and leaves the gzip, if that is not what once arrived, and LakeUnwritable.
    """
    path, facts = day.path(minute), day.slices[minute]
    try:
        is_as_it_came = sha256_of(path) == facts.sha256
    except OSError as error:
        raise SliceCorrupt(path, error.strerror or "it can't be read") from error
    if not is_as_it_came:
        raise SliceCorrupt(path, "its bytes are not those that arrived")
    with durable.writing(path):
        draft = durable.new_draft(day.drafts)
        draft = draft.with_name(f"{draft.name}{SUFFIX}")
        try:
            with open_slice(path) as lines:
                write_thinned(lines, _made(facts), draft)
            try:
                differ = (one != of for one, of in zip_longest(_pieces(path), _pieces(draft)))
                is_same = not any(differ)
            except (ZstdError, EOFError):
                is_same = False
            if not is_same:
                raise SliceCorrupt(draft, "it does not say what the gzip says")
            day.take_thinned(minute, draft)
        finally:
            draft.unlink(missing_ok=True)


def _made(facts: SliceFacts) -> Made:
    return Made(facts.sha256, facts.bytes, facts.lines, facts.disconnects)


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield what a slice says, in pieces of one size, however it is packed."""
    rest = b""
    with open_slice(path) as lines:
        while piece := lines.read(_PIECE):
            rest += piece
            while len(rest) >= _PIECE:
                yield rest[:_PIECE]
                rest = rest[_PIECE:]
    yield rest
