"""Takes lines from one thread and brings them to the disk in another, in bounded memory.

Lines wait for the disk no longer than a moment: they are written and synced together, at least
once a second. Where the disk is slower than the feed, whoever hands lines in is told (`is_full`)
and is to hold back; what it must give up instead is marked as a gap by `disconnect`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from pipeline.recording.arrival_clock import TICKS_PER_SECOND, ArrivalClock
from pipeline.recording.minutes import Append, Ended, Minutes, Step, minute_of, minute_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from pipeline.recording.open_minute import OpenMinute, Recording

__all__ = ["Recorder", "Written"]

log = logging.getLogger(__name__)

# How much text may wait for the disk.
_MOST_WAITING: Final = 64 << 20
_STEP_BYTES: Final = 200  # that a line takes beside its text, about
# Seconds between two syncs, unless so much text waits.
_BETWEEN_SYNCS: Final = 0.4
_WORTH_A_SYNC: Final = 8 << 20
_OF_LATE: Final = 60.0  # seconds


@dataclass
class Written:
    """The slices that were ended so far, and when the last one's minute began."""

    slices: int = 0
    last: datetime | None = None


class Recorder:
    """Records one request of the door, from the present minute on.

    All methods are for one thread, the feed's. An error of the disk is raised by the next of them.
    `ended` is told, in another thread, of each minute (its start) whose slice is whole.
    `minutes` is how lines are cut into minutes: as those of a feed, if None.
    """

    def __init__(
        self,
        recording: Recording,
        clock: ArrivalClock | None = None,
        *,
        ended: Callable[[datetime], None] | None = None,
        minutes: Minutes | None = None,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self.written = Written()
        self._recording = recording
        self._clock = clock or ArrivalClock()
        self._ended = ended
        self._most_waiting = most_waiting
        self._minutes = minutes or Minutes()
        self._open: OpenMinute | None = None
        self._queue: deque[Step] = deque()
        self._oldest = 0.0  # when the first of these came
        self._oldest_in_hand: float | None = None  # and the first of those being written
        self._waits: deque[tuple[float, float]] = deque()  # when it ended, how long it was
        self._waiting = 0
        self._stopping = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="recorder")
        # Minutes that are over are read through and named beside it: lines do not wait for that.
        self._ending = ThreadPoolExecutor(1, "ending")

    def __enter__(self) -> Self:
        now = minute_start(self._clock.ticks() // (60 * TICKS_PER_SECOND))
        self._open = self._recording.recover(now)
        if self._open:
            self._minutes.resume(minute_of(now))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the open minute; when this returns, all that was handed in is whole on the disk."""
        try:
            self._put(self._minutes.stop(self._clock.ticks()))
        finally:
            with self._changed:
                self._stopping = True
                self._changed.notify_all()
            self._thread.join()
            self._ending.shutdown()
            if self._open:  # what could not be written: the next start goes on with it
                self._open.close()
        self._check()

    @property
    def is_full(self) -> bool:
        """Whether so much waits for the disk that nothing more should be handed in."""
        return self._waiting >= self._most_waiting

    @property
    def has_room(self) -> bool:
        """Whether so little waits that lines may be handed in again, after some were given up."""
        return self._waiting < self._most_waiting // 2

    def connect(self) -> None:
        """Take note that a connection stands."""
        self._put(self._minutes.connect(self._clock.ticks()))

    def line(self, frame: bytes) -> int:
        """Record a frame that was read just now; return when that was, in ticks UTC."""
        at = self._clock.ticks()
        self._put(self._minutes.line(at, frame))
        return at

    def disconnect(self) -> None:
        """Mark that nothing is known from the last line on, until the next."""
        self._put(self._minutes.disconnect(self._clock.ticks()))

    def pass_time(self) -> None:
        """Let minutes end that are over, though no line comes. To be called every now and then."""
        self._put(self._minutes.pass_time(self._clock.ticks()))

    @property
    def waiting(self) -> int:
        """How many bytes wait for the disk, about."""
        return self._waiting

    def slowest(self, within: float = _OF_LATE) -> float:
        """Return how many seconds a line took to the disk at worst, in the last minute or less.

        `within` is in seconds. Also one that has not got there yet. From any thread.
        """
        now = time.monotonic()
        with self._changed:
            while self._waits and self._waits[0][0] < now - _OF_LATE:
                self._waits.popleft()
            waits = [wait for ended, wait in self._waits if ended >= now - within]
            return max([self._behind(now), *waits])

    def behind(self) -> float:
        """Return for how many seconds the oldest line that waits has done so. From any thread."""
        with self._changed:
            return self._behind(time.monotonic())

    def _behind(self, now: float) -> float:
        if self._oldest_in_hand is not None:
            return now - self._oldest_in_hand
        return now - self._oldest if self._queue else 0.0

    def _put(self, steps: Iterable[Step]) -> None:
        self._check()
        with self._changed:
            before = self._waiting
            if not self._queue:
                self._oldest = time.monotonic()
                self._changed.notify_all()
            for step in steps:
                self._queue.append(step)
                self._waiting += _weight(step)
            if before < _WORTH_A_SYNC <= self._waiting:
                self._changed.notify_all()

    def _check(self) -> None:
        if self._error:
            raise self._error

    # --- the recorder's own thread -------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._wait():
                began = time.monotonic()
                self._write()
                self._pause(began + _BETWEEN_SYNCS)
        except BaseException as error:  # noqa: BLE001 - raised where lines are handed in
            self._error = error
            log.critical("recording stops: %s", error)

    def _wait(self) -> bool:
        """Return when there is something to write; False when there will be nothing any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopping)
            return bool(self._queue)

    def _pause(self, until: float) -> None:
        """Let lines gather for a moment."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping or self._waiting >= _WORTH_A_SYNC,
                max(0.0, until - time.monotonic()),
            )

    def _write(self) -> None:
        """Write and sync what waits."""
        with self._changed:
            steps, self._queue = self._queue, deque()
            oldest = self._oldest_in_hand = self._oldest
        texts: list[bytes] = []
        for step in steps:
            if isinstance(step, Append):
                self._begin(step.minute)
                texts.append(step.text)
            else:
                self._append(texts)
                self._end(step)
        self._append(texts)
        if self._open:
            self._open.sync()
        now = time.monotonic()
        with self._changed:
            self._waiting -= sum(map(_weight, steps))
            self._oldest_in_hand = None
            self._note_wait(now, now - oldest)

    def _note_wait(self, now: float, wait: float) -> None:
        """Keep what may yet be the slowest of late: no wait that a later one exceeds."""
        while self._waits and self._waits[-1][1] <= wait:
            self._waits.pop()
        self._waits.append((now, wait))

    def _begin(self, minute: int) -> None:
        if self._open is None:
            self._open = self._recording.begin(minute_start(minute))

    def _append(self, texts: list[bytes]) -> None:
        if self._open:
            self._open.append(b"".join(texts))
        texts.clear()

    def _end(self, ended: Ended) -> None:
        assert self._open is not None  # noqa: S101 - nothing ends that did not begin
        self._ending.submit(self._finish, self._open, minute_start(ended.minute))
        self._open = None

    def _finish(self, minute: OpenMinute, start: datetime) -> None:
        try:
            minute.end()
        except BaseException as error:  # noqa: BLE001 - raised where lines are handed in
            self._error = error
            log.critical("recording stops: %s", error)
        else:
            self.written.slices += 1
            self.written.last = start
            if self._ended:
                self._ended(start)


def _weight(step: Step) -> int:
    """Return how much memory a step takes while it waits."""
    return len(step.text) + _STEP_BYTES if isinstance(step, Append) else _STEP_BYTES
