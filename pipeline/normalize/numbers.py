"""The exchange's numbers, which come as JSON numbers or as text: nothing but a number is taken."""

from __future__ import annotations

from typing import Final

import msgspec

from pipeline.normalize.scan import LAST_TIMESTAMP

__all__ = ["Refused", "number", "time_us", "whole"]

_INT64: Final = range(-(2**63), 2**63)
_float: Final = msgspec.json.Decoder(float)
_int: Final = msgspec.json.Decoder(int)


class Refused(ValueError):
    """A line can't be read; the text is the reason."""


def number(value: float | str, name: str) -> float:
    """Return the double nearest to the text; NaN and Infinity are no JSON numbers."""
    if isinstance(value, float | int):
        return float(value)
    try:
        return _float.decode(value)
    except msgspec.MsgspecError:
        raise Refused(f"{name} is {value[:40]!r}, not a number") from None


def whole(value: int | str | None, name: str) -> int | None:
    """Return a 64-bit integer from a number or its text."""
    try:
        found = _int.decode(value) if isinstance(value, str) else value
    except msgspec.MsgspecError:
        raise Refused(f"{name} is {str(value)[:40]!r}, not an integer") from None
    if found is not None and found not in _INT64:
        raise Refused(f"{name} is {str(found)[:40]}, beyond 64 bits")
    return found


def time_us(value: int | str | None) -> int | None:
    """Return microseconds from milliseconds."""
    milliseconds = whole(value, "timestamp")
    if milliseconds is None:
        return None
    if not 0 <= milliseconds <= LAST_TIMESTAMP:
        raise Refused(f"timestamp is {milliseconds}, not milliseconds since 1970")
    return milliseconds * 1000
