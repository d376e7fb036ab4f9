"""What this project makes of the same slices, in the form of what the client tells."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pipeline
from pipeline.backfill import backfill
from pipeline.views import connect
from tests.independent_books import by_tardis_rule
from tests.node.client import Said
from tests.world import KEY, Counted, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import duckdb

    from pipeline.times import Range
    from tests.independent import Book

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Asked(NamedTuple):
    """An instrument in a range of time."""

    name: str
    start: datetime
    end: datetime


@dataclass
class Ours:
    """A data folder with a lake of what was fetched, and a connection to it."""

    data: Path
    connection: duckdb.DuckDBPyConnection

    @classmethod
    @contextmanager
    def fetched(cls, url: str, ranges: Iterable[Range], data: Path) -> Iterator[Self]:
        """Backfill some ranges."""
        for each in ranges:
            backfill(settings(data, url, key=KEY), each, jobs=1, progress=Counted)
        with connect(data) as connection:
            yield cls(data, connection)

    def by_changes(self, asked: Asked) -> list[Said]:
        """Return the book of each message, rebuilt from depth_changes."""
        messages = self._rows(
            "select date, message, timestamp, local_timestamp, reset"
            " from depth_messages($1, $2, $3) order by date, message", *asked,
        )  # fmt: skip
        changes: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for date, message, *change in self._rows(
            "select date, message, side, price, amount from depth_changes($1, $2, $3)", *asked
        ):
            changes.setdefault((date, message), []).append(tuple(change))
        found = []
        sides: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}
        for date, message, timestamp, arrival, reset in messages:
            if reset:
                sides = {"bid": {}, "ask": {}}
            for side, price, amount in changes.get((date, message), []):
                sides[side].pop(price, None)
                if amount:
                    sides[side][price] = amount
            book = sorted(sides["bid"].items(), reverse=True), sorted(sides["ask"].items())
            found.append(Said(timestamp, arrival, book))
        return found

    def by_tardis_rule(self, asked: Asked) -> dict[int, Book]:
        """Return the book after each arrival, rebuilt from incremental_book_L2 as documented."""
        rows = self._rows("from incremental_book_L2($1, $2, $3)", *asked)
        return by_tardis_rule(rows, obey=True)

    def on_change(self, asked: Asked, depth: int) -> list[Said]:
        """Return the snapshots of the macro book_snapshots."""
        return list(
            map(
                _of_lists, self._rows("from book_snapshots($1, $2, $3, depth := $4)", *asked, depth)
            )
        )

    def on_grid(self, asked: Asked, depth: int, step: int) -> list[Said]:
        """Return the snapshots of the macro tardis_book_snapshots; the step is in milliseconds."""
        query = "from tardis_book_snapshots($1, $2, $3, $4, depth := $5)"
        rows = self._rows(query, *asked, timedelta(milliseconds=step), depth)
        return list(map(_of_lists, rows))

    def on_change_in_python(self, asked: Asked, depth: int) -> list[Said]:
        """Return the snapshots of the open lake."""
        with pipeline.open(self.data) as lake:
            rows = lake.snapshots(*asked, depth=depth).rows()
        return [_of_columns(*map(_plain, row)) for row in rows]

    def _rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        given = [p.replace(tzinfo=None) if isinstance(p, datetime) else p for p in parameters]
        rows = self.connection.execute(query, given).fetchall()
        return [tuple(map(_plain, row)) for row in rows]


def _of_lists(row: tuple[Any, ...]) -> Said:
    timestamp, arrival, *sides = row
    bid_px, bid_sz, ask_px, ask_sz = sides
    bids, asks = (list(zip(*side, strict=True)) for side in ((bid_px, bid_sz), (ask_px, ask_sz)))
    return Said(timestamp, arrival, (bids, asks))


def _of_columns(timestamp: int | None, arrival: int, *levels: float | None) -> Said:
    bids, asks = (_there(zip(levels[n::4], levels[n + 1 :: 4], strict=True)) for n in (0, 2))
    return Said(timestamp, arrival, (bids, asks))


def _there(levels: Iterable[tuple[float | None, float | None]]) -> list[tuple[float, float]]:
    return [(p, a) for p, a in levels if p is not None and a is not None]


def _plain(value: Any) -> Any:
    """Return a time as microseconds, anything else as it is."""
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
    return value
