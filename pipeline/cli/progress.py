"""Progress of a long run: a bar on a terminal, plain log lines elsewhere. Always on stderr."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from datetime import date
    from types import TracebackType

__all__ = ["RunProgress"]

log = logging.getLogger(__name__)

_LOG_EVERY: Final = 15.0


class RunProgress:
    """A context manager that shows a download, and the ingest beside it."""

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._done = self._lacking = self._size = 0
        self._begun = self._logged = time.monotonic()
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                TextColumn("{task.fields[note]}"), TimeElapsedColumn(), TextColumn("left"),
                TimeRemainingColumn(), console=Console(stderr=True),
            )  # fmt: skip
            self._task = self._bar.add_task("minutes", total=minutes, note="", visible=minutes > 0)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _at: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, size: int, *, arrived: bool) -> None:
        """One more minute is done."""
        self._done += 1
        self._size += size
        self._lacking += not arrived
        if self._bar:
            self._bar.update(self._task, advance=1, note=self._rate())
        elif self._done == self._minutes or time.monotonic() - self._logged >= _LOG_EVERY:
            self._log()

    def ingested(self, day: date, done: int, total: int) -> None:
        """One more day is in the lake."""
        self._finished("days into the lake", "ingested", day.isoformat(), done, total)

    def derived(self, name: str, done: int, total: int) -> None:
        """One more instrument's day is derived."""
        self._finished("days derived", "derived", name, done, total)

    def _finished(self, title: str, verb: str, name: str, done: int, total: int) -> None:
        if self._bar:
            if done == 1:
                self._days = self._bar.add_task(title, total=total, note="")
            self._bar.update(self._days, completed=done, note=name)
        else:
            log.info("%s %s (%d of %d days)", verb, name, done, total)

    def _rate(self) -> str:
        seconds = max(time.monotonic() - self._begun, 1e-3)
        lacking = f", {self._lacking} lacking" if self._lacking else ""
        return f"{self._done / seconds:.0f}/s {self._size / seconds / 1e6:.1f} MB/s{lacking}"

    def _log(self) -> None:
        self._logged = time.monotonic()
        seconds = self._logged - self._begun
        left = (self._minutes - self._done) * seconds / max(self._done, 1)
        log.info(
            "%d of %d minutes, %s, %d left, about %.0f s",
            self._done, self._minutes, self._rate(), self._minutes - self._done, left,
        )  # fmt: skip
