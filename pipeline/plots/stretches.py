"""When a book is known, and a range cut there and at its steps into pieces that can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.query import rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.plots.asked import Asked
    from pipeline.research.questions import Questions

__all__ = ["Pieces", "causes_of_gaps", "known_stretches", "pieces_of", "runs", "trades_lacking"]

# One row per book with which a stretch of known books begins or ends, or both.
_KNOWN = """
with
  standing as (
    select
      epoch_us(starts) as starts, epoch_us(ends) as ends,
      lag(ends) over (order by starts) is distinct from starts as is_first,
      lead(starts) over (order by starts) is distinct from ends as is_last
    from standing_books($1, $2, $3)
  )

select starts, ends, is_first, is_last
from standing
where is_first or is_last
order by starts
"""
_RECORDED = """
select epoch_us(starts), epoch_us(ends)
from trade_feed($1, $2, $3)
order by starts
"""
_CAUSES = "select distinct cause from gaps($1, $2, $3) where is_unknown order by cause"


class Pieces(NamedTuple):
    """A range cut so that in each piece a book is known throughout, or not at all.

    edges: where pieces begin and end, one more than pieces, in microseconds; steps: the step of the
    range that each lies in, from 0; known: whether a book is.
    """

    edges: NDArray[np.int64]
    steps: NDArray[np.int64]
    known: NDArray[np.bool_]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each begins."""
        return self.edges[:-1]

    @property
    def share_known(self) -> float:
        """How much of the range a book is known for, from 0 to 1."""
        return float(np.diff(self.edges)[self.known].sum() / (self.edges[-1] - self.edges[0]))

    def unknown(self) -> list[tuple[int, int]]:
        """Return the stretches in which no book is known, in order."""
        return [
            (int(self.edges[first]), int(self.edges[last])) for first, last in runs(~self.known)
        ]


def known_stretches(lake: Questions, asked: Asked) -> NDArray[np.int64]:
    """Return the [start, end) in which a book is known, within the range, in order: shape (n, 2).

    A book that follows another at once goes on with its stretch.
    """
    with lake.cursor() as cursor:
        rows = rows_of(cursor, _KNOWN, asked.parameters())
    begins = [starts for starts, _, is_first, _ in rows if is_first]
    stops = [ends for _, ends, _, is_last in rows if is_last]
    found = np.array([begins, stops], np.int64).T
    return np.clip(found, asked.start, asked.end)


def causes_of_gaps(lake: Questions, asked: Asked) -> list[str]:
    """Return why books are unknown in a range, in words."""
    with lake.cursor() as cursor:
        rows = rows_of(cursor, _CAUSES, asked.parameters())
    return [cause.replace("_", " ") for (cause,) in rows]


def trades_lacking(lake: Questions, asked: Asked) -> list[tuple[int, int]]:
    """Return the stretches of a range in which trades may be lacking: no trade means nothing."""
    with lake.cursor() as cursor:
        recorded = rows_of(cursor, _RECORDED, asked.parameters())
    found = []
    upto = asked.start
    for starts, ends in [*recorded, (asked.end, asked.end)]:
        if starts > upto:
            found.append((upto, min(starts, asked.end)))
        upto = max(upto, ends)
    return found


def pieces_of(asked: Asked, known: NDArray[np.int64]) -> Pieces:
    """Cut a range at its steps, and where a book begins or ceases to be known."""
    grid = np.arange(asked.start, asked.end, asked.step)
    edges = np.unique(np.concatenate([grid, [asked.end], known.ravel()]))
    starts = edges[:-1]
    stretch = np.searchsorted(known[:, 0], starts, side="right") - 1
    ends = known[stretch, 1] if len(known) else starts
    return Pieces(edges, (starts - asked.start) // asked.step, (stretch >= 0) & (starts < ends))


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the [first, last) of each run of true flags."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in changes.reshape(-1, 2)]
