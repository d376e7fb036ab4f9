"""THE DOOR. Whatever enters, from a download or a folder, becomes a minute slice here.

Slices (slice_file.py) are immutable and lie at

    raw/<exchange>/<request>/YYYY/MM/DD/HH/MM.json.gz    (MM.json.zst when it was thinned)

where <request> stands for what was asked for: origin, channels, symbols (`request.json` in it).
`manifest.json` in each day's folder holds the facts of its slices. It is a cache of what the
slices say: a slice without a fitting entry is read through again, so a kill costs nothing but that.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pipeline import durable
from pipeline.channels import canonical_channel
from pipeline.errors import SliceCorrupt
from pipeline.slice_file import SliceFacts, examine
from pipeline.thinned_file import SUFFIX as THINNED
from pipeline.times import midnight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "LIVE",
    "REST",
    "REST_CHANNELS",
    "TARDIS",
    "DayOfSlices",
    "Door",
    "Request",
    "minute_path",
    "parse_minute_path",
]

_MINUTE_PATH: Final = re.compile(r"(\d{4})/(\d\d)/(\d\d)/(\d\d)/(\d\d)\.json\.gz")
TARDIS: Final = "tardis"  # the origin of what was fetched from there
LIVE: Final = "live"  # the origin of what is captured over an exchange's socket
# The origin of what was asked of its REST, and its channels, which no socket has.
REST: Final = "rest"
REST_CHANNELS: Final = ("rest/depth", "rest/markets", "rest/trades")
_MINUTE_NAMES: Final = [f"{minute:02}.json.gz" for minute in range(60)]
_THINNED_NAMES: Final = [f"{minute:02}{THINNED}" for minute in range(60)]


@dataclass(frozen=True)
class Request:
    """What was asked of an origin. `None` means unfiltered: all channels, all symbols.

    `host` names who was asked where that is not said by the exchange's id: a live feed's.
    """

    exchange: str
    origin: str
    channels: tuple[str, ...] | None = None
    symbols: tuple[str, ...] | None = None
    host: str | None = None

    def __post_init__(self) -> None:
        for name in ("channels", "symbols"):
            values = getattr(self, name)
            object.__setattr__(self, name, tuple(sorted(set(values))) if values else None)

    @property
    def facts(self) -> dict[str, Any]:
        """The request as a manifest states it."""
        return {
            "origin": self.origin,
            "exchange": self.exchange,
            "channels": self.channels,
            "symbols": self.symbols,
        } | ({} if self.host is None else {"host": self.host})

    @property
    def source(self) -> str:
        """What lineage says of a row: tardis:coinflex, live:api.coinflex.us."""
        return f"{self.origin}:{self.host or self.exchange}"

    @property
    def recorder(self) -> str | None:
        """Whose clock its lines have: None for the makers of history, else a live feed's host."""
        return self.host

    @property
    def is_rest(self) -> bool:
        """Whether its lines are questions and answers (answer_line.py), not a feed."""
        return self.origin == REST

    @property
    def folder(self) -> str:
        """The name of its folder: the origin, and a digest of the whole request."""
        return f"{self.origin}-{hashlib.sha256(msgspec.json.encode(self.facts)).hexdigest()[:12]}"

    @property
    def precedence(self) -> tuple[bool, bool, int, bool, int, str]:
        """The order in which requests count where they overlap.

        History before what was recorded live, then the widest first, then by key.
        """
        channels, symbols = self.channels or (), self.symbols or ()
        live = self.recorder is not None
        return (live, bool(symbols), -len(symbols), bool(channels), -len(channels), self.folder)

    def covers(self, channel: str, instrument: str) -> bool:
        """Say whether a canonical channel of an instrument was asked for."""
        channels = self.channels is None or channel in map(canonical_channel, self.channels)
        return channels and self.names(instrument)

    def names(self, instrument: str) -> bool:
        """Say whether any channel of an instrument was asked for."""
        return self.symbols is None or instrument in self.symbols

    def contains(self, other: Request) -> bool:
        """Say whether a slice of this request holds all that one of the other would hold."""
        return _within(other.channels, self.channels) and _within(other.symbols, self.symbols)


def _within(inner: tuple[str, ...] | None, outer: tuple[str, ...] | None) -> bool:
    return outer is None or (inner is not None and set(inner) <= set(outer))


# --- path ↔ key --------------------------------------------------------------------------------


def minute_path(day: date, minute: int) -> str:
    """Return a minute's path below its request, `minute` counted from 0 to 1439."""
    return f"{day:%Y/%m/%d}/{minute // 60:02}/{minute % 60:02}.json.gz"


