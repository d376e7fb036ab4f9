"""Parts of a day, in order → frames of every table. The one road for every day."""

from __future__ import annotations

from collections import Counter, deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import polars as pl

from pipeline.channels import FULL_DEPTH
from pipeline.normalize.coverage import (
    DISCONNECT,
    MINUTE_PLACES,
    NOT_FETCHED,
    Coverage,
    Disconnect,
    Feed,
    Hearing,
    Owner,
)
from pipeline.normalize.depth import DepthFeed, Gap, Lineage
from pipeline.normalize.trade_gaps import Connections
from pipeline.normalize.trades import trades_frame
from pipeline.schemas import GAPS, QUARANTINE, TICKERS, TRADE_GAPS, TRADES, Table
from pipeline.times import DAY_US, MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.normalize.coverage import Covering, Delivered, Owners
    from pipeline.normalize.part import Part, Quarantined, Tally

__all__ = ["DayNormalizer", "Emit"]

_ROWS_PER_FLUSH: Final = 100_000
_BYTES_PER_FLUSH: Final = 32 << 20
# What all feeds together may keep until their groups of rows are whole.
_WAITING_MOST: Final = 128 << 20


# What a gap is told by, of books as of trades.
_STRETCH: Final = {name: TRADE_GAPS.schema[name] for name in Gap._fields}


class Emit(Protocol):
    """Takes the next rows of a table: of an instrument, or of the whole exchange if None."""

    def __call__(self, table: str, instrument: str | None, rows: pl.DataFrame) -> None:
        """Take rows with exactly the columns of the table."""


class _Rows:
    """Frames of a simple table on their way to a row group."""

    def __init__(self, table: Table, instrument: str | None, emit: Emit) -> None:
        self._table = table
        self._instrument = instrument
        self._emit = emit
        self._frames: list[pl.DataFrame] = []

    def append(self, frame: pl.DataFrame) -> None:
        self._frames.append(frame)
        rows = sum(frame.height for frame in self._frames)
        size = sum(frame.estimated_size() for frame in self._frames)
        if rows >= _ROWS_PER_FLUSH or size >= _BYTES_PER_FLUSH:
            self.flush()

    def flush(self) -> None:
        if self._frames:
            rows = pl.concat(self._frames).select(self._table.normalized.keys())
            self._emit(self._table.name, self._instrument, rows)
            self._frames = []


