"""Whether two recordings are of one feed: where both heard, the same number is the same content.

A book's number is its seq_num, a trade's its id. If once the content is another, or if nothing of
one recording is ever found in the other, then they are not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.filling.told import EMPTY, told_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.filling.told import Around, Key, Minute
    from pipeline.normalize.coverage import Feed
    from pipeline.slices import DayOfSlices

__all__ = ["Comparison", "Conflict"]

# Of two recordings of one feed a few messages at the edge of a minute may be in one alone. In so
# many minutes, of which both have several, it is no chance that none is in both.
_MINUTES_APART: Final = 3
_SEVERAL: Final = 2


class Conflict(NamedTuple):
    """A line of a live recording that is not what history has: where it stands, and why."""

    rank: int
    minute: int
    line: int
    reason: str


class Comparison:
    """Holds what live recordings say against what history says, minute by minute."""

    def __init__(
        self, held: Sequence[DayOfSlices], leaders: Sequence[int], others: Sequence[int]
    ) -> None:
        self._held = held
        self._leaders = leaders
        self._others = others
        self._met: set[Feed] = set()
        self._apart: dict[Feed, list[Conflict]] = defaultdict(list)

    def take(self, minute: int, around: Around) -> Conflict | None:
        """Take what a minute tells; return the first message that history has otherwise."""
        if any(True for _ in self._contradictions(minute, around)):
            # Numbers may be spelled in two ways. What they say is compared where the text differs.
            exact = {at: self._read_exactly(at) for at in around}
            if conflict := next(self._contradictions(minute, exact), None):
                return conflict
        self._meet(minute, around[minute])
        return None

    def finish(self) -> Conflict | None:
        """Return where a feed is that has nothing in common with that of history, if there is."""
        for feed, minutes in self._apart.items():
            if feed not in self._met and len(minutes) >= _MINUTES_APART:
                return minutes[0]
        return None

    def _read_exactly(self, minute: int) -> Minute:
        return told_of(self._held, minute, exactly=True)

    def _contradictions(self, minute: int, around: Around) -> Iterator[Conflict]:
        history = [
            (rank, at, told.contents)
            for at, slices in around.items()
            for rank, told in slices.items()
            if rank in self._leaders
        ]
        for rank in self._others:
            told = around[minute].get(rank)
            for key, contents in told.contents.items() if told and history else ():
                same = [(leader, at, of[key]) for leader, at, of in history if key in of]
                if same:
                    self._met.add(key[0])
                    if all(contents.keys().isdisjoint(of) for _, _, of in same):
                        line = min(contents.values())
                        leader, at, known = same[0]
                        where = f"{self._held[leader].name(at)} line {min(known.values())}"
                        reason = f"{_named(key)} is another one in {where}"
                        yield Conflict(rank, minute, line, reason)

    def _meet(self, minute: int, here: Minute) -> None:
        """Note feeds of which both sides have several messages in a minute, and none is in both."""
        if any((told.kinds == EMPTY).any() for told in here.values()):
            return
        feeds = [
            Counter(key[0] for rank in ranks if rank in here for key in here[rank].contents)
            for ranks in (self._leaders, self._others)
        ]
        for feed in feeds[0].keys() & feeds[1].keys() - self._met:
            if min(of[feed] for of in feeds) >= _SEVERAL:
                rank, line = next(
                    (rank, min(lines.values()))
                    for rank in self._others if rank in here
                    for key, lines in here[rank].contents.items() if key[0] == feed
                )  # fmt: skip
                reason = f"nothing of {feed.channel} of {feed.instrument} is in history too"
                self._apart[feed].append(Conflict(rank, minute, line, reason))


def _named(key: Key) -> str:
    feed, what, number = key
    return f"{feed.channel} of {feed.instrument} with {what} {number}"
