"""`coinflex-l2 report`: one page of what the lake has, as a file for any browser."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import as_json, period_options, settings, shared_options

__all__ = ["report"]


@click.command(
    short_help="One HTML page: coverage, gaps, volumes, times, a heatmap.",
    epilog="""\b
Examples:
  coinflex-l2 report
  coinflex-l2 report --from 2020-08-01 --to 2020-09-01 --output august.html
  coinflex-l2 report --instrument BTC-USD-SWAP-LIN --day 2020-08-01""",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              default=Path("report.html"), show_default=True,
              help="The page, which appears whole.")  # fmt: skip
@click.option("--instrument", metavar="NAME", help="What is looked into: times, heatmap, book. "
              "Default: the one with most books on the day.")  # fmt: skip
@click.option("--day", metavar="DATE", help="Its day. Default: the newest that has books.")
@period_options(required=False)
@shared_options
def report(
    output: Path, instrument: str | None, day: str | None, start: str | None, end: str | None
) -> None:
    """Write a page of what the lake has, lacks and suspects, that needs nothing but a browser.

    Its numbers have their queries beside them. What can't be read is named there, and by the exit
    code; the rest of the page is whole.
    """
    from pipeline.cli.output import print_json, whole_file
    from pipeline.page import page_of
    from pipeline.research import OpenLake

    found = settings()
    with OpenLake(found.data, found.exchange) as lake:
        page = page_of(lake, instrument=instrument, day=day, start=start, end=end)
    with whole_file(output) as draft:
        draft.write_text(page.html, encoding="utf-8")
    if as_json():
        print_json({"output": str(output), "bytes": output.stat().st_size})
    else:
        click.echo(str(output))
    for error in page.failed:
        raise error
