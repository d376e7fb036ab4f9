"""What is shown of a line that was refused."""

from __future__ import annotations

from typing import Final

__all__ = ["RAW_SHOWN", "as_text"]

RAW_SHOWN: Final = 65_536  # bytes, at most


def as_text(raw: bytes) -> str:
    r"""Return bytes of a line as text; those that are no UTF-8 as \xNN."""
    return raw.decode("utf-8", errors="backslashreplace")
