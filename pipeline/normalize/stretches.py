"""A minute of several slices: in which order their lines came, and which of them are heard when.

Between slices the clock alone can tell the order; within one it never runs back. A minute is one
stretch, but where a recorder was deaf while another heard: there it is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from pipeline.normalize.coverage import CHANGEOVER, DISCONNECT, NOT_FETCHED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Cut", "Lines", "Stretch", "Taken", "arrivals", "order_of", "stretches_of"]


class Cut(NamedTuple):
    """Lines of a slice in which its recorder was deaf, while another one heard.

    `lines` are their numbers, from 1; there may be none. Others count for what the rank covers if
    they arrived after `begins` (None: from the minute's start on) and before `ends` (None: to its
    end), in 100 ns since the minute began.
    """

    rank: int
    lines: range
    begins: int | None
    ends: int | None


class Lines(NamedTuple):
    """Lines of a slice, by number from 1; `is_deaf` where they do not say what is recorded."""

    numbers: range
    is_deaf: bool


class Taken(NamedTuple):
    """What of a slice is taken in a stretch, and in which order.

    `skipped` are trades that do not count, by line and item: another slice that counts has them.
    `order` says which place in the minute each line has; the line's own number, from 1, if None.
    `lines` are those to be taken (None: all), as of a recorder that hears, or is deaf: then empty
    ones are no new disconnects.
    """

    skipped: Collection[tuple[int, int]] = ()
    order: NDArray[np.int64] | None = None
    lines: Lines | None = None


class Stretch(NamedTuple):
    """A part of a minute. It begins before the line at `place`, with the lines of each slice.

    And since `time`, microseconds into the minute, by a `cause`: not_fetched at the minute's start,
    in which a slice may be lacking; a disconnect, by which a recorder went deaf just after its last
    line; or a changeover, when it hears again.
    """

    place: int
    time: int
    cause: str
    lines: tuple[Lines, ...]


def arrivals(clocks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return when each line of a slice arrived at the earliest: never before the one before it."""
    found: NDArray[np.int64] = np.maximum.accumulate(clocks)
    return found


def order_of(arrived: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Return the place in the minute of each line of its slices: odd numbers, from 1.

    Even ones are left for what lies between lines. Of lines that arrived at once those of the first
    slice come first.
    """
    order = np.argsort(np.concatenate(arrived), kind="stable")
    places = np.empty(len(order), np.int64)
    places[order] = 2 * np.arange(len(order)) + 1
    return [*np.split(places, np.cumsum([len(each) for each in arrived])[:-1])]


def stretches_of(
    ranks: tuple[int, ...], arrived: Sequence[NDArray[np.int64]], cuts: Sequence[Cut]
) -> list[Stretch]:
    """Cut a minute into stretches. `ranks` are those of its slices, whose lines `arrived`."""
    deaf = {cut.rank for cut in cuts if cut.begins is None}
    starts = [_Border(0, 0, NOT_FETCHED, (0,) * len(ranks), frozenset())]
    starts += _borders(ranks, arrived, cuts)
    ends = [*(border.before for border in starts[1:]), tuple(map(len, arrived))]
    found = []
    for start, stops in zip(starts, ends, strict=True):
        deaf = deaf | start.ranks if start.cause == DISCONNECT else deaf - start.ranks
        spans = zip(ranks, start.before, stops, strict=True)
        lines = tuple(Lines(range(low + 1, high + 1), rank in deaf) for rank, low, high in spans)
        found.append(Stretch(start.place, start.time, start.cause, lines))
    return found


class _Border(NamedTuple):
    """Where some ranks go deaf, or are heard again: how many lines of each slice are before it."""

    place: int
    time: int
    cause: str
    before: tuple[int, ...]
    ranks: frozenset[int]


def _borders(
    ranks: tuple[int, ...], arrived: Sequence[NDArray[np.int64]], cuts: Sequence[Cut]
) -> Iterator[_Border]:
    """Yield the borders in order. What lies at one moment is one, lest a line is read twice."""
    clocks = np.sort(np.concatenate(arrived))
    # What arrived at the moment itself came before one goes deaf, and after it hears again.
    at: dict[tuple[int, bool], dict[int, int]] = {}  # how many lines are before it, by rank
    for cut in cuts:
        if cut.begins is not None:
            at.setdefault((cut.begins, True), {})[cut.rank] = cut.lines.start - 1
        if cut.ends is not None:
            at.setdefault((cut.ends, False), {})[cut.rank] = cut.lines.stop - 1
    for (clock, is_deaf), own in sorted(at.items()):
        side: Literal["left", "right"] = "right" if is_deaf else "left"
        before = tuple(
            own[rank] if rank in own else int(np.searchsorted(each, clock, side))
            for rank, each in zip(ranks, arrived, strict=True)
        )
        place = 2 * int(np.searchsorted(clocks, clock, side))
        time, cause = (clock // 10 + 1, DISCONNECT) if is_deaf else (clock // 10, CHANGEOVER)
        yield _Border(place, time, cause, before, frozenset(own))
