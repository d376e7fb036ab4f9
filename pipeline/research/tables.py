"""Rows of the lake as frames: quotes, trades and their like, and any SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from pipeline.query import check_reads
from pipeline.research.asking import Asking
from pipeline.research.times import moment, naive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from pipeline.research.frames import AnyFrame, FrameKind
    from pipeline.research.times import Time

__all__ = ["TableQuestions"]


class TableQuestions(Asking):
    """Questions that one view or macro of sql/ answers, with its columns, in line order."""

    @overload
    def quotes(self, instrument: str, start: Time, end: Time) -> pl.DataFrame: ...
    @overload
    def quotes(
        self, instrument: str, start: Time, end: Time, *,
        frame: FrameKind = ..., batch_rows: int | None = ...,
    ) -> AnyFrame: ...  # fmt: skip
    def quotes(
        self,
        instrument: str,
        start: Time,
        end: Time,
        *,
        frame: FrameKind = "polars",
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return best bid and ask of each book that arrived in [start, end).

        Each stands in [local_timestamp, valid_until), arrival clock.
        """
        return self._range("quotes", instrument, start, end, frame, batch_rows)

    @overload
    def trades(self, instrument: str, start: Time, end: Time) -> pl.DataFrame: ...
    @overload
    def trades(
        self, instrument: str, start: Time, end: Time, *,
        frame: FrameKind = ..., batch_rows: int | None = ...,
    ) -> AnyFrame: ...  # fmt: skip
    def trades(
        self,
        instrument: str,
        start: Time,
        end: Time,
        *,
        frame: FrameKind = "polars",
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return the trades that arrived in [start, end); `side` is the taker's."""
        return self._range("trades", instrument, start, end, frame, batch_rows)

    @overload
    def depth_changes(self, instrument: str, start: Time, end: Time) -> pl.DataFrame: ...
    @overload
    def depth_changes(
        self, instrument: str, start: Time, end: Time, *,
        frame: FrameKind = ..., batch_rows: int | None = ...,
    ) -> AnyFrame: ...  # fmt: skip
    def depth_changes(
        self,
        instrument: str,
        start: Time,
        end: Time,
        *,
        frame: FrameKind = "polars",
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return each level that a message of [start, end) changed; amount 0 = gone.

        Books are rebuilt from a `reset` on. For the books themselves ask `snapshots` or `books`.
        """
        return self._range("depth_changes", instrument, start, end, frame, batch_rows)

    @overload
    def tickers(self, instrument: str, start: Time, end: Time) -> pl.DataFrame: ...
    @overload
    def tickers(self, instrument: str, start: Time, end: Time, *, frame: FrameKind) -> AnyFrame: ...
    def tickers(
        self, instrument: str, start: Time, end: Time, *, frame: FrameKind = "polars"
    ) -> AnyFrame:
        """Return the ticker updates that arrived in [start, end)."""
        return self._range("tickers", instrument, start, end, frame)

    @overload
    def gaps(self, instrument: str, start: Time, end: Time) -> pl.DataFrame: ...
    @overload
    def gaps(self, instrument: str, start: Time, end: Time, *, frame: FrameKind) -> AnyFrame: ...
    def gaps(
        self, instrument: str, start: Time, end: Time, *, frame: FrameKind = "polars"
    ) -> AnyFrame:
        """Return the stretches of unknown book that overlap [start, end), whole, and why."""
        return self._range("gaps", instrument, start, end, frame)

    @overload
    def coverage(self) -> pl.DataFrame: ...
    @overload
    def coverage(self, *, frame: FrameKind) -> AnyFrame: ...
    def coverage(self, *, frame: FrameKind = "polars") -> AnyFrame:
        """Return a row per instrument and day: what was fetched, is there, was missed."""
        return self._rows_of("from coverage order by instrument, date", None, frame)

    @overload
    def instruments(self) -> pl.DataFrame: ...
    @overload
    def instruments(self, *, frame: FrameKind) -> AnyFrame: ...
    def instruments(self, *, frame: FrameKind = "polars") -> AnyFrame:
        """Return a row per instrument: its days, rows, first and last arrival."""
        return self._rows_of("from instruments order by instrument", None, frame)

    @overload
    def sql(
        self, query: str, parameters: Sequence[object] | Mapping[str, object] | None = ...
    ) -> pl.DataFrame: ...
    @overload
    def sql(
        self, query: str, parameters: Sequence[object] | Mapping[str, object] | None = ..., *,
        frame: FrameKind = ..., batch_rows: int | None = ...,
    ) -> AnyFrame: ...  # fmt: skip
    def sql(
        self,
        query: str,
        parameters: Sequence[object] | Mapping[str, object] | None = None,
        *,
        frame: FrameKind = "polars",
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return the answer to one query that only reads; `?` or `$name` are the parameters.

        Since it may be asked again, if a file was replaced under it, it must be one SELECT (or
        FROM, SHOW, DESCRIBE, SUMMARIZE, EXPLAIN): anything else raises UsageError, and is for
        `pipeline.connect`. Raises QueryRefused for what DuckDB does not take.
        """
        with self.cursor() as cursor:
            check_reads(cursor, query)
        return self._rows_of(query, parameters, frame, batch_rows)

    def _range(
        self,
        macro: str,
        instrument: str,
        start: Time,
        end: Time,
        frame: FrameKind,
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return the rows of a range macro; DuckDB keeps the order of files and of their rows."""
        self._check_instrument(instrument)
        between = [naive(moment(start, "start")), naive(moment(end, "end"))]
        return self._rows_of(f"from {macro}($1, $2, $3)", [instrument, *between], frame, batch_rows)
