"""`coinflex-l2 doctor`: what is wrong here, and what there is to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import as_json, settings, shared_options

if TYPE_CHECKING:
    from pipeline.doctor import Finding

__all__ = ["doctor"]

_WIDTH = 18


@click.command(
    short_help="What is wrong here, and what to do about it.",
    epilog="""\b
Examples:
  coinflex-l2 doctor                    machine, data folder, lake, key, services, clock
  coinflex-l2 doctor --offline --json   without asking anybody
Exit codes: 0 nothing is wrong · 1 something is, here · 3 Tardis can't be reached.""",
)
@click.option("--offline", is_flag=True, help="Ask no service.")
@shared_options
def doctor(*, offline: bool) -> None:
    """Look at all that a run needs: the machine, the data folder, the key, the services, the clock.

    Each line is ok, a note, or wrong, with what was found and what to do. No key is shown. Nothing
    is changed but a few small files in the data folder, which are removed again.
    """
    from pipeline.cli.output import print_json
    from pipeline.doctor import check_all, raise_if_wrong

    findings = []
    for finding in check_all(settings(), offline=offline):
        findings.append(finding)
        if not as_json():
            _print(finding)
    if as_json():
        print_json({"checks": [finding.facts for finding in findings]})
    raise_if_wrong(findings)


def _print(finding: Finding) -> None:
    click.echo(f"{finding.verdict:<5}  {finding.name:<{_WIDTH}}  {finding.found}")
    if finding.advice:
        click.echo(f"{'':<5}  {'':<{_WIDTH}}  → {finding.advice}")
