"""All lines of a day → frames of every table. The one road for every day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import polars as pl

from pipeline.normalize.coinflex import (
    Books,
    Control,
    Foreign,
    Message,
    Refused,
    Ticker,
    Tickers,
    Trade,
    Trades,
    decode,
)
from pipeline.normalize.coverage import DISCONNECT, NOT_FETCHED, Break, Coverage, Feed
from pipeline.normalize.depth import DepthFeed, Gap, Place
from pipeline.schemas import FULL_DEPTH, GAPS, QUARANTINE, TICKERS, TRADES, Table
from pipeline.times import DAY_US, MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.normalize.coverage import Covering

__all__ = ["DayNormalizer", "Emit", "Tally"]

_ROWS_PER_FLUSH: Final = 100_000
_RAW_SHOWN: Final = 65_536


class Emit(Protocol):
    """Takes the next rows of a table: of an instrument, or of the whole exchange if None."""

    def __call__(self, table: str, instrument: str | None, rows: pl.DataFrame) -> None:
        """Take rows with exactly the columns of the table."""


@dataclass
class Tally:
    """What became of the lines of one slice."""

    counts: Counter[str] = field(default_factory=Counter)

    def __getitem__(self, name: str) -> int:
        return self.counts[name]


class _Rows:
    """Rows of a simple table on their way to a frame."""

    def __init__(self, table: Table, instrument: str | None, emit: Emit) -> None:
        self._table = table
        self._instrument = instrument
        self._emit = emit
        self._rows: list[tuple[Any, ...]] = []

    def append(self, row: tuple[Any, ...]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _ROWS_PER_FLUSH:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            frame = pl.DataFrame(self._rows, schema=self._table.schema, orient="row")
            self._rows = []
            self._emit(self._table.name, self._instrument, frame)


class DayNormalizer:
    """Takes a day's minutes in order and emits the rows of every table, in line order.

    `requests` are those with slices on the day, the widest first; a slice is known by the rank of
    its request. Times are microseconds UTC. The result depends on nothing but what is put in.
    """

    def __init__(self, requests: Sequence[Covering], day_start: int, emit: Emit) -> None:
        self.instruments: set[str] = set()
        self._day_start = day_start
        self._emit = emit
        self._coverage = Coverage(requests, day_start)
        self._depth: dict[Feed, DepthFeed] = {}
        self._rows: dict[tuple[str, str | None], _Rows] = {}
        self._last: dict[int, int] = {}
        # When the last line of any slice arrived, but never outside its minute: a clock that ran
        # away must not carry a book over a disconnect.
        self._line_before = day_start - 1
        self._minute = -1

    def begin_minute(self, present: tuple[int, ...]) -> None:
        """Open the next minute of the day; `present` are the ranks that have a whole slice."""
        self._minute += 1
        if self._coverage.begin_minute(present):
            hole = Break(self._minute_start(), NOT_FETCHED)
            for feed, state in self._depth.items():
                if self._coverage.owner(feed) is None:
                    state.break_at(hole)

    def disconnect(self, rank: int, tally: Tally) -> None:
        """Take an empty line: the recorder lost its connection after the last line."""
        # Before the day's last microsecond, lest it look as if the book stood to midnight.
        time = min(self._line_before + 1, self._day_start + DAY_US - 1)
        self._coverage.disconnect(rank, time)
        tally.counts["disconnects"] += 1
        for feed, state in self._depth.items():
            if self._coverage.owner(feed) == rank:
                state.break_at(Break(time, DISCONNECT))

    def line(self, rank: int, place: Place, payload: bytes, tally: Tally) -> None:
        """Take a line that has an arrival time."""
        tally.counts["lines"] += 1
        self._note_clock(rank, place.local_timestamp, tally)
        try:
            message = decode(payload)
        except Refused as refusal:
            self.quarantine(place.slice, place.line, str(refusal), payload, tally)
            return
        self._route(rank, place, message, tally)

    def quarantine(self, slice_: str, line: int, reason: str, raw: bytes, tally: Tally) -> None:
        """Keep a line that can't be read, with the reason."""
        tally.counts["quarantined"] += 1
        text = raw[:_RAW_SHOWN].decode("utf-8", errors="backslashreplace")
        self._table(QUARANTINE, None).append((slice_, line, reason, text, len(raw)))

    def finish(self) -> dict[str, dict[str, int]]:
        """End the day; return each instrument's disconnects, gaps and minutes fetched."""
        day_end = self._day_start + DAY_US
        gaps: dict[str, list[Gap]] = {}
        for feed, state in self._depth.items():
            state.finish(day_end)
            if feed.channel == FULL_DEPTH:
                gaps[feed.instrument] = state.gaps
        for name in sorted(self.instruments - gaps.keys()):
            gaps[name] = [Gap(self._day_start, day_end, self._why_no_book(name))]
        for name, found in gaps.items():
            for gap in found:
                self._table(GAPS, name).append(gap)
        for rows in self._rows.values():
            rows.flush()
        return {name: self._facts(name) | {"gaps": len(gaps[name])} for name in gaps}

    def _why_no_book(self, instrument: str) -> str:
        fetched = self._coverage.minutes_fetched(Feed(FULL_DEPTH, instrument))
        return "no_snapshot" if fetched else NOT_FETCHED

    def _facts(self, instrument: str) -> dict[str, int]:
        """Return what coverage knows: of the full channel, or of any if that was never asked."""
        feeds = [Feed(channel, instrument) for channel in (FULL_DEPTH, "trade", "ticker")]
        fetched = {feed: self._coverage.minutes_fetched(feed) for feed in feeds}
        feed = feeds[0] if fetched[feeds[0]] else max(feeds, key=lambda feed: fetched[feed])
        breaks = list(self._coverage.breaks(feed))
        disconnects = sum(at.cause == DISCONNECT for at in breaks)
        return {"disconnects": disconnects, "minutes_fetched": fetched[feed]}

    def _minute_start(self) -> int:
        return self._day_start + self._minute * MINUTE_US

    def _note_clock(self, rank: int, time: int, tally: Tally) -> None:
        start = self._minute_start()
        if not 0 <= time - start < MINUTE_US:
            tally.counts["outside_minute"] += 1
        if time < self._last.get(rank, time):
            tally.counts["backwards"] += 1
        self._last[rank] = time
        self._line_before = min(max(time, start), start + MINUTE_US - 1)

    def _route(  # noqa: C901 - one case a kind of message, nothing deeper
        self, rank: int, place: Place, message: Message, tally: Tally
    ) -> None:
        match message:
            case Books(channel, action, items):
                for ordinal, book in enumerate(items):
                    if self._counts(rank, channel, book.instrument, "depth", tally):
                        feed = Feed(channel, book.instrument)
                        self._depth_feed(feed).receive(place, ordinal, action, book)
            case Trades(items):
                for ordinal, trade in enumerate(items):
                    if self._counts(rank, "trade", trade.instrument, "trades", tally):
                        row = _trade_row(place, ordinal, trade)
                        self._table(TRADES, trade.instrument).append(row)
            case Tickers(items):
                for ordinal, ticker in enumerate(items):
                    if self._counts(rank, "ticker", ticker.instrument, "tickers", tally):
                        row = _ticker_row(place, ordinal, ticker)
                        self._table(TICKERS, ticker.instrument).append(row)
            case Control():
                tally.counts["control"] += 1
            case Foreign():
                tally.counts["foreign_lines"] += 1

    def _counts(self, rank: int, channel: str, instrument: str, what: str, tally: Tally) -> bool:
        counts = self._coverage.counts(rank, Feed(channel, instrument))
        tally.counts[what if counts else "shadowed"] += 1
        if counts:
            self.instruments.add(instrument)
        return counts

    def _depth_feed(self, feed: Feed) -> DepthFeed:
        state = self._depth.get(feed)
        if state is None:
            first = next(self._coverage.breaks(feed), None)

            def emit(rows: pl.DataFrame) -> None:
                self._emit(feed.channel, feed.instrument, rows)

            state = self._depth[feed] = DepthFeed(feed.channel, first, emit)
        return state

    def _table(self, table: Table, instrument: str | None) -> _Rows:
        key = (table.name, instrument)
        rows = self._rows.get(key)
        if rows is None:
            rows = self._rows[key] = _Rows(table, instrument, self._emit)
        return rows


def _trade_row(place: Place, ordinal: int, trade: Trade) -> tuple[Any, ...]:
    return (
        place.arrival, ordinal, place.local_timestamp, trade.timestamp,
        trade.id, trade.side, trade.price, trade.amount,
        place.origin, place.slice, place.line,
    )  # fmt: skip


def _ticker_row(place: Place, ordinal: int, ticker: Ticker) -> tuple[Any, ...]:
    return (
        place.arrival, ordinal, place.local_timestamp, ticker.timestamp, *ticker.values,
        place.origin, place.slice, place.line,
    )  # fmt: skip
