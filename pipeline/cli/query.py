"""`coinflex-l2 sql` and `book`: questions to the lake."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import as_json, note_unusable_lake, settings, shared_options
from pipeline.cli.saying import say

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.lake_version import Cited

__all__ = ["book", "sql"]


@click.command(
    short_help="One SQL query over the lake.",
    epilog="""\b
Examples:
  coinflex-l2 sql "from coverage"
  coinflex-l2 sql "from book_at('BTC-USD-SWAP-LIN', '2020-08-01 23:56:00') where level < 5"
  coinflex-l2 sql "from trades" --format parquet --output trades.parquet
  coinflex-l2 sql "show tables" --json""",
)
@click.argument("query")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="Default: as FILE's suffix says, or a table.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write to a file, which appears whole.")  # fmt: skip
@shared_options
def sql(query: str, form: str | None, output: Path | None) -> None:
    """Answer one SQL query over the lake (DuckDB; SELECT, SHOW, DESCRIBE or EXPLAIN)."""
    from pipeline.cli.output import form_of, write_answer
    from pipeline.confined import connect_confined
    from pipeline.lake_version import Cited
    from pipeline.query import ask

    found = settings()
    note_unusable_lake(found)
    form = form or ("json" if as_json() else form_of(output) or "table")
    cited = Cited(found.data, found.exchange)
    if form == "parquet":
        _write_parquet(found, query, output, cited)
        return
    with connect_confined(found.data, found.exchange) as connection:
        write_answer(ask(connection, query), form, output)
    if output is not None:
        _write_about(output, query, cited)


def _write_about(output: Path, query: str, cited: Cited) -> None:
    """Write beside a file that has no place for it which version of the lake it is of."""
    from pipeline.cli.output import whole_file

    about = cited.facts() | {"query": query}
    with whole_file(output.with_name(f"{output.name}.meta.json")) as draft:
        draft.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_parquet(found: Settings, query: str, output: Path | None, cited: Cited) -> None:
    from pipeline.cli.output import whole_file

    if output is not None:
        with whole_file(output) as draft:
            _copy(found, query, draft, cited)
    elif sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal; name a file with --output")
    else:
        # Opened only when it is whole: DuckDB puts another file in the place of one that is there.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder).resolve() / "answer.parquet"
            _copy(found, query, path, cited)
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)


def _copy(found: Settings, query: str, path: Path, cited: Cited) -> None:
    """Write an answer to a file, the only one outside the data folder that DuckDB then reaches."""
    from pipeline.confined import connect_confined
    from pipeline.query import copy_to_parquet

    with connect_confined(found.data, found.exchange, [path]) as connection:
        copy_to_parquet(connection, query, path, cited.facts())


@click.command(
    short_help="The order book as it stood at a time.",
    epilog="""\b
Examples:
  coinflex-l2 book BTC-USD-SWAP-LIN --at 2020-08-01T23:56:00.5
  coinflex-l2 book BTC-USD-SWAP-LIN --at 2020-08-02T01:56+02:00 --depth 3 --json""",
)
@click.argument("instrument")
@click.option("--at", "at", metavar="TIME", required=True,
              help="Arrival clock, UTC unless it has an offset.")  # fmt: skip
@click.option("--depth", type=click.IntRange(1), default=10, show_default=True, metavar="N",
              help="Levels a side.")  # fmt: skip
@shared_options
def book(instrument: str, at: str, depth: int) -> None:
    """Print the order book of an instrument as it stood at a time."""
    from pipeline.cli.output import print_json
    from pipeline.research import OpenLake
    from pipeline.times import parse_time

    found = settings()
    time = parse_time(at, "--at")
    with OpenLake(found.data, found.exchange) as lake:
        levels = lake.book_at(instrument, time, depth).to_dicts()
        why = "" if levels else lake.explain(instrument, time)
    if as_json():
        print_json(levels)
    elif levels:
        _print_ladder(levels)
    if why:
        say(why, err=True)


def _print_ladder(levels: list[dict[str, object]]) -> None:
    """Print asks above bids, best prices in the middle, as a trader sees them."""
    asks = [level for level in levels if level["side"] == "ask"]
    bids = [level for level in levels if level["side"] == "bid"]
    cells = [
        (str(level["side"]), str(level["price"]), str(level["amount"]))
        for level in [*reversed(asks), *bids]
    ]
    wide = [
        max(map(len, column)) for column in zip(*cells, ("side", "price", "amount"), strict=True)
    ]
    for side, price, amount in [("side", "price", "amount"), *cells]:
        say(f"{side:<{wide[0]}}  {price:>{wide[1]}}  {amount:>{wide[2]}}")
