"""`coinflex-l2 status` and `instruments`: what is there."""

from __future__ import annotations

import click

from pipeline.cli.options import as_json, note_unusable_lake, settings, shared_options

__all__ = ["instruments", "status"]


@click.command(
    short_help="What is there, what is lacking, what is suspect.",
    epilog="\b\nExamples:\n  coinflex-l2 status\n  coinflex-l2 status --json --data DIR",
)
@shared_options
def status() -> None:
    """Say what the data folder has, what it lacks, and what is suspect."""
    from pipeline.cli.output import print_facts, print_json
    from pipeline.status import status_of

    found = settings()
    note_unusable_lake(found)
    facts = status_of(found.data, found.exchange)
    if as_json():
        print_json(facts)
        return
    sections = {name: facts.pop(name) for name in ("recorded", "capture")}
    facts["days_in_conflict"] = ", ".join(facts["days_in_conflict"]) or "none"
    facts["days_in_parts"] = ", ".join(facts["days_in_parts"]) or "none"
    print_facts(facts)
    for title, section in sections.items():
        if section:
            click.echo(f"\n{title}:")
            print_facts({name: _told(fact) for name, fact in section.items()})


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
