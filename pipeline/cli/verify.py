"""`coinflex-l2 verify`: the lake against raw."""

from __future__ import annotations

import secrets
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
    from datetime import date

    from pipeline.config import Settings
    from pipeline.verifying import VerifyReport
    from pipeline.verifying.repairing import RepairReport

__all__ = ["verify"]

_SHOWN = 5


@click.command(
    short_help="Prove the lake against raw; repair what is broken.",
    epilog="""\b
Examples:
  coinflex-l2 verify                              every file, and three days by chance to the row
  coinflex-l2 verify --from 2020-08-01 --to 2020-09-01 --all
  coinflex-l2 verify --repair                     what differs is fetched and made again
  coinflex-l2 verify --seed 7                     the same days and minutes as a run that said so
It ends with 0 if the lake says what raw says, however bad the recording is, and with 2 if not.""",
)
@period_options(required=False)
@click.option("--sample", type=click.IntRange(0), default=3, show_default=True, metavar="N",
              help="Days by chance that are made again from raw and compared.")  # fmt: skip
@click.option("--all", "is_all", is_flag=True, help="Every day, and every minute of it.")
@click.option("--seed", type=int, metavar="N", help="Of what is chosen by chance.")
@click.option("--repair", "repairs", is_flag=True, help="Fetch and make again what differs.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="As in ingest; default: cores.")
@click.option(
    "--textfile", type=click.Path(path_type=Path), metavar="FILE.prom",
    help="Tell Prometheus of it, in a file of its own.",
)  # fmt: skip
@shared_options
def verify(
    start: str | None,
    end: str | None,
    sample: int,
    is_all: bool,
    seed: int | None,
    repairs: bool,
    jobs: int | None,
    textfile: Path | None,
) -> None:
    """Hold every file of raw and of the lake against what was written down of it, and rows to raw.

    The bytes of all files are looked at; some days are made again from raw and compared value for
    value; of these some minutes are read once more, by gzip and json alone. Each check says what
    it proves, and what it can't. A report is left in runs/, as `sync` does.
    """
    from datetime import UTC, datetime

    from pipeline.lock import holding
    from pipeline.sync.reporting import reported
    from pipeline.verifying import repair
    from pipeline.verifying import verify as run

    leave_retries_to_our_log()
    found = settings()
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    chosen = {"sample": None, "minutes": None} if is_all else {"sample": sample}
    now = datetime.now(UTC)
    with (
        holding(found.data),
        reported(found, "verify", now, str(textfile) if textfile else "") as it,
    ):
        days = _days(found, start, end)

        def look() -> VerifyReport:
            return run(found.data, found.exchange, days=days, seed=seed, jobs=jobs,
                       progress=_say, **chosen)  # fmt: skip

        report, done = look(), None
        if repairs and report.differences:
            _show(report, seed, None)
            done = repair(found, report, jobs)
            report = look()
        it.run.differences, it.run.days_verified = len(report.differences), report.days
        if report.differences:
            it.failure = report.failure()
    _show(report, seed, done)
    report.raise_if_different()


def _days(found: Settings, start: str | None, end: str | None) -> list[date] | None:
    """Return the days of the lake that a range touches; None for all."""
    from pipeline.catalogue import Catalogue
    from pipeline.lake import Lake
    from pipeline.times import days_between

    catalogue = Catalogue(Lake(found.data, found.exchange))
    catalogue.check()
    if start is None and end is None:
        return None
    known = sorted(set(catalogue.rows["date"]))
    return days_between(known, start, end, "rows", "backfill or ingest")


def _say(what: str) -> None:
    import logging

    logging.getLogger(__name__).info("%s", what)


def _show(report: VerifyReport, seed: int, done: RepairReport | None) -> None:
    from dataclasses import asdict

    from pipeline.cli.output import print_json

    if as_json():
        print_json(report.summary() | ({"repaired": asdict(done)} if done else {}))
        return
    if done:
        say(
            f"repaired: {len(done.put_aside)} slices put aside, {done.fetched} fetched again, "
            f"{len(done.days_made_again)} days made again"
        )
        for line in done.left:
            say(f"  left: {line}")
    for check in report.checks:
        found = check.differences
        nothing = "as it should be" if check.looked_at else "nothing was looked at"
        verdict = f"{len(found):,} DIFFER" if found else nothing
        say(f"{check.name:<11} {check.looked_at:>10,} {check.unit:<16} {verdict}")
        say(f"            proves: {check.proves}")
        say(f"            can't prove: {check.cannot}")
        for difference in found[:_SHOWN]:
            say(f"            differs: {difference}")
        if len(found) > _SHOWN:
            say(f"            … and {len(found) - _SHOWN:,} more")
        for line in check.unprovable[:_SHOWN]:
            say(f"            not provable: {line}")
        if len(check.unprovable) > _SHOWN:
            say(f"            … and {len(check.unprovable) - _SHOWN:,} more")
    say(f"chosen by chance with --seed {seed}")
