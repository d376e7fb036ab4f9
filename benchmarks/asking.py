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

__all__ = ["BOOKS", "BOOKS_IN_SQL", "CONNECT", "QUESTIONS", "QUOTES", "asking"]

BOOKS: Final = "a day of books at 1 s in Python"
BOOKS_IN_SQL: Final = "a day of books at 1 s in SQL"
QUOTES: Final = "a day of quotes in Python"
CONNECT: Final = "connect"
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class _Asker:
    """A lake that is open for any number of questions, all about the generated instrument."""

    lake: duckdb.DuckDBPyConnection

    def book_in_sql(self, at: datetime) -> list[Any]:
        """Return the rows of book_at in SQL."""
        return self.lake.execute("from book_at($1, $2)", [INSTRUMENT, at]).fetchall()

    def quotes(self, at: datetime) -> int:
        """Return how many rows the quotes of a day have, all columns of which came as Arrow."""
        return self._rows("from quotes($1, $2, $3)", at)

    def books(self, at: datetime) -> int:
        """Return how many rows the books of a day have, 25 levels a side each second, likewise."""
        return self._rows("from books($1, $2, $3, interval 1 second)", at)

    def coverage(self, _at: datetime) -> int:
        """Return how many rows the coverage of the whole lake has."""
        return len(self.lake.execute("from coverage").fetchall())

    def _rows(self, query: str, at: datetime) -> int:
        result = self.lake.sql(query, params=[INSTRUMENT, at, at + _DAY])
        return int(result.to_arrow_table().num_rows)


_IN_SQL: Final[dict[str, Callable[[_Asker, datetime], Any]]] = {
    "book_at in SQL": _Asker.book_in_sql,
    "a day of quotes in SQL": _Asker.quotes,
    BOOKS_IN_SQL: _Asker.books,
    "coverage of the lake": _Asker.coverage,
}
# All rows and columns, as Polars.
_IN_PYTHON: Final[dict[str, Callable[[OpenLake, datetime], Any]]] = {
    "book_at in Python": lambda lake, at: lake.book_at(INSTRUMENT, at).rows(),
    QUOTES: lambda lake, at: lake.quotes(INSTRUMENT, at, at + _DAY).height,
    BOOKS: lambda lake, at: lake.books(INSTRUMENT, at, at + _DAY, "1s").height,
}
QUESTIONS: Final = (*_IN_SQL, *_IN_PYTHON, CONNECT)


@contextmanager
def asking(question: str, data: Path) -> Iterator[Callable[[datetime], Any]]:
    """Open a lake as whoever has this question does; yields what asks it."""
    if question == CONNECT:
        yield lambda _: _connected(data)
    elif question in _IN_PYTHON:
        with OpenLake(data, EXCHANGE) as lake:
            yield partial(_IN_PYTHON[question], lake)
    else:
        with connect(data, EXCHANGE) as connection:
            yield partial(_IN_SQL[question], _Asker(connection))


def _connected(data: Path) -> int:
    """Open the lake and close it; return how many objects of its SQL it has."""
    with connect(data, EXCHANGE) as connection:
        return len(connection.execute("from catalogue").fetchall())


def main() -> None:
    """Print the seconds of one answer; a JSON list has data folder, question, time."""
    data, question, at = json.loads(sys.argv[1])
    begun = time.perf_counter()
    with asking(question, Path(data)) as ask:
        ask(datetime.fromisoformat(at))
        print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
