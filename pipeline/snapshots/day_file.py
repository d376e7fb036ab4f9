"""One partition of `depth`, read as one version: opened once, however often it is replaced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.parquet import damage_named
from pipeline.replay import Lists, Rows, Stated
from pipeline.schemas import DEPTH
from pipeline.times import DAY_US, MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.lake import Lake

__all__ = ["DayFile", "Group", "days_there"]

_LISTS: Final = ("bid_change", "ask_change", "book_bid", "book_ask")
_COLUMNS: Final = (
    "message", "local_timestamp", "timestamp", "valid_until", "carry_until", "reset", "keyframe",
    "bid_levels", "ask_levels", "origin",
    *(f"{name}_{what}" for name in _LISTS for what in ("price", "amount")),
)  # fmt: skip
_SIDES: Final = ("bid", "ask")
# What a row says besides, which the lists must lead to.
_STATED: Final = ("crossed", *(f"{side}_{what}" for side in _SIDES for what in ("price", "amount")))


@dataclass
class Group:
    """Consecutive rows of a partition, as arrays. Times are microseconds.

    `keyframes` says of each row where, in the group, the keyframe at or before it stands; a group
    begins with one, or with a row that is no book.
    """

    table: pa.Table
    rows: Rows
    local: NDArray[np.int64]
    until: NDArray[np.int64]
    keyframes: NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """Return rows of `depth` as arrays, the lists without a copy."""
        is_keyframe = _filled(table, "keyframe", -1) == _filled(table, "message", 0)
        return cls(
            table,
            Rows(
                table["bid_levels"].is_valid().to_numpy(),
                table["reset"].to_numpy(),
                *(_lists(table, name) for name in _LISTS),
            ),
            _filled(table, "local_timestamp", 0),
            _filled(table, "valid_until", 0),
            np.maximum.accumulate(np.where(is_keyframe, np.arange(table.num_rows), 0)),
        )

    def __len__(self) -> int:
        return len(self.local)

    def stated(self) -> Stated:
        """Return what the rows say of themselves and of their books; the group was read for it."""
        table = self.table
        return Stated(
            _filled(table, "message", -1),
            _filled(table, "keyframe", -1),
            np.stack([_filled(table, f"{side}_levels", -1) for side in _SIDES]),
            np.stack([_prices(table, f"{side}_price") for side in _SIDES]),
            np.stack([_prices(table, f"{side}_amount") for side in _SIDES]),
            table["crossed"].fill_null(False).to_numpy(),
        )

    @property
    def carry_until(self) -> int | None:
        """Until when the last book of the day before stands, as the first row says."""
        value: int | None = self.table["carry_until"][0].value
        return value

    def recorder(self, row: int) -> str | None:
        """Return whose clock a row has, as sql/macros/lake/recorder_of.sql."""
        origin: str | None = self.table["origin"][row].as_py()
        return origin if origin and origin.startswith("live:") else None

    def message_times(self, at: NDArray[np.int64]) -> tuple[pa.Array, pa.Array]:
        """Return when the messages of some rows arrived and were sent; of row -1, NULL."""
        places = pa.array(at, mask=at < 0) if (at < 0).any() else pa.array(at)
        arrived, sent = (_whole(self.table[n]) for n in ("local_timestamp", "timestamp"))
        return arrived.take(places), sent.take(places)

    def levels_at_most(self, at: NDArray[np.int64]) -> int:
        """Return how many levels the deepest side of some rows has."""
        sides = (self.table[name].take(pa.array(at)) for name in ("bid_levels", "ask_levels"))
        return max(int(side.drop_null().to_numpy().max(initial=0)) for side in sides)

    @property
    def room(self) -> int:
        """How many levels a side may gain from these rows."""
        rows = self.rows
        return max(len(lists.price) for lists in (rows.bid_change, rows.ask_change)) + max(
            len(lists.price) for lists in (rows.book_bid, rows.book_ask)
        )


class _Open:
    """An open file of a partition."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._source = pa.OSFile(self.path)
        with damage_named(self.path):
            self.file = pq.ParquetFile(self._source)

    def close(self) -> None:
        self.file.close()
        self._source.close()


