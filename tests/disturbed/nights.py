"""The kinds of nights: what happens while the job runs, and what is known of it afterwards."""

from __future__ import annotations

import os
import resource
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.cli import main
from pipeline.simulator import Fault, TardisSimulator
from tests import commands
from tests.conftest import clean_environment
from tests.world import KEY, raw_minutes

from .comparing import Done, Known

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from .disk import Disk

__all__ = ["KINDS", "World"]

_DEADLINE = 120.0
# The disk is to be full, not nearly; and what is there in the end is compared here.
_PLAIN = ("--min-free-gb", "1e-9", "--no-verify")
_FAULTS = ("500", "503", "429", "404", "400", "truncate", "cut", "corrupt", "reset")


@dataclass
class World:
    """A service with a history, a disk, and the chance of a round."""

    slices: Path
    minutes: Sequence[datetime]
    span: tuple[str, str]
    disk: Disk
    config: Path
    chance: random.Random
    known: Known = field(default_factory=Known)

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.disk.folder / "data"

    @contextmanager
    def service(self, *faults: Fault) -> Iterator[tuple[TardisSimulator, str]]:
        """Open the service, for one night."""
        simulator = TardisSimulator(self.slices, key=KEY, faults=faults)
        with simulator.running() as url:
            yield simulator, url

    @contextmanager
    def started(
        self, url: str, *options: str, main: Callable[[], None] = main
    ) -> Iterator[ForkServerProcess]:
        """Start the job; it is killed at the end of the block, if it has not ended."""
        environment = clean_environment(
            COINFLEX_L2_TARDIS_URL=url,
            COINFLEX_L2_DATA=str(self.data),
            COINFLEX_L2_CONFIG=str(self.config),
            TARDIS_API_KEY=KEY,
        )
        first, last = self.span
        command = ("sync", "--from", first, "--to", last, "--jobs", "1", *_PLAIN, *options)
        with commands.started(command, environment, main) as it:
            assert it.process.pid
            yield it.process
            it.process.join(_DEADLINE)
            assert it.process.exitcode is not None, "it hangs"

    def alone(
        self, *faults: Fault, options: Sequence[str] = (), main: Callable[[], None] = main,
        is_counted: bool = True,
    ) -> int:  # fmt: skip
        """Run the job alone to its end; return its exit code."""
        before = len(raw_minutes(self.data)) if is_counted else 0
        with self.service(*faults) as (simulator, url):
            with self.started(url, *options, main=main) as process:
                process.join(_DEADLINE)
            asked = sum(of.minute is not None for of in simulator.requests)
        code = process.exitcode
        came = len(raw_minutes(self.data)) - before if is_counted else None
        self._know(process, Done(code, came, asked if is_counted else None))
        assert code is not None
        return code

    def _know(self, process: ForkServerProcess, done: Done) -> None:
        assert process.pid
        self.known.runs[process.pid] = done

    def _until_asked(
        self, simulator: TardisSimulator, process: ForkServerProcess, most: int
    ) -> None:
        """Wait until the service was asked so often, by chance, or the process has ended."""
        count = self.chance.randrange(1, most)
        while len(simulator.requests) < count and process.exitcode is None:
            process.join(0.005)

    def killed(self) -> None:
        """It is killed at some moment: while it starts, fetches, ingests or tidies."""
        with self.service() as (simulator, url), self.started(url) as process:
            if self.chance.random() < 0.5:
                self._until_asked(simulator, process, len(self.minutes) + 3)
            process.join(self.chance.uniform(0, 1.2))
            process.kill()
        self._know(process, Done(process.exitcode if process.exitcode == 0 else None))

    def terminated(self) -> None:
        """SIGTERM comes: it ends by itself, and says so."""
        with self.service() as (_, url), self.started(url) as process:
            process.join(self.chance.uniform(0.3, 1.5))
            process.terminate()
        code = process.exitcode
        # Before it listens to signals it dies of this one, and has written nothing.
        self._know(process, Done(None if code == -signal.SIGTERM else code))

    def stopped(self) -> None:
        """It stands still for a while, and others find the lock held; then it goes on."""
        with self.service() as (simulator, url), self.started(url) as process:
            self._until_asked(simulator, process, len(self.minutes))
            _send(process, signal.SIGSTOP)
            with self.started(url) as other:
                other.join(_DEADLINE)
            _send(process, signal.SIGCONT)
            process.join(_DEADLINE)
        # It may have been over when it was stopped.
        assert other.exitcode == 75 or process.exitcode == 0
        self._know(process, Done(process.exitcode))
        self._know(other, Done(other.exitcode))

    def two_at_once(self) -> None:
        """Two begin together: each does all there is to do, or finds the other at work."""
        with self.service() as (_, url), self.started(url) as one, self.started(url) as other:
            one.join(_DEADLINE)
            other.join(_DEADLINE)
        assert {one.exitcode, other.exitcode} <= {0, 75}
        assert 0 in (one.exitcode, other.exitcode)
        for process in (one, other):
            self._know(process, Done(process.exitcode))

    def disk_full(self) -> None:
        """The disk is full after some bytes; what was there stays, and it says so."""
        if not self.disk.is_own:
            self.file_too_large()
            return
        with self.disk.full_after(self.chance.choice([0, 4096, 20_000, 100_000, 1_000_000])):
            assert self.alone(is_counted=False) in (0, 2)

    def file_too_large(self) -> None:
        """A limit of the system ends a file half-way, wherever that comes."""
        size = self.chance.choice([1, 512, 2000, 6000, 20_000])
        limited = _Limited(size)
        assert self.alone(main=limited, is_counted=False) in (0, 2)

    def read_only(self) -> None:
        """Nothing can be written, not even a report."""
        if self.disk.is_own and self.data.exists():
            with self.disk.read_only():
                assert self.alone(is_counted=False) == 2

    def nearly_full(self) -> None:
        """It stops before the disk is full."""
        before = raw_minutes(self.data)
        # Where there is nothing to do it does not matter.
        assert self.alone(options=("--min-free-gb", "1000000")) in (0, 2)
        assert raw_minutes(self.data) == before

    def faulty_service(self) -> None:
        """The service fails in many ways; what it gives in the end is all that counts."""
        faults = [
            Fault(
                self.chance.choice(_FAULTS),
                self.chance.choice([None, self.chance.choice(self.minutes)]),
                self.chance.randrange(1, 6),
            )
            for _ in range(self.chance.randrange(1, 6))
        ]
        assert self.alone(*faults, is_counted=False) in (0, 3)

    def no_service(self) -> None:
        """There is nobody who answers."""
        with self.started("http://127.0.0.1:9") as process:
            process.join(_DEADLINE)
        assert process.exitcode == 3
        self._know(process, Done(3, 0, 0))

    def bounded(self) -> None:
        """It may ask for some minutes only."""
        most = self.chance.randrange(1, len(self.minutes))
        order = self.chance.choice(["--newest-first", "--oldest-first"])
        assert self.alone(options=("--max-requests", str(most), order)) == 0

    def clock_set(self) -> None:
        """The machine's clock is years off, or days; it is set right the next night."""
        shift = self.chance.choice([-2500, -30, -1, 1, 400])
        # Before there was anything to be had is said; nothing is lacking of what is not over yet.
        assert self.alone(main=_Shifted(shift), is_counted=False) in (0, 1)

    def caches_lost(self) -> None:
        """Somebody tidied: what can be made again is gone, or says other than it should."""
        manifests = self.data.glob("raw/*/*/*/*/*/manifest.json")
        caches = [
            # What was dropped is known by it alone.
            *(path for path in manifests if b'"dropped"' not in path.read_bytes()),
            *self.data.glob("raw/*/.settled.json"),
            *self.data.glob("lake/_catalogue/*.parquet"),
            *self.data.glob("*.duckdb"),
        ]
        for path in self.chance.sample(caches, min(len(caches), 2)):
            if self.chance.random() < 0.5:
                path.unlink()
            else:
                path.write_bytes(b"rubbish")

    def raw_retained(self) -> None:
        """Old raw is thinned or dropped, and perhaps a kill comes while it is."""
        raw = self.chance.choice(["thin", "drop"])
        config = self.config.with_name(f"{raw}.toml")
        policy = f'\n[retention]\nraw = "{raw}"\nafter_days = 1\n'
        config.write_text(self.config.read_text(encoding="utf-8") + policy, encoding="utf-8")
        options = "--config", str(config)
        if self.chance.random() < 0.5:
            assert self.alone(options=options, main=_with_small_slices, is_counted=False) == 0
            return
        with (
            self.service() as (_, url),
            self.started(url, *options, main=_with_small_slices) as process,
        ):
            process.join(self.chance.uniform(0.5, 2.0))
            process.kill()
        self._know(process, Done(process.exitcode if process.exitcode == 0 else None))

    def slices_lost(self) -> None:
        """Some slices are gone: they are fetched again."""
        there = sorted(self.data.glob("raw/*/*/*/*/*/*/*.json.*"))
        for path in self.chance.sample(there, min(len(there), 2)):
            path.unlink()


