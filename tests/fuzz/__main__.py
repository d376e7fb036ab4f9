"""Put examples to the line codec, the message decoder and the compiled scan, for some minutes."""

from __future__ import annotations

import argparse
import time
from itertools import count

from tests.fuzz.targets import TARGETS, play

_AT_ONCE = 500


def main() -> None:
    """Run until the time is over, or something is found, which is told with its round."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, default=1.0, help="for how long (1)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (1)")
    options = parser.parse_args()
    if unknown := set(options.targets).difference(TARGETS):
        parser.error(f"no target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    targets = options.targets or list(TARGETS)
    end = time.monotonic() + 60 * options.minutes
    for number in count(options.seed):
        for target in targets:
            print(f"{target}, round {number} (--seed {number}): {_AT_ONCE} examples", flush=True)
            play(target, number, _AT_ONCE)
            if time.monotonic() > end:
                return


if __name__ == "__main__":
    main()
