"""`coinflex-l2 check`: what is suspect in a recording, and whether the lake agrees with itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import as_json, period_options, settings, shared_options
from pipeline.cli.saying import say

if TYPE_CHECKING:
    from pipeline.checks import CheckResult

__all__ = ["check"]


@click.command(
    short_help="Bad rows of an instrument, by check.",
    epilog="""\b
Examples:
  coinflex-l2 check BTC-USD-SWAP-LIN --from 2020-08-01 --to 2020-08-02
  coinflex-l2 sql "from check_missed('BTC-USD-SWAP-LIN', '2020-08-01', '2020-08-02')"
In SQL each is a check_… that returns all bad rows; check_stale and check_clocks take limits.""",
)
@click.argument("instrument")
@period_options(required=True)
@shared_options
def check(instrument: str, start: str, end: str) -> None:
    """Say of an instrument and a range what each check finds: how many rows, and the first.

    Where the lake has no message of the range, there is nothing to check, which is an error.
    What is suspect in the recording (crossed, unsorted, duplicates, missed, checksums, clocks,
    stale) never changes the exit code; where the lake disagrees with itself (keyframes, catalogue,
    rows) it is 2.
    """
    from pipeline.checks import CHECKS, raise_if_inconsistent, run_checks
    from pipeline.cli.output import print_json
    from pipeline.research import OpenLake
    from pipeline.times import parse_times

    found = settings()
    times = parse_times(start, end)
    results = []
    with OpenLake(found.data, found.exchange) as lake, lake.cursor() as cursor:
        for result in run_checks(cursor, instrument, *times):
            results.append(result)
            if not as_json():
                say(_line(result, max(map(len, CHECKS))))
    if as_json():
        print_json([vars(result) for result in results])
    raise_if_inconsistent(results)


def _line(result: CheckResult, width: int) -> str:
    if result.unreadable is not None:
        return f"{result.check:<{width}}  unreadable  {result.unreadable}"
    cells = [
        f"{name}={_cell(value)}"
        for name, value in (result.first or {}).items()
        if name != "instrument" and value is not None
    ]
    first = f"  first: {' '.join(cells)}" if cells else ""
    return f"{result.check:<{width}}  {result.found:>10,}{first}"


def _cell(value: object) -> str:
    """Return a value as a word without blanks."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()}s"
    return str(value).replace(" ", "")