class DayNormalizer:
    """Takes a day's parts in order and emits the rows of every table, in line order.

    `requests` are those with slices on the day, the one that counts the most first; a slice is
    known by the rank of its request, and named by `lineage`. The result depends on nothing but what
    is put in.
    """

    def __init__(
        self, requests: Sequence[Covering], day_start: int, lineage: Lineage, emit: Emit
    ) -> None:
        self.instruments: set[str] = set()
        # By minute and rank: what became of the lines of one slice.
        self.tallies: dict[tuple[int, int], Tally] = {}
        self._requests = requests
        self._day_start = day_start
        self._lineage = lineage
        self._emit = emit
        self._coverage = Coverage(requests, day_start)
        self._connections = Connections(day_start)
        self._depth: dict[Feed, DepthFeed] = {}
        self._impaired: dict[str, pl.DataFrame] = {}
        self._rows: dict[tuple[str, str | None], _Rows] = {}
        self._trades = Counter[str]()
        self._actions: dict[str | None, int] = {}
        self._last_times: dict[int, int] = {}
        # By recorder: when its last line arrived.
        self._last_lines = {request.recorder: day_start - 1 for request in requests}
        self._day_end = day_start + DAY_US
        self._minute = -1

    @property
    def delivered(self) -> Delivered:
        """What the parts so far found of feeds that nobody asked for: the next part asks for it."""
        return self._coverage.delivered

    def take(self, part: Part) -> None:
        """Take the next part of the day."""
        self._take_coverage(part)
        self.tallies |= part.tallies
        actions = np.array([self._action(action) for action in part.actions], np.int32)
        for number, messages in part.messages.items():
            feed = part.feeds[number]
            self.instruments.add(feed.instrument)
            messages.rows["action"] = actions[messages.rows["action"]]
            self._depth_feed(feed).take(messages, part.last.get(number, ({}, {})))
        for number, trades in part.trades.items():
            instrument = part.feeds[number].instrument
            self.instruments.add(instrument)
            frame = trades_frame(trades).with_columns(**self._lineage.columns(trades.rows))
            self._table(TRADES, instrument).append(frame)
            self._trades[instrument] += frame.height
        for instrument, tickers in part.tickers.items():
            self.instruments.add(instrument)
            self._table(TICKERS, instrument).append(self._tickers(tickers))
        if part.quarantine:
            self._table(QUARANTINE, None).append(self._quarantine(part.quarantine))
        self._relieve()

    def finish(self) -> dict[str, dict[str, int]]:
        """End the day; return what coverage says of each instrument, by column of the catalogue."""
        gaps: dict[str, list[Gap]] = {}
        for feed, state in self._depth.items():
            state.finish(self._day_end)
            if feed.channel == FULL_DEPTH:
                gaps[feed.instrument] = state.gaps
                self._impaired[feed.instrument] = state.impairments.rows(self._day_end)
        return self._emit_gaps(gaps, self._connections.trade_gaps, self._coverage.owners)

    def settle(self) -> dict[str, dict[str, int]]:
        """Emit all rows that nothing to come can change, while the day goes on.

        The rows of `gaps` and `trade_gaps` are emitted anew each time, as if the day ended with
        what was taken so far. Returns what `finish` does. For clocks that never step back alone.
        """
        gaps: dict[str, list[Gap]] = {}
        for feed, state in self._depth.items():
            state.settle(self._day_end)
            if feed.channel == FULL_DEPTH:
                gaps[feed.instrument] = state.gaps_so_far(self._day_end)
                self._impaired[feed.instrument] = state.impairments.rows_so_far()
        begins = self._minute + 1
        time = self._day_start + begins * MINUTE_US
        # Once the last minute is here there is nothing that nobody's slices count for.
        end = (
            [Owner(begins * MINUTE_PLACES, None, time, NOT_FETCHED)] if time < self._day_end else []
        )
        return self._emit_gaps(
            gaps,
            self._connections.trade_gaps_so_far,
            lambda feed: (*self._coverage.owners(feed), *end),
        )

    def _emit_gaps(
        self,
        gaps: dict[str, list[Gap]],
        trade_gaps: Callable[[Feed, Owners], list[Gap]],
        owners_of: Callable[[Feed], Owners],
    ) -> dict[str, dict[str, int]]:
        """Emit the gaps of books, found, and of trades, and all that waits; return the facts."""
        for name in sorted(self.instruments - gaps.keys()):
            gaps[name] = [Gap(self._day_start, self._day_end, self._why_no_book(name))]
        for name, found in gaps.items():
            rows = _unknown(found)
            if (impaired := self._impaired.get(name)) is not None:
                rows = pl.concat([rows, impaired]).sort("start", "stop", "cause")
            if not rows.is_empty():
                self._table(GAPS, name).append(rows)
        facts = {name: self._facts(name) | {"gaps": len(gaps[name])} for name in gaps}
        for name, of in facts.items():
            feed = Feed("trade", name)
            owners = owners_of(feed)
            lacking = trade_gaps(feed, owners)
            rows = pl.DataFrame(lacking, _STRETCH, orient="row")
            is_first = pl.int_range(pl.len()) == 0
            about = {
                "trades": self._trades[name],
                "first_origin": self._origin(owners[0]),
                "last_origin": self._origin(owners[-1]),
            }
            rows = rows.with_columns(
                pl.when(is_first).then(pl.lit(value, TRADE_GAPS.schema[name])).alias(name)
                for name, value in about.items()
            )
            self._table(TRADE_GAPS, name).append(rows)
            of["trade_gaps"] = len(lacking) - 1  # but for midnight, which every day has
        for waiting in self._rows.values():
            waiting.flush()
        return facts

    def _take_coverage(self, part: Part) -> None:
        """Take what a part tells of holes and clocks, and what it could not tell by itself."""
        for rank, (minute, time) in part.first_times.items():
            part.tallies[minute, rank]["backwards"] += time < self._last_times.get(rank, time)
        self._last_times |= part.last_times
        self._coverage.deliver(part.delivered)
        events: list[Hearing | Disconnect] = [*part.hearings, *part.disconnects]
        upcoming = deque(sorted(events, key=lambda event: event.place))
        for present in part.present:
            self._coverage.begin_minute(present)
            self._minute += 1
            while upcoming and upcoming[0].place < (self._minute + 1) * MINUTE_PLACES:
                self._take_event(upcoming.popleft())
        self._last_lines |= part.last_lines
        for sign in part.signs_of_life:
            self._connections.note(sign)
        for answer in part.answers:
            self._connections.note(answer)

    def _take_event(self, event: Hearing | Disconnect) -> None:
        """Take a change of what is heard; where no line of the part came before it, one did."""
        if isinstance(event, Hearing):
            told = {of: time for of, time in event.last_lines.items() if time is not None}
            self._coverage.hear(event._replace(last_lines={**self._last_lines, **told}))
            return
        if event.time is None:
            last = self._last_lines[self._requests[event.rank].recorder]
            event = event._replace(time=min(last + 1, self._day_end - 1))
        self._coverage.disconnect(event)
        self._connections.note(event)

    def _depth_feed(self, feed: Feed) -> DepthFeed:
        state = self._depth.get(feed)
        if state is None:
            state = self._depth[feed] = DepthFeed(
                feed.channel,
                partial(self._coverage.breaks, feed),
                partial(self._coverage.may_carry, feed),
                self._day_start,
                self._lineage,
                self._actions,
                partial(self._emit, feed.channel, feed.instrument),
            )
        return state

    def _relieve(self) -> None:
        """Emit what is whole of the feeds that keep the most, where all keep too much."""
        sizes = {feed: state.nbytes for feed, state in self._depth.items()}
        total = sum(sizes.values())
        for feed in sorted(sizes, key=lambda feed: -sizes[feed]):
            if total <= _WAITING_MOST:
                return
            self._depth[feed].relieve()
            total += self._depth[feed].nbytes - sizes[feed]

    def _action(self, action: str | None) -> int:
        return self._actions.setdefault(action, len(self._actions))

    def _table(self, table: Table, instrument: str | None) -> _Rows:
        key = (table.name, instrument)
        rows = self._rows.get(key)
        if rows is None:
            rows = self._rows[key] = _Rows(table, instrument, self._emit)
        return rows

    def _tickers(self, tickers: list[tuple[Any, ...]]) -> pl.DataFrame:
        names = [name for name in TICKERS.normalized if name not in {"origin", "slice"}]
        *others, line = names
        schema = {name: TICKERS.schema[name] for name in others}
        frame = pl.DataFrame(tickers, schema | {"rank": pl.Int16, line: pl.Int32}, orient="row")
        rows = frame.select("arrival", "rank").to_numpy(structured=True)
        return frame.drop("rank").with_columns(**self._lineage.columns(rows))

    def _quarantine(self, lines: list[Quarantined]) -> pl.DataFrame:
        return pl.DataFrame(
            [(self._lineage.slice(rank, minute), *rest) for minute, rank, *rest in sorted(lines)],
            QUARANTINE.schema,
            orient="row",
        )

    def _origin(self, owner: Owner) -> str | None:
        return None if owner.rank is None else self._lineage.origin(owner.rank)

    def _why_no_book(self, instrument: str) -> str:
        fetched = self._coverage.minutes_fetched(Feed(FULL_DEPTH, instrument))
        return "no_snapshot" if fetched else NOT_FETCHED

    def _facts(self, instrument: str) -> dict[str, int]:
        """Return what coverage knows: of the full channel, or of any if that was never asked."""
        feeds = [Feed(channel, instrument) for channel in (FULL_DEPTH, "trade", "ticker")]
        fetched = {feed: self._coverage.minutes_fetched(feed) for feed in feeds}
        feed = feeds[0] if fetched[feeds[0]] else max(feeds, key=lambda feed: fetched[feed])
        disconnects = sum(at.cause == DISCONNECT for at in self._coverage.breaks(feed))
        return {"disconnects": disconnects, "minutes_fetched": fetched[feed]}


def _unknown(gaps: list[Gap]) -> pl.DataFrame:
    """Return the rows of stretches in which no book is known."""
    rows = pl.DataFrame(gaps, _STRETCH, orient="row")
    return rows.with_columns(is_unknown=pl.lit(True), missed=pl.lit(None, pl.Int64))
