"""Capture simulated days, and say how many there were of what."""

from __future__ import annotations

import argparse
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from tests.soak.clock import midnight
from tests.soak.plan import plan_of
from tests.soak.running import run

_NOON: Final = timedelta(hours=12)


def main() -> None:
    """Capture as many as asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--days", type=int, default=5, help="midnights to cross (5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--from", dest="start", type=date.fromisoformat, default=date(2024, 2, 27),
        help="the first day, from noon on (2024-02-27)",
    )  # fmt: skip
    parser.add_argument(
        "--speed",
        type=int,
        default=360,
        help="simulated seconds a second (360: a day in four minutes)",
    )
    parser.add_argument("--keep", type=Path, help="leave everything in this folder, a new one")
    given = parser.parse_args()
    plan = plan_of(given.seed, midnight(given.start) + _NOON, given.days, given.speed)
    with tempfile.TemporaryDirectory() as folder:
        if given.keep:
            given.keep.mkdir(parents=True)
        counts, held = run(plan, given.keep or Path(folder))
    print(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items()))
    for day in held:
        print(day)


if __name__ == "__main__":
    main()
