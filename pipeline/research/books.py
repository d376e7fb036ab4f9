"""Books as frames: at a time, at many times, on a grid, at each change."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, Literal, overload

import numpy as np
import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.query import rows_of
from pipeline.research.asking import Asking
from pipeline.research.frames import as_frame, check_kind, check_rows, frames_of
from pipeline.research.times import moment, moments, naive, span, start_and_end

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

    from pipeline.research.frames import AnyFrame, FrameKind
    from pipeline.research.times import Span, Time, Times
    from pipeline.snapshots.tables import Snapshots

__all__ = ["DEEPEST", "BookQuestions", "check_depth"]

_LADDER: Final = pa.schema(
    [
        ("side", pa.string()),
        ("level", pa.int32()),
        ("price", pa.float64()),
        ("amount", pa.float64()),
    ]
)
DEEPEST: Final = 1000


class BookQuestions(Asking):
    """Questions that the book answers.

    A book stands from its arrival until `valid_until`; elsewhere it is unknown, and NULL says so,
    never the last one known. `depth` is levels a side, None all of them. `age` is the time since
    the book's message arrived; a book older than `max_age` counts as unknown.
    """

    @overload
    def book_at(self, instrument: str, time: Time, depth: int | None = ...) -> pl.DataFrame: ...
    @overload
    def book_at(
        self, instrument: str, time: Time, depth: int | None = ..., *, frame: FrameKind
    ) -> AnyFrame: ...
    def book_at(
        self,
        instrument: str,
        time: Time,
        depth: int | None = None,
        *,
        frame: FrameKind = "polars",
    ) -> AnyFrame:
        """Return the book that stood at a time (arrival clock): side, level, price, amount.

        Bids first, each side best first from level 0. No rows where the book is unknown, or known
        and empty: `explain` says which.
        """
        self._check_book(instrument, depth, frame, None)
        query = "select side, level, price, amount from book_at($1, $2) order by side desc, level"
        # Rows, since for so few of them Arrow takes DuckDB a third longer.
        with self.cursor() as cursor:
            rows = rows_of(cursor, query, [instrument, naive(moment(time, "time"))])
        kept = [row for row in rows if depth is None or row[1] < depth]
        columns = zip(*kept, strict=True) if kept else [[]] * len(_LADDER)
        arrays = [pa.array(of, field.type) for of, field in zip(columns, _LADDER, strict=True)]
        return as_frame(pa.table(arrays, schema=_LADDER), frame)

    @overload
    def books_at(
        self, instrument: str, times: Times, depth: int | None = ..., max_age: Span | None = ...
    ) -> pl.DataFrame: ...
    @overload
    def books_at(
        self, instrument: str, times: Times, depth: int | None = ..., max_age: Span | None = ..., *,
        frame: FrameKind = ..., batch_rows: int | None = ...,
    ) -> AnyFrame: ...  # fmt: skip
    def books_at(
        self,
        instrument: str,
        times: Times,
        depth: int | None = 25,
        max_age: Span | None = None,
        *,
        frame: FrameKind = "polars",
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return the books that stood at some times, a row per level, ordered by time.

        A time that is given twice counts once.
        Columns: t (what was asked for), timestamp and local_timestamp of the book's message, age,
        side, level, price, amount. A time at which no book is known is one row with NULL in all but
        t; a book without levels is one row with NULL from side on.
        """
        self._check_book(instrument, depth, frame, batch_rows)
        asked = np.unique(moments(times))
        pieces = self._standing(instrument, asked, depth, max_age)
        return _delivered("long", pieces, frame, batch_rows)

    @overload
    def books(
        self, instrument: str, start: Time, end: Time, step: Span,
        depth: int | None = ..., max_age: Span | None = ...,
    ) -> pl.DataFrame: ...  # fmt: skip
    @overload
    def books(
        self, instrument: str, start: Time, end: Time, step: Span,
        depth: int | None = ..., max_age: Span | None = ..., *,
        frame: FrameKind = ..., batch_rows: int | None = ...,
    ) -> AnyFrame: ...  # fmt: skip
    def books(
        self,
        instrument: str,
        start: Time,
        end: Time,
        step: Span,
        depth: int | None = 25,
        max_age: Span | None = None,
        *,
        frame: FrameKind = "polars",
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return the books that stood at start, start + step, … before end: as `books_at` does."""
        self._check_book(instrument, depth, frame, batch_rows)
        pieces = self._standing(instrument, _grid(start, end, step), depth, max_age)
        return _delivered("long", pieces, frame, batch_rows)

    @overload
    def snapshots(
        self, instrument: str, start: Time, end: Time,
        depth: int = ..., step: Span | None = ..., max_age: Span | None = ...,
    ) -> pl.DataFrame: ...  # fmt: skip
    @overload
    def snapshots(
        self, instrument: str, start: Time, end: Time,
        depth: int = ..., step: Span | None = ..., max_age: Span | None = ..., *,
        frame: FrameKind = ..., batch_rows: int | None = ...,
    ) -> AnyFrame: ...  # fmt: skip
    def snapshots(
        self,
        instrument: str,
        start: Time,
        end: Time,
        depth: int = 25,
        step: Span | None = None,
        max_age: Span | None = None,
        *,
        frame: FrameKind = "polars",
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return books of [start, end), a row each: bid_px_00, bid_sz_00, ask_px_00 and so on.

        Without a step, one at each message on which one of the levels changed, and at the first and
        after each gap: timestamp and local_timestamp of the message, then the levels. A day of
        these at depth 25 is a gigabyte; `batch_rows` gives it piece by piece.

        With a step, one at start, start + step, … before end: t before these, and age after them.
        NULL where no book is known; a level that is not there is NULL too.
        """
        self._check_book(instrument, depth, frame, batch_rows, whole_books=False)
        if step is not None:
            pieces = self._standing(instrument, _grid(start, end, step), depth, max_age)
        elif max_age is None:
            pieces = self._changed(instrument, *start_and_end(start, end), depth)
        else:
            raise UsageError("max_age", max_age, "None without a step: at its change a book is new")
        return _delivered("wide", pieces, frame, batch_rows)

    def _check_book(
        self,
        instrument: str,
        depth: int | None,
        frame: FrameKind,
        batch_rows: int | None,
        *,
        whole_books: bool = True,
    ) -> None:
        """Raise UsageError before any work is done."""
        check_kind(frame)
        check_depth(depth, whole_books=whole_books)
        if batch_rows is not None:
            check_rows(batch_rows)
        self._check_instrument(instrument)

    def _standing(
        self,
        instrument: str,
        times: NDArray[np.int64] | range,
        depth: int | None,
        max_age: Span | None,
    ) -> Iterator[Snapshots]:
        """Return the books that stand at times, which come in order."""
        from pipeline.snapshots import at_times, no_snapshots, on_grid  # noqa: PLC0415 - see _delivered

        oldest = None if max_age is None else span(max_age, "max_age", least=0)
        none = no_snapshots(at_times=True, depth=depth or 1)
        if isinstance(times, range):
            return chain([none], on_grid(self._lake, instrument, times, depth, oldest))
        return chain([none], at_times(self._lake, instrument, times, depth, oldest))

    def _changed(self, instrument: str, start: int, end: int, depth: int) -> Iterator[Snapshots]:
        """Return the books that changed their top levels."""
        from pipeline.snapshots import no_snapshots, on_change  # noqa: PLC0415 - see _delivered

        none = no_snapshots(at_times=False, depth=depth)
        return chain([none], on_change(self._lake, instrument, start, end, depth))


def check_depth(depth: int | None, *, whole_books: bool = True) -> None:
    """Raise UsageError for what is no number of levels; None is all of them, where that goes."""
    if depth is None and whole_books:
        return
    if not isinstance(depth, int) or isinstance(depth, bool) or not 1 <= depth <= DEEPEST:
        all_levels = ", or None for all" if whole_books else ""
        raise UsageError("depth", depth, f"levels a side: 1 to {DEEPEST}{all_levels}")


def _grid(start: Time, end: Time, step: Span) -> range:
    """Return start, start + step, … before end."""
    return range(*start_and_end(start, end), span(step, "step"))


def _delivered(
    form: Literal["long", "wide"],
    pieces: Iterator[Snapshots],
    frame: FrameKind,
    batch_rows: int | None,
) -> AnyFrame:
    """Return books as one frame, or as an iterator of batches."""
    # Brings numba, which takes half a second; other questions do without.
    from pipeline.snapshots import long_table, wide_table  # noqa: PLC0415 - see above

    tables = map(long_table if form == "long" else wide_table, pieces)
    if batch_rows is None:
        return as_frame(pa.concat_tables(tables), frame)
    return frames_of(tables, frame, batch_rows)
