"""Which days and minutes are looked into: those in which mistakes show, and some by chance."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.query import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import duckdb

__all__ = ["Chosen", "choose_days", "choose_minutes"]

# Of each kind at most so many a day: with a disconnect, behind a minute that lacks.
_OF_A_KIND: Final = 4

_SLICES: Final = """
select
  slice, minute, depth + trades > 0 as has_rows, disconnects > 0 as has_disconnect,
  minute - lag(minute) over (order by minute) > interval 1 minute as follows_a_hole,
  shadowed + quarantined > 0 or count(*) over (partition by minute) > 1 as is_shared
from ingests
where date = $1 and slice not like 'rest-%'
order by minute, slice
"""


@dataclass(frozen=True)
class Chosen:
    """A slice to look into. `is_shared`: some of its lines need not count, others do instead."""

    slice: str
    is_shared: bool


def choose_days(days: Sequence[date], count: int | None, seed: int) -> list[date]:
    """Return some days, in order: all if `count` is None."""
    if count is None or count >= len(days):
        return list(days)
    return sorted(random.Random(seed).sample(days, count))  # noqa: S311 - no secret


def choose_minutes(
    lake: duckdb.DuckDBPyConnection, day: date, count: int | None, seed: int
) -> list[Chosen]:
    """Return slices of a day: all if `count` is None, else so many by chance and the telling ones.

    Telling are the first and the last, those with a disconnect and behind one that lacks, and the
    ones after these.
    """
    rows = [row for row in rows_of(lake, _SLICES, [day]) if row[2] or row[3]]
    if count is None:
        chosen = set(range(len(rows)))
    else:
        chance = random.Random(f"{seed} {day}")  # noqa: S311 - no secret
        chosen = {0, len(rows) - 1, *chance.sample(range(len(rows)), min(count, len(rows)))}
        for kind in (3, 4):
            telling = [place for place, row in enumerate(rows) if row[kind]]
            for place in chance.sample(telling, min(_OF_A_KIND, len(telling))):
                chosen |= {place, place + 1}
    return [
        Chosen(name, is_shared)
        for place, (name, *_, is_shared) in enumerate(rows)
        if place in chosen
    ]
