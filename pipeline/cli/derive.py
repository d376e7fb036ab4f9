"""`coinflex-l2 derive`: snapshots of books as a table of the lake."""

from __future__ import annotations

import click

from pipeline.cli.options import as_json, names, period_options, settings, shared_options

__all__ = ["derive"]


@click.command(
    short_help="Store top-N snapshots as a further table.",
    epilog="""\b
Examples:
  coinflex-l2 derive book_snapshot_25                  each change of the best 25 levels
  coinflex-l2 derive book_snapshot_5 --step 1s         a table book_snapshot_5_1s, a row a second
  coinflex-l2 derive book_snapshot_25 --from 2020-08-01 --to 2020-09-01 --instruments BTC-USD
Then: coinflex-l2 sql "from book_snapshot_25 where instrument = 'BTC-USD' and date = '2020-08-01'"
What was derived from a day goes when the day is ingested anew; derive makes what lacks.""",
)
@click.argument("table")
@click.option(
    "--step", metavar="SPAN", help="A row per time of this grid: 100ms, 1s, 5m; default: on change."
)
@period_options(required=False)
@click.option("--instruments", metavar="A,B", help="Only of these; default: all in the lake.")
@click.option("--rebuild", is_flag=True, help="Also what is up to date.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Days at once; default: cores.")
@shared_options
def derive(
    table: str,
    step: str | None,
    start: str | None,
    end: str | None,
    instruments: str | None,
    rebuild: bool,
    jobs: int | None,
) -> None:
    """Make TABLE, book_snapshot_N, of the days in the lake that lack it: the best N levels a side.

    It lies in the lake as other tables do, with a view of its name. --from and --to choose whole
    days, UTC.
    """
    from pipeline import derive as run
    from pipeline.cli.output import print_facts, print_json
    from pipeline.cli.progress import RunProgress

    found = settings()
    with RunProgress(0) as shown:
        report = run.derive(
            found.data, found.exchange, table,
            step=step, start=start, end=end, instruments=names(instruments),
            rebuild=rebuild, jobs=jobs, progress=shown.derived,
        )  # fmt: skip
    print_json(report.summary()) if as_json() else print_facts(report.summary())
    report.raise_if_damaged()
