"""Messages of one depth feed → rows of `depth`: what changed, keyframes, gaps.

Every message of a book channel is a whole book. Stored is its difference to the one before, or to
nothing where the book starts anew; and every so often the whole book beside it, so that any book
of the day is a keyframe plus a bounded number of changes.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl
import pyarrow as pa

from pipeline.normalize.coverage import DISCONNECT, NOT_FETCHED, Break
from pipeline.normalize.labels import Carry, label
from pipeline.schemas import DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.normalize.coinflex import Book

__all__ = ["DepthFeed", "Gap", "Place"]

# A keyframe costs a whole book (about 200 levels), a look-up the changes since the last one.
_KEYFRAME_EVERY: Final = 500
# A flush is a row group: small enough that a look-up reads little, bounded in memory by the second.
_ROWS_PER_FLUSH: Final = 20_000
_LEVELS_PER_FLUSH: Final = 2_000_000

_SCALARS: Final = {
    name: kind
    for name, kind in DEPTH.schema.items()
    if not isinstance(kind, pl.List)
    and name
    not in {
        "valid_until", "seq_step", "missed", "missed_in_gap", "epoch", "duplicate", "crossed",
    }
}  # fmt: skip
_INPUT: Final = _SCALARS | {"after_gap": pl.Boolean(), "broken_from": pl.Datetime("us")}


class Place(NamedTuple):
    """Where a line stands: its ordinal in the day, arrival (microseconds), and its lineage."""

    arrival: int
    local_timestamp: int
    origin: str
    slice: str
    line: int


class Gap(NamedTuple):
    """The book is unknown in [start, stop), microseconds on the arrival clock."""

    start: int
    stop: int
    cause: str


class _Lists:
    """A column of lists of doubles, flat: values, and the length of each row (None = NULL)."""

    def __init__(self) -> None:
        self.values = array("d")
        self.ends = array("i", [0])
        self.valid: list[bool] = []

    def append(self, values: Iterable[float] | None) -> None:
        self.valid.append(values is not None)
        if values is not None:
            self.values.extend(values)
        self.ends.append(len(self.values))

    def column(self) -> pl.Series:
        values = pa.Array.from_buffers(
            pa.float64(), len(self.values), [None, pa.py_buffer(self.values)]
        )
        ends = pa.Array.from_buffers(pa.int32(), len(self.ends), [None, pa.py_buffer(self.ends)])
        nulls = None if all(self.valid) else pa.array([not valid for valid in self.valid])
        lists = pa.ListArray.from_arrays(ends, values, mask=nulls)
        # Copied once into Polars' own memory: the buffers above are filled again.
        return pl.Series(pl.from_arrow(lists)).rechunk()


class DepthFeed:
    """The state of one feed within one day.

    `first_break` is where coverage broke before the first message of the day, if it did.
    `emit` takes finished frames with exactly the columns of `depth`, in order.
    """

    def __init__(
        self,
        channel: str,
        first_break: Break | None,
        emit: Callable[[pl.DataFrame], None],
    ) -> None:
        self.gaps: list[Gap] = []
        self._channel = channel
        self._broken = first_break
        self._lost = False  # a connection, or a minute, since the last message
        self._emit = emit
        self._carry = Carry()
        self._messages = 0
        self._keyframe = 0
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._clear_buffers()

    def receive(self, place: Place, item: int, action: str | None, book: Book) -> None:
        """Take the next message of the feed."""
        if self._rows >= _ROWS_PER_FLUSH or self._levels >= _LEVELS_PER_FLUSH:
            self._flush(place.local_timestamp)
        anew = self._messages == 0 or self._broken is not None
        carry_until, after_gap = self._close_gap(place.local_timestamp)
        is_book = book.kind == "book"
        if is_book:
            self._apply(book, anew)
        else:
            self._store_difference(book if book.kind == "difference" else None)
        whole = is_book or book.kind == "difference"
        self._append(
            message=self._messages,
            arrival=place.arrival,
            item=item,
            local_timestamp=place.local_timestamp,
            timestamp=book.timestamp,
            channel=self._channel,
            action=action,
            carry_until=carry_until,
            seq_num=book.seq_num,
            checksum=book.checksum,
            checksum_status=book.checksum_status,
            bid_levels=len(book.bids) if whole else None,
            ask_levels=len(book.asks) if whole else None,
            irregular=book.irregular,
            reset=is_book and anew,
            keyframe=self._keyframe if is_book else None,
            origin=place.origin,
            slice=place.slice,
            line=place.line,
            after_gap=after_gap,
            broken_from=None,
            **_best(book) if is_book else _NO_BEST,
        )
        self._messages += 1
        if book.kind == "unapplied":
            # What the book is after such a message is not known: it must not stand at all.
            self.break_at(Break(place.local_timestamp, "other_action"))

    def finish(self, day_end: int) -> None:
        """End the day: rows that still wait are valid up to its end, an open gap closes there."""
        if self._broken is not None:
            time, cause = self._broken
            self._note_gap(time, day_end, "end_of_coverage" if cause == NOT_FETCHED else cause)
        self._flush(day_end)

    def break_at(self, at: Break) -> None:
        """Note that the feed is unknown from a moment on, until its next message."""
        self._lost |= at.cause in {DISCONNECT, NOT_FETCHED}
        if self._broken is not None:
            return
        self._broken = at
        if self._rows:
            self._columns["broken_from"][-1] = at.time

    def _close_gap(self, now: int) -> tuple[int | None, bool]:
        """Return carry_until for the first message of the day, and whether a gap came before."""
        carry_until = None
        if self._messages == 0:
            carry_until = now if self._broken is None else min(now, self._broken.time)
        if self._broken is None:
            return carry_until, False
        time, cause = self._broken
        self._note_gap(time, now, cause)
        after_gap, self._lost = self._messages > 0 and self._lost, False
        self._broken = None
        return carry_until, after_gap

    def _note_gap(self, start: int, stop: int, cause: str) -> None:
        if stop > start:
            self.gaps.append(Gap(start, stop, cause))

    def _apply(self, book: Book, anew: bool) -> None:
        """Store the difference to the book before, and a keyframe where one is due."""
        if anew:
            self._bids, self._asks = {}, {}
        self._store_side("bid", _changes(self._bids, book.bids, descending=True))
        self._store_side("ask", _changes(self._asks, book.asks, descending=False))
        self._bids, self._asks = book.bids, book.asks
        if anew or self._messages - self._keyframe >= _KEYFRAME_EVERY:
            self._keyframe = self._messages
            self._store_book(book)
        else:
            self._store_book(None)

    def _store_difference(self, book: Book | None) -> None:
        self._store_side("bid", list(book.bids.items()) if book else [])
        self._store_side("ask", list(book.asks.items()) if book else [])
        self._store_book(None)

    def _store_side(self, side: str, changes: list[tuple[float, float]]) -> None:
        self._levels += len(changes)
        self._lists[f"{side}_change_price"].append([price for price, _ in changes])
        self._lists[f"{side}_change_amount"].append([amount for _, amount in changes])

    def _store_book(self, book: Book | None) -> None:
        sides = {"bid": book.bids, "ask": book.asks} if book else {"bid": None, "ask": None}
        for side, levels in sides.items():
            self._levels += len(levels or ())
            self._lists[f"book_{side}_price"].append(levels)
            self._lists[f"book_{side}_amount"].append(None if levels is None else levels.values())

    def _append(self, **values: Any) -> None:  # noqa: ANN401 - one row, columns of every type
        for name, value in values.items():
            self._columns[name].append(value)
        self._rows += 1

    def _flush(self, next_time: int) -> None:
        if not self._rows:
            return
        rows = pl.DataFrame(self._columns, schema=_INPUT).with_columns(
            **{name: lists.column() for name, lists in self._lists.items()}
        )
        labelled = label(rows, self._carry, next_time)
        self._carry = Carry.of(labelled)
        self._clear_buffers()
        self._emit(labelled.select(DEPTH.schema.keys()))

    def _clear_buffers(self) -> None:
        self._rows = self._levels = 0
        self._columns: dict[str, list[Any]] = {name: [] for name in _INPUT}
        self._lists = {
            name: _Lists() for name, kind in DEPTH.schema.items() if isinstance(kind, pl.List)
        }


_NO_BEST: Final = dict.fromkeys(("bid_price", "bid_amount", "ask_price", "ask_amount"))


def _best(book: Book) -> dict[str, float | None]:
    bid = next(iter(book.bids.items()), (None, None))
    ask = next(iter(book.asks.items()), (None, None))
    return {
        "bid_price": bid[0], "bid_amount": bid[1], "ask_price": ask[0], "ask_amount": ask[1],
    }  # fmt: skip


def _changes(
    before: dict[float, float], after: dict[float, float], *, descending: bool
) -> list[tuple[float, float]]:
    """Return the levels that differ, with their new amount (0 = gone), best first."""
    if not before:
        return list(after.items())
    stood = before.get
    changes = [level for level in after.items() if stood(level[0]) != level[1]]
    gone = before.keys() - after.keys()
    if gone:
        changes += [(price, 0.0) for price in gone]
        changes.sort(reverse=descending)
    return changes
