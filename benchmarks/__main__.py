"""`make bench`: measures, prints a table, and with --json writes the same as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.contenders import ALL
from benchmarks.figures import figures
from benchmarks.sizes import SIZES
from benchmarks.suite import PARTS, Asked, measure
from benchmarks.table import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.results import Results

_KEPT: Final = Path(__file__).parent.parent / "data" / "bench"
_NAMES: Final = sorted({contender.name for contender in ALL})
_EXAMPLES: Final = f"""\
parts: {", ".join(PARTS)}
contenders: {", ".join(_NAMES)}

examples:
  python -m benchmarks                               everything; about a quarter of an hour
  python -m benchmarks --quick --json figures.json   less of everything, as JSON too
  python -m benchmarks --only generated --contender ours --contender tardis_client_json
  python -m benchmarks --only day --only commands    latencies alone

Generated data are kept in data/bench, which may be deleted at any time.
"""


def main() -> None:
    """Measure, print a table to stdout, progress to stderr."""
    arguments = _parser().parse_args()
    asked = Asked(
        size=SIZES[arguments.size],
        kept=arguments.kept.resolve(),
        parts=arguments.only or PARTS,
        contenders=arguments.contender or _NAMES,
        progress=_progress(),
    )
    results = measure(asked)
    if arguments.json:
        text = json.dumps(_facts(results), indent=2, default=str)
        arguments.json.write_text(f"{text}\n", encoding="utf-8")
    print(table(results), end="")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--size", choices=SIZES, default="full", help="how much (default: full)")
    for name in ("quick", "tiny"):
        size.add_argument(
            f"--{name}", dest="size", action="store_const", const=name, help=f"--size {name}"
        )
    parser.add_argument("--only", choices=PARTS, action="append", metavar="PART", help="this part")
    parser.add_argument(
        "--contender", choices=_NAMES, action="append", metavar="NAME", help="this contender"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was found")
    parser.add_argument(
        "--kept", type=Path, default=_KEPT, metavar="DIR", help="generated data (data/bench)"
    )
    return parser


def _progress() -> Callable[[str], None]:
    begun = time.monotonic()

    def progress(what: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s  {what}", file=sys.stderr, flush=True)

    return progress


def _facts(results: Results) -> dict[str, object]:
    """Return the results as JSON takes them, with the figures; no path of this machine in them."""
    facts = asdict(results)
    for row in facts["rows"]:
        del row["slices"]["folder"]
    named = [{**asdict(figure), "holds": figure.holds} for figure in figures(results)]
    return {**facts, "figures": named}


if __name__ == "__main__":
    main()
