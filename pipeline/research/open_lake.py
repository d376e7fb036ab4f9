"""All questions to one lake, in one object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.research.books import BookQuestions
from pipeline.research.explaining import explanation
from pipeline.research.tables import TableQuestions
from pipeline.research.times import moment

if TYPE_CHECKING:
    from pipeline.research.times import Time

__all__ = ["OpenLake"]


class OpenLake(BookQuestions, TableQuestions):
    """The lake of one exchange, open for questions: `pipeline.open("data")`.

    Times that are given are text (ISO 8601), date, datetime, pandas.Timestamp or numpy.datetime64,
    UTC where they name no zone. Ranges are [start, end) on the arrival clock. Frames are Polars, or
    pandas or Arrow by `frame=`, their times zone-aware in UTC; unknown is NULL. What may be large
    comes in bounded pieces by `batch_rows=`: an iterator of frames of so many rows, the last one
    less, one at least.

    Cheap to make, and safe to use from several threads. A process that was forked opens its own.
    A question raises UsageError for what can't be asked, an unknown instrument too.
    """

    def explain(self, instrument: str, time: Time) -> str:
        """Return in a sentence what is known of a book at a time, or why nothing is."""
        self._check_instrument(instrument)
        with self.cursor() as cursor:
            return explanation(self._lake, cursor, instrument, moment(time, "time"))
