"""One depth feed of a day: messages of its parts → rows of `depth`, group by group; and its gaps.

Every message of a book channel is a whole book. Stored is its difference to the one before, or to
nothing where the book starts anew; and every so often the whole book beside it, so that any book
of the day is a keyframe plus a bounded number of changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.normalize.columns import LISTS, PAIRS, Columns, lengths, offsets
from pipeline.normalize.coverage import (
    CHANGEOVER,
    DISCONNECT,
    END_OF_COVERAGE,
    MINUTE_PLACES,
    NOT_FETCHED,
    Break,
)
from pipeline.normalize.impairments import Impairments
from pipeline.normalize.labels import Carry, label
from pipeline.normalize.scan import BOOK, FIRST, STATUSES, UNAPPLIED
from pipeline.normalize.standing import changes
from pipeline.schemas import DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from numpy.typing import NDArray

    from pipeline.normalize.standing import Levels

__all__ = ["DepthFeed", "Gap", "Lineage"]

# A group of rows is what a look-up reads: it begins with a keyframe, so that nothing before it is
# needed. How large it is was measured (docs/adr/0006).
_ROWS_IN_GROUP: Final = 20_480
_LEVELS_IN_GROUP: Final = 2_000_000

_NOT_BROKEN: Final = -1
_DATETIME: Final = pl.Datetime("us")


class Gap(NamedTuple):
    """The book is unknown in [start, stop), microseconds on the arrival clock."""

    start: int
    stop: int
    cause: str


class Lineage(NamedTuple):
    """The names of slices: by the rank of their request its origin, by rank and minute its path."""

    origin: Callable[[int], str]
    slice: Callable[[int, int], str]

    def columns(self, rows: NDArray[Any]) -> dict[str, pl.Series]:
        """Return the columns origin and slice of rows that have an arrival and a rank."""
        minutes, ranks = rows["arrival"] // MINUTE_PLACES, rows["rank"].astype(np.int64)
        # A slice's rows stand together, mostly: named once a stretch, not once a row.
        begins = np.flatnonzero(np.diff(minutes * 2**16 + ranks, prepend=-1))
        stretch = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(rows)))
        known = list(zip(ranks[begins].tolist(), minutes[begins].tolist(), strict=True))
        names = {
            "origin": [self.origin(rank) for rank, _ in known],
            "slice": [self.slice(rank, minute) for rank, minute in known],
        }
        return {name: pl.Series(name, of).gather(stretch) for name, of in names.items()}


class DepthFeed:
    """The state of one feed within one day.

    `breaks` yields where coverage broke after one place and before another (None: ever).
    `may_carry` says of the first message's rank whether its recorder counted as the day began.
    `emit` takes finished frames with exactly the columns of `depth`, in order.
    """

    def __init__(
        self,
        channel: str,
        breaks: Callable[[int, int | None], Iterable[Break]],
        may_carry: Callable[[int], bool],
        day_start: int,
        lineage: Lineage,
        actions: Collection[str | None],
        emit: Callable[[pl.DataFrame], None],
    ) -> None:
        self.gaps: list[Gap] = []
        self.impairments = Impairments(day_start)
        self._channel = channel
        self._breaks = breaks
        self._may_carry = may_carry
        self._day_start = day_start
        self._lineage = lineage
        self._actions = actions
        self._emit = emit
        self._carry = Carry()
        self._taken = self._emitted = 0
        self._last_place = -1
        self._last: tuple[Levels, Levels] = ({}, {})
        self._pending: list[Break] = []  # after the last message
        self._carry_until: int | None = None
        self._keyframe = 0
        self._waiting: list[Columns] = []

    @property
    def nbytes(self) -> int:
        """How much memory the rows take that wait for their group to be whole."""
        return sum(piece.nbytes for piece in self._waiting)

    def take(self, messages: Columns, last: tuple[Levels, Levels]) -> None:
        """Take the next messages of the feed, a part's; `last` is the book that they end with."""
        rows = messages.rows
        breaks = self._breaks_among(rows)
        if rows["reset"][0] == FIRST:
            known = self._taken > 0 and not breaks.get(0)
            if known:
                messages = _continued(messages, self._last)
                rows = messages.rows
            rows["reset"][0] = 0 if known else FIRST
        self._note_breaks(rows, breaks)
        self._taken += len(rows)
        self._last_place = int(rows["arrival"][-1])
        self._last = last
        self._waiting.append(messages.kept())
        self._emit_groups()

    def _emit_groups(self) -> None:
        """Emit whole groups: each ends before the first keyframe after enough rows or levels."""
        waiting = sum(map(len, self._waiting))
        levels = sum(len(piece.lists[f"{pair}_price"]) for piece in self._waiting for pair in PAIRS)
        if waiting < _ROWS_IN_GROUP and levels < _LEVELS_IN_GROUP:
            return
        rest = Columns.joined(self._waiting)
        while end := _group_end(rest):
            self._emit_group(rest.cut(0, end), int(rest.rows["local_timestamp"][end]))
            rest = rest.cut(end, len(rest))
        self._waiting = [rest.kept()]

    def relieve(self) -> None:
        """Emit what is whole, as a group that is smaller than usual."""
        rest = Columns.joined(self._waiting)
        ends = _possible_ends(rest.rows)
        if len(ends):
            end = int(ends[-1])
            self._emit_group(rest.cut(0, end), int(rest.rows["local_timestamp"][end]))
            self._waiting = [rest.cut(end, len(rest)).kept()]

    def settle(self, day_end: int) -> None:
        """Emit every row whose end is known: all but the last; that too where the feed broke since.

        The next rows go on from there. For clocks that never step back alone.
        """
        if not self._waiting:
            return
        rest = Columns.joined(self._waiting)
        pending = self._broken_now()
        if pending:
            rest.rows["broken_from"][-1] = _earliest(pending)
            self._emit_group(rest, day_end)
            self._waiting = []
        elif len(rest) > 1:
            end = len(rest) - 1
            self._emit_group(rest.cut(0, end), int(rest.rows["local_timestamp"][end]))
            self._waiting = [rest.cut(end, len(rest)).kept()]

    def gaps_so_far(self, day_end: int) -> list[Gap]:
        """Return the gaps that would be, if nothing more came of the day; after `settle`."""
        pending = self._broken_now()
        if pending:
            return [*self.gaps, Gap(_earliest(pending), day_end, pending[0].cause)]
        known_to = int(self._waiting[-1].rows["local_timestamp"][-1])
        return [*self.gaps, Gap(known_to, day_end, END_OF_COVERAGE)]

    def _broken_now(self) -> list[Break]:
        """Return what broke the feed since its last message."""
        return [*self._pending, *self._breaks(self._last_place, None)]

    def finish(self, day_end: int) -> None:
        """End the day: the last rows are valid up to its end, an open gap closes there."""
        pending = self._broken_now()
        if pending:
            begin, cause = _earliest(pending), pending[0].cause
            self._break_last(begin)
            self._note_gap(begin, day_end, END_OF_COVERAGE if cause == NOT_FETCHED else cause)
        if self._waiting:
            self._emit_group(Columns.joined(self._waiting), day_end)

    def _breaks_among(self, rows: NDArray[Any]) -> dict[int, list[Break]]:
        """Return what broke just before which of the rows, in order."""
        places = rows["arrival"]
        found: dict[int, list[Break]] = {0: self._pending} if self._pending else {}
        for index in np.flatnonzero(rows["kind"] == UNAPPLIED).tolist():
            # What the book is after such a message is not known: it must not stand at all.
            time, place = int(rows["local_timestamp"][index]), int(places[index])
            found.setdefault(index + 1, []).append(Break(place, time, "other_action"))
        for at in self._breaks(self._last_place, int(places[-1])):
            found.setdefault(int(np.searchsorted(places, at.place)), []).append(at)
        self._pending = found.pop(len(rows), [])
        return found

    def _note_breaks(self, rows: NDArray[Any], breaks: dict[int, list[Break]]) -> None:
        rows["after_gap"], rows["broken_from"] = False, _NOT_BROKEN
        if self._taken == 0:
            arrived = int(rows["local_timestamp"][0])
            if 0 in breaks:
                self._carry_until = min(arrived, _earliest(breaks[0]))
            else:
                self._carry_until = arrived
                self.impairments.stood_since_midnight()
            if not self._may_carry(int(rows["rank"][0])):
                # Whose the book of the day before is, is seen by whose this one is.
                self._carry_until = min(self._carry_until, self._day_start)
        for index, causes in sorted(breaks.items()):
            begin = _earliest(causes)
            self._note_gap(begin, int(rows["local_timestamp"][index]), causes[0].cause)
            lost = any(at.cause in {CHANGEOVER, DISCONNECT, NOT_FETCHED} for at in causes)
            rows["after_gap"][index] = lost and self._taken + index > 0
            if index:
                rows["broken_from"][index - 1] = begin
            else:
                self._break_last(begin)

    def _break_last(self, time: int) -> None:
        """Say that the feed broke just after the last row of the parts before."""
        if self._waiting:
            self._waiting[-1].rows["broken_from"][-1] = time

    def _note_gap(self, start: int, stop: int, cause: str) -> None:
        if stop > start:
            self.gaps.append(Gap(start, stop, cause))

    def _emit_group(self, messages: Columns, next_time: int) -> None:
        rows = messages.rows
        ordinals = np.arange(self._emitted, self._emitted + len(rows))
        keyframes = np.where(rows["keyframe"], ordinals, self._keyframe)
        keyframes = np.maximum.accumulate(keyframes)
        self._keyframe = int(keyframes[-1])
        columns = {name: np.ascontiguousarray(rows[name]) for name in _TAKEN}
        frame = pl.DataFrame(columns | {"message": ordinals, "keyframe_at": keyframes}).select(
            *_COLUMNS,
            channel=pl.lit(self._channel),
            action=pl.Series(list(self._actions), dtype=pl.String).gather(columns["action"]),
            checksum_status=pl.Series(STATUSES).gather(columns["checksum_status"]),
            carry_until=pl.when(pl.col("message") == 0)
            .then(pl.lit(self._carry_until, pl.Int64))
            .cast(_DATETIME),
            **self._lineage.columns(rows),
            **{name: _list_column(messages, name) for name in LISTS},
        )
        labelled = label(frame, self._carry, next_time)
        self.impairments.take(labelled)
        self._carry = Carry.of(labelled)
        self._emitted += len(rows)
        self._emit(labelled.select(DEPTH.normalized.keys()))


