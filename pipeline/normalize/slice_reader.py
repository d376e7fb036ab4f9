"""The lines of one slice → what its part of the day holds.

The scan says what each line is. Lines that it does not know for certain are decoded one by one;
what they hold goes the same ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from pipeline.normalize.coinflex import (
    Books,
    Control,
    Foreign,
    Message,
    Refused,
    Tickers,
    Trades,
    decode,
)
from pipeline.normalize.coverage import MINUTE_PLACES, Answer, Disconnect, Feed, SignOfLife
from pipeline.normalize.part import Quarantined, Tally
from pipeline.normalize.quarantine import RAW_SHOWN, as_text
from pipeline.normalize.scan import (
    DEPTH,
    DISCONNECT,
    OTHER,
    TRADE,
    SliceAt,
    scan_lines,
)
from pipeline.normalize.trades import of_decoder, of_scan
from pipeline.stamp import LONGEST_MESSAGE, STAMP, split_line
from pipeline.times import DAY_US, MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from pipeline.normalize.coinflex import Ticker, Trade
    from pipeline.normalize.part import PartReader
    from pipeline.normalize.scan import Words
    from pipeline.normalize.standing import StandingBooks
    from pipeline.normalize.stretches import Taken

__all__ = ["SliceReader"]

# How much of a line that can't be read is shown: less in a part that has shown a lot already, lest
# the memory fill with what nobody will read to the end.
_RAW_SHOWN_AT_LEAST: Final = 1_024
_RAW_SHOWN_OF_A_PART: Final = 32 << 20
_UNTIMED: Final = -1
_SHADOWED, _COUNTS = 1, 2  # 0: not asked yet


class _Batch(NamedTuple):
    """Some consecutive lines of a slice, as the scan found them."""

    text: NDArray[np.uint8]
    found: NDArray[Any]
    times: NDArray[np.int64]  # of arrival, microseconds; _UNTIMED where a line doesn't say
    data: NDArray[np.bool_]  # whether a line says something of a market
    at: SliceAt

    def raw(self, index: int) -> bytes:
        """Return a line without its end."""
        begin, end = self.found["start"][index], self.found["end"][index]
        return self.text[begin:end].tobytes()


class SliceReader:
    """Takes lines of a slice, block by block. `reader` is the part's, the slice its minute's.

    `begins` is what its lines begin with (scan.beginning).
    """

    def __init__(
        self,
        reader: PartReader,
        rank: int,
        begins: Words,
        taken: Taken,
    ) -> None:
        self._reader = reader
        self._rank = rank
        self._begins = begins
        self._skipped, self._order, self._lines = taken
        self._begin = reader.minute_start
        self._first = 1  # the number of the batch's first line
        self._verdicts = np.zeros(0, np.int8)  # by the feed's number
        self._unasked: set[int] = set()  # feeds nobody asked for, no line of which was read yet
        self.tally = reader.part.tallies.setdefault((reader.minute, rank), Tally())
        # When the last line arrived, but never outside the minute: a clock that ran away must not
        # carry a book over a disconnect.
        self.line_before = reader.line_before(rank)
        # Whether a line with data is still to come, since the slice began or a disconnect.
        self._is_silent = True

    def read(self, text: NDArray[np.uint8], stop: int) -> None:
        """Take text[:stop], whole lines of the slice; bytes behind them have no meaning."""
        at = 0
        while at < stop:
            found = self._reader.found
            count, at = scan_lines(text, at, stop, self._begins, found, self._reader.names)
            first, found = self._wanted(found[:count])
            self._first += count
            if not len(found):
                continue
            # What is too long for the decoder is so for all: it refuses it.
            found["kind"][found["end"] - found["start"] > STAMP + LONGEST_MESSAGE] = OTHER
            found = self._numbered(found)
            times = np.where(found["time"] >= 0, self._begin + found["time"] // 10, _UNTIMED)
            here = SliceAt(self._begin, first, self._rank, self._places(first, len(found)))
            data = (found["kind"] == DEPTH) | (found["kind"] == TRADE)
            self._take(_Batch(text, found, times, data, here))

    def _wanted(self, found: NDArray[Any]) -> tuple[int, NDArray[Any]]:
        """Return the lines to be taken, of the next ones, and the number of the first."""
        if self._lines is None:
            return self._first, found
        first = max(self._lines.numbers.start, self._first)
        end = max(first, self._lines.numbers.stop)
        return first, found[first - self._first : end - self._first]

    def _numbered(self, found: NDArray[Any]) -> NDArray[Any]:
        """Give feeds the part's numbers instead of the scan's own."""
        known = (found["kind"] == DEPTH) | (found["kind"] == TRADE)
        found["feed"][known] = self._reader.of_scan()[found["feed"][known]]
        return found

    def _places(self, first: int, count: int) -> NDArray[np.int64]:
        """Return some lines' places in the day: what `arrival` says of them."""
        numbers = np.arange(first, first + count)
        if self._order is not None:
            numbers = self._order[numbers - 1]
        places: NDArray[np.int64] = self._reader.minute * MINUTE_PLACES + numbers
        return places

    def _take(self, batch: _Batch) -> None:
        """Take some lines, not in their order: by_feed puts rows back into it.

        Decoded ones first, for a blank one among them is a disconnect. Trades know nothing of
        those; books are taken stretch by stretch between them.
        """
        books = dict(self._decoded(batch))
        disconnects = np.flatnonzero(batch.found["kind"] == DISCONNECT)
        self.tally["lines"] += len(batch.found) - len(disconnects)
        latest = self._note_clock(batch.times, disconnects)
        self._note_life(batch, disconnects)
        self._trades(batch)
        begin = 0
        for end, time in zip(disconnects.tolist(), latest, strict=True):
            self._depth(batch, books, range(begin, end))
            self._disconnect(int(batch.at.places[end]), time)
            begin = end + 1
        self._depth(batch, books, range(begin, len(batch.found)))
        self._reader.keep_messages(self._reader.standing.drain())

    # --- lines that the scan leaves to the decoder -------------------------------------------

    def _decoded(self, batch: _Batch) -> Iterator[tuple[int, Books]]:
        """Decode what the scan left; yield the messages with books, and see to all others."""
        for index in np.flatnonzero(batch.found["kind"] == OTHER).tolist():
            raw = batch.raw(index)
            batch.times[index] = _UNTIMED
            if not raw.strip():
                batch.found["kind"][index] = DISCONNECT
                continue
            try:
                batch.times[index], payload = split_line(raw)
            except ValueError as error:
                self._quarantine(batch, index, str(error), raw)
                continue
            message = self._message(batch, index, payload)
            batch.data[index] = message is not None and not isinstance(message, Control)
            match message:
                case Books() as books:
                    yield index, books
                case Trades(items):
                    self._decoded_trades(batch, index, items)
                case Tickers(items):
                    self._tickers(batch, index, items)
                case Control(subscription, granted):
                    self.tally["control"] += 1
                    if subscription:
                        self._note_answer(batch, index, Feed(*subscription), granted)
                case Foreign():
                    self.tally["foreign_lines"] += 1

    def _message(self, batch: _Batch, index: int, payload: bytes) -> Message | None:
        """Return what a line holds; None if it can't be read and went to quarantine."""
        try:
            return decode(payload)
        except Refused as refusal:
            self._quarantine(batch, index, str(refusal), payload)
            return None

    def _quarantine(self, batch: _Batch, index: int, reason: str, raw: bytes) -> None:
        self.tally["quarantined"] += 1
        left = _RAW_SHOWN_OF_A_PART - self._reader.raw_shown
        raw_shown = raw[: min(RAW_SHOWN, max(_RAW_SHOWN_AT_LEAST, left))]
        self._reader.raw_shown += len(raw_shown)
        shown = as_text(raw_shown)
        line = batch.at.first_line + index
        self._reader.part.quarantine.append(
            Quarantined(self._reader.minute, self._rank, line, reason, shown, len(raw))
        )

    def _decoded_trades(self, batch: _Batch, index: int, trades: list[Trade]) -> None:
        counting = [
            (item, self._reader.number(Feed("trade", trade.instrument)), trade)
            for item, trade in enumerate(trades)
            if self._item_counts(
                "trade", trade.instrument, "trades", (batch.at.first_line + index, item)
            )
        ]
        time = int(batch.times[index])
        self._reader.keep_trades(of_decoder(counting, index, time, batch.at))

    def _tickers(self, batch: _Batch, index: int, tickers: list[Ticker]) -> None:
        place, time = int(batch.at.places[index]), int(batch.times[index])
        for item, ticker in enumerate(tickers):
            if self._item_counts("ticker", ticker.instrument, "tickers"):
                rows = self._reader.part.tickers.setdefault(ticker.instrument, [])
                rows.append(
                    (place, item, time, ticker.timestamp, *ticker.values, self._rank,
                     batch.at.first_line + index)
                )  # fmt: skip

    def _decoded_books(self, batch: _Batch, index: int, message: Books) -> None:
        action = self._reader.action(message.action)
        for item, book in enumerate(message.items):
            if self._item_counts(message.channel, book.instrument, "depth"):
                self._reader.standing.take_decoded(
                    self._reader.number(Feed(message.channel, book.instrument)), book,
                    arrival=int(batch.at.places[index]), item=item, action=action,
                    local_timestamp=int(batch.times[index]), rank=self._rank,
                    line=batch.at.first_line + index,
                )  # fmt: skip

    # --- what the scan found -----------------------------------------------------------------

    def _trades(self, batch: _Batch) -> None:
        trades = np.flatnonzero(batch.found["kind"] == TRADE)
        taken = trades[self._feeds_count(batch.found["feed"][trades])]
        if self._skipped:
            at = batch.at.first_line
            is_new = [(at + index, 0) not in self._skipped for index in taken.tolist()]
            taken = taken[np.array(is_new, np.bool_)]
        self.tally["trades"] += len(taken)
        self.tally["shadowed"] += len(trades) - len(taken)
        if len(taken):
            self._note_deliveries(batch.found["feed"][taken])
            self._reader.keep_trades(of_scan(batch.text, batch.found, taken, batch.times, batch.at))

    def _depth(self, batch: _Batch, decoded: dict[int, Books], among: range) -> None:
        """Take the depth messages among some lines, between which no connection was lost."""
        kinds = batch.found["kind"][among.start : among.stop]
        depth = np.flatnonzero(kinds == DEPTH) + among.start
        counting = self._feeds_count(batch.found["feed"][depth])
        taken, shadowed = depth[counting], depth[~counting]
        if decoded:
            others = (np.flatnonzero(kinds == OTHER) + among.start).tolist()
            here = [index for index in others if index in decoded]
            taken = np.sort(np.concatenate([taken, np.array(here, np.int64)]))
        count = self._books(batch, decoded, taken, self._reader.standing)
        self.tally["depth"] += count
        if len(shadowed):
            # Read all the same, for what can't be read is to be known; then dropped.
            unseen = self._reader.unseen
            count = self._books(batch, {}, shadowed, unseen)
            self.tally["shadowed"] += count
            unseen.drain()

    def _books(
        self,
        batch: _Batch,
        decoded: dict[int, Books],
        order: NDArray[np.int64],
        standing: StandingBooks,
    ) -> int:
        """Take the messages of some lines; return how many of them the scan could read."""
        at = count = 0
        while at < len(order):
            taken = standing.take(batch.text, batch.found, order[at:], batch.at)
            self._note_deliveries(batch.found["feed"][order[at : at + taken]])
            at, count = at + taken, count + taken
            if at == len(order):
                break
            index = int(order[at])
            message: Message | None = decoded.get(index)
            if message is None:
                _, payload = split_line(batch.raw(index))
                message = self._message(batch, index, payload)
            if isinstance(message, Books):
                self._decoded_books(batch, index, message)
            at += 1
        return count

    # --- which slice counts, and where the feed breaks ---------------------------------------

    def _item_counts(
        self, channel: str, instrument: str, what: str, at: tuple[int, int] | None = None
    ) -> bool:
        """Say whether an item of a feed counts from this slice, and tally it."""
        feed = Feed(channel, instrument)
        counts = self._reader.coverage.counts(self._rank, feed) and at not in self._skipped
        if counts:
            self._reader.coverage.note_delivery(self._rank, feed)
        self.tally[what if counts else "shadowed"] += 1
        return counts

    def _feeds_count(self, feeds: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say of the feeds of some lines whether they count from this slice."""
        known = len(self._verdicts)
        if known < len(self._reader.part.feeds):
            self._verdicts = np.concatenate(
                [self._verdicts, np.zeros(len(self._reader.part.feeds) - known, np.int8)]
            )
        for number in np.unique(feeds[self._verdicts[feeds] == 0]).tolist():
            feed = self._reader.part.feeds[number]
            counts = self._reader.coverage.counts(self._rank, feed)
            self._verdicts[number] = _COUNTS if counts else _SHADOWED
            if counts and self._reader.coverage.owner(feed) is None:
                self._unasked.add(number)
        counting: NDArray[np.bool_] = self._verdicts[feeds] == _COUNTS
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

    def _note_life(self, batch: _Batch, disconnects: NDArray[np.int64]) -> None:
        """Note the first line with data of the slice and after each disconnect.

        An acknowledgement is none, nor a line by a clock that ran away: it says little of when.
        """
        end = self._begin + MINUTE_US
        within = (batch.times >= self._begin) & (batch.times < end)
        alive = np.flatnonzero(batch.data & within)
        since = np.concatenate([[-1] * self._is_silent, disconnects]).astype(np.int64)
        first = np.searchsorted(alive, since)
        for index in alive[np.unique(first[first < len(alive)])].tolist():
            place, time = int(batch.at.places[index]), int(batch.times[index])
            self._reader.part.signs_of_life.append(SignOfLife(place, self._rank, time))
        if len(since):
            self._is_silent = bool(first[-1] == len(alive))

    def _note_answer(self, batch: _Batch, index: int, feed: Feed, granted: bool) -> None:
        time = min(max(int(batch.times[index]), self._begin), self._begin + MINUTE_US - 1)
        place = int(batch.at.places[index])
        self._reader.part.answers.append(Answer(place, self._rank, feed, time, granted))

    def _disconnect(self, place: int, line_before: int | None) -> None:
        """Take an empty line: the recorder lost its connection after the last line."""
        self.tally["disconnects"] += 1
        if self._lines and self._lines.is_deaf:
            return
        # Before the day's last microsecond, lest it look as if the book stood to midnight.
        last = self._reader.day_start + DAY_US - 1
        time = None if line_before is None else min(line_before + 1, last)
        self._reader.disconnect(Disconnect(place, self._rank, time))
