"""Rows of the lake as frames: quotes, trades and their like, and any SQL."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, overload

from pipeline.query import the_one_that_reads
from pipeline.research.asking import Asking
from pipeline.research.times import naive, span, start_and_end

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from pipeline.research.frames import AnyFrame, FrameKind
    from pipeline.research.times import Span, Time

__all__ = ["TableQuestions"]


# Of macros that put the rows of several tables together.
_ORDER: Final = {"gaps": " order by start, stop, cause"}


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
    def trades_with_quotes(
        self, instrument: str, start: Time, end: Time, max_age: Span | None = ...
    ) -> pl.DataFrame: ...
    @overload
    def trades_with_quotes(
        self, instrument: str, start: Time, end: Time, max_age: Span | None = ..., *,
        frame: FrameKind = ..., batch_rows: int | None = ...,
    ) -> AnyFrame: ...  # fmt: skip
    def trades_with_quotes(
        self,
        instrument: str,
        start: Time,
        end: Time,
        max_age: Span | None = None,
        *,
        frame: FrameKind = "polars",
        batch_rows: int | None = None,
    ) -> AnyFrame:
        """Return the trades that arrived in [start, end), each with the quote just before it.

        That is the one that stood before the trade in line order, and never one that the recorder
        got after it, though in the same microsecond; `quote_age` says for how long. NULL where no
        book is known, or none younger than `max_age`.
        """
        oldest = None
        if max_age is not None:
            oldest = timedelta(microseconds=span(max_age, "max_age", least=0))
        return self._range(
            "trades_with_quotes", instrument, start, end, frame, batch_rows,
            ", max_age := $4", [oldest],
        )  # fmt: skip

    @overload
    def ohlcv(self, instrument: str, start: Time, end: Time, step: Span) -> pl.DataFrame: ...
    @overload
    def ohlcv(
        self, instrument: str, start: Time, end: Time, step: Span, *, frame: FrameKind
    ) -> AnyFrame: ...
    def ohlcv(
        self, instrument: str, start: Time, end: Time, step: Span, *, frame: FrameKind = "polars"
    ) -> AnyFrame:
        """Return a row per step of [start, end): prices, volumes, counts, `observed_seconds`.

        A step without trades has volume 0 where trades were recorded, and NULL where none were. Of
        a step observed in part, all but the seconds tells of the trades that were seen.
        """
        length = timedelta(microseconds=span(step, "step"))
        return self._range("ohlcv", instrument, start, end, frame, None, ", $4", [length])

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
    def trade_gaps(self, instrument: str, start: Time, end: Time) -> pl.DataFrame: ...
    @overload
    def trade_gaps(
        self, instrument: str, start: Time, end: Time, *, frame: FrameKind
    ) -> AnyFrame: ...
    def trade_gaps(
        self, instrument: str, start: Time, end: Time, *, frame: FrameKind = "polars"
    ) -> AnyFrame:
        """Return the stretches that overlap [start, end), whole, in which trades may be lacking.

        Of days that are not in the lake there are none: `coverage` says which are.
        """
        return self._range("trade_gaps", instrument, start, end, frame)

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
            the_one_that_reads(cursor, query)
        return self._rows_of(query, parameters, frame, batch_rows)

    def _range(
        self,
        macro: str,
        instrument: str,
        start: Time,
        end: Time,
        frame: FrameKind,
        batch_rows: int | None = None,
        further: str = "",
        values: Sequence[object] = (),
    ) -> AnyFrame:
        """Return the rows of a range macro; DuckDB keeps the order of files and of their rows.

        `further` is what the macro is given beside the range, from $4 on, and `values` are these.
        """
        self._check_instrument(instrument)
        between = map(naive, start_and_end(start, end))
        query = f"from {macro}($1, $2, $3{further}){_ORDER.get(macro, '')}"
        return self._rows_of(query, [instrument, *between, *values], frame, batch_rows)
