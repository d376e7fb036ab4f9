"""What happens when, in simulated days: all of it from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

from pipeline.simulator.exchange import Fault
from tests.soak.clock import midnight

__all__ = ["OUTAGE", "Plan", "Step", "plan_of"]

# kill      SIGKILL of the capture, which is started again at once
# outage    SIGKILL of it, as soon as the lake has some of the day; all is started again hours later
# restart   of the exchange
# hold      somebody works on the data folder: days that are over stay in parts
# release   and are then made whole by an `ingest` beside the capture
What: TypeAlias = Literal["kill", "outage", "restart", "hold", "release"]

_NIGHTS: Final[tuple[tuple[tuple[timedelta, What], ...], ...]] = (
    ((timedelta(minutes=-10), "kill"),),
    ((timedelta(hours=-2), "outage"),),
    ((timedelta(minutes=-30), "hold"), (timedelta(hours=2), "release")),
    (),
)
OUTAGE: Final = timedelta(hours=5)
# What one process holds is compared from day to day: so many midnights at the end see no kill.
_UNDISTURBED: Final = 2
_FAULTS: Final = ("drop", "close=1012", "half-close", "malformed", "skip=3", "foreign=table")
_FAULTS_A_DAY: Final = 5


class Step(NamedTuple):
    """What is done when the clock shows a time."""

    at: datetime
    what: What


@dataclass(frozen=True)
class Plan:
    """From when to when is recorded, how fast, and what happens in between.

    `books_per_second` of each market are sent, by the machine's clock.
    """

    seed: int
    start: datetime
    end: datetime
    speed: int
    steps: tuple[Step, ...] = ()
    faults: tuple[Fault, ...] = ()
    books_per_second: int = 20

    @property
    def midnights(self) -> list[datetime]:
        """The midnights that are crossed."""
        days = (self.end.date() - self.start.date()).days
        return [midnight(self.start.date() + timedelta(number + 1)) for number in range(days)]


def plan_of(seed: int, start: datetime, days: int, speed: int) -> Plan:
    """Return a plan over so many midnights; what disturbs is over before the last two.

    But connections that are lost, and lines that can't be read, which come at any time.
    """
    chance = random.Random(seed)
    plan = Plan(seed, start, start + timedelta(days), speed)
    nights = list(_NIGHTS)
    chance.shuffle(nights)
    steps = []
    for number, night in enumerate(plan.midnights[: max(1, days - _UNDISTURBED)]):
        steps += [Step(night + after, what) for after, what in nights[number % len(nights)]]
        by_day: What = "restart" if (number + seed) % 2 else "kill"
        steps.append(Step(night - timedelta(hours=chance.uniform(3, 9)), by_day))
    faults = [
        Fault.parse(f"{chance.choice(_FAULTS)}@message {chance.randrange(300, 3000)}")
        for _ in range(_FAULTS_A_DAY * days)
    ]
    return Plan(seed, start, plan.end, speed, tuple(sorted(steps)), tuple(faults))
