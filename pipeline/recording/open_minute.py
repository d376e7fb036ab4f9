"""The slice that is being written, and what a crash left of one.

It is a row of gzip members, each the lines of a moment, whole and with a checksum of its own; so
whatever ends the process, the file is what was written, up to one member at its end that is not
whole. At the minute's end it gets its real name: nothing is written twice.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from isal import igzip, isal_zlib

from pipeline import durable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.slice_file import SliceFacts
    from pipeline.slices import DayOfSlices, Door, Request

__all__ = ["OpenMinute", "Recording"]

log = logging.getLogger(__name__)

_LEVEL: Final = 1  # of isal: books shrink to a twelfth, at 800 megabytes a second
_START: Final = "%Y-%m-%dT%H%M"
_NAME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d{4})\.json\.gz")
_READ: Final = 1 << 20
_GZIP: Final = 31  # zlib's word for a gzip header and trailer


class OpenMinute:
    """The slice of a minute (0 to 1439) of a day, open for more."""

    def __init__(self, day: DayOfSlices, minute: int, path: Path) -> None:
        self.day = day
        self.minute = minute
        self.path = path
        with durable.writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def append(self, text: bytes) -> None:
        """Write whole lines, as one member; `sync` brings them to the disk."""
        if text:
            member = memoryview(igzip.compress(text, _LEVEL, mtime=0))
            with durable.writing(self.path):
                while member:
                    member = member[os.write(self._file, member) :]

    def sync(self) -> None:
        """Return when all that was appended survives a power cut."""
        with durable.writing(self.path):
            os.fdatasync(self._file)

    def end(self) -> SliceFacts:
        """Give the slice its real name, in place of an earlier, shorter one if there is one."""
        self.close()
        facts = self.day.commit(self.minute, self.path)
        self.day.save()
        return facts

    def close(self) -> None:
        """Leave the file as it is: whoever records next goes on with it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Recording:
    """The slices of one request that are being recorded. One process at a time."""

    def __init__(self, door: Door, request: Request) -> None:
        self._door = door
        self._request = request
        self._folder = door.root / request.folder / "open"
        self._torn = door.root / request.folder / "torn"
        self._day: DayOfSlices | None = None

    def begin(self, start: datetime) -> OpenMinute:
        """Open the slice of the minute that begins then."""
        day = self._day
        if day is None or day.day != start.date():
            self._door.open(self._request)
            day = self._day = self._door.day(self._request, start.date())
            day.drafts = self._folder  # a download clears those of the door
        return OpenMinute(day, _minute_of(start), self._path(start))

    def recover(self, now: datetime) -> OpenMinute | None:
        """Finish what an earlier process left, and return the slice of the present minute, if any.

        Whole lines are kept, and an empty line follows them: what was sent since is not known.
        """
        present = now.replace(second=0, microsecond=0)
        current: OpenMinute | None = None
        for start, path in sorted(self._left_open()):
            end = _end_of(path)
            if end.whole < path.stat().st_size:
                self._cut(path, end.whole)
            begun = self._broken(start, end)
            if start == present:
                current = begun
            else:
                begun.end()
        return current or self._reopened(present)

    def _left_open(self) -> Iterator[tuple[datetime, Path]]:
        """Yield the slices that are open, with when their minutes begin; drafts are removed."""
        for path in sorted(self._folder.glob("*")):
            match = _NAME.fullmatch(path.name)
            if match:
                yield datetime.strptime(match[1], _START).replace(tzinfo=UTC), path
            else:
                path.unlink()

    def _reopened(self, start: datetime) -> OpenMinute | None:
        """Return the present minute's slice as the head of a longer one, if it was ended."""
        slices = self._door.day(self._request, start.date())
        minute, path = _minute_of(start), self._path(start)
        if minute not in slices.slices:
            return None
        with durable.replacing(path, self._folder) as draft:
            shutil.copyfile(slices.path(minute), draft)
        return self._broken(start, _end_of(path))

    def _broken(self, start: datetime, end: _End) -> OpenMinute:
        """Open a slice that was begun before; it ends with an empty line."""
        begun = self.begin(start)
        if not end.blank:
            begun.append(b"\n")
        begun.sync()
        return begun

    def _cut(self, path: Path, whole: int) -> None:
        """Cut a file after its last whole member; keep what stood behind it, in a file apart."""
        content = path.read_bytes()
        torn = self._torn / f"{path.name.removesuffix('.json.gz')}-{whole}.gz"
        for kept, part in ((torn, content[whole:]), (path, content[:whole])):
            with durable.replacing(kept, self._folder) as draft:
                draft.write_bytes(part)
        log.warning("%s ends with %d bytes that are not whole: a line or more of the moment before "
                    "a crash, kept in %s", path.name, len(content) - whole, torn)  # fmt: skip

    def _path(self, start: datetime) -> Path:
        return self._folder / f"{start:{_START}}.json.gz"


def _minute_of(time: datetime) -> int:
    return time.hour * 60 + time.minute


class _End(NamedTuple):
    """How far a file is whole, and whether what is whole ends with an empty line."""

    whole: int
    blank: bool


def _end_of(path: Path) -> _End:
    """Read a slice's members up to its end, or to the first that is not whole."""
    whole, tail = 0, b"\n"  # as if a line had ended before the first
    with path.open("rb") as file:
        while True:
            file.seek(whole)
            member = isal_zlib.decompressobj(wbits=_GZIP)
            last = b""
            try:
                while not member.eof and (block := file.read(_READ)):
                    last = (last + member.decompress(block))[-2:]
            except isal_zlib.error:  # type: ignore[misc] # its stub declares it as an instance
                break
            if not member.eof:
                break
            whole = file.tell() - len(member.unused_data)
            tail = (tail + last)[-2:]
    return _End(whole, tail == b"\n\n")
