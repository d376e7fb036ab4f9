"""Trades that a live recording and history both have: those of the live one do not count.

A trade is known by its id, and one without an id by all that is said of it, as often as history
says so. Clocks differ, so history may have it a minute before or after.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from pipeline.filling.told import Around, Minute, ToldTrade
    from pipeline.normalize.coverage import Feed
    from pipeline.normalize.stretches import Cut
    from pipeline.slices import Request

__all__ = ["Twice"]

# A trade of a slice: line and item.
_At: TypeAlias = tuple[int, int]


class _Line(NamedTuple):
    """A line of history."""

    rank: int
    minute: int
    line: int


class Twice:
    """Takes the minutes of a day. `requests` are by rank: history's leaders, and others."""

    def __init__(
        self, requests: Sequence[Request], leaders: Sequence[int], others: Sequence[int]
    ) -> None:
        self._requests = requests
        self._leaders = leaders
        self._others = others
        self._found: dict[int, dict[int, set[_At]]] = {}
        # Those that history has in lines alone that may be cut from it, for they have no clock.
        self._unsure: list[tuple[int, int, _At, list[_Line]]] = []

    def take(self, minute: int, around: Around) -> None:
        """Take the next minute, with the one before and the one after."""
        here = [rank for rank in self._others if rank in around[minute]]
        if not any(around[minute][rank].trades for rank in here):
            return
        known, untimed = self._of_history(around)
        for rank in here:
            seen: Counter[Hashable] = Counter()
            found: set[_At] = set()
            for trade in around[minute][rank].trades:
                identity, at = _identity(trade), (trade.line, trade.item)
                seen[identity] += 1
                lines = untimed.get(identity, [])
                if _is_among(trade, seen[identity], known[identity]):
                    found.add(at)
                elif _is_among(trade, seen[identity], known[identity] + len(lines)):
                    found.add(at)
                    self._unsure.append((minute, rank, at, lines))
            if found:
                self._found.setdefault(minute, {})[rank] = found

    def finish(self, cuts: Mapping[int, Sequence[Cut]]) -> dict[int, dict[int, set[_At]]]:
        """Return by minute and rank the trades that do not count; `cuts` are out of history."""
        for minute, rank, at, lines in self._unsure:
            if all(_is_cut(line, cuts) for line in lines):
                self._found[minute][rank].discard(at)
        return self._found

    def _of_history(self, around: Around) -> tuple[Counter[Hashable], dict[Hashable, list[_Line]]]:
        """Return how often history has which trades, and lines that have them without a clock.

        Where requests overlap one of them alone has a trade as often as it was made.
        """
        known: Counter[Hashable] = Counter()
        untimed: dict[Hashable, list[_Line]] = defaultdict(list)
        for rank in self._leaders:
            of_rank: Counter[Hashable] = Counter()
            for minute, slices in around.items():
                told = slices.get(rank)
                for trade in told.trades if told else ():
                    if told is None or not self._may_count(rank, trade.feed, slices):
                        continue
                    if told.clocks[trade.line - 1] < 0:
                        untimed[_identity(trade)].append(_Line(rank, minute, trade.line))
                    else:
                        of_rank[_identity(trade)] += 1
            known |= of_rank
        return known, untimed

    def _may_count(self, rank: int, feed: Feed, slices: Minute) -> bool:
        """Say whether lines of a feed may count: not where others alone were asked for that."""
        named = [self._requests[other].names(feed.instrument) for other in slices]
        return self._requests[rank].names(feed.instrument) or not any(named)


def _is_among(trade: ToldTrade, ordinal: int, count: int) -> bool:
    return ordinal <= count if trade.id is None else count > 0


def _is_cut(at: _Line, cuts: Mapping[int, Sequence[Cut]]) -> bool:
    return any(cut.rank == at.rank and at.line in cut.lines for cut in cuts.get(at.minute, ()))


def _identity(trade: ToldTrade) -> Hashable:
    return (trade.feed, trade.content) if trade.id is None else (trade.feed, trade.id)
