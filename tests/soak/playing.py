"""Carries a plan out: an exchange, a capture that is killed and started anew, and a reader."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from pipeline.lake import Lake
from pipeline.lock import holding
from pipeline.simulator.exchange import ExchangeSimulator
from tests.conftest import ROOT, clean_environment
from tests.lakes import EXCHANGE
from tests.soak.clock import Clock
from tests.soak.holding import read_samples
from tests.soak.market import FastMarket
from tests.soak.plan import OUTAGE
from tests.soak.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime
    from pathlib import Path

    from pipeline.simulator.exchange import Journal, Urls
    from tests.soak.plan import Plan, Step

__all__ = ["Played", "play"]

_DEADLINE: Final = 120.0


class Played(NamedTuple):
    """What was sent, and when (by the journal's clock) a capture ended without all of it.

    `samples` are the files in which each capture said what it held, one after the other.
    """

    plan: Plan
    journal: Journal
    cut_off: list[float]
    samples: list[Path]
    reader: Reader


def play(plan: Plan, folder: Path) -> Played:
    """Capture into the data folder `folder`/live for as long as a plan says."""
    stage = _Stage(plan, folder)
    with stage.running():
        for step in plan.steps:
            stage.wait_for(step)
            stage.carry_out(step)
        stage.finish()
    return stage.played()


def _ingest_by_command(data: Path, *options: str) -> None:
    """Run `coinflex-l2 ingest` on a data folder."""
    subprocess.run(
        [sys.executable, "-m", "pipeline", "ingest", *options],
        cwd=ROOT, check=True, capture_output=True, timeout=_DEADLINE,
        env=clean_environment(COINFLEX_L2_DATA=str(data)),
    )  # fmt: skip


def _command(data: Path, markets: list[str], clock: Clock) -> list[str]:
    """Return what runs the capture."""
    given = [str(data), ",".join(markets), *map(str, clock)]
    return [sys.executable, "-m", "tests.soak.recording", *given]


def _environment(urls: Urls) -> dict[str, str]:
    """Return the environment that leads it to an exchange."""
    return clean_environment(
        COINFLEX_L2_WS_URL=urls.ws, COINFLEX_L2_REST_URL=urls.rest, PYTHONPATH=str(ROOT)
    )


class _Stage:
    """Everybody who takes part."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._data = folder / "live"
        self._lake = Lake(self._data, EXCHANGE)
        self._clock = Clock.starting(plan.start, plan.speed)
        market = FastMarket(plan.seed, self._now_clock, plan.books_per_second)
        self._codes = [listed.code for listed in market.markets]
        self._exchange = ExchangeSimulator(
            market, speed=plan.speed, faults=plan.faults, wall=lambda: self._now_clock().seconds()
        )
        self._reader = Reader(self._data, lambda: self._now_clock().now(), self._codes, plan.seed)
        self._all = ExitStack()
        self._serving = ExitStack()
        self._holding = ExitStack()
        self._cut_off: list[float] = []
        self._samples: list[Path] = []

    def running(self) -> ExitStack:
        """Start all; they end with the block."""
        self._log = self._all.enter_context((self._folder / "log").open("w"))
        self._all.enter_context(self._serving)
        self._urls = self._serving.enter_context(self._exchange.running())
        self._port = urlsplit(self._urls.rest).port or 0
        self._all.callback(self._kill)
        self._start_capture()
        self._all.enter_context(self._holding)
        self._all.enter_context(self._reader)
        return self._all

    def wait_for(self, step: Step) -> None:
        """Let time pass until it is time for a step."""
        self._let_pass(lambda: self._clock.now() >= step.at)

    def carry_out(self, step: Step) -> None:
        """Do what a step says."""
        match step.what:
            case "kill":
                self._kill()
                self._start_capture()
            case "outage":
                self._outage(step.at)
            case "restart":
                self._serving.close()
                self._start_exchange()
            case "hold":
                # The day before may be made whole just now.
                self._holding.enter_context(holding(self._data, patience=_DEADLINE))
            case "release":
                self._release(step.at.date())

    def finish(self) -> None:
        """Let time pass to the end, and end the capture as a user does."""
        today = self._plan.end.date()
        self._let_pass(
            lambda: self._clock.now() >= self._plan.end and self._lake.is_in_parts(today)
        )
        # It has five seconds to end, which would be an hour: the lake is let come up to it first.
        self._serving.close()
        self._let_pass(self._is_settled)
        self._reader.ask_anew()
        self._capture.terminate()
        assert self._capture.wait(10) == 0

    def played(self) -> Played:
        """Return what came of it."""
        return Played(
            self._plan, self._exchange.journal, self._cut_off, self._samples, self._reader
        )

    def _is_settled(self) -> bool:
        """Tell whether the lake has all that was recorded, and only the last day in parts."""
        said = read_samples(self._samples[-1])
        return (
            bool(said and said[-1]["behind"] == 0)
            and not list((self._data / "raw").glob("*/*/open/*"))
            and self._lake.days_in_parts() == [self._plan.end.date()]
        )

    def _let_pass(self, reached: Callable[[], bool]) -> None:
        seconds = (self._plan.end - self._plan.start).total_seconds() / self._plan.speed
        until = time.monotonic() + seconds + _DEADLINE
        while not reached():
            assert self._capture.poll() is None, "the capture ended by itself"
            assert time.monotonic() < until, "it does not come about"
            self._reader.check()
            time.sleep(0.02)

    def _now_clock(self) -> Clock:
        """Return the present clock: after an outage it is another one."""
        return self._clock

    def _start_exchange(self) -> None:
        self._serving.enter_context(self._exchange.running(self._port))

    def _start_capture(self) -> None:
        path = self._folder / f"samples-{len(self._samples)}"
        self._samples.append(path)
        with path.open("wb") as samples:
            self._capture = subprocess.Popen(
                _command(self._data, self._codes, self._clock),
                env=_environment(self._urls), cwd=ROOT, stdout=samples, stderr=self._log,
            )  # fmt: skip

    def _kill(self) -> None:
        self._capture.kill()
        self._cut_off.append(time.monotonic())
        self._capture.wait()

    def _outage(self, at: datetime) -> None:
        """Have all fall silent when the lake has something of the day, and go on hours later."""
        self._let_pass(lambda: self._lake.is_in_parts(at.date()))
        self._reader.ask_anew()
        self._kill()
        self._serving.close()
        self._clock = Clock.starting(self._clock.now() + OUTAGE, self._plan.speed)
        self._start_exchange()
        self._start_capture()

    def _release(self, today: date) -> None:
        """Let days in parts be made whole, when all of them was in the lake and was read."""
        self._let_pass(lambda: self._lake.is_in_parts(today))
        self._reader.ask_anew()
        self._holding.close()
        _ingest_by_command(self._data, "--to", today.isoformat())