def _send(process: ForkServerProcess, number: signal.Signals) -> None:
    """Send a signal, unless the process has ended."""
    assert process.pid
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)


class _Limited:
    """The command under a limit for the size of files."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __call__(self) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._size))
        main()


def _with_small_slices() -> None:
    """Be the command, to which no slice is too small to be thinned."""
    from pipeline.retention import thinning  # noqa: PLC0415 - in the command's process

    thinning._WORTH_IT = 0  # type: ignore[misc]
    main()


class _Shifted:
    """The command on a machine whose clock is some days off."""

    def __init__(self, days: int) -> None:
        self._shift = timedelta(days)

    def __call__(self) -> None:
        from pipeline.sync import job, runs, settled  # noqa: PLC0415 - in the command's process

        shift, right = self._shift, time.time

        class Shifted(datetime):
            """What the machine takes for the time."""

            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz or UTC) + shift

        job.datetime = runs.datetime = Shifted  # type: ignore[attr-defined]
        settled.time.time = lambda: right() + shift.total_seconds()  # type: ignore[attr-defined]
        main()


KINDS = (
    World.killed, World.killed, World.terminated, World.stopped, World.two_at_once,
    World.disk_full, World.file_too_large, World.read_only, World.nearly_full,
    World.faulty_service, World.faulty_service, World.no_service, World.bounded,
    World.clock_set, World.caches_lost, World.slices_lost,
    World.raw_retained,
)  # fmt: skip
