"""The capture's process: it has a clock of ours, and says every few seconds what it holds."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline import logs
from pipeline.capture import record
from pipeline.config import Settings
from pipeline.sources.daemon_threads import DaemonThreads
from pipeline.sources.live import Tempo
from pipeline.sources.rest_beside import RestTempo
from tests.soak.clock import Clock
from tests.soak.holding import Held

if TYPE_CHECKING:
    from pipeline.capture import CaptureReport

# Waits are the machine's own seconds, of which each is a good part of an hour here.
_TEMPO: Final = Tempo(close=0.1, first_pause=0.02, longest_pause=0.1, steady=1.0)
_REST_TEMPO: Final = RestTempo(margin=0.3, first_pause=0.05, longest_pause=0.2)


def _children() -> list[int]:
    """Return the processes that this one has started and that are at work."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    return [int(child) for child in found if "resource_tracker" not in _command_of(child)]


def _command_of(process: str) -> str:
    return Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")


async def _record(data: Path, markets: list[str], clock: Clock) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.set_default_executor(DaemonThreads())
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def show(report: CaptureReport) -> None:
        said = {
            "at": clock.now().isoformat(),
            "phase": report.feed.phase,
            "tasks": len(asyncio.all_tasks()),
            "capture": Held.by("self"),
            "lake": [Held.by(child) for child in _children()],
            "behind": report.lake.behind.total_seconds() / 60 if report.lake else 0.0,
            "is_alive": report.lake is not None and report.lake.is_alive,
        }
        print(json.dumps(said), flush=True)

    await record(
        Settings.load(data=data, environ=os.environ), stop, instruments=markets,
        tempo=_TEMPO, rest_tempo=_REST_TEMPO, clock=clock.arrival(), show=show,
    )  # fmt: skip


def main() -> None:
    """Capture until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.recording", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("markets")
    for name in Clock._fields:
        parser.add_argument(name, type=int)
    given = parser.parse_args()
    logs.begin(logs.LogSetup())
    clock = Clock(given.base, given.began, given.speed)
    asyncio.run(_record(given.data, given.markets.split(","), clock))


if __name__ == "__main__":
    main()
