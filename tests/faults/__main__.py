"""Play random schedules, or one, and say how many there were; what fails is shrunk first."""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from tests.faults.running import run
from tests.faults.schedule import Schedule
from tests.faults.shrinking import shrinking

_TELL: Final = 20  # rounds


def main() -> None:
    """Play as many as asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="random schedules (50)")
    parser.add_argument("--seed", type=int, default=0, help="of the first (0)")
    parser.add_argument("--schedule", help="play this one alone, as text")
    options = parser.parse_args()
    # What a capture says of its losses is what is played.
    logging.getLogger("pipeline").setLevel(logging.CRITICAL)
    if options.schedule:
        print(_told(_run(Schedule.parse(options.schedule))))
        return
    counted: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.rounds):
        schedule = Schedule.of_seed(seed)
        with shrinking(schedule):
            counted += _run(schedule) + Counter(rounds=1)
        if counted["rounds"] % _TELL == 0:
            print(_told(counted), flush=True)
    print(_told(counted))


def _run(schedule: Schedule) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder:
        return run(schedule, Path(folder))


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


if __name__ == "__main__":
    main()
