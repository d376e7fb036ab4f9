"""How long answers take: `book_at`, a day of books, a day of quotes, the lake's coverage, connect.

Cold is the first answer of a fresh process: it opens the lake, then asks. Warm is of a lake that is
open, for `book_at` at many random times around each named one. A small lake and a large one are
asked in turn, so that what else the machine does hits both alike.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from benchmarks.asking import BOOKS_IN_SQL, QUESTIONS, asking
from benchmarks.running import run_module
from benchmarks.slices import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from benchmarks.sizes import Size

    _Ask = Callable[[datetime], Any]

__all__ = ["ANY_TIME", "Latency", "measure"]

_AROUND: Final = 15.0  # seconds on either side of a named time
_MIDNIGHT: Final = "00:00:00.000"  # itself, and nothing around it: the day before answers
_NAMED_TIMES: Final = (_MIDNIGHT, "00:00:30", "12:00", "23:59")
ANY_TIME: Final = "at any time of the day"
_SLOW: Final = 7  # how often is asked what takes long; what takes much longer, once
_ENOUGH: Final = 5  # answers of each lake, after which no more than so many seconds are spent
_SECONDS: Final = 15.0


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


def measure(small: Path, large: Path, size: Size, progress: Callable[[str], None]) -> list[Latency]:
    """Ask everything, of both lakes."""
    generator = random.Random(1)
    found = []
    for number, question in enumerate(QUESTIONS):
        cold = size.cold if question != BOOKS_IN_SQL else 1
        with asking(question, small) as ask_small, asking(question, large) as ask_large:
            for when, times in _times(question, size, generator):
                latency = Latency(question, when)
                progress(latency.name)
                for _ in range(cold if number < size.cold_questions else 0):
                    latency.cold_small.append(_cold_seconds(small, question, times[0]))
                    latency.cold_large.append(_cold_seconds(large, question, times[0]))
                _ask_warm(latency, ask_small, ask_large, times)
                found.append(latency)
    return found


def _times(
    question: str, size: Size, generator: random.Random
) -> Iterable[tuple[str, list[datetime]]]:
    """Yield the times at which something is asked, by the name of what they are around."""
    midnight = DAY.replace(tzinfo=None)
    if not question.startswith("book_at"):
        yield "", [midnight] * (_SLOW if question != BOOKS_IN_SQL else 1)
        return
    for name in _NAMED_TIMES[: size.times]:
        named = datetime.fromisoformat(f"{midnight:%Y-%m-%d}T{name}")
        width = 0.0 if name == _MIDNIGHT else _AROUND
        around = (generator.uniform(-width, width) for _ in range(size.asks - 1))
        yield f"at {name}", [named, *(named + timedelta(seconds=step) for step in around)]
    day = size.day()
    minutes = (generator.choice(day) + generator.random() for _ in range(2 * size.asks))
    yield ANY_TIME, [midnight + timedelta(minutes=minute) for minute in minutes]


def _cold_seconds(data: Path, question: str, at: datetime) -> float:
    asked = json.dumps([str(data), question, at.isoformat()])
    return float(run_module("benchmarks.asking", asked))


def _ask_warm(latency: Latency, small: _Ask, large: _Ask, times: list[datetime]) -> None:
    small(times[0])
    large(times[0])
    end = time.perf_counter() + _SECONDS
    for at in times:
        if len(latency.warm_large) >= _ENOUGH and time.perf_counter() > end:
            break
        of_small = _timed(small, at, latency.warm_small)
        of_large = _timed(large, at, latency.warm_large)
        # Both know the same book and the same quotes; an answer of nothing is no answer.
        assert of_small, f"{latency.name}, {at}: nothing"
        alike = of_small == of_large or latency.question.startswith("coverage")
        assert alike, f"{latency.name}, {at}: they differ"


def _timed(ask: _Ask, at: datetime, seconds: list[float]) -> Any:  # noqa: ANN401 - any answer
    begun = time.perf_counter()
    answer = ask(at)
    seconds.append(time.perf_counter() - begun)
    return answer