def parse_minute_path(path: str) -> tuple[date, int] | None:
    """Return the day and minute that a path YYYY/MM/DD/HH/MM.json.gz names, if it does."""
    match = _MINUTE_PATH.fullmatch(path)
    if match is None:
        return None
    year, month, day, hour, minute = map(int, match.groups())
    try:
        time = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    return time.date(), hour * 60 + minute


# --- the store ---------------------------------------------------------------------------------


@dataclass
class DayOfSlices:
    """One request's slices of one UTC day: minute (0 to 1439) → facts.

    Among them are those that were dropped, of which the facts are all that is left.
    """

    request: Request
    day: date
    folder: Path
    drafts: Path
    slices: dict[int, SliceFacts] = field(default_factory=dict)
    corrupt: dict[int, str] = field(default_factory=dict)
    thinned: set[int] = field(default_factory=set)
    changed: bool = False

    def path(self, minute: int) -> Path:
        """Return where a minute's slice lies."""
        names = _THINNED_NAMES if minute in self.thinned else _MINUTE_NAMES
        return self.folder / f"{minute // 60:02}" / names[minute % 60]

    def name(self, minute: int) -> str:
        """Return its name below raw/<exchange>, as lineage says it: also of a thinned one."""
        return f"{self.request.folder}/{minute_path(self.day, minute)}"

    @property
    def dropped(self) -> list[int]:
        """The minutes whose slices were dropped, in order."""
        return sorted(minute for minute, facts in self.slices.items() if facts.dropped)

    @property
    def file_bytes(self) -> int:
        """How much its files take."""
        return sum(facts.file_bytes for facts in self.slices.values() if not facts.dropped)

    def commit(self, minute: int, draft: Path) -> SliceFacts:
        """Adopt a finished file as the slice of a minute: all of it, or nothing on any error.

        Raises SliceCorrupt when it is no whole gzip. The draft is moved, not copied.
        """
        facts = examine(draft)
        with durable.writing(self.folder):
            self.thinned.discard(minute)
            durable.commit(draft, self.path(minute))
            self._other_form(minute).unlink(missing_ok=True)
        self.slices[minute] = facts
        self.corrupt.pop(minute, None)
        self.changed = True
        return facts

    def take_thinned(self, minute: int, draft: Path) -> None:
        """Put a thinned file in the place of a minute's gzip; raises SliceCorrupt if it is none."""
        old, facts = self.path(minute), examine(draft)
        with durable.writing(self.folder):
            self.thinned.add(minute)
            durable.commit(draft, self.path(minute))
            durable.remove(old)
        self.slices[minute] = facts
        self.changed = True

    def drop(self) -> None:
        """Remove the files of all slices; what is known of them stays, so that nobody misses them.

        That is on the disk before the first file goes: a kill leaves some more files.
        """
        there = self.slices.keys() - set(self.dropped)
        for minute in there:
            self.slices[minute] = msgspec.structs.replace(self.slices[minute], dropped=True)
        self.changed |= bool(there)
        self.save()
        for minute in sorted(there):
            self._other_form(minute).unlink(missing_ok=True)
            durable.remove(self.path(minute))

    def _other_form(self, minute: int) -> Path:
        """Return where a thinned slice would lie beside its gzip, or that beside it."""
        names = _MINUTE_NAMES if minute in self.thinned else _THINNED_NAMES
        return self.path(minute).with_name(names[minute % 60])

    def distrust(self, path: Path | str) -> None:
        """Forget the facts of a slice that turned out broken, so that it is examined anew."""
        for minute in [minute for minute in self.slices if self.path(minute) == path]:
            del self.slices[minute]
            self.changed = True
        self.save()

    def save(self) -> None:
        """Write the manifest, if anything in it changed."""
        if not self.changed:
            return
        order = sorted(self.slices)
        manifest = {
            **self.request.facts,
            "date": self.day.isoformat(),
            "slices": {f"{m // 60:02}:{m % 60:02}": self.slices[m] for m in order},
        }
        with durable.replacing(self.folder / "manifest.json", self.drafts) as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        self.changed = False

    def load(self) -> DayOfSlices:
        """Take the manifest's word for untouched files, and examine every other one."""
        known = self._manifest()
        for minute, entry in self._files():
            if entry.name.endswith(THINNED):
                self.thinned.add(minute)
            try:
                status = entry.stat()
            except OSError as error:  # a link that leads nowhere, say
                self.corrupt[minute] = error.strerror or "it can't be opened"
                continue
            facts = known.pop(minute, None)
            known_as = facts and (facts.file_bytes, facts.mtime_ns)
            if facts and known_as == (status.st_size, status.st_mtime_ns):
                # To drop it was begun, and a kill left it.
                self.slices[minute] = msgspec.structs.replace(facts, dropped=False)
                continue
            self.changed = True
            try:
                self.slices[minute] = examine(self.path(minute))
            except SliceCorrupt as error:
                self.corrupt[minute] = error.reason
        self.slices |= {minute: facts for minute, facts in known.items() if facts.dropped}
        self.changed |= not known.keys() <= self.slices.keys()  # entries whose file is gone
        return self

    def _manifest(self) -> dict[int, SliceFacts]:
        try:
            text = (self.folder / "manifest.json").read_bytes()
            manifest = msgspec.json.decode(text, type=_Manifest)
            return {int(at[:2]) * 60 + int(at[3:]): facts for at, facts in manifest.slices.items()}
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError, ValueError):
            return {}  # lost or torn: every slice is examined instead
        except OSError as error:  # for a moment, perhaps: what was dropped is known by it alone
            reason = error.strerror or "it can't be read"
            raise SliceCorrupt(self.folder / "manifest.json", reason) from error

    def _files(self) -> Iterator[tuple[int, os.DirEntry[str]]]:
        for hour in range(24):
            try:
                with os.scandir(self.folder / f"{hour:02}") as found:
                    entries = {entry.name: entry for entry in found}
            except (FileNotFoundError, NotADirectoryError):
                continue
            for minute, names in enumerate(zip(_MINUTE_NAMES, _THINNED_NAMES, strict=True)):
                # The gzip, where both lie: a kill left it just before the other took its place.
                if there := [entries[name] for name in names if name in entries]:
                    yield hour * 60 + minute, there[0]