class DayFile:
    """An open partition; its groups say in which rows a time is to be looked for.

    It has one file, or several while its day is recorded. Raises LakeDamaged for what is no
    Parquet, or none that can be read to its end.
    """

    def __init__(self, paths: Sequence[Path], day: int) -> None:
        self.day = day
        self._files: list[_Open] = []
        try:
            for path in paths:
                self._files.append(_Open(path))
        except BaseException:
            self.close()
            raise
        self._groups = [(of, n) for of in self._files for n in range(of.file.num_row_groups)]

    @classmethod
    def open(cls, lake: Lake, instrument: str, day: int) -> Self | None:
        """Open the partition of a day (days since 1970); None if there is none."""
        try:
            folder = lake.partition(DEPTH.name, instrument, date.fromordinal(_EPOCH + day)).parent
            paths = lake.files_in(folder)
            return cls(paths, day) if paths else None
        except (FileNotFoundError, ValueError, OverflowError):  # no such day, or no day at all
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its files."""
        for of in self._files:
            of.close()

    def __len__(self) -> int:
        return len(self._groups)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """By group, the latest valid_until; it never falls."""
        return self._statistics("valid_until")[1]

    @cached_property
    def arrivals(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """By group, the earliest and the latest local_timestamp."""
        return self._statistics("local_timestamp")

    def group(self, number: int, *, with_stated: bool = False) -> Group:
        """Read a group of rows, if wanted with what `Group.stated` needs."""
        of, place = self._groups[number]
        columns = (*_COLUMNS, *_STATED) if with_stated else _COLUMNS
        with damage_named(of.path):
            return Group.of(of.file.read_row_group(place, columns=columns))

    def _statistics(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        place = DEPTH.names.index(name)  # no list column stands before it
        found = [of.file.metadata.row_group(n).column(place).statistics for of, n in self._groups]
        bounds = [(one.min_raw, one.max_raw) for one in found]
        least, most = np.array(bounds, np.int64).reshape(-1, 2).T
        return least, most


_EPOCH: Final = date(1970, 1, 1).toordinal()


def days_there(lake: Lake, instrument: str, start: int, end: int) -> list[int]:
    """Return the days (since 1970) that the lake has, whose files may hold arrivals of a range.

    Those that [start, end) touches, and where it comes within a minute of midnight also the day on
    the other side: as sql/macros/lake/days_around.sql.
    """
    folder = lake.partition(DEPTH.name, instrument, date.min).parents[1]
    names = [path.name.removeprefix("date=") for path in folder.glob("date=*")]
    days = sorted(date.fromisoformat(name).toordinal() - _EPOCH for name in names)
    first, last = (start - MINUTE_US) // DAY_US, (end + MINUTE_US - 1) // DAY_US
    return [day for day in days if first <= day <= last]


def _filled(table: pa.Table, name: str, null: int) -> NDArray[np.int64]:
    """Return a column of whole numbers or times as numbers."""
    found: NDArray[np.int64] = table[name].cast(pa.int64()).fill_null(null).to_numpy()
    return found


def _prices(table: pa.Table, name: str) -> NDArray[np.float64]:
    found: NDArray[np.float64] = table[name].fill_null(np.nan).to_numpy()
    return found


def _lists(table: pa.Table, name: str) -> Lists:
    """Return two columns of lists, prices and amounts, without a copy; NULL is a list of none.

    Raises ArrowInvalid unless there is an amount for each price: the replay does not look again.
    """
    price, amount = (_whole(table[f"{name}_{what}"]) for what in ("price", "amount"))
    if not price.offsets.equals(amount.offsets):
        msg = f"{name}_price and {name}_amount are not of the same lengths"
        raise pa.ArrowInvalid(msg)
    return Lists(price.offsets.to_numpy(), price.values.to_numpy(), amount.values.to_numpy())


def _whole(column: pa.ChunkedArray) -> Any:  # noqa: ANN401 - an array of lists
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
