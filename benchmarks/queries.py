"""How long SQL takes: `book_at` from SQL and from Python, a day of quotes, the lake's coverage.

Cold is the first answer of a fresh process: it opens the lake, then asks. Warm is of a lake that is
open, for `book_at` at many random times around each named one. A small lake and a large one are
asked in turn, so that what else the machine does hits both alike.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.asking import QUESTIONS, asking
from benchmarks.slices import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    _Ask = Callable[[str, datetime], Any]

__all__ = ["ANY_TIME", "MIDNIGHT", "NAMED_TIMES", "Lakes", "Latency", "measure"]

_ROOT: Final = Path(__file__).parent.parent
_AROUND: Final = 15.0  # seconds on either side of a named time
MIDNIGHT: Final = "00:00:00.000"  # itself, and nothing around it: the day before answers
NAMED_TIMES: Final = (MIDNIGHT, "00:00:30", "12:00", "23:59")
ANY_TIME: Final = "at any time of the day"
_SLOW: Final = 7  # how often is asked what takes long
_ENOUGH: Final = 5  # answers of each lake, after which no more than so many seconds are spent
_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Lakes:
    """The two lakes that are asked, an instrument that both have, and the minutes of its books.

    `book_at` is asked `asks` times around each of the times, warm, and `cold` times cold.
    """

    small: Path
    large: Path
    instrument: str
    minutes: Sequence[int]
    times: Collection[str]
    asks: int
    cold: int


@dataclass
class Latency:
    """Seconds of each answer: cold and warm, from the small lake and from the large one."""

    question: str
    when: str = ""
    cold_small: list[float] = field(default_factory=list)
    cold_large: list[float] = field(default_factory=list)
    warm_small: list[float] = field(default_factory=list)
    warm_large: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What was asked, and for when."""
        return f"{self.question} {self.when}".strip()

    @property
    def ratio(self) -> float:
        """How much longer the large lake takes, warm."""
        return statistics.median(self.warm_large) / statistics.median(self.warm_small)


def measure(lakes: Lakes, progress: Callable[[str], None]) -> list[Latency]:
    """Ask everything, of both lakes."""
    generator = random.Random(1)
    found = []
    for question in QUESTIONS:
        with asking(question, lakes.small) as small, asking(question, lakes.large) as large:
            for when, times in _times(lakes, question, generator):
                latency = Latency(question, when)
                progress(latency.name)
                _ask_cold(lakes, latency, times[0])
                _ask_warm(lakes, latency, times, (small, large))
                found.append(latency)
    return found


def _times(
    lakes: Lakes, question: str, generator: random.Random
) -> Iterable[tuple[str, list[datetime]]]:
    """Yield the times at which something is asked, by the name of what they are around."""
    midnight = DAY.replace(tzinfo=None)
    if not question.startswith("book_at"):
        yield "", [midnight] * _SLOW
        return
    for name in lakes.times:
        named = datetime.fromisoformat(f"{midnight:%Y-%m-%d}T{name}")
        width = 0.0 if name == MIDNIGHT else _AROUND
        around = (generator.uniform(-width, width) for _ in range(lakes.asks - 1))
        yield f"at {name}", [named, *(named + timedelta(seconds=step) for step in around)]
    minutes = (generator.choice(lakes.minutes) + generator.random() for _ in range(2 * lakes.asks))
    yield ANY_TIME, [midnight + timedelta(minutes=minute) for minute in minutes]


def _ask_cold(lakes: Lakes, latency: Latency, at: datetime) -> None:
    for _ in range(lakes.cold):
        for data, seconds in (
            (lakes.small, latency.cold_small),
            (lakes.large, latency.cold_large),
        ):
            question = [str(data), latency.question, lakes.instrument, at.isoformat()]
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.asking", json.dumps(question)],
                cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
            seconds.append(float(done.stdout))


def _ask_warm(
    lakes: Lakes, latency: Latency, times: list[datetime], both: tuple[_Ask, _Ask]
) -> None:
    small, large = both
    for ask in both:
        ask(lakes.instrument, times[0])
    end = time.perf_counter() + _SECONDS
    for at in times:
        if len(latency.warm_large) >= _ENOUGH and time.perf_counter() > end:
            break
        answers: list[Any] = []
        for ask, seconds in ((small, latency.warm_small), (large, latency.warm_large)):
            begun = time.perf_counter()
            answers.append(ask(lakes.instrument, at))
            seconds.append(time.perf_counter() - begun)
        _check(latency.question, at, answers)


def _check(question: str, at: datetime, answers: list[Any]) -> None:
    """Both lakes know the same book and the same quotes; an answer of nothing is no answer."""
    small, large = answers
    assert small, f"{question} at {at}: nothing"
    assert small == large or question.startswith("coverage"), f"{question} at {at} differs"
