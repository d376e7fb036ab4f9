"""`coinflex-l2 demo`: the main job on the sample, from a loopback Tardis."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import settings, shared_options

if TYPE_CHECKING:
    from pipeline.config import Settings

__all__ = ["demo"]

_SAMPLE = Path("data/sample")
_FROM, _TO = "2020-08-01T23:54", "2020-08-02"
_QUERIES = {
    "4. Holes: where no book is known, and why:": (
        "select instrument, start, stop, cause from gaps order by instrument, start"
    ),
    "5. The book of BTC-USD-SWAP-LIN half a second after 23:56:": (
        "from book_at('BTC-USD-SWAP-LIN', '2020-08-01T23:56:00.500') where level < 3"
    ),
    "6. Best bid and ask as the last minute began:": (
        "select instrument, bid_price, bid_amount, ask_price, ask_amount from quotes "
        "where local_timestamp <= '2020-08-01 23:59' and valid_until > '2020-08-01 23:59' "
        "order by instrument"
    ),
}


@click.command(short_help="The main job on the sample.", epilog="\b\nExample:\n  make demo")
@click.option(
    "--sample",
    type=click.Path(path_type=Path, file_okay=False),
    default=_SAMPLE,
    show_default=True,
    metavar="DIR",
    help="The slices that the loopback Tardis serves.",
)
@shared_options
def demo(sample: Path) -> None:
    """Backfill the sample from a loopback Tardis, compare every book with raw, and show one.

    Writes to DATA/demo, so that the sample never mixes with real data.
    """
    from dataclasses import replace

    from pipeline.backfill import backfill
    from pipeline.cli.progress import RunProgress
    from pipeline.errors import UsageError
    from pipeline.simulator.tardis import TardisSimulator
    from pipeline.times import Range

    found = settings()
    if not sample.is_dir():
        hint = "a folder of slices; the sample comes with a checkout, or name another: --sample DIR"
        raise UsageError("--sample", str(sample), hint)
    with TardisSimulator(sample, exchange=found.exchange).running() as url:
        here = replace(
            found, data=found.data / "demo", tardis=replace(found.tardis, url=url, key=None)
        )
        click.echo(f"1. A loopback Tardis serves {sample} (real order flow in CoinFLEX's clothes).")
        click.echo(f"2. coinflex-l2 backfill --from {_FROM} --to {_TO}")
        report = backfill(here, Range.parse(_FROM, _TO), progress=RunProgress)
    for name, value in report.summary().items():
        click.echo(f"     {name:<22} {value:,}")
    report.raise_if_lacking()
    _show(here)


def _show(here: Settings) -> None:
    from pipeline.cli.output import write_answer
    from pipeline.errors import LakeDisagrees
    from pipeline.query import ask
    from pipeline.verifying.comparing import compare_books
    from pipeline.views import connect

    comparison = compare_books(here.data, here.exchange)
    click.echo("3. Every book in the lake against its line in raw, read by gzip and json alone:")
    click.echo(f"     {comparison.compared:,} books compared, {comparison.equal:,} equal")
    with connect(here.data, here.exchange) as connection:
        for title, query in _QUERIES.items():
            click.echo(f"{title}\n     {query}")
            sys.stdout.flush()
            write_answer(ask(connection, query), "table", None)
    if comparison.first_different is not None:
        different = comparison.compared - comparison.equal
        raise LakeDisagrees(comparison.compared, different, comparison.first_different)
    click.echo(f"""7. What to type next:
     source .venv/bin/activate
     coinflex-l2 --data {here.data} sql "from coverage"
     coinflex-l2 --data {here.data} book ETH-USD-SWAP-LIN --at 2020-08-01T23:58 --depth 5
   Real data: the first day of each month is free, without a key:
     coinflex-l2 backfill --from 2020-08-01 --to 2020-08-02 --dry-run
     coinflex-l2 backfill --from 2020-08-01 --to 2020-08-02""")
