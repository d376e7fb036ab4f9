"""What every question to an open lake needs: a cursor of its own, and instruments by name."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Self

from pipeline.catalogue import Catalogue
from pipeline.confined import connect_confined
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.query import table_of, tables_of
from pipeline.research.frames import as_frame, check_kind, check_rows, frames_of, zoned
from pipeline.views import cursor_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import duckdb

    from pipeline.query import Parameters
    from pipeline.research.frames import AnyFrame, FrameKind

__all__ = ["Asking"]


class Asking:
    """A lake that questions can be put to, from any number of threads.

    Raises LakeEmpty where there is none yet, LakeOutdated where another version wrote it.

    DuckDB comes in with the first question in SQL, which takes a tenth of a second, once.
    """

    def __init__(self, data: Path, exchange: str) -> None:
        self.data = data
        self.exchange = exchange
        self._lake = Lake(data, exchange)
        self._known: frozenset[str] = frozenset()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        Catalogue(self._lake).check()

    def __repr__(self) -> str:
        return f"pipeline.open({str(self.data)!r}, exchange={self.exchange!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what DuckDB keeps; a question after that raises UsageError."""
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def cursor(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Return DuckDB itself, with all views and macros; closed at the end of the block.

        It reaches the data folder alone.
        """
        with self._lock:
            self._check_open()
            if self._connection is None:
                self._connection = connect_confined(self.data, self.exchange)
            return closing(cursor_of(self._connection))

    def _check_open(self) -> None:
        if self._is_closed:
            raise UsageError("lake", "a closed one", f"another one: {self!r}")

    def _check_instrument(self, instrument: str) -> None:
        """Raise UsageError, with the nearest names, for an instrument that the lake has not."""
        self._check_open()
        if not isinstance(instrument, str):
            raise UsageError("instrument", instrument, "the name of one, as text")
        if instrument not in self._known:
            self._known = Catalogue(self._lake).instruments
            if instrument not in self._known:
                raise UsageError.not_among("instrument", instrument, self._known)

    def _rows_of(
        self,
        query: str,
        parameters: Parameters,
        frame: FrameKind,
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return the answer to a query, or an iterator of its batches."""
        check_kind(frame)
        if batch_rows is not None:
            return self._batches_of(query, parameters, frame, check_rows(batch_rows))
        with self.cursor() as cursor:
            return as_frame(zoned(table_of(cursor, query, parameters)), frame)

    def _batches_of(
        self, query: str, parameters: Parameters, frame: FrameKind, rows: int
    ) -> Iterator[AnyFrame]:
        """Begin to answer a query at once; the cursor is closed with the iterator."""
        with ExitStack() as stack:
            cursor = stack.enter_context(self.cursor())
            tables = map(zoned, tables_of(cursor, query, parameters, rows))
            return _closing(stack.pop_all(), frames_of(tables, frame, rows))


def _closing(stack: ExitStack, frames: Iterator[AnyFrame]) -> Iterator[AnyFrame]:
    with stack:
        yield from frames
