"""What an exchange may send in a minute: more than that is no market, and would fill the disk."""

from __future__ import annotations

from typing import Final

__all__ = ["Flood"]

# All markets at 400 levels a side, every 50 ms, are less than a third of this. Two such times touch
# a minute, whose slice may have two million lines and 8 GiB (slice_file.py).
_MOST_FRAMES: Final = 900_000
_MOST_BYTES: Final = 3 << 30
_SPAN: Final = 60.0  # seconds


class Flood:
    """Counts frames and their bytes, in spans of a minute, however many connections they take."""

    def __init__(self, frames: int = _MOST_FRAMES, size: int = _MOST_BYTES) -> None:
        self._most = frames, size
        self._since = -_SPAN
        self._frames = self._bytes = 0

    def rises(self, size: int, now: float) -> str | None:
        """Count a frame of so many bytes; return what there is too much of, if there is.

        `now` is of a clock that does not go back, in seconds.
        """
        if now - self._since >= _SPAN:
            self._since, self._frames, self._bytes = now, 0, 0
        self._frames += 1
        self._bytes += size
        frames, bytes_ = self._most
        if self._frames > frames:
            return f"more than {frames} frames in a minute"
        return f"more than {bytes_} bytes in a minute" if self._bytes > bytes_ else None
