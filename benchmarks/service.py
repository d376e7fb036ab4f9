"""What the commands that are measured need around them: a Tardis on loopback, and how they run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.job import EXCHANGE
from benchmarks.slices import link
from pipeline.config import KEY_VARIABLES
from pipeline.simulator.recording import Recording
from pipeline.simulator.tardis import TardisSimulator

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Any

    from pipeline.simulator.recording import Filter

__all__ = ["OneFeedTardis", "coinflex_l2"]

_ROOT: Final = Path(__file__).parent.parent


class OneFeedTardis(TardisSimulator):
    """A Tardis whose slices all hold the same feed, so that none has to be read to be served.

    The simulator reads what it filters, line by line. Here that would take more of the machine than
    what is measured, and leave every line: who asks for that feed gets the files as they are.
    `alone` is a folder to be made for `minute`, which tells what all the others hold.
    """

    def __init__(self, slices: Path, minute: int, alone: Path, **limits: Any) -> None:  # noqa: ANN401 - the simulator's own options
        super().__init__(slices, exchange=EXCHANGE, **limits)
        self._recording = _OneFeed(slices, link(slices, [minute], alone))


class _OneFeed(Recording):
    def __init__(self, folder: Path, one_minute: Path) -> None:
        super().__init__(folder)
        self._one_minute = Recording(one_minute)
        self.contents = self._one_minute.contents  # type: ignore[method-assign]

    def answer(self, minutes: Iterable[datetime], filters: tuple[Filter, ...]) -> bytes:
        del filters  # all of them let everything through
        return super().answer(minutes, ())


def coinflex_l2(*arguments: str, url: str | None = None) -> str:
    """Run the command as a user does, with nothing of the surroundings' settings; return stdout."""
    settings = ("COINFLEX_L2_", *KEY_VARIABLES)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(settings)}
    if url is not None:
        environment["COINFLEX_L2_TARDIS_URL"] = url
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return done.stdout
