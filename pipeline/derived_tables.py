"""Derived tables: what the lake can have beside its own, made from `depth` by the replay.

    book_snapshot_25       a row per message that changed the best 25 levels
    book_snapshot_25_1s    a row per second: the best 25 levels that stood then

The name says all of it, so the folders of the lake say which there are. They are partitioned as
`depth` is. A row on change lies in the day of its message's slice; a grid has every time of its
day, counted from midnight.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import polars as pl

from pipeline.errors import UsageError
from pipeline.schemas import Column, Table
from pipeline.sql_objects import SqlObject
from pipeline.times import DAY_US, SPAN_UNITS, span_text

__all__ = ["DERIVED_VERSION", "DerivedTable"]

# Raised whenever the same depth gives other files: older ones are then made again.
DERIVED_VERSION: Final = 1

_DEEPEST: Final = 400  # as many levels as the exchange shows of a side
_FINEST: Final = 1_000  # microseconds
_NAME: Final = re.compile(r"book_snapshot_([1-9]\d{0,2})(?:_([1-9]\d*)(us|ms|s|m|h|d))?")
_TIME: Final = pl.Datetime("us")
_T: Final = Column("t", _TIME, "arrival clock", "A time of the grid, counted from midnight.")
_OF_MESSAGE: Final = (
    Column("timestamp", _TIME, "exchange clock", "Of the book's message; NULL if not given."),
    Column("local_timestamp", _TIME, "arrival clock", "When the book's message arrived."),
)
# What the view of a grid has beside these, or means otherwise.
_OF_GRID: Final = (
    Column("date", pl.Date(), "UTC", "Day of t."),
    Column("age", pl.Duration("us"), "", "How long before t the book's message arrived."),
)
_LEVEL: Final = {
    "bid_px": ("counter currency", "Bid price"),
    "bid_sz": ("base currency", "Bid amount"),
    "ask_px": ("counter currency", "Ask price"),
    "ask_sz": ("base currency", "Ask amount"),
}


class DerivedTable(NamedTuple):
    """Snapshots of the best levels: how many of a side, and every how many microseconds, if so."""

    depth: int
    step: int | None = None

    @classmethod
    def named(cls, name: str) -> DerivedTable | None:
        """Return the table of a name, None if there is none; each has one name."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        depth, count, unit = found.groups()
        table = cls(int(depth), None if count is None else int(count) * SPAN_UNITS[unit])
        return table if table.is_possible and table.name == name else None

    @classmethod
    def chosen(cls, name: str, step: int | None) -> DerivedTable:
        """Return the table on change of a name, or the grid of it; raises UsageError."""
        table = cls.named(name)
        if table is None or table.step is not None:
            hint = f"book_snapshot_N with 1 to {_DEEPEST} levels, as book_snapshot_25"
            raise UsageError("TABLE", name, f"{hint}; a grid by --step")
        grid = cls(table.depth, step)
        if not grid.is_possible:
            hint = "1ms or more, of which a day is so many: 100ms, 1s, 5m, 1h, 1d"
            raise UsageError("--step", span_text(step or 0), hint)
        return grid

    @property
    def is_possible(self) -> bool:
        """Whether it has levels, and a grid that every day has from its midnight on."""
        is_grid = self.step is None or (self.step >= _FINEST and DAY_US % self.step == 0)
        return 1 <= self.depth <= _DEEPEST and is_grid

    @property
    def name(self) -> str:
        """What it is called, as a folder and as a view."""
        step = "" if self.step is None else f"_{span_text(self.step)}"
        return f"book_snapshot_{self.depth}{step}"

    @property
    def table(self) -> Table:
        """Its columns, as its files have them."""
        times = _OF_MESSAGE if self.step is None else (_T, *_OF_MESSAGE)
        levels = (
            Column(
                f"{name}_{level:02d}",
                pl.Float64(),
                unit,
                f"{what} of level {level}; 0 is the best.",
            )
            for level in range(self.depth)
            for name, (unit, what) in _LEVEL.items()
        )
        return Table(self.name, self.grain, (*times, *levels))

    @property
    def view_columns(self) -> tuple[Column, ...]:
        """What the columns of its view mean, where that is not what they mean in any view."""
        return self.table.columns if self.step is None else (*self.table.columns, *_OF_GRID)

    @property
    def grain(self) -> str:
        """What a row stands for."""
        if self.step is None:
            return f"one row per message that changed {self._best}"
        return f"one row per time of a grid of {span_text(self.step)}: {self._best} that stood then"

    @property
    def _best(self) -> str:
        return f"the best {self.depth} levels a side" if self.depth > 1 else "the best of a side"

    @property
    def view(self) -> SqlObject:
        """The view of its name, which is there while the lake has the table."""
        told = f"-- {self.grain[0].upper()}{self.grain[1:]}, {_RULES[self.step is None]}"
        columns = "*"
        if self.step is not None:
            times = "instrument, date, t, timestamp, local_timestamp"
            columns = f"{times},\n  t - local_timestamp as age,\n  * exclude ({times})"
        text = f"""{told}
create or replace view {self.name} as
select
  {columns}
from lake_rows(all_files('{self.name}'));
"""
        return SqlObject(f"marts/{self.name}", text)


_ALWAYS: Final = (
    "NULL where there is no such level. Made by coinflex-l2 derive: of a day that was not derived, "
    "or not again since its depth was written anew, there are no rows."
)
# By whether it is on change.
_RULES: Final = {
    True: "in line order by (instrument, date); local_timestamp is on the arrival clock, UTC. "
    "These levels stand until the next row, or until a gap begins: see gaps. The first book after "
    f"a gap is a row whatever it is, and midnight is no change. {_ALWAYS}",
    False: "t on the arrival clock, UTC. All but t is NULL where no book is known; age is how long "
    "ago the book's message arrived. A day that was derived has all of its times. "
    f"{_ALWAYS}",
}
