"""How much is measured: the whole of it, a quick look, or just enough to see that all of it works.

Minutes count from midnight. The short part of a workload is what every contender reads, the long
one only this project's ingest, which is so quick that its fixed costs would show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.asking import QUESTIONS
from benchmarks.job import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SIZES", "Size"]

# Around the times at which books are asked for.
_NAMED_MINUTES: Final = (0, 1, 719, 720, 721, 1438, 1439)


@dataclass(frozen=True)
class Size:
    """`short` are minutes by workload; `hours` and `of_each_hour` make the long part of each.

    The day has the minutes `named` and `of_each_hour_of_the_day`, and is backfilled from minute
    `backfill_from` on. `partitions` has the large lake; books are asked for at `times` named ones,
    `asks` times around each and `cold` times cold, as is what else the first `cold_questions` ask.
    Commands run `commands` times, `minutes` of each of `days` of the month being there.
    """

    name: str
    short: Mapping[str, int]
    hours: int
    of_each_hour: int
    named: tuple[int, ...]
    of_each_hour_of_the_day: int
    backfill_from: int
    limits: Limits
    partitions: int
    times: int
    asks: int
    cold: int
    cold_questions: int
    commands: int
    days: int
    minutes: int

    def long(self) -> list[int]:
        """Return the minutes of the long part of each workload."""
        return _spread(self.hours, self.of_each_hour)

    def day(self) -> list[int]:
        """Return the minutes of the day, whole or not."""
        return sorted({*self.named, *_spread(24, self.of_each_hour_of_the_day)})


def _spread(hours: int, of_each: int) -> list[int]:
    return [60 * hour + minute for hour in range(hours) for minute in range(of_each)]


SIZES: Final = {
    size.name: size
    for size in (
        Size(
            "full",
            short={"generated": 20, "order_flow": 6, "thin": 120, "generated_2022": 20},
            hours=4, of_each_hour=60, named=_NAMED_MINUTES, of_each_hour_of_the_day=60,
            backfill_from=0,
            limits=Limits(runs=3, seconds=20), partitions=10_000, times=4, asks=50,
            cold=3, cold_questions=len(QUESTIONS), commands=5, days=28, minutes=1380,
        ),
        Size(
            "quick",
            short={"generated": 5, "order_flow": 6, "thin": 30, "generated_2022": 5},
            hours=4, of_each_hour=4, named=_NAMED_MINUTES, of_each_hour_of_the_day=4,
            backfill_from=0,
            limits=Limits(runs=3, seconds=6), partitions=10_000, times=4, asks=20,
            cold=1, cold_questions=len(QUESTIONS), commands=3, days=28, minutes=1380,
        ),
        Size(
            "tiny",
            short={"generated": 1, "order_flow": 1, "thin": 1, "generated_2022": 1},
            hours=2, of_each_hour=1, named=(0, 1438, 1439), of_each_hour_of_the_day=0,
            backfill_from=1438,
            limits=Limits(runs=1, seconds=1), partitions=20, times=1, asks=2,
            cold=1, cold_questions=1, commands=1, days=2, minutes=2,
        ),
    )
}  # fmt: skip
