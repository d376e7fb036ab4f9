"""All questions of which the answers are frames, or a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.research.books import BookQuestions
from pipeline.research.explaining import explanation
from pipeline.research.tables import TableQuestions
from pipeline.research.times import moment

if TYPE_CHECKING:
    from pipeline.research.times import Time

__all__ = ["Questions"]


class Questions(BookQuestions, TableQuestions):
    """What OpenLake answers, but for pictures, which are drawn from these answers."""

    def explain(self, instrument: str, time: Time) -> str:
        """Return in a sentence what is known of a book at a time, or why nothing is."""
        self._check_instrument(instrument)
        with self.cursor() as cursor:
            return explanation(self._lake, cursor, instrument, moment(time, "time"))
