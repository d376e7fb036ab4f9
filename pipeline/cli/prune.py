"""`coinflex-l2 prune`: the retention of raw."""

from __future__ import annotations

import click

from pipeline.cli.options import (
    as_json,
    leave_retries_to_our_log,
    settings,
    shared_options,
)

__all__ = ["prune"]


@click.command(
    short_help="Thin or drop old raw slices.",
    epilog="""\b
Examples:
  coinflex-l2 prune --raw thin                    gzip to zstd, a third smaller, nothing is lost
  coinflex-l2 prune --raw drop --after-days 90    what Tardis could serve again goes
  coinflex-l2 backfill --from 2020-08-01 --to 2020-08-02 --dropped     and is fetched again
`sync` does the same each night where [retention] in the file of --config says so.""",
)
@click.option(
    "--raw", type=click.Choice(["keep", "thin", "drop"]),
    help="What becomes of it; default: [retention] raw, or else keep.",
)  # fmt: skip
@click.option(
    "--after-days", type=click.IntRange(1), metavar="N",
    help="Once the day has been over for so long; default: 30.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="As in ingest; default: cores.")
@shared_options
def prune(raw: str | None, after_days: int | None, jobs: int | None) -> None:
    """Make raw slices of old days smaller, or drop them; the lake stays as it is.

    Thinned slices have the same lines, in zstd, which is proven before the gzip goes; all else
    works with them as before. Dropped is only what Tardis would serve again today (by exchange
    details and what the key opens), day by day, each once it was made again from raw and found
    equal to the lake; what was recorded live or imported is thinned instead. A day whose raw was
    dropped is left as it is by every ingest, and can't be verified against raw.
    """
    from datetime import UTC, datetime

    from pipeline.cli.output import print_facts, print_json
    from pipeline.config import RetentionSettings
    from pipeline.drafts import clear_drafts
    from pipeline.errors import LakeDiffers
    from pipeline.lock import holding
    from pipeline.retention import retain
    from pipeline.sources.serving import ask

    leave_retries_to_our_log()
    found = settings()
    policy = RetentionSettings(raw or found.retention.raw, after_days or found.retention.after_days)
    now = datetime.now(UTC)
    with holding(found.data):
        clear_drafts(found.data, found.exchange)
        serving = ask(found, now) if policy.raw == "drop" else None
        report = retain(
            found.data, found.exchange, policy, now,
            serves=serving.serves if serving else None, jobs=jobs, progress=_say,
        )  # fmt: skip
    facts = report.summary()
    if as_json():
        print_json(facts)
    else:
        print_facts(facts | {"days_left": len(report.left), "stopped_by": report.stopped_by or "-"})
    if report.left:
        raise LakeDiffers(len(report.left), next(iter(report.left.values())))


def _say(what: str) -> None:
    import logging

    logging.getLogger(__name__).info("%s", what)
