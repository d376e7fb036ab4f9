"""The command line in processes of their own, forked from one that has imported what they need.

To import it anew costs most commands more than what they do then. What starts from nothing is one
of each kind in the README's tour, and whatever is killed, interrupted or has a terminal.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ROOT = Path(__file__).parent.parent
_FORKING = get_context("forkserver")
_FORKING.set_forkserver_preload(["tests.preloaded"])


def run(
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    timeout: float,
    main: Callable[[], None] = main,
    folder: Path = _ROOT,
) -> subprocess.CompletedProcess[str]:
    """Run `coinflex-l2` in a folder to its end, or what calls it in its place."""
    with tempfile.TemporaryDirectory() as printing:
        stdout, stderr = (Path(printing) / name for name in ("stdout", "stderr"))
        process = _FORKING.Process(
            target=_run, args=(main, arguments, environment, folder, stdout, stderr)
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, timeout)
        printed = stdout.read_text("utf-8"), stderr.read_text("utf-8")
    return subprocess.CompletedProcess(arguments, process.exitcode, *printed)


def _run(
    main: Callable[[], None],
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    folder: Path,
    stdout: Path,
    stderr: Path,
) -> None:
    for path, stream in ((stdout, sys.stdout), (stderr, sys.stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["coinflex-l2", *arguments]
    main()
