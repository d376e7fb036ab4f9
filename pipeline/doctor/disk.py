"""The data folder: whether it can be written, what its file system can do, how much fits in it.

To find out, a few small files are written in it, in a folder that is removed again.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline import durable
from pipeline.doctor.finding import note, ok, wrong
from pipeline.errors import LakeUnwritable
from pipeline.times import MINUTES_OF_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.doctor.finding import Finding

__all__ = ["BYTES_A_DAY", "disk"]

# An instrument's day of recorded order flow, 100 and 50 levels a side with trades: gzip slices and
# lake, as benchmarks/README.md has them (240 minutes of two instruments: 89.78 + 34.18 MB).
BYTES_A_DAY: Final = 372_000_000
_LEAST_ROOM: Final = 100_000_000
# Tables, instruments and days that one query may open at once, with some to spare.
_FILES_WANTED: Final = 1024
_FILES_NEEDED: Final = 256
_ROOM_FOR: Final = "free some room, or name a folder on a larger disk with --data"
# raw/<exchange>/<request>/YYYY/MM/DD
_DEEP: Final = 6
_OWNER: Final = "give it to the user of the job (chown -R), and run commands by hand as that user"
_WRITABLE: Final = "give the permission to write it, or name another folder with --data"


def disk(data: Path, facts: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Yield what is found of a data folder; `facts` are those of `status`, None if not known."""
    place = _existing(data)
    yield _folder(data, place)
    yield from _file_system(place)
    yield _room(place, facts or {})
    yield _open_files()


def _existing(data: Path) -> Path:
    """Return the folder, or what is there already of the path to it."""
    place = data.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _folder(data: Path, place: Path) -> Finding:
    if not place.is_dir():
        return wrong("data folder", f"{place} is a file", "name a folder with --data")
    if place != data.absolute():
        return ok("data folder", f"{data} is not there yet; it is made by the first run")
    return ok("data folder", str(data.resolve()))


def _file_system(place: Path) -> Iterator[Finding]:
    """Yield whether files can be written and named in one step, and folders exchanged."""
    if not place.is_dir():
        return
    try:
        with durable.writing(place), tempfile.TemporaryDirectory(
            prefix=".doctor-", dir=place
        ) as name:  # fmt: skip
            trial = Path(name)
            _write_twice(trial)
            exchanges = durable.can_exchange(trial)
    except LakeUnwritable as error:
        full = any(word in error.reason for word in ("full", "quota", "larger"))
        yield wrong("writing", f"{place}: {error.reason}", _ROOM_FOR if full else _WRITABLE)
        return
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "?")
        yield wrong("writing", f"{place}: {error.strerror} ({code})", _WRITABLE)
        return
    if (closed := _closed(place)) is not None:
        yield wrong("writing", f"{closed}: another user's, so nothing can be written there", _OWNER)
        return
    yield ok("writing", "files are written, flushed and renamed in one step")
    if exchanges:
        yield ok("exchanging folders", "in one step")
    else:
        yield note(
            "exchanging folders",
            "not in one step: while a recorded day is made one file, its name is free for a moment",
            "let readers ask again, or use a local file system",
        )


def _closed(place: Path) -> Path | None:
    """Return a folder below that can't be written: a command by hand, as another user, left it."""
    for folder, folders, _ in os.walk(place):
        for path in (Path(folder), *(Path(folder, name) for name in folders)):
            if not os.access(path, os.W_OK | os.X_OK):
                return path
        if len(Path(folder).relative_to(place).parts) >= _DEEP:
            folders.clear()  # below are files alone, and many
    return None


def _write_twice(trial: Path) -> None:
    """Write a file, and replace it, as all files here are written."""
    for text in ("one", "other"):
        with durable.replacing(trial / "named", trial / "drafts") as draft:
            draft.write_text(text * 4096, encoding="utf-8")


def _room(place: Path, facts: Mapping[str, Any]) -> Finding:
    free = shutil.disk_usage(place).free
    days = facts.get("minutes_fetched", 0) / MINUTES_OF_DAY
    if days:
        a_day = max(1, round((facts["slice_bytes"] + facts["lake_bytes"]) / days))
        of = f"at {a_day / 1e6:,.0f} MB a day, as in this lake"
    else:
        a_day = BYTES_A_DAY
        of = f"of one instrument, at {a_day / 1e6:,.0f} MB a day, as measured on order flow"
    found = f"{free / 1e9:,.1f} GB free: some {free // a_day:,} days {of}"
    if free < _LEAST_ROOM:
        return wrong("room", found, _ROOM_FOR)
    if free < a_day:
        return note("room", found, _ROOM_FOR)
    return ok("room", found)


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = {of: "any" if of == resource.RLIM_INFINITY else f"{of:,}" for of in (soft, hard)}
    found = f"{told[soft]} at once, {told[hard]} at most"
    allowed = [of for of in (soft, hard) if of != resource.RLIM_INFINITY]
    advice = f"ulimit -n {_FILES_WANTED}, or a higher limit of the service"
    if soft in allowed and soft < _FILES_NEEDED:
        return wrong("open files", found, advice)
    if soft in allowed and soft < _FILES_WANTED:
        return note("open files", found, advice)
    return ok("open files", found)
