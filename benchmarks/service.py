"""What the commands that are measured need around them: a Tardis on loopback, and how they run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.job import EXCHANGE
from benchmarks.running import run_module
from pipeline.config import KEY_VARIABLES
from pipeline.simulator.recording import Recording
from pipeline.simulator.tardis import TardisSimulator

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from pipeline.simulator.recording import Filter

__all__ = ["OneFeedTardis", "coinflex_l2"]


class OneFeedTardis(TardisSimulator):
    """A Tardis whose slices all hold the same feed, so that none has to be read to be served.

    The simulator reads what it filters, line by line. Here that would take more of the machine than
    what is measured, and leave every line: who asks for that feed gets the files as they are.
    """

    def __init__(self, slices: Path, available_to: datetime | None = None) -> None:
        super().__init__(slices, exchange=EXCHANGE, available_to=available_to)
        self._recording = _OneFeed(slices)


class _OneFeed(Recording):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        first = Recording(folder)
        first.slices = self.slices[:1]
        self.contents = first.contents  # type: ignore[method-assign]

    def answer(self, minutes: Iterable[datetime], filters: tuple[Filter, ...]) -> bytes:
        del filters  # all of them let everything through
        return super().answer(minutes, ())


def coinflex_l2(*arguments: str, url: str | None = None) -> str:
    """Run the command as a user does, with nothing of the surroundings' settings; return stdout."""
    settings = ("COINFLEX_L2_", *KEY_VARIABLES)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(settings)}
    if url is not None:
        environment["COINFLEX_L2_TARDIS_URL"] = url
    return run_module("pipeline", *arguments, environment=environment)
