"""The questions whose answers are timed. `python -m benchmarks.asking JSON` times one, cold.

Cold is what a process needs that has done nothing but import: it connects, asks and has all rows.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb  # noqa: F401 - connect() imports it late; here that must not count

from benchmarks.job import EXCHANGE
from pipeline.config import Settings
from pipeline.research import book_at
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["QUESTIONS", "Asker"]

_QUOTES: Final = "from quotes where instrument = $1 and date = $2"


class Asker:
    """One lake and a connection to it; the Python functions make their own."""

    def __init__(self, data: Path) -> None:
        self._settings = Settings(data=data, exchange=EXCHANGE)
        self._connection = connect(data, EXCHANGE)

    def book_in_sql(self, instrument: str, at: datetime) -> list[Any]:
        """Return the rows of book_at in SQL."""
        rows = self._connection.execute("from book_at($1, $2)", [instrument, at]).fetchall()
        return [list(row) for row in rows]

    def book_in_python(self, instrument: str, at: datetime) -> list[Any]:
        """Return the rows of book_at in Python."""
        rows = book_at(self._settings, instrument, at.replace(tzinfo=UTC))
        return [list(row.values()) for row in rows]

    def quotes(self, instrument: str, at: datetime) -> int:
        """Return how many rows a day of quotes has, all columns of which came as Arrow."""
        result = self._connection.sql(_QUOTES, params=[instrument, at.date()])
        return int(result.to_arrow_table().num_rows)

    def coverage(self, _instrument: str, _at: datetime) -> int:
        """Return how many rows the coverage of the whole lake has."""
        return len(self._connection.execute("from coverage").fetchall())


QUESTIONS: Final[dict[str, Callable[[Asker, str, datetime], Any]]] = {
    "book_at in SQL": Asker.book_in_sql,
    "book_at in Python": Asker.book_in_python,
    "a day of quotes": Asker.quotes,
    "coverage of the lake": Asker.coverage,
}


def main() -> None:
    """Print the seconds of one answer; a JSON list has data folder, question, instrument, time."""
    data, question, instrument, at = json.loads(sys.argv[1])
    ask, time_asked = QUESTIONS[question], datetime.fromisoformat(at)
    begun = time.perf_counter()
    ask(Asker(Path(data)), instrument, time_asked)
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
