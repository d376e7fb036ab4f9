"""`coinflex-l2 backfill`: download from Tardis, then ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import (
    as_json,
    leave_retries_to_our_log,
    names,
    period_options,
    settings,
    shared_options,
)
from pipeline.cli.saying import say

if TYPE_CHECKING:
    from pipeline.sources.tardis_plan import Plan

__all__ = ["backfill"]


@click.command(
    short_help="Download from Tardis what is lacking, then ingest.",
    epilog="""\b
Examples:
  coinflex-l2 backfill --from 2020-08-01 --to 2020-08-02               a free day, everything
  coinflex-l2 backfill --from 2020-07-14 --to 2020-08-01 --dry-run     what it would ask for
  coinflex-l2 backfill --from 2020-08-01T23:54 --to 2020-08-02 \\
      --instruments BTC-USD-SWAP-LIN --channels depth,trade            six minutes of one market
The first day of each month is free; other days need a key in TARDIS_API_KEY.""",
)
@period_options(required=True)
@click.option("--instruments", metavar="A,B", help="Only these; default: everything recorded.")
@click.option("--channels", metavar="depth,trade,ticker", help="Default: all three.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Days, or parts of a day, ingested at once; default: cores.",
)
@click.option("--dropped", is_flag=True, help="Also what `prune` has dropped of raw.")
@click.option("--dry-run", is_flag=True, help="Print what would be asked for, and stop.")
@shared_options
def backfill(
    start: str,
    end: str,
    instruments: str | None,
    channels: str | None,
    jobs: int | None,
    dropped: bool,
    dry_run: bool,
) -> None:
    """Download what is lacking of a range of time from Tardis, and bring it into the lake.

    Resumes: nothing that is whole is fetched again. Half-open, UTC; whole minutes.
    """
    from pipeline.cli.output import print_facts, print_json
    from pipeline.sources.tardis import plan_backfill
    from pipeline.times import Range

    leave_retries_to_our_log()
    found = settings()
    wanted = Range.parse(start, end)
    asked: dict[str, Any] = {
        "channels": names(channels), "instruments": names(instruments), "dropped": dropped,
    }  # fmt: skip
    if dry_run:
        plan = plan_backfill(found, wanted, **asked)
        print_json(plan.summary()) if as_json() else _print_plan(plan)
        return

    from pipeline import backfill as run
    from pipeline.cli.progress import RunProgress

    report = run.backfill(found, wanted, **asked, jobs=jobs, progress=RunProgress)
    print_json(report.summary()) if as_json() else print_facts(report.summary())
    report.raise_if_lacking()


def _print_plan(plan: Plan) -> None:
    from pipeline.cli.output import print_facts

    facts = plan.summary()
    incidents = facts.pop("incidents")
    lists = {
        name: ", ".join(value) or "none" for name, value in facts.items() if isinstance(value, list)
    }
    print_facts(facts | lists)
    for day in plan.days:
        state = "free" if day.free else "needs a key"
        broken = f", {len(day.corrupt)} broken" if day.corrupt else ""
        say(f"  {day.day}  {len(day.missing):>4} to fetch, {day.there:>4} there{broken}  {state}")
    for incident in incidents:
        say(f"  incident {incident['from']} to {incident['to']}: {incident['details']}")