def _earliest(breaks: Iterable[Break]) -> int:
    """Return from when on nothing is known: a clock may have stepped back from break to break.

    Not behind a border: a recorder whose slices count from there on may have heard its last line
    long before, while others counted.
    """
    times = []
    for at in breaks:
        times.append(at.time)
        if at.is_border:
            break
    return min(times)


# What a frame takes from the rows as it is, and the expressions that make columns of it.
_TAKEN: Final = (
    "arrival", "item", "local_timestamp", "timestamp", "has_timestamp", "seq_num", "has_seq_num",
    "checksum", "checksum_status", "bid_levels", "ask_levels", "bid_price", "bid_amount",
    "ask_price", "ask_amount", "irregular", "reset", "line", "action", "kind", "after_gap",
    "broken_from",
)  # fmt: skip
_is_book: Final = pl.col("kind") == BOOK
_COLUMNS: Final = (
    pl.col("message").cast(pl.Int32),
    pl.col("arrival", "item", "irregular", "after_gap", "line"),
    pl.col("local_timestamp").cast(_DATETIME),
    pl.when("has_timestamp").then("timestamp").cast(_DATETIME).alias("timestamp"),
    pl.when(pl.col("broken_from") != _NOT_BROKEN).then("broken_from").cast(_DATETIME)
    .alias("broken_from"),
    pl.when("has_seq_num").then("seq_num").alias("seq_num"),
    pl.when(pl.col("checksum") != 0).then("checksum").alias("checksum"),
    (pl.col("reset") != 0).alias("reset"),
    pl.when(_is_book).then("keyframe_at").cast(pl.Int32).alias("keyframe"),
    pl.when(pl.col("kind") != UNAPPLIED).then(pl.col("bid_levels", "ask_levels")).name.keep(),
    *(
        pl.when(_is_book & (pl.col(f"{side}_levels") > 0))
        .then(pl.col(f"{side}_{what}")).alias(f"{side}_{what}")
        for side in ("bid", "ask") for what in ("price", "amount")
    ),
)  # fmt: skip


