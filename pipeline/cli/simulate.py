"""`coinflex-l2 simulate`: loopback stand-ins, to try things on without a key or a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import settings, shared_options

if TYPE_CHECKING:
    from pipeline.simulator.feed import Feed

__all__ = ["simulate"]


@click.group(short_help="Stand-ins for Tardis and the exchange on loopback.")
def simulate() -> None:
    """Run a stand-in for a service on loopback."""


@simulate.command(
    short_help="Serve minute slices over HTTP as Tardis.dev does.",
    epilog="""\b
Examples:
  coinflex-l2 simulate tardis --slices data/sample --port 8000
  COINFLEX_L2_TARDIS_URL=http://127.0.0.1:8000 coinflex-l2 backfill \\
      --from 2020-08-01T23:54 --to 2020-08-02
  coinflex-l2 simulate tardis --slices DIR --port 8000 --key secret \\
      --fault 429*2 --fault truncate@2020-08-01T23:55
Faults: an HTTP status (429=2 with Retry-After), truncate, cut, corrupt, reset, stall, redirect=URL;
@MINUTE limits one to a minute, *N says how often (default once, 0 for always).""",
)
@click.option(
    "--slices",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    metavar="DIR",
    help="Minute slices to serve: YYYY/MM/DD/HH/MM.json.gz.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), required=True, metavar="P", help="0: any free one."
)
@click.option("--key", metavar="K", help="The key that opens days other than the first of a month.")
@click.option(
    "--fault", "faults", multiple=True, metavar="FAULT", help="Misbehave; may be repeated."
)
@shared_options
def tardis(slices: Path, port: int, key: str | None, faults: tuple[str, ...]) -> None:
    """Serve minute slices over HTTP as Tardis.dev does, on 127.0.0.1, until interrupted.

    And CSV files made of them: incremental_book_L2, quotes, trades.
    """
    import asyncio

    from pipeline.errors import UsageError
    from pipeline.simulator.faults import Fault
    from pipeline.simulator.tardis import TardisSimulator

    found = settings()
    try:
        parsed = [Fault.parse(fault) for fault in faults]
    except ValueError as error:
        raise UsageError("--fault", ", ".join(faults), str(error)) from None

    async def serve() -> None:
        simulator = TardisSimulator(slices, exchange=found.exchange, key=key, faults=parsed)
        try:
            url = await simulator.start(port=port)
        except OSError as error:
            raise UsageError("--port", port, f"a port that is free ({error.strerror})") from None
        click.echo(f"serving {slices} as exchange {found.exchange} at {url}")
        click.echo(f"use it with: COINFLEX_L2_TARDIS_URL={url}", err=True)
        try:
            await asyncio.Event().wait()
        finally:
            await simulator.stop()

    asyncio.run(serve())


@simulate.command(
    short_help="Play a market over WebSocket and REST as CoinFLEX US does.",
    epilog="""\b
Examples:
  coinflex-l2 simulate exchange --slices data/sample --port 8001
  coinflex-l2 simulate exchange --generate 1 --port 8001 --rebase
  coinflex-l2 simulate exchange --slices data/sample --speed max --await 2 \\
      --fault drop@12.5 --fault "skip=3@message 40" --fault upgrade=429*2
Faults: drop, close=CODE, half-close, stall=SECONDS, delay=SECONDS, slow=BYTES_PER_SECOND, reorder,
duplicate, skip=N, malformed, oversized=BYTES, garble-utf8, foreign, restart, refuse=MARKET,
http=STATUS, rest=STATUS, upgrade=STATUS; @SECONDS of the feed or @message N says when, *N how often
(default once, 0 for always).""",
)
@click.option(
    "--slices",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Play minute slices: YYYY/MM/DD/HH/MM.json.gz.",
)
@click.option("--generate", type=int, metavar="SEED", help="Play a market made from a seed.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="P", help="Default: any free one."
)
@click.option(
    "--speed",
    default="1",
    metavar="X",
    help="Times as fast as it happened; max: as fast as clients read. Default: 1",
)
@click.option(
    "--await",
    "await_subscribers",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Begin to play when N subscriptions stand.",
)
@click.option(
    "--dialect",
    type=click.Choice(["v1", "v2"]),
    default="v1",
    help="v2: the table of full depth is futures/depth if that was subscribed. Default: v1",
)
@click.option("--rebase", is_flag=True, help="Move the timestamps to now.")
@click.option("--disconnects", is_flag=True, help="Play the recording's disconnects too.")
@click.option("--key", metavar="K", help="The key of a login.")
@click.option("--secret", metavar="S", help="The secret of that key.")
@click.option(
    "--fault", "faults", multiple=True, metavar="FAULT", help="Misbehave; may be repeated."
)
@shared_options
def exchange(  # noqa: PLR0913 - an option each
    *,
    slices: Path | None,
    generate: int | None,
    port: int,
    speed: str,
    await_subscribers: int,
    dialect: str,
    rebase: bool,
    disconnects: bool,
    key: str | None,
    secret: str | None,
    faults: tuple[str, ...],
) -> None:
    """Play a market over WebSocket and REST as CoinFLEX US does, on 127.0.0.1, until interrupted.

    Exactly one of --slices and --generate says what is played.
    """
    import asyncio

    from pipeline.errors import UsageError
    from pipeline.simulator.exchange import ExchangeSimulator, Fault

    try:
        parsed = [Fault.parse(fault) for fault in faults]
    except ValueError as error:
        raise UsageError("--fault", ", ".join(faults), str(error)) from None
    if (key is None) != (secret is None):
        raise UsageError("--key and --secret", "one of them", "both or neither")
    simulator = ExchangeSimulator(
        _feed(slices, generate, disconnects=disconnects),
        dialect="v2" if dialect == "v2" else "v1",
        key=key,
        secret=secret,
        speed=_speed(speed),
        await_subscribers=await_subscribers,
        faults=parsed,
        rebase=rebase,
        keep="counts",
    )

    async def serve() -> None:
        try:
            urls = await simulator.start(port=port)
        except OSError as error:
            raise UsageError("--port", port, f"a port that is free ({error.strerror})") from None
        click.echo(f"WebSocket: {urls.ws}")
        click.echo(f"REST: {urls.rest}")
        click.echo(
            f"use it with: COINFLEX_L2_WS_URL={urls.ws} COINFLEX_L2_REST_URL={urls.rest}", err=True
        )
        try:
            await simulator.played_out()
            click.echo("the feed has ended; connections and REST stay", err=True)
            await asyncio.Event().wait()
        finally:
            await simulator.stop()

    asyncio.run(serve())


def _feed(slices: Path | None, generate: int | None, *, disconnects: bool) -> Feed:
    from pipeline.errors import UsageError
    from pipeline.simulator.exchange import RecordedFeed
    from pipeline.simulator.market import GeneratedFeed

    if generate is not None and slices is None:
        return GeneratedFeed(generate)
    if slices is None or generate is not None:
        raise UsageError("--slices and --generate", "both or neither", "exactly one of them")
    try:
        return RecordedFeed(slices, disconnects=disconnects)
    except ValueError as error:
        raise UsageError("--slices", str(slices), f"a folder with data ({error})") from None


def _speed(text: str) -> float | None:
    from math import isfinite

    from pipeline.errors import UsageError

    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not (isfinite(speed) and speed > 0):
        raise UsageError("--speed", text, "a number above 0, or max")
    return speed
