"""`coinflex-l2 ingest` and `import-slices`: what lies on disk → raw → the lake."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import as_json, names, period_options, settings, shared_options

__all__ = ["import_slices", "ingest"]


@click.command(
    short_help="Raw slices on disk into the lake.",
    epilog="""\b
Examples:
  coinflex-l2 ingest                                 whatever is not in the lake yet
  coinflex-l2 ingest --from 2020-08-01 --to 2020-09-01 --rebuild --jobs 2
A day is made anew from all of its slices, so --from and --to choose whole days.""",
)
@period_options(required=False)
@click.option("--instruments", metavar="A,B", help="Only the partitions of these; default: all.")
@click.option("--rebuild", is_flag=True, help="Also days that are up to date.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Days, or parts of a day, at once; default: cores.",
)
@shared_options
def ingest(
    start: str | None, end: str | None, instruments: str | None, rebuild: bool, jobs: int | None
) -> None:
    """Bring raw slices into the lake. Days that are up to date are left alone."""
    from pipeline import ingest as run
    from pipeline.cli.output import print_facts, print_json
    from pipeline.cli.progress import RunProgress
    from pipeline.errors import MinutesLacking, RawDropped

    found = settings()
    with RunProgress(0) as shown:
        report = run.ingest_range(
            found.data, found.exchange, start, end,
            instruments=names(instruments), rebuild=rebuild, jobs=jobs, progress=shown.ingested,
        )  # fmt: skip
    result = {
        "days_ingested": len(report.written),
        "days_up_to_date": len(report.up_to_date),
        "days_being_recorded": len(report.being_recorded),
        "days_in_conflict": len(report.conflicts),
        "days_lacking_raw": len(report.lacking_raw),
        "slices_corrupt": len(report.corrupt),
        "derived_removed": report.derived_removed,
        **report.counts,
    }
    print_json(result) if as_json() else print_facts(result)
    if report.corrupt:
        raise MinutesLacking(report.corrupt)
    if report.lacking_raw:
        raise RawDropped(report.lacking_raw)


@click.command(
    "import-slices",
    short_help="Adopt minute slices that you already have.",
    epilog="""\b
Examples:
  coinflex-l2 import-slices ~/.tardis-cache/feeds/coinflex/4f53cda18c2baa0c…
  coinflex-l2 import-slices DIR --instruments BTC-USD-SWAP-LIN --channels depth
Then: coinflex-l2 ingest""",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--instruments", metavar="A,B", help="What the slices were filtered by; default: nothing."
)
@click.option(
    "--channels", metavar="A,B", help="What the slices were filtered by; default: nothing."
)
@click.option(
    "--origin", default="import", show_default=True, metavar="NAME", help="Whence they came."
)
@shared_options
def import_slices(folder: Path, instruments: str | None, channels: str | None, origin: str) -> None:
    """Adopt minute slices that lie in DIR/YYYY/MM/DD/HH/MM.json.gz, as a Tardis client's cache has.

    They are copied. Without the filters that they were made with they count as unfiltered: then a
    minute with a file counts as fetched for all instruments, one without as not fetched.
    """
    from pipeline.cli.output import print_facts, print_json
    from pipeline.errors import MinutesLacking
    from pipeline.sources.files import adopt

    found = settings()
    report = adopt(
        found.data, found.exchange, folder,
        origin=origin, channels=names(channels), instruments=names(instruments),
    )  # fmt: skip
    result = {
        "adopted": report.adopted,
        "there_already": report.there,
        "corrupt": len(report.corrupt),
    }
    print_json(result) if as_json() else print_facts(result)
    if report.corrupt:
        raise MinutesLacking(report.corrupt)