def _list_column(messages: Columns, name: str) -> pl.Series:
    """Return a column of lists, NULL for a book where no keyframe stands."""
    ends = offsets(messages.rows, name).astype(np.int32)
    nulls = pa.array(~messages.rows["keyframe"]) if name.startswith("book") else None
    lists = pa.ListArray.from_arrays(pa.array(ends), pa.array(messages.lists[name]), mask=nulls)
    return pl.Series(name, pl.from_arrow(lists))


def _group_end(messages: Columns) -> int:
    """Return where the first group ends, 0 if it is not whole yet."""
    ends = _possible_ends(messages.rows)
    each = sum(lengths(messages.rows, f"{pair}_price") for pair in PAIRS)
    before = np.cumsum(each) - each
    ends = ends[(ends >= _ROWS_IN_GROUP) | (before[ends] >= _LEVELS_IN_GROUP)]
    return int(ends[0]) if len(ends) else 0


def _possible_ends(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Return where a group may end: before a whole book or none, for which nothing is needed."""
    return np.flatnonzero((rows["keyframe"] | (rows["kind"] != BOOK))[1:]) + 1


def _continued(messages: Columns, before: tuple[Levels, Levels]) -> Columns:
    """Return messages whose first one, a keyframe, is stored as its difference to a book."""
    rows, lists = messages.rows, dict(messages.lists)
    for side, stood in zip(("bid", "ask"), before, strict=True):
        count, levels = int(rows[f"{side}_changes"][0]), int(rows[f"{side}_levels"][0])
        book = [lists[f"book_{side}_{what}"][:levels].tolist() for what in ("price", "amount")]
        changed = changes(stood, dict(zip(*book, strict=True)), descending=side == "bid")
        rows[f"{side}_changes"][0] = len(changed)
        for number, what in enumerate(("price", "amount")):
            name = f"{side}_change_{what}"
            new = np.array([level[number] for level in changed], np.float64)
            lists[name] = np.concatenate([new, lists[name][count:]])
    return Columns(rows, lists)
