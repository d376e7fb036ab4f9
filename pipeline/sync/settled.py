"""Days that a sync need not look into again: nothing was added to or removed from their raw.

    raw/<exchange>/.settled.json

A day has 1,440 slices for each request; the folders that hold them are 24, and each one's time
changes with its entries. A day whose folders are as they were when it was found to be complete, and
in the lake, is believed to be so still. It is a cache: without it every day is looked into. What
was changed in place, by a failing disk say, it does not see; `verify` does.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Final

import msgspec

from pipeline import durable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from collections.abc import Set as AbstractSet
    from datetime import date
    from pathlib import Path

    from pipeline.slices import Door, Request

__all__ = ["Settled"]

_HOURS: Final = [f"{hour:02}" for hour in range(24)]
# A folder that has just changed may change again within the same tick of its file system's clock.
_YOUNG: Final = 10.0  # seconds


class _Day(msgspec.Struct, frozen=True):
    """What a day's folders were like, the requests that it was complete for, and its making."""

    state: str
    complete: list[str]
    source: str | None


class Settled:
    """What is known of the days of an exchange's raw; the caller holds the lock."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._path = door.root / ".settled.json"
        self._requests = [door.root / request.folder for request in door.requests()]
        self._days = _read(self._path)
        self._states: dict[date, str | None] = {}

    def is_complete(self, request: Request, day: date, minutes: range) -> bool:
        """Say whether a request had these minutes of a day, which is as it was then."""
        known = self._known(day)
        return known is not None and _name(request, minutes) in known.complete

    def is_in_lake(self, day: date, sources: Collection[str | None]) -> bool:
        """Say whether the lake's digests of a day are those of what is in raw."""
        known = self._known(day)
        return known is not None and known.source is not None and sources == {known.source}

    def complete(self, request: Request, day: date, minutes: range, *, has_changed: bool) -> None:
        """Take note that a request has these minutes of a day.

        The day is as it was when it was first asked for, unless this run changed it since.
        """
        if has_changed:
            self._requests = [self._door.root / of.folder for of in self._door.requests()]
            self._states.pop(day, None)
        self._note(day, complete={_name(request, minutes)})

    def in_lake(self, day: date, source: str) -> None:
        """Take note that the lake has a day, as it was when it was first asked for, by a digest."""
        self._note(day, source=source)

    def _note(
        self, day: date, complete: AbstractSet[str] = frozenset(), source: str | None = None
    ) -> None:
        known, state = self._known(day), self._state_of(day)
        if state is None:
            return
        if known:
            complete, source = complete | set(known.complete), source or known.source
        self._days[day.isoformat()] = _Day(state, sorted(complete), source)

    def save(self) -> None:
        """Write what is known."""
        if self._days != _read(self._path):
            with durable.replacing(self._path, self._door.drafts) as draft:
                draft.write_bytes(msgspec.json.encode(self._days))

    def _known(self, day: date) -> _Day | None:
        known = self._days.get(day.isoformat())
        return known if known and known.state == self._state_of(day) else None

    def _state_of(self, day: date) -> str | None:
        if day not in self._states:
            self._states[day] = _state(self._requests, day)
        return self._states[day]


def _name(request: Request, minutes: range) -> str:
    return f"{request.folder} {minutes.start}-{minutes.stop}"


def _state(requests: Iterable[Path], day: date) -> str | None:
    """Return what names the state of a day's folders; None while they are young."""
    found = hashlib.sha256()
    latest = 0
    for request in requests:
        folder = os.path.join(request, f"{day:%Y/%m/%d}")  # noqa: PTH118 - 25 of them for each day
        times = _times(folder)
        if times:
            latest = max(latest, *times)
            found.update(f"{request.name} {times}\n".encode())
    young = time.time() - latest / 1e9 < _YOUNG
    return None if young else found.hexdigest()[:32]


def _times(folder: str) -> list[int]:
    """Return when a day's folder and its hours last changed; none if there is no such folder."""
    try:
        times = [os.stat(folder).st_mtime_ns]  # noqa: PTH116 - see above
    except OSError:
        return []
    for hour in _HOURS:
        try:
            times.append(os.stat(f"{folder}/{hour}").st_mtime_ns)  # noqa: PTH116 - see above
        except OSError:
            times.append(0)
    return times


def _read(path: Path) -> dict[str, _Day]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, _Day])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}
