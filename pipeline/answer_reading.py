"""A day's slices of REST's answers: from disk through normalize/answers.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.normalize.answers import Answers, SliceOfAnswers
from pipeline.slice_file import read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import polars as pl

    from pipeline.normalize.part import Tally
    from pipeline.slices import DayOfSlices

__all__ = ["AnswerReading"]

# What waits until it is emitted: a row of `rest_depth` has some kilobytes.
_ROWS_AT_ONCE: Final = 10_000


class AnswerReading:
    """Reads each slice once, in order; `emit` takes the rows of tables."""

    def __init__(self, emit: Callable[[str, str | None, pl.DataFrame], Any]) -> None:
        self._answers = Answers()
        self._emit = emit
        self._through: dict[str, int] = {}  # by request: the last minute that was read

    def read(self, days: Iterable[DayOfSlices]) -> Iterator[tuple[DayOfSlices, int, Tally]]:
        """Read what there is beyond the last time; yield each slice with what became of its lines.

        Raises SliceCorrupt. All rows are emitted when this is at its end.
        """
        for held in days:
            folder = held.request.folder
            for minute in sorted(held.slices):
                if minute > self._through.get(folder, -1):
                    self._through[folder] = minute
                    yield held, minute, self._take(held, minute)
        self._flush()

    def _take(self, held: DayOfSlices, minute: int) -> Tally:
        at = SliceOfAnswers(minute, held.name(minute), held.request.source)
        tally = self._answers.take(at, read_lines(held.path(minute)))
        if self._answers.waiting >= _ROWS_AT_ONCE:
            self._flush()
        return tally

    def _flush(self) -> None:
        for table, instrument, rows in self._answers.drain():
            self._emit(table, instrument, rows)
