"""`coinflex-l2 simulate exchange`, as a user starts it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from pipeline.simulator.exchange.faults import KINDS
from tests.conftest import ROOT, Cli, clean_environment
from tests.simulator.exchange.client import connected

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = str(ROOT / "data" / "sample")


def test_the_sample_is_played_until_interrupted() -> None:
    """It prints where it listens and how to use it, and what was recorded comes out."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "pipeline", "simulate", "exchange", "--slices", SAMPLE),
            *("--speed", "max", "--await", "1", "--dialect", "v2", "--fault", "rest=429"),
        ],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        ws_url = process.stdout.readline().removeprefix("WebSocket: ").strip()
        rest_url = process.stdout.readline().removeprefix("REST: ").strip()
        hint = process.stderr.readline()

        async def visit() -> list[int]:
            async with connected(ws_url) as client:
                await client.subscribe("futures/depth:BTC-USD-SWAP-LIN")
                assert b'"table":"futures/depth"' in await client.text()
            statuses = []
            async with aiohttp.ClientSession() as session:
                for _ in range(2):
                    async with session.get(f"{rest_url}/v1/markets") as answer:
                        statuses.append(answer.status)
            return statuses

        assert asyncio.run(visit()) == [429, 200]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert ws_url.endswith("/v2/websocket")
    assert f"COINFLEX_L2_WS_URL={ws_url} COINFLEX_L2_REST_URL={rest_url}" in hint


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "exactly one of them"),
        (["--slices", SAMPLE, "--generate", "1"], "exactly one of them"),
        (["--slices", SAMPLE, "--speed", "0"], "a number above 0, or max"),
        (["--slices", SAMPLE, "--key", "k"], "both or neither"),
        (["--slices", SAMPLE, "--fault", "explode"], "'explode' is no kind of fault"),
        (["--slices", "."], "a folder with data"),
    ],
)
def test_what_can_not_be_played_is_said(
    cli: Cli, tmp_path: Path, options: list[str], words: str
) -> None:
    """Before anything listens, with what would work."""
    given = [str(tmp_path) if option == "." else option for option in options]
    refused = cli("simulate", "exchange", *given)
    assert refused.returncode == 1
    assert words in refused.stderr


def test_help_names_every_kind_of_fault(cli: Cli) -> None:
    """A user need not read the source to misbehave."""
    shown = cli("simulate", "exchange", "--help").stdout
    assert not [kind for kind in KINDS if kind not in shown]
