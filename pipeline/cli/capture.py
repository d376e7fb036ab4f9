"""`coinflex-l2 capture`: record the live feed."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from pipeline.cli.options import as_json, names, settings, shared_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.capture import CaptureReport

__all__ = ["capture"]


@click.command(
    short_help="Record the exchange's live feed.",
    epilog="""\b
Examples:
  coinflex-l2 capture --instruments BTC-USD-SWAP-LIN,ETH-USD-SWAP-LIN
  coinflex-l2 capture --instruments all --channels depth,trade --site test
  coinflex-l2 capture --instruments all --listen 9464    # /metrics and /healthz on 127.0.0.1
  COINFLEX_L2_WS_URL=ws://127.0.0.1:8000/v1/websocket \\
      coinflex-l2 --exchange trial capture --instruments BTC-USD-SWAP-LIN
Ctrl-C and SIGTERM end the open minute and exit 0 within 5 seconds. What the test site says stands
under an exchange id of its own, coinflex-test. No key is needed; a read-only one (COINFLEX_API_KEY
and COINFLEX_API_SECRET) lets subscriptions go out faster.""",
)
@click.option(
    "--instruments", metavar="A,B|all", required=True,
    help="These, as the exchange spells them, or all that it has and will have.",
)  # fmt: skip
@click.option("--channels", metavar="depth,trade,ticker", help="Default: all three.")
@click.option("--site", type=click.Choice(["live", "test"]), help="Default: live.")
@click.option("--dialect", metavar="us|v2|opnx|ox", help="Which of the family; default: us.")
@click.option("--raw-only", is_flag=True, help="Leave the lake to `ingest`.")
@click.option(
    "--listen", metavar="PORT|HOST:PORT",
    help="Answer /metrics (Prometheus) and /healthz, on loopback alone; 0: any free port.",
)  # fmt: skip
@click.option(
    "--log-format", type=click.Choice(["text", "json"]),
    help="How log lines look (COINFLEX_L2_LOG_FORMAT). Default: text on a terminal, else json.",
)  # fmt: skip
@shared_options
def capture(
    *,
    instruments: str,
    channels: str | None,
    site: str | None,
    dialect: str | None,
    raw_only: bool,
    listen: str | None,
    log_format: str | None,
) -> None:
    """Record the exchange's WebSocket feed in minute slices, as Tardis does, until interrupted.

    Each minute can be queried moments after it is over. REST is asked beside it for markets' own
    definitions, for the best levels while no connection stands, and for the trades of holes.
    """
    # Before anything is recorded there is nothing to end; later the capture itself is told.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    found = settings(site=site, dialect=dialect, log_format=log_format, is_capture=True)
    from pipeline import capture as run
    from pipeline.cli.output import print_facts, print_json

    wanted = names(instruments)
    with _shown() as show:
        report = run.capture(
            found,
            instruments=None if wanted == ["all"] else wanted,
            channels=names(channels),
            raw_only=raw_only,
            listen=listen,
            show=show,
        )
    print_json(report.summary()) if as_json() else print_facts(report.summary())


def _leave(*_: object) -> NoReturn:
    sys.exit(0)


@contextmanager
def _shown() -> Iterator[Callable[[CaptureReport], None]]:
    """Yield what shows how a capture goes on: a line on a terminal, or log lines."""
    from pipeline.cli.live import LiveLine, LiveLog

    if not sys.stderr.isatty():
        yield LiveLog()
        return
    with LiveLine(sys.stderr) as line:
        yield line
