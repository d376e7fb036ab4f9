"""The small file in which a running capture says how it is doing, for `status` to read.

    <data>/.capture-<exchange>.json

Replaced in one step every few seconds, and removed at a clean end. Whether the capture that wrote
it still runs is what its lock says.
"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from pipeline.errors import UsageError
from pipeline.lock import is_held

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.redaction import Redaction

__all__ = ["CaptureFile", "found_capture", "lock_of"]


def lock_of(exchange: str) -> str:
    """Return the name of the lock that a capture of an exchange holds in its data folder."""
    return f"-capture-{exchange}"


def _path(data: Path, exchange: str) -> Path:
    return data / f".capture-{exchange}.json"


class CaptureFile:
    """The file of a capture that holds the lock. Its methods are for any thread."""

    def __init__(self, data: Path, exchange: str, redaction: Redaction) -> None:
        self._path = _path(data, exchange)
        self._redaction = redaction
        self._last: Mapping[str, Any] = {}
        self._before: bytes | None = None  # what the capture before has left
        self._ended = False
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._before = self._path.read_bytes()
        self.write(self._last)
        return self

    def __exit__(self, _type: object, error: BaseException | None, _at: object) -> None:
        """Remove it; or, where an error has ended the capture, leave that in it.

        One that could not even begin, as it was asked for, is none: what was there comes back.
        """
        # A disk that does not answer does not hold up the end.
        if self._turn.acquire(timeout=1.0):
            with suppress(OSError):
                if isinstance(error, UsageError) and self._before is not None:
                    self._path.write_bytes(self._before)
                elif error is None or isinstance(error, UsageError):
                    self._path.unlink(missing_ok=True)
                else:
                    words = f"{type(error).__name__}: {error}"
                    self._write(dict(self._last) | {"ended_by": words})
            self._ended = True
            self._turn.release()

    def write(self, figures: Mapping[str, Any]) -> None:
        """Say how the capture is doing now. Where that can't be written, it is left unsaid."""
        with self._turn, suppress(OSError):
            if not self._ended:
                self._last = figures
                self._write(figures)

    def _write(self, figures: Mapping[str, Any]) -> None:
        facts = {"process": str(os.getpid()), "written": time.time(), **figures}
        draft = self._path.with_name(f"{self._path.name}-draft")
        # Not flushed: after a power cut nobody asks how it was doing, and a sync may take seconds.
        draft.write_text(json.dumps(self._redaction.value(facts)), encoding="utf-8")
        draft.replace(self._path)


def found_capture(data: Path, exchange: str) -> dict[str, Any] | None:
    """Return how the capture of an exchange is doing, or how the last one ended if it did not say.

    None if there is none. `age_seconds` is how old what it says is.
    """
    # The lock first: whoever ends between the two looks takes the file along.
    runs = is_held(data, lock_of(exchange))
    facts = _read(_path(data, exchange))
    if facts is None:
        return {"state": "running; it has not said anything yet"} if runs else None
    written = facts.pop("written")
    ended_by = facts.pop("ended_by", None)
    at = f"{datetime.fromtimestamp(written, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if runs:
        state = "running"
    elif ended_by:
        state = f"not running (ended at {at}: {ended_by})"
    else:
        state = f"not running (ended without saying so at {at})"
    return {"state": state, "age_seconds": round(max(time.time() - written, 0.0), 1), **facts}


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a capture has said; None if that is nothing, or can't be read."""
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    known = isinstance(facts, dict) and isinstance(facts.get("written"), int | float)
    return facts if known else None
