"""Kills captures at random moments, and compares what they recorded with what was sent.

`python -m tests.kills --rounds 200` for a long run; a few rounds are a test.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.simulator.exchange import ExchangeSimulator
from pipeline.simulator.market import GeneratedFeed
from tests.capturing import recorded
from tests.conftest import ROOT, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.simulator.exchange.journal import ConnectionLog
    from pipeline.simulator.exchange.server import Urls
    from tests.capturing import Line

# What a kill may cost is what came in its last second. A line takes some time to come, too, on a
# machine that is busy with other tests.
_LAST_SECOND = 1.0
_NEAR_A_MINUTE = 5.0
_WHILE_IT_STARTS = 0.3
_SOME = 20


def kill_and_compare(data: Path, rounds: int, seed: int, slack: float = 2.0) -> Counter[str]:
    """Kill that many captures of one market, let a last one end by itself, and compare.

    Returns how many lines there were and how many were missing, in all. Raises AssertionError where
    a line is torn, doubled, out of order, or missing though it was sent more than a second (and
    `slack`) before the kill.
    """
    chance = random.Random(seed)
    exchange = ExchangeSimulator(GeneratedFeed(seed, levels=20, books_per_second=20))
    names = ",".join(market.code for market in GeneratedFeed(seed).markets)
    killed = []
    with exchange.running() as urls:
        for _ in range(rounds):
            before = len(exchange.journal.connections)
            with _capture(data, urls, names) as process:
                if chance.random() < _WHILE_IT_STARTS:
                    _wait(chance.uniform(0.2, 1.5), process)
                else:
                    _wait_for_frames(exchange, before, process)
                    _wait(_moment(chance), process)
                process.kill()
                killed.append(time.monotonic())
        before = len(exchange.journal.connections)
        with _capture(data, urls, names) as process:
            _wait_for_frames(exchange, before, process)
            process.terminate()
            assert process.wait(30) == 0
        connections = exchange.journal.connections
    return _compare(recorded(data), connections, killed, slack)


def _moment(chance: random.Random) -> float:
    """Return after how many seconds to kill: at the turn of a minute if one is near."""
    to_minute = 60 - time.time() % 60
    if to_minute < _NEAR_A_MINUTE:
        return to_minute + chance.uniform(-0.1, 1.0)
    return chance.uniform(0.0, 2.0)


def _wait_for_frames(
    exchange: ExchangeSimulator, before: int, process: subprocess.Popen[bytes]
) -> None:
    """Return when connections since `before` were sent some."""
    while sum(log.sent_count for log in exchange.journal.connections[before:]) < _SOME:
        _wait(0.02, process)


def _wait(seconds: float, process: subprocess.Popen[bytes]) -> None:
    """Let time pass; nothing but a kill ends a capture."""
    try:
        process.wait(max(seconds, 0))
    except subprocess.TimeoutExpired:
        return
    raise AssertionError(f"the capture ended by itself with {process.returncode}")


@contextmanager
def _capture(data: Path, urls: Urls, names: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = clean_environment(
        COINFLEX_L2_WS_URL=urls.ws, COINFLEX_L2_REST_URL=urls.rest, COINFLEX_L2_DATA=str(data)
    )
    command = [sys.executable, "-m", "pipeline", "capture", "--instruments", names]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _compare(
    lines: list[Line], connections: list[ConnectionLog], killed: list[float], slack: float
) -> Counter[str]:
    """Hold what was recorded against what was sent: of each connection a head, then a mark."""
    runs = _runs(lines)
    counts = Counter[str](kills=len(killed), lines=sum(map(len, runs.values())))
    for number, log in enumerate(connections):
        sent = [frame.payload for frame in log.frames]
        kept = runs.pop(sent[0], []) if sent else []
        assert kept == sent[: len(kept)], f"connection {number} was recorded otherwise than sent"
        ended = next((at for at in killed if at >= log.opened), None)
        for frame in log.frames[len(kept) :]:
            counts["missing"] += 1
            if ended is not None:
                assert frame.time > ended - _LAST_SECOND - slack, f"missing: {frame}"
    assert not runs, f"recorded, and never sent: {runs}"
    return counts


def _runs(lines: list[Line]) -> dict[bytes, list[bytes]]:
    """Return the recorded frames of each connection, by its welcome; before each stands a mark."""
    runs: dict[bytes, list[bytes]] = {}
    current: list[bytes] = []
    for before, line in zip([None, *lines], lines, strict=False):
        if not line.arrived:
            continue
        if b'"Welcome"' in line.frame:
            assert before is None or not before.arrived, "a connection begins without a mark"
            assert line.frame not in runs, "a connection was recorded twice"
            current = runs[line.frame] = []
        current.append(line.frame)
    arrived = [line.arrived for line in lines if line.arrived]
    assert arrived == sorted(arrived), "arrival times run backwards"
    return runs


def main() -> None:
    """Kill as many as asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="captures to kill (200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--slack", type=float, default=2.0,
        help="seconds beside the last one that a line may take to come; 0 on an idle machine (2)",
    )  # fmt: skip
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = kill_and_compare(Path(folder), options.rounds, options.seed, options.slack)
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()))


if __name__ == "__main__":
    main()
