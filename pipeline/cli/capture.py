"""`coinflex-l2 capture`: record the live feed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import as_json, names, settings, shared_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.capture import CaptureReport

__all__ = ["capture"]


@click.command(
    short_help="Record the exchange's live feed.",
    epilog="""\b
Examples:
  coinflex-l2 capture --instruments BTC-USD-SWAP-LIN,ETH-USD-SWAP-LIN
  coinflex-l2 capture --instruments all --channels depth,trade --site test
  COINFLEX_L2_WS_URL=ws://127.0.0.1:8000/v1/websocket \\
      coinflex-l2 --exchange trial capture --instruments BTC-USD-SWAP-LIN
Ctrl-C and SIGTERM end the open minute and exit 0. What the test site says stands under an exchange
id of its own, coinflex-test. No key is needed; a read-only one (COINFLEX_API_KEY and
COINFLEX_API_SECRET) lets subscriptions go out faster.""",
)
@click.option(
    "--instruments", metavar="A,B|all", required=True,
    help="These, as the exchange spells them, or all that it has and will have.",
)  # fmt: skip
@click.option("--channels", metavar="depth,trade,ticker", help="Default: all three.")
@click.option("--site", type=click.Choice(["live", "test"]), help="Default: live.")
@click.option("--dialect", metavar="us|v2|opnx|ox", help="Which of the family; default: us.")
@click.option("--raw-only", is_flag=True, help="Leave the lake to `ingest`.")
@shared_options
def capture(
    instruments: str, channels: str | None, site: str | None, dialect: str | None, raw_only: bool
) -> None:
    """Record the exchange's WebSocket feed in minute slices, as Tardis does, until interrupted.

    Each minute can be queried moments after it is over.
    """
    from pipeline import capture as run
    from pipeline.cli.output import print_facts, print_json

    found = settings(site=site, dialect=dialect)
    wanted = names(instruments)
    report = run.capture(
        found,
        instruments=None if wanted == ["all"] else wanted,
        channels=names(channels),
        raw_only=raw_only,
        show=_shown(),
    )
    print_json(report.summary()) if as_json() else print_facts(report.summary())


def _shown() -> Callable[[CaptureReport], None]:
    """Return what shows how a capture goes on: a line on a terminal, or log lines."""
    from pipeline.cli.live import LiveLine, LiveLog

    return LiveLine() if sys.stderr.isatty() else LiveLog()
