"""The lines of one slice → what its part of the day holds.

The scan says what each line is. Lines that it does not know for certain are decoded one by one;
what they hold goes the same ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipeline.normalize.coinflex import (
    Books,
    Control,
    Foreign,
    Message,
    Refused,
    Tickers,
    Trade,
    Trades,
    decode,
)
from pipeline.normalize.columns import TRADE_ROW, Columns
from pipeline.normalize.coverage import MINUTE_PLACES, Disconnect, Feed
from pipeline.normalize.part import Tally
from pipeline.normalize.scan import (
    DEPTH,
    DISCONNECT,
    HAS_TIMESTAMP,
    HAS_TRADE_ID,
    OTHER,
    TRADE,
    SliceAt,
    gathered,
    lines,
)
from pipeline.times import DAY_US, MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from pipeline.normalize.part import PartReader
    from pipeline.normalize.scan import Words
    from pipeline.normalize.standing import StandingBooks

__all__ = ["SliceReader"]

_RAW_SHOWN: Final = 65_536
_UNTIMED: Final = -1
_SHADOWED, _COUNTS = 1, 2  # 0: not asked yet


class SliceReader:
    """Takes a slice's lines, block by block. `reader` is the part's, the slice its minute's.

    `begins` is what its lines begin with (scan.beginning).
    `order` says which place in the minute each line has, from 1; the line's own number, if None.
    """

    def __init__(
        self, reader: PartReader, rank: int, begins: Words, order: NDArray[np.int64] | None
    ) -> None:
        self._reader = reader
        self._rank = rank
        self._begins = begins
        self._order = order
        self._begin = reader.minute_start
        self._first = 1  # the number of the batch's first line
        self._counted = np.zeros(0, np.int8)  # by the feed's number
        self._unasked: set[int] = set()  # feeds that count, if a line of them can be read
        self.tally = reader.part.tallies[reader.minute, rank] = Tally()
        # When the last line arrived, but never outside the minute: a clock that ran away must not
        # carry a book over a disconnect.
        self.line_before = reader.line_before

    def read(self, text: NDArray[np.uint8], stop: int) -> None:
        """Take text[:stop], whole lines of the slice; bytes behind them have no meaning."""
        at = 0
        while at < stop:
            found = self._reader.found
            count, at = lines(text, at, stop, self._begins, found, self._reader.names)
            self._batch(text, self._numbered(found[:count]))
            self._first += count

    def _numbered(self, found: NDArray[Any]) -> NDArray[Any]:
        """Give feeds the part's numbers instead of the scan's own."""
        known = (found["kind"] == DEPTH) | (found["kind"] == TRADE)
        found["feed"][known] = self._reader.of_scan()[found["feed"][known]]
        self.tally["lines"] += int(known.sum())
        return found

    def _batch(self, text: NDArray[np.uint8], found: NDArray[Any]) -> None:
        times = np.where(found["time"] >= 0, self._begin + found["time"] // 10, _UNTIMED)
        books = dict(self._decoded(text, found, times))
        disconnects = np.flatnonzero(found["kind"] == DISCONNECT)
        latest = self._note_clock(times, disconnects)
        self._trades(text, found, times)
        begin = 0
        for end, time in zip(disconnects.tolist(), latest, strict=True):
            self._depth(text, found, times, books, range(begin, end))
            self._disconnect(end, time)
            begin = end + 1
        self._depth(text, found, times, books, range(begin, len(found)))
        messages = self._reader.standing.drain()
        index = messages.rows["line"].astype(np.int64) - self._first
        messages.rows["arrival"] = self._places(index)
        self._reader.keep_messages(messages)

    # --- lines that the scan leaves to the decoder -------------------------------------------

    def _decoded(  # noqa: C901 - one case a kind of message, nothing deeper
        self, text: NDArray[np.uint8], found: NDArray[Any], times: NDArray[np.int64]
    ) -> Iterator[tuple[int, Books]]:
        """Decode what the scan left; yield the messages with books, and see to all others."""
        for index in np.flatnonzero(found["kind"] == OTHER).tolist():
            raw = text[found["start"][index] : found["end"][index]].tobytes()
            if not raw.strip():
                found["kind"][index], times[index] = DISCONNECT, _UNTIMED
                continue
            self.tally["lines"] += 1
            times[index] = _UNTIMED
            try:
                times[index], payload = self._reader.split_line(raw)
            except ValueError as error:
                self._quarantine(index, str(error), raw)
                continue
            match self._message(index, payload):
                case Books() as books:
                    yield index, books
                case Trades(items):
                    self._decoded_trades(index, int(times[index]), items)
                case Tickers(items):
                    for item, ticker in enumerate(items):
                        if self._counts("ticker", ticker.instrument, "tickers"):
                            rows = self._reader.part.tickers.setdefault(ticker.instrument, [])
                            rows.append(
                                (self._place(index), item, int(times[index]), ticker.timestamp,
                                 *ticker.values, self._rank, self._first + index)
                            )  # fmt: skip
                case Control():
                    self.tally["control"] += 1
                case Foreign():
                    self.tally["foreign_lines"] += 1

    def _message(self, index: int, payload: bytes) -> Message | None:
        """Return what a line holds; None if it can't be read and went to quarantine."""
        try:
            return decode(payload)
        except Refused as refusal:
            self._quarantine(index, str(refusal), payload)
            return None

    def _quarantine(self, index: int, reason: str, raw: bytes) -> None:
        self.tally["quarantined"] += 1
        shown = raw[:_RAW_SHOWN].decode("utf-8", errors="backslashreplace")
        line = (self._reader.minute, self._rank, self._first + index)
        self._reader.part.quarantine.append((*line, reason, shown, len(raw)))

    def _decoded_trades(self, index: int, time: int, trades: list[Trade]) -> None:
        rows = np.zeros(len(trades), TRADE_ROW)
        rows["arrival"], rows["local_timestamp"] = self._place(index), time
        rows["line"], rows["rank"] = self._first + index, self._rank
        ids, counted = [], []
        for item, trade in enumerate(trades):
            counts = self._counts("trade", trade.instrument, "trades")
            counted.append(counts)
            id_ = (trade.id or "").encode("utf-8", "surrogatepass") if counts else b""
            ids.append(id_)
            rows[item]["feed"] = self._reader.number(Feed("trade", trade.instrument))
            rows[item]["item"] = item
            rows[item]["has_timestamp"] = trade.timestamp is not None
            rows[item]["timestamp"] = trade.timestamp or 0
            rows[item]["price"], rows[item]["amount"] = trade.price, trade.amount
            rows[item]["sell"] = trade.side == "sell"
            rows[item]["id_bytes"], rows[item]["has_id"] = len(id_), trade.id is not None
        self._reader.keep_trades(
            Columns(rows[counted], {"id": np.frombuffer(b"".join(ids), np.uint8)})
        )

    # --- what the scan found -----------------------------------------------------------------

    def _trades(
        self, text: NDArray[np.uint8], found: NDArray[Any], times: NDArray[np.int64]
    ) -> None:
        index = self._counting(found, np.flatnonzero(found["kind"] == TRADE), "trades")
        if not len(index):
            return
        self._note_deliveries(found["feed"][index])
        rows = np.zeros(len(index), TRADE_ROW)
        rows["line"], rows["rank"] = self._first + index, self._rank
        rows["arrival"] = self._places(index)
        rows["local_timestamp"] = times[index]
        seen = found["seen"][index]
        rows["has_timestamp"] = seen & HAS_TIMESTAMP != 0
        rows["timestamp"] = found["timestamp"][index] * 1000
        for name in ("price", "amount", "sell", "feed"):
            rows[name] = found[name][index]
        rows["has_id"] = seen & HAS_TRADE_ID != 0
        begins = found["id"][index]
        lengths = np.where(rows["has_id"], found["id_end"][index] - begins, 0)
        rows["id_bytes"] = lengths
        ids = gathered(text, begins, lengths)
        self._reader.keep_trades(Columns(rows, {"id": ids}))

    def _depth(
        self,
        text: NDArray[np.uint8],
        found: NDArray[Any],
        times: NDArray[np.int64],
        decoded: dict[int, Books],
        among: range,
    ) -> None:
        """Take the depth messages among some lines, between which no connection was lost."""
        depth = np.flatnonzero(found["kind"][among.start : among.stop] == DEPTH) + among.start
        taken = self._counting(found, depth, "")
        some_shadowed = len(taken) < len(depth)
        shadowed = np.setdiff1d(depth, taken, assume_unique=True) if some_shadowed else depth[:0]
        if decoded:
            here = [index for index in decoded if index in among]
            taken = np.sort(np.concatenate([taken, np.array(here, np.int64)]))
        standing = self._reader.standing
        count = self._books(text, found, times, decoded, taken, standing)
        self.tally["depth"] += count
        if len(shadowed):
            # Read all the same, for what can't be read is to be known; then dropped.
            unseen = self._reader.unseen
            count = self._books(text, found, times, {}, shadowed, unseen)
            self.tally["shadowed"] += count
            unseen.drain()

    def _books(
        self,
        text: NDArray[np.uint8],
        found: NDArray[Any],
        times: NDArray[np.int64],
        decoded: dict[int, Books],
        order: NDArray[np.int64],
        standing: StandingBooks,
    ) -> int:
        """Take the messages of some lines; return how many of them the scan could read."""
        here = SliceAt(self._begin, self._first, self._rank)
        at = count = 0
        while at < len(order):
            taken = standing.take(text, found, order[at:], here)
            self._note_deliveries(found["feed"][order[at : at + taken]])
            at, count = at + taken, count + taken
            if at == len(order):
                break
            index = int(order[at])
            message: Message | None = decoded.get(index)
            if message is None:
                _, payload = self._reader.split_line(
                    text[found["start"][index] : found["end"][index]].tobytes()
                )
                message = self._message(index, payload)
            if isinstance(message, Books):
                self._decoded_books(index, int(times[index]), message, standing)
            at += 1
        return count

    def _decoded_books(
        self, index: int, time: int, message: Books, standing: StandingBooks
    ) -> None:
        action = self._reader.action(message.action)
        for item, book in enumerate(message.items):
            if self._counts(message.channel, book.instrument, "depth"):
                feed = self._reader.number(Feed(message.channel, book.instrument))
                standing.take_decoded(
                    feed, book, local_timestamp=time, item=item,
                    line=self._first + index, rank=self._rank, action=action,
                )  # fmt: skip

    # --- which slice counts, and where the feed breaks ---------------------------------------

    def _counts(self, channel: str, instrument: str, what: str) -> bool:
        """Say whether an item of a feed counts from this slice, and tally it."""
        feed = Feed(channel, instrument)
        counts = self._reader.coverage.counts(self._rank, feed)
        if counts:
            self._reader.coverage.note_delivery(self._rank, feed)
        self.tally[what if counts else "shadowed"] += 1
        return counts

    def _counting(
        self, found: NDArray[Any], index: NDArray[np.int64], what: str
    ) -> NDArray[np.int64]:
        """Return those of some lines whose feed counts from this slice; tally, if told as what."""
        feeds = found["feed"][index]
        known = len(self._counted)
        if known < len(self._reader.part.feeds):
            self._counted = np.concatenate(
                [self._counted, np.zeros(len(self._reader.part.feeds) - known, np.int8)]
            )
        for number in np.unique(feeds[self._counted[feeds] == 0]).tolist():
            feed = self._reader.part.feeds[number]
            counts = self._reader.coverage.counts(self._rank, feed)
            self._counted[number] = _COUNTS if counts else _SHADOWED
            if counts and self._reader.coverage.owner(feed) is None:
                self._unasked.add(number)
        counting: NDArray[np.int64] = index[self._counted[feeds] == _COUNTS]
        if what:
            self.tally[what] += len(counting)
            self.tally["shadowed"] += len(index) - len(counting)
        return counting

    def _note_deliveries(self, feeds: NDArray[np.int64]) -> None:
        """Take note of feeds that nobody asked for, once the scan could read a line of them."""
        if self._unasked:
            for number in self._unasked.intersection(feeds.tolist()):
                feed = self._reader.part.feeds[number]
                self._reader.coverage.note_delivery(self._rank, feed)
                self._unasked.discard(number)

    def _note_clock(
        self, times: NDArray[np.int64], disconnects: NDArray[np.int64]
    ) -> Iterable[int | None]:
        """Tally clocks; return, for each disconnect, when the last line before it arrived."""
        timed = np.flatnonzero(times != _UNTIMED)
        arrived = times[timed]
        within = np.clip(arrived, self._begin, self._begin + MINUTE_US - 1)
        last = np.searchsorted(timed, disconnects) - 1
        latest = [int(within[at]) if at >= 0 else self.line_before for at in last.tolist()]
        if len(timed):
            part, rank = self._reader.part, self._rank
            first = int(arrived[0])
            before = part.last_times.get(rank, first)
            part.first_times.setdefault(rank, (self._reader.minute, first))
            part.last_times[rank] = int(arrived[-1])
            self.tally["outside_minute"] += int((within != arrived).sum())
            self.tally["backwards"] += int((np.diff(arrived, prepend=before) < 0).sum())
            self.line_before = int(within[-1])
        return latest

    def _disconnect(self, index: int, line_before: int | None) -> None:
        """Take an empty line: the recorder lost its connection after the last line."""
        self.tally["disconnects"] += 1
        # Before the day's last microsecond, lest it look as if the book stood to midnight.
        last = self._reader.day_start + DAY_US - 1
        time = None if line_before is None else min(line_before + 1, last)
        self._reader.disconnect(Disconnect(self._place(index), self._rank, time))

    def _places(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return lines' places in the day: what `arrival` says of them."""
        numbers = self._first + index
        if self._order is not None:
            numbers = self._order[numbers - 1]
        places: NDArray[np.int64] = self._reader.minute * MINUTE_PLACES + numbers
        return places

    def _place(self, index: int) -> int:
        """Return a line's place in the day."""
        return int(self._places(np.array(index)))
