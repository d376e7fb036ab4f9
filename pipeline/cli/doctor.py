"""`coinflex-l2 doctor`: what is wrong here; with --real, what the recordings are really like."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import (
    as_json,
    leave_retries_to_our_log,
    settings,
    shared_options,
)
from pipeline.cli.saying import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.config import Settings
    from pipeline.doctor import Finding
    from pipeline.doctor.real import RealReport

__all__ = ["doctor"]

_WIDTH = 18


@click.command(
    short_help="What is wrong here, and what to do about it.",
    epilog="""\b
Examples:
  coinflex-l2 doctor                    machine, data folder, lake, key, services, clock
  coinflex-l2 doctor --offline --json   without asking anybody
  coinflex-l2 doctor --real             and what is believed of the recordings, put to free days
  coinflex-l2 doctor --real --days 2020-08-01,2022-10-01 --minutes 2 --output evidence.md
Exit codes: 0 nothing is wrong · 1 something is, here · 3 Tardis can't be reached, or minutes are
lacking.""",
)
@click.option("--offline", is_flag=True, help="Ask no service.")
@click.option(
    "--real",
    is_flag=True,
    help="Fetch a few minutes of free days, into a folder that is removed again, and say of each "
    "claim about the recordings what they say.",
)
@click.option(
    "--days", metavar="A,B", help="For --real. Default: five free days, one or more of each era."
)
@click.option(
    "--minutes",
    type=click.IntRange(1, 1440),
    default=5,
    show_default=True,
    metavar="N",
    help="For --real: how many of each day.",
)
@click.option(
    "--at",
    "times",
    default="00:00,06:00,12:00,18:00",
    show_default=True,
    metavar="A,B",
    help="For --real: the times of day, UTC, from which on minutes are fetched, the same number "
    "each. CSV files are read from midnight on, as far as some megabytes reach.",
)
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="For --real: keep what is fetched here; it is not fetched again.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="For --real: write the evidence to a file too: .json, or else Markdown.",
)
@shared_options
def doctor(
    *,
    offline: bool,
    real: bool,
    days: str | None,
    minutes: int,
    times: str,
    scratch: Path | None,
    output: Path | None,
) -> None:
    """Look at all that a run needs: the machine, the data folder, the key, the services, the clock.

    Each line is ok, a note, or wrong, with what was found and what to do. No key is shown. Nothing
    is changed but a few small files in the data folder, which are removed again.

    With --real, what is only inferred of the recordings is put to real messages: each claim holds,
    differs, or is not decided by so few; what was not known before is told.
    """
    from pipeline.cli.output import print_json
    from pipeline.doctor import check_all, raise_if_wrong

    if offline and real:
        raise click.UsageError("--real asks Tardis, --offline asks nobody: only one of them")
    found = settings()
    put = _prepared(found, days, minutes, times, scratch) if real else None
    findings = []
    for finding in check_all(found, offline=offline):
        findings.append(finding)
        if not as_json():
            _print(finding)
    facts: dict[str, object] = {"checks": [finding.facts for finding in findings]}
    try:
        raise_if_wrong(findings)
        report = put() if put else None
    except Exception:
        if as_json():
            print_json(facts)
        raise
    if report is not None:
        facts |= _shown(report, output)
    if as_json():
        print_json(facts)
    if report is not None:
        report.raise_if_lacking()


def _prepared(
    found: Settings, days: str | None, minutes: int, times: str, scratch: Path | None
) -> Callable[[], RealReport]:
    """Return what puts the claims to real messages, in a folder that is not the user's own.

    Raises UsageError at once for what can't be used.
    """
    from dataclasses import replace

    from pipeline.cli.progress import RunProgress
    from pipeline.doctor.real import chosen_minutes, parse_days, parse_times_of_day, put_to_real
    from pipeline.errors import UsageError

    leave_retries_to_our_log()
    if scratch and scratch.resolve() == found.data.resolve():
        raise UsageError("--scratch", str(scratch), "a folder other than the data folder")
    chosen = parse_days(days) if days else None
    spread = chosen_minutes(minutes, parse_times_of_day(times))

    def put() -> RealReport:
        with _folder(scratch) as folder:
            return put_to_real(replace(found, data=folder), chosen, spread, RunProgress)

    return put


@contextmanager
def _folder(scratch: Path | None) -> Iterator[Path]:
    """Yield the folder that is to be kept, or else one that is removed at the end."""
    if scratch is not None:
        yield scratch
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="coinflex-l2-doctor-") as name:
        yield Path(name)


def _shown(report: RealReport, output: Path | None) -> dict[str, object]:
    """Print the evidence, write it to a file if one is named, and return it as JSON has it."""
    import json

    from pipeline.cli.output import whole_file
    from pipeline.doctor.real import as_json as in_json
    from pipeline.doctor.real import as_markdown, as_text

    facts = in_json(report)
    if not as_json():
        say("\n" + as_text(report))
    if output is not None:
        is_json = output.suffix.lower() == ".json"
        text = json.dumps(facts, indent=2) + "\n" if is_json else as_markdown(report)
        with whole_file(output) as draft:
            draft.write_text(text, encoding="utf-8")
    return facts


def _print(finding: Finding) -> None:
    say(f"{finding.verdict:<5}  {finding.name:<{_WIDTH}}  {finding.found}")
    if finding.advice:
        say(f"{'':<5}  {'':<{_WIDTH}}  → {finding.advice}")
