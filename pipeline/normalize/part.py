"""A part of a day: the lines of consecutive minutes → columns of every table.

A part knows nothing of the parts before it, so parts can be read at the same time. What only they
could tell is left open, and filled in where parts are put together (day.py): the first book of
each feed is stored whole, against nothing; a disconnect before the first line has no time yet.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from pipeline.channels import BOOK_CHANNELS, canonical_channel
from pipeline.normalize.columns import Columns
from pipeline.normalize.coverage import (
    MINUTE_PLACES,
    NOT_FETCHED,
    Answer,
    Coverage,
    Disconnect,
    Feed,
    Hearing,
    SignOfLife,
)
from pipeline.normalize.scan import LINE, TABLES, Names
from pipeline.normalize.standing import StandingBooks
from pipeline.times import MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from pipeline.normalize.coverage import Covering, Delivered
    from pipeline.normalize.standing import Levels

__all__ = ["Part", "PartReader", "Quarantined", "Tally"]

_LINES_AT_ONCE: Final = 16_384

Tally = Counter[str]


class Quarantined(NamedTuple):
    """A line that could not be read: where it stands, why, its text and how many bytes it has."""

    minute: int
    rank: int
    line: int
    reason: str
    raw: str
    raw_bytes: int


@dataclass
class Part:
    """What the lines of some consecutive minutes hold. Feeds are known by number."""

    present: list[tuple[int, ...]]
    # In order of place; the first one from the part's first minute on.
    hearings: list[Hearing] = field(default_factory=list)
    feeds: list[Feed] = field(default_factory=list)
    messages: dict[int, Columns] = field(default_factory=dict)
    trades: dict[int, Columns] = field(default_factory=dict)
    # By instrument: the columns of `tickers` in order, but the rank in place of lineage.
    tickers: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    quarantine: list[Quarantined] = field(default_factory=list)
    disconnects: list[Disconnect] = field(default_factory=list)
    signs_of_life: list[SignOfLife] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    # The book that each feed ends with, bids and asks.
    last: dict[int, tuple[Levels, Levels]] = field(default_factory=dict)
    # As sent, by number: the scan knows but these two, as 0 and 1.
    actions: dict[str | None, int] = field(default_factory=lambda: {None: 0, "partial": 1})
    # By minute and rank: what became of the lines of one slice.
    tallies: dict[tuple[int, int], Tally] = field(default_factory=dict)
    delivered: Delivered = field(default_factory=dict)
    # By rank: the minute and time of the first line, the time of the last.
    first_times: dict[int, tuple[int, int]] = field(default_factory=dict)
    last_times: dict[int, int] = field(default_factory=dict)
    # When the last line of each recorder arrived, but never outside its minute.
    last_lines: dict[str | None, int] = field(default_factory=dict)


class PartReader:
    """Takes the lines of consecutive minutes, slice by slice.

    `requests` are those with slices on the day, the one that counts the most first; a slice is
    known by the rank of its request. Times are microseconds UTC. The result depends on nothing but
    what is put in. `delivered` says what earlier parts found of feeds that nobody asked for.
    """

    def __init__(
        self,
        requests: Sequence[Covering],
        day_start: int,
        first_minute: int,
        delivered: Delivered | None = None,
    ) -> None:
        self.day_start = day_start
        self._requests = requests
        self.coverage = Coverage(requests, day_start, first_minute, delivered)
        self.part = Part([])
        self.minute = first_minute - 1
        self.raw_shown = 0  # bytes of lines that could not be read
        self.names = Names.none()
        self.found = np.zeros(_LINES_AT_ONCE, LINE)
        self.standing = StandingBooks()
        self.unseen = StandingBooks()  # of slices that do not count
        self._numbers: dict[Feed, int] = {}
        self._of_scan = np.zeros(0, np.int64)
        self._messages: list[Columns] = []
        self._trades: list[Columns] = []

    @property
    def minute_start(self) -> int:
        """The first microsecond of the current minute."""
        return self.day_start + self.minute * MINUTE_US

    def line_before(self, rank: int) -> int | None:
        """When the last line of a rank's recorder arrived in what was read before, if one did."""
        return self.part.last_lines.get(self._requests[rank].recorder)

    def begin_minute(self, present: tuple[int, ...]) -> None:
        """Open the next minute; `present` are the ranks that have a whole slice."""
        self.minute += 1
        self.standing.begin_minute()
        self.part.present.append(present)
        self.coverage.begin_minute(present)

    def hear(
        self, heard: tuple[int, ...], place: int = 0, time: int = 0, cause: str = NOT_FETCHED
    ) -> None:
        """From a place and a time in the minute on, these ranks are heard; `cause` says why."""
        place += self.minute * MINUTE_PLACES
        time += self.minute_start
        last_lines = {of.recorder: self.part.last_lines.get(of.recorder) for of in self._requests}
        hearing = Hearing(place, heard, time, cause, last_lines)
        if self.coverage.hear(hearing):
            self.part.hearings.append(hearing)
            self.standing.break_at(
                number
                for number, feed in enumerate(self.part.feeds)
                if any(self.coverage.breaks(feed, place - 1, place + 1))
            )

    def end_stretch(self, line_before: Iterable[tuple[int, int | None]]) -> None:
        """Go on after some lines; told is by rank when the last line of a slice arrived."""
        lasts = self.part.last_lines
        for rank, time in line_before:
            if time is not None:
                recorder = self._requests[rank].recorder
                lasts[recorder] = max(time, lasts.get(recorder, time))

    def finish(self) -> Part:
        """Return what was found."""
        part = self.part
        part.delivered = self.coverage.delivered
        part.messages = _by_feed(self._messages)
        part.trades = _by_feed(self._trades)
        for number, feed in enumerate(part.feeds):
            if feed.channel in BOOK_CHANNELS:
                part.last[number] = self.standing.last(number)
        return part

    def piece(self) -> Part:
        """Return what was found since the last time, while the part goes on with its books.

        Taken one after the other, pieces are as good as the whole part.
        """
        found = self.finish()
        self.part = Part([], feeds=found.feeds, actions=found.actions)
        return found

    # --- for the slices ------------------------------------------------------------------------

    def number(self, feed: Feed) -> int:
        """Return a feed's number, a new one if need be."""
        number = self._numbers.get(feed)
        if number is None:
            number = self._numbers[feed] = len(self.part.feeds)
            self.part.feeds.append(feed)
            self.standing.know(number + 1)
            self.unseen.know(number + 1)
        return number

    def of_scan(self) -> NDArray[np.int64]:
        """Return the numbers of the feeds that the scan has found, by its own numbers."""
        known, count = len(self._of_scan), int(self.names.used[0])
        if count > known:
            new = [self.number(self._named(number)) for number in range(known, count)]
            self._of_scan = np.concatenate([self._of_scan, np.array(new, np.int64)])
        return self._of_scan

    def _named(self, number: int) -> Feed:
        channel = canonical_channel(TABLES[self.names.tables[number]])
        return Feed(channel, self.names.text(number))

    def action(self, action: str | None) -> int:
        """Return the number of an action as sent."""
        return self.part.actions.setdefault(action, len(self.part.actions))

    def disconnect(self, at: Disconnect) -> None:
        """Note that a slice's connection was lost: feeds for which it counts start anew."""
        self.part.disconnects.append(at)
        self.coverage.disconnect(at)
        feeds = enumerate(self.part.feeds)
        self.standing.break_at(n for n, feed in feeds if self.coverage.owner(feed) == at.rank)

    def keep_trades(self, trades: Columns) -> None:
        """Keep some trades."""
        self._trades.append(trades)

    def keep_messages(self, messages: Columns) -> None:
        """Keep some depth messages."""
        if len(messages):
            self._messages.append(messages)


def _by_feed(pieces: list[Columns]) -> dict[int, Columns]:
    """Return each feed's rows; the pieces are given up on the way, for they may be large."""
    if not pieces:
        return {}
    joined = Columns.joined(pieces)
    pieces.clear()
    return joined.by_feed()
