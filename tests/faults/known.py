"""What is known to come out wrong, so that a campaign goes on behind it.

Each has a test of its own, which is expected to fail: when one of them no longer does, what is said
of it here goes too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.playing import Played

__all__ = ["known"]


def known(played: Played) -> str | None:
    """Say why a run is known to come out wrong; None if it is not."""
    for log in played.journal.connections:
        for frame in log.frames:
            if b'"success":false' in frame.payload and b'"trade:' in frame.payload:
                return "trades refused"
            if frame.fault == "garble-utf8" and _hides_in_a_key(frame.payload):
                return "garbled keys"
    return None


def _hides_in_a_key(payload: bytes) -> bool:
    """Tell whether nothing but the name of a field keeps a frame from being JSON in UTF-8."""
    names: list[str] = []

    def note(fields: list[tuple[str, object]]) -> None:
        names.extend(name for name, _ in fields)

    try:
        json.loads(payload.decode("utf-8", "surrogateescape"), object_pairs_hook=note)
    except ValueError:
        return False
    return not all(map(_is_text, names))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
