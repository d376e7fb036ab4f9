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
    print_json(facts) if as_json() else print_facts(facts)


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
