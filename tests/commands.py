"""The command line in processes of their own, forked from one that has imported what they need.

To import it anew costs most commands more than what they do then. What starts from nothing is one
of each kind in the README's tour, and whatever is interrupted, has a terminal, or may be killed
while it starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.context import ForkServerProcess

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


class Started:
    """A command at work: its process, and what it says on stderr, also by those it has started."""

    def __init__(self, process: ForkServerProcess, said: Connection) -> None:
        self.process = process
        self._said = said

    def kill(self, timeout: float) -> str:
        """Kill it; return what it said when nobody can say any more, neither it nor its workers."""
        self.process.kill()
        words = b""
        while wait([self._said], timeout):
            if not (more := os.read(self._said.fileno(), 1 << 16)):
                return words.decode()
            words += more
        raise subprocess.TimeoutExpired("what was killed still holds its output", timeout)


@contextmanager
def started(
    arguments: tuple[str, ...], environment: Mapping[str, str], main: Callable[[], None] = main
) -> Iterator[Started]:
    """Run `coinflex-l2`, or what calls it in its place, while the block runs.

    In the checkout; what it prints is lost.
    """
    said, saying = _FORKING.Pipe(duplex=False)
    process = _FORKING.Process(target=_say, args=(main, arguments, environment, saying))
    process.start()
    saying.close()
    try:
        yield Started(process, said)
    finally:
        process.kill()
        process.join()
        said.close()


def _say(
    main: Callable[[], None],
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    saying: Connection,
) -> None:
    os.dup2(saying.fileno(), sys.stderr.fileno())
    saying.close()
    _begin(arguments, environment, _ROOT, Path(os.devnull))
    main()


def _run(
    main: Callable[[], None],
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    folder: Path,
    stdout: Path,
    stderr: Path,
) -> None:
    _write_to(stderr, sys.stderr.fileno())
    _begin(arguments, environment, folder, stdout)
    main()


def _begin(
    arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path, stdout: Path
) -> None:
    _write_to(stdout, sys.stdout.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["coinflex-l2", *arguments]


def _write_to(path: Path, number: int) -> None:
    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
