"""Ask many random questions of many random worlds, and say how many there were."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from tests.campaign.running import run


def main() -> None:
    """Run as many worlds and questions as asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--worlds", type=int, default=20, help="random markets (20)")
    parser.add_argument("--questions", type=int, default=200, help="asked of each world (200)")
    parser.add_argument("--seed", type=int, default=0, help="of the first world (0)")
    parser.add_argument("--clock-steps", action="store_true", help="the recorder's clock goes back")
    options = parser.parse_args()
    asked: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.worlds):
        with tempfile.TemporaryDirectory() as folder:
            asked += run(Path(folder), seed, options.questions, clock_steps=options.clock_steps)
        print(f"world {seed}: {asked.total():,} questions so far, all answered alike", flush=True)
    for verb, count in sorted(asked.items()):
        print(f"{verb:<24} {count:>8,}")
    print(f"{'all':<24} {asked.total():>8,}")


if __name__ == "__main__":
    main()