class _Manifest(msgspec.Struct):
    slices: dict[str, SliceFacts]


class Door:
    """All slices of one exchange below a data folder."""

    def __init__(self, data: Path, exchange: str) -> None:
        self.root = data / "raw" / exchange
        self.exchange = exchange
        self.drafts = self.root / ".drafts"

    def requests(self) -> list[Request]:
        """Return the requests that have slices, in the order in which they count."""
        found = []
        for folder in sorted(self.root.glob("[!.]*/")):
            request = _request_in(folder)
            if request is not None and request.folder == folder.name:
                found.append(request)
            elif any(folder.glob("[0-9][0-9][0-9][0-9]")):
                reason = "it is lost, or not of this folder, so what the slices beside it hold is "
                reason += "not known; move the folder away and fetch or import it again"
                raise SliceCorrupt(folder / "request.json", reason)
        return sorted(found, key=lambda request: request.precedence)

    def open(self, request: Request) -> None:
        """Make a request's folder, with what was asked for in it."""
        path = self.root / request.folder / "request.json"
        if not path.exists():
            with durable.replacing(path, self.drafts) as draft:
                draft.write_bytes(msgspec.json.format(msgspec.json.encode(request.facts)))

    def days(self, request: Request) -> list[date]:
        """Return the days of which a request has a folder, in order."""
        folders = (self.root / request.folder).glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]")
        named = (parse_minute_path(f"{'/'.join(f.parts[-3:])}/00/00.json.gz") for f in folders)
        return sorted(found[0] for found in named if found)  # 2020/13/45 is no day

    def all_days(self) -> list[date]:
        """Return the days of which any request has a folder, in order."""
        return sorted({day for request in self.requests() for day in self.days(request)})

    def day(self, request: Request, day: date) -> DayOfSlices:
        """Return one request's slices of one day, as the files say."""
        folder = self.root / request.folder / f"{day:%Y/%m/%d}"
        return DayOfSlices(request, day, folder, self.drafts).load()

    def minute_at(self, day: date, minute: int) -> datetime:
        """Return the start of a minute as a time."""
        return midnight(day) + timedelta(minutes=minute)


class _RequestFile(msgspec.Struct):
    exchange: str
    origin: str
    channels: tuple[str, ...] | None = None
    symbols: tuple[str, ...] | None = None
    host: str | None = None


def _request_in(folder: Path) -> Request | None:
    """Return the request that a folder says it holds; None if it says none that can be read."""
    try:
        facts = msgspec.json.decode((folder / "request.json").read_bytes(), type=_RequestFile)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return Request(**msgspec.structs.asdict(facts))
