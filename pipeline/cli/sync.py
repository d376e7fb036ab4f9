"""`coinflex-l2 sync`: the one command for cron, systemd timers, CronJobs and Airflow."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import (
    as_json,
    leave_retries_to_our_log,
    period_options,
    settings,
    shared_options,
)
from pipeline.cli.saying import say

if TYPE_CHECKING:
    from types import FrameType

    from pipeline.sync.runs import Run

__all__ = ["sync"]

# Not worth a line each: lists, and what is nothing.
_LONG = ("days", "lacking", "phases", "release", "process", "command", "exchange")


@click.command(
    short_help="The scheduled job: fetch, ingest, look after, report.",
    epilog="""\b
Examples:
  coinflex-l2 sync                                        all that there is, and that is free
  coinflex-l2 sync --from 2020-07-14 --max-minutes 240    a first backfill, four hours a night
  coinflex-l2 sync --instruments BTC-USD-SWAP-LIN --newest-first
  coinflex-l2 sync --textfile DIR/coinflex_l2.prom     DIR: of the collector of node_exporter
  coinflex-l2 sql "select started, outcome, minutes_fetched from runs order by started"
All of it may stand in the file of --config, under [sync]. See docs/operations.md.""",
)
@period_options(required=False)
@click.option("--instruments", metavar="A,B", help="Only these; default: everything recorded.")
@click.option("--channels", metavar="depth,trade,ticker", help="Default: all three.")
@click.option(
    "--newest-first/--oldest-first", "newest_first", default=None, help="Default: oldest."
)
@click.option(
    "--verify/--no-verify", default=None,
    help="Hold the days that were ingested against raw. Default: yes.",
)  # fmt: skip
@click.option(
    "--max-minutes", type=click.FloatRange(0, min_open=True), metavar="N",
    help="Fetch for so long at most; the rest is for the next run.",
)  # fmt: skip
@click.option(
    "--max-requests", type=click.IntRange(1), metavar="N",
    help="Ask Tardis so often at most, each attempt counted.",
)  # fmt: skip
@click.option(
    "--min-free-gb", type=click.FloatRange(0, min_open=True), metavar="GB",
    help="Stop before less than this is left on the disk; default: 2.",
)  # fmt: skip
@click.option(
    "--textfile", type=click.Path(path_type=Path), metavar="FILE.prom",
    help="Tell Prometheus (node_exporter's textfile collector) of the run.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="As in ingest; default: cores.")
@shared_options
def sync(jobs: int | None, **given: object) -> None:
    """Do what is to be done since the last time: nobody needs to watch.

    Works out which days are missing, from the first one wanted to the last one that Tardis has, as
    far as the key opens them (without one: the first of each month); fetches and ingests them, and
    whatever else is in raw and not in the lake; leaves a report in runs/. A second run changes
    nothing; another run at the same time ends with 75; after an outage the next run catches up.
    """
    from pipeline.cli.output import print_json
    from pipeline.cli.progress import RunProgress
    from pipeline.sync import sync as run

    leave_retries_to_our_log()
    signal.signal(signal.SIGTERM, _interrupt)
    found = settings()
    flags = {name: value for name, value in given.items() if value is not None}
    if "textfile" in flags:
        flags["textfile"] = str(flags["textfile"])
    found = replace(found, sync=replace(found.sync, **flags))  # type: ignore[arg-type] # checked
    report = run(found, jobs=jobs, progress=RunProgress)
    if as_json():
        from msgspec import to_builtins

        print_json(to_builtins(report.run))
    else:
        _print(report.run)
    report.raise_if_failed()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does: what is there is whole, and the report says `interrupted`.

    As that signal, for which asyncio has an ear: it ends what it is at before it raises.
    """
    signal.raise_signal(signal.SIGINT)


def _print(run: Run) -> None:
    from msgspec import structs

    from pipeline.cli.output import print_facts

    facts = structs.asdict(run)
    shown = {
        name: value
        for name, value in facts.items()
        if name not in _LONG and value is not None and (value != 0 or name == "exit_code")
    }
    print_facts(shown)
    for day, why in run.lacking.items():
        say(f"  {day}  {why}")
