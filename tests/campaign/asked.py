"""What a verb needs: a lake, its independent reading, and chance that knows where it hurts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from tests.independent import Reading, in_microseconds
from tests.worlds import END, NAMES, START, World

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    import duckdb

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as SQL has it


@dataclass
class Asked:
    """A world, and a connection to its lake."""

    world: World
    connection: duckdb.DuckDBPyConnection

    @property
    def reading(self) -> Reading:
        """What the independent reader knows."""
        return self.world.reading

    @property
    def rng(self) -> random.Random:
        """The world's chance."""
        return self.world.rng

    def instrument(self) -> str:
        """Return one of the instruments, now and then one that is not there."""
        return self.rng.choice([*NAMES * 10, "NONE-USD"])

    def time(self) -> int:
        """Return a time in microseconds: often just around what can go wrong."""
        rng = self.rng
        near = [
            *self.reading.holes,
            in_microseconds(START), in_microseconds(END),
            in_microseconds(datetime(2020, 8, 2, tzinfo=UTC)),
        ]  # fmt: skip
        messages = self.reading.depth[rng.choice(NAMES)]
        chosen = rng.choice(messages)
        near += [chosen.arrival, chosen.until or chosen.arrival] * 10
        if rng.random() < 0.7:
            return rng.choice(near) + rng.choice(
                [-1, 0, 0, 1, rng.randrange(-2_000_000, 2_000_000)]
            )
        margin = 120_000_000
        return rng.randrange(in_microseconds(START) - margin, in_microseconds(END) + margin)

    def span(self, most: timedelta) -> tuple[int, int]:
        """Return a range [start, end) of times, mostly not empty."""
        start = self.time()
        length = self.rng.choice(
            [0, 1, *[self.rng.randrange(1, most // timedelta(microseconds=1))] * 8]
        )
        return start, start + length

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query; times go in and come out in microseconds."""
        found = self.connection.execute(query, parameters).fetchall()
        return [tuple(_plain(value) for value in row) for row in found]


def same(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Assert that rows are the expected ones, and say which is the first that is not."""
    for number, (one, other) in enumerate(zip_longest(found, expected)):
        if one != other:
            raise AssertionError(f"row {number} is {one}, and should be {other}")


def alike(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Assert that rows are the expected ones, doubles to 1e-12 of what is larger, they or 1."""
    for number, (one, other) in enumerate(zip_longest(found, expected, fillvalue=())):
        if len(one) != len(other) or not all(map(_is_alike, one, other)):
            raise AssertionError(f"row {number} is {one}, and should be {other}")


def _is_alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-12 * max(1, abs(one), abs(other))
    return bool(one == other)


def moment(time: int) -> datetime:
    """Return a time of microseconds as SQL takes it."""
    return _EPOCH + timedelta(microseconds=time)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    return value
