"""`coinflex-l2 simulate`: loopback stand-ins, to try things on without a key or a network."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import settings, shared_options

__all__ = ["simulate"]


@click.group(short_help="A stand-in for Tardis on loopback.")
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
    """Serve minute slices over HTTP as Tardis.dev does, on 127.0.0.1, until interrupted."""
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
