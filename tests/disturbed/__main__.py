"""Plays rounds until one goes wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from .nights import KINDS
from .playing import Undisturbed, play


def main() -> int:
    """Play as many rounds as asked for; return 1 if one goes wrong, with what repeats it."""
    parser = argparse.ArgumentParser(prog="python -m tests.disturbed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="rounds to play (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--nights", help="kinds of nights by number: " + ", ".join(
        f"{number} {kind.__name__}" for number, kind in enumerate(KINDS)))  # fmt: skip
    options = parser.parse_args()
    nights = [int(number) for number in options.nights.split(",")] if options.nights else None
    counts, wrong = Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = Undisturbed(Path(folder))
        for seed in range(options.seed, options.seed + options.rounds):
            try:
                counts += play(undisturbed, Path(folder), seed, nights)
            except AssertionError:
                wrong += 1
                traceback.print_exc()
                print(f"wrong: python -m tests.disturbed --rounds 1 --seed {seed}", flush=True)
    print(", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))
    print(f"{options.rounds} rounds, {wrong} wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
