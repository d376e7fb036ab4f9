"""The questions whose answers are timed. `python -m benchmarks.asking JSON` times one, cold.

Cold is what a process needs that has done nothing but import: it opens the lake, asks and has all
rows.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb  # noqa: TC002 - connect() imports it late; here that must not count

from benchmarks.job import EXCHANGE
from benchmarks.market import INSTRUMENT
from pipeline.research import OpenLake
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["QUESTIONS", "asking"]

_IN_PYTHON: Final = "book_at in Python"


@dataclass(frozen=True)
class _Asker:
    """A lake that is open for any number of questions, all about the generated instrument."""

    lake: duckdb.DuckDBPyConnection

    def book_in_sql(self, at: datetime) -> list[Any]:
        """Return the rows of book_at in SQL."""
        return self.lake.execute("from book_at($1, $2)", [INSTRUMENT, at]).fetchall()

    def quotes(self, at: datetime) -> int:
        """Return how many rows the quotes of a day have, all columns of which came as Arrow."""
        day = [INSTRUMENT, at, at + timedelta(days=1)]
        result = self.lake.sql("from quotes($1, $2, $3)", params=day)
        return int(result.to_arrow_table().num_rows)

    def coverage(self, _at: datetime) -> int:
        """Return how many rows the coverage of the whole lake has."""
        return len(self.lake.execute("from coverage").fetchall())


_IN_SQL: Final[dict[str, Callable[[_Asker, datetime], Any]]] = {
    "book_at in SQL": _Asker.book_in_sql,
    "a day of quotes": _Asker.quotes,
    "coverage of the lake": _Asker.coverage,
}
QUESTIONS: Final = ("book_at in SQL", _IN_PYTHON, "a day of quotes", "coverage of the lake")


@contextmanager
def asking(question: str, data: Path) -> Iterator[Callable[[datetime], Any]]:
    """Open a lake as whoever has this question does; yields what asks it."""
    if question == _IN_PYTHON:
        with OpenLake(data, EXCHANGE) as lake:
            yield lambda at: lake.book_at(INSTRUMENT, at).rows()
    else:
        with connect(data, EXCHANGE) as connection:
            yield partial(_IN_SQL[question], _Asker(connection))


def main() -> None:
    """Print the seconds of one answer; a JSON list has data folder, question, time."""
    data, question, at = json.loads(sys.argv[1])
    begun = time.perf_counter()
    with asking(question, Path(data)) as ask:
        ask(datetime.fromisoformat(at))
        print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
