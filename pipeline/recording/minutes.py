"""Lines, disconnects and the passing of time → what is written to which minute's slice.

A minute has a slice if a connection stood at any time in it, though no line came. Where none stood
when the minute began, its slice begins with an empty line: what was sent until then was not
recorded. Pure: no disk, no clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pipeline.recording.arrival_clock import TICKS_PER_MINUTE, TICKS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Answers", "Append", "Ended", "Minutes", "Step", "minute_of", "minute_start"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BLANK = b"\n"


class Append(NamedTuple):
    """Text of whole lines for the slice of a minute (counted from 1970), which may be new."""

    minute: int
    text: bytes


class Ended(NamedTuple):
    """Nothing more will come for a minute's slice."""

    minute: int


Step: TypeAlias = Append | Ended


class Minutes:
    """Cuts one recording into minutes. Times are ticks UTC, and never run backwards."""

    def __init__(self) -> None:
        self._minute: int | None = None  # of the open slice
        self._stands = False  # a connection does
        self._broken: int | None = None  # the minute whose slice ended with an empty line
        self._second = -1
        self._stamp = b""

    def connect(self, at: int) -> Iterator[Step]:
        """Take note that a connection stands from now on."""
        yield from self.pass_time(at)
        if self._minute is None:
            yield from self._open(at // TICKS_PER_MINUTE)
        self._stands = True

    def line(self, at: int, frame: bytes) -> Iterable[Step]:
        """Take a frame: one line, whatever is in it."""
        minute = at // TICKS_PER_MINUTE
        before = () if minute == self._minute and self._stands else (*self.connect(at),)
        if b"\n" in frame:  # between JSON's tokens, where any blank is as good
            frame = frame.replace(b"\n", b" ")
        self._broken = None
        text = b"%s%07dZ %s\n" % (self._prefix(at), at % TICKS_PER_SECOND, frame)
        return *before, Append(minute, text)

    def disconnect(self, at: int) -> Iterator[Step]:
        """Mark that the connection was lost, or that lines were left out, from the last line on."""
        yield from self.pass_time(at)
        if self._minute is not None and self._broken != self._minute:
            self._broken = self._minute
            yield Append(self._minute, _BLANK)
        self._stands = False

    def pass_time(self, at: int) -> Iterator[Step]:
        """End minutes that are over, and begin the next ones as long as a connection stands."""
        minute = at // TICKS_PER_MINUTE
        while self._minute is not None and self._minute < minute:
            yield Ended(self._minute)
            following, self._minute = self._minute + 1, None
            if self._stands:
                self._minute = following
                yield Append(following, b"")

    def stop(self, at: int) -> Iterator[Step]:
        """End the recording: after this nothing is known."""
        yield from self.disconnect(at)
        if self._minute is not None:
            yield Ended(self._minute)
            self._minute = None

    def resume(self, minute: int) -> None:
        """Go on in a minute whose slice is open already, and ends with an empty line."""
        self._minute = self._broken = minute

    def _open(self, minute: int) -> Iterator[Step]:
        self._minute = minute
        if self._broken == minute - 1 and not _begins_a_day(minute):
            yield Append(minute, b"")
        else:
            self._broken = minute
            yield Append(minute, _BLANK)

    def _prefix(self, at: int) -> bytes:
        """Return the arrival time up to its fraction."""
        second = at // TICKS_PER_SECOND
        if second != self._second:
            self._second = second
            time = _EPOCH + timedelta(seconds=second)
            self._stamp = f"{time:%Y-%m-%dT%H:%M:%S}.".encode()
        return self._stamp


class Answers(Minutes):
    """Cuts answers to questions into minutes: nothing is said between them, so nothing is lost.

    A minute has a slice if an answer came in it, and no empty line marks anything.
    """

    def connect(self, at: int) -> Iterator[Step]:
        """Open the slice of the minute, if it is not."""
        yield from self.pass_time(at)
        self._minute = at // TICKS_PER_MINUTE

    def disconnect(self, at: int) -> Iterator[Step]:
        """Take note that time passes."""
        yield from self.pass_time(at)


def minute_start(minute: int) -> datetime:
    """Return when a minute counted from 1970 begins."""
    return _EPOCH + timedelta(minutes=minute)


def minute_of(time: datetime) -> int:
    """Return the number of a time's minute, counted from 1970."""
    return (time - _EPOCH) // timedelta(minutes=1)


def _begins_a_day(minute: int) -> bool:
    # A day is read without the one before it.
    return minute % (24 * 60) == 0
