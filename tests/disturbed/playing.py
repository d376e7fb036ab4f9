"""A round: some nights of disturbances, a reader beside them, and a quiet night at the end."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pipeline.backfill import backfill
from pipeline.simulator import TardisSimulator
from pipeline.times import Range
from tests.lakes import rows
from tests.making import at
from tests.world import KEY, SPOT, SWAP, config_file, history, raw_minutes, settings

from .comparing import check_reports, check_the_end
from .disk import a_disk
from .nights import KINDS, World
from .reading import answers, reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from .reading import Answers

__all__ = ["Undisturbed", "play"]

# Three days: the end of a free one, some minutes of a paid one, the beginning of a third.
_MINUTES = [at(1435 + n) for n in range(10)] + [at(2880 + n) for n in range(-3, 4)]
_SPAN = "2020-08-01T23:55", "2020-08-03T00:04"
_QUESTIONS = [
    (name, time)
    for name in (SWAP, SPOT)
    for time in ("2020-08-01 23:57:02.5", "2020-08-02 00:00:01.5", "2020-08-03 00:00:02.5")
]
_QUIET_NIGHTS = 3


class Undisturbed:
    """The history of a service, and what a run without disturbances makes of it."""

    def __init__(self, folder: Path) -> None:
        self.slices = history(folder / "slices", _MINUTES)
        self.config = config_file(folder, in_flight=3, attempts=3, retry_wait_max=0.02)
        data = folder / "undisturbed"
        with TardisSimulator(self.slices, key=KEY).running() as url:
            backfill(settings(data, url, key=KEY), Range.parse(*_SPAN), jobs=1)
        self.rows: dict[str, pl.DataFrame] = rows(data)
        self.minutes = raw_minutes(data)
        self.answers: Answers = answers(data, _QUESTIONS)
        assert all(self.answers.values())


def play(
    undisturbed: Undisturbed, folder: Path, seed: int, nights: Sequence[int] | None = None
) -> Counter[str]:
    """Play a round; return which kinds of nights there were. Raises AssertionError.

    `nights` are the kinds, by number; some at random if None.
    """
    chance = random.Random(seed)
    chosen = nights or [chance.randrange(len(KINDS)) for _ in range(chance.randrange(3, 8))]
    counts = Counter[str]()
    with ExitStack() as stack:
        disk = stack.enter_context(a_disk(folder / f"disk-{seed}"))
        world = World(undisturbed.slices, _MINUTES, _SPAN, disk, undisturbed.config, chance)
        world.data.mkdir()
        reader = stack.enter_context(reading(world.data, undisturbed.answers))
        for number in chosen:
            kind = KINDS[number]
            counts[kind.__name__] += 1
            kind(world)
        _end_quietly(world)
        check_reports(world.data, world.known)
        check_the_end(world.data, undisturbed.rows, undisturbed.minutes)
        assert answers(world.data, _QUESTIONS) == undisturbed.answers
    assert not reader.wrong, "\n".join(reader.wrong)
    counts["asked"] += reader.asked
    return counts


def _end_quietly(world: World) -> None:
    """Let nights without disturbances follow until one has nothing to do."""
    for _ in range(_QUIET_NIGHTS):
        assert world.alone(is_counted=False) == 0
    # What the retention has dropped comes again, as it was.
    with world.service() as (_, url):
        backfill(settings(world.data, url, key=KEY), Range.parse(*_SPAN), dropped=True, jobs=1)
