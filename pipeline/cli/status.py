"""`coinflex-l2 status` and `instruments`: what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import as_json, note_unusable_lake, settings, shared_options
from pipeline.cli.saying import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.sizes import Size

__all__ = ["instruments", "status"]


@click.command(
    short_help="What is there, what is lacking, what is suspect.",
    epilog="""\b
Examples:
  coinflex-l2 status
  coinflex-l2 status --sizes                 and how much each table takes, month by month
  coinflex-l2 status --json --data DIR""",
)
@click.option("--sizes", is_flag=True, help="Bytes of raw and of each table by month, too.")
@shared_options
def status(sizes: bool) -> None:
    """Say what the data folder has, what it lacks, and what is suspect."""
    from pipeline.cli.output import print_facts, print_json
    from pipeline.sizes import sizes_of
    from pipeline.status import status_of

    found = settings()
    note_unusable_lake(found)
    facts = status_of(found.data, found.exchange)
    taken = sizes_of(found.data, found.exchange) if sizes else []
    if as_json():
        print_json(facts | ({"sizes": [of._asdict() for of in taken]} if sizes else {}))
        return
    sections = {name: facts.pop(name) for name in ("recorded", "capture")}
    facts["days_in_conflict"] = ", ".join(facts["days_in_conflict"]) or "none"
    facts["days_in_parts"] = ", ".join(facts["days_in_parts"]) or "none"
    print_facts(facts)
    for title, section in sections.items():
        if section:
            say(f"\n{title}:")
            print_facts({name: _told(fact) for name, fact in section.items()})
    if sizes:
        _print_sizes(taken)


def _print_sizes(taken: Sequence[Size]) -> None:
    """Print a line a month and kind, and the sum of each kind."""
    say(f"\n{'month':<8} {'kind':<20} {'files':>10} {'bytes':>18}")
    for month, kind, files, size in taken:
        say(f"{month:<8} {kind:<20} {files:>10,} {size:>18,}")
    for kind in sorted({of.kind for of in taken}):
        of_kind = [of for of in taken if of.kind == kind]
        files, size = sum(of.files for of in of_kind), sum(of.bytes for of in of_kind)
        say(f"{'all':<8} {kind:<20} {files:>10,} {size:>18,}")


def _told(fact: object) -> object:
    """Return a fact of a section as it is told in a line: numbers by name, lists of names."""
    if isinstance(fact, dict):
        return _told([f"{name} {value:,.6g}" for name, value in fact.items()])
    if isinstance(fact, list):
        return ", ".join(map(str, fact)) or "none"
    if isinstance(fact, float):
        return f"{fact:,.6g}"
    return "none" if fact is None else fact


@click.command(
    short_help="The instruments in the lake.",
    epilog="\b\nExamples:\n  coinflex-l2 instruments\n  coinflex-l2 instruments --json",
)
@shared_options
def instruments() -> None:
    """List the instruments in the lake, with their days and rows."""
    from pipeline.cli.output import write_answer
    from pipeline.query import ask
    from pipeline.views import connect

    found = settings()
    note_unusable_lake(found)
    with connect(found.data, found.exchange) as connection:
        answer = ask(
            connection,
            """select instrument, first_date, last_date, days, depth_messages, trades, tickers,
            minutes_fetched, bytes from instruments order by instrument""",
        )
        write_answer(answer, "json" if as_json() else "table", None)
