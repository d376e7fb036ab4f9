"""What a user waits for at a prompt: `--help`, the plan of a month, `status` of a large lake.

And what a night costs on which `sync` has nothing to do, and to prove one day.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from benchmarks.lakes import FIRST_MINUTE
from benchmarks.service import OneFeedTardis, coinflex_l2
from benchmarks.slices import minute_text

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from benchmarks.sizes import Size

__all__ = ["Command", "measure", "verify_day"]

_MONTH: Final = ("--from", "2020-08-01", "--to", "2020-09-01")
_COVERAGE: Final = "select condition, count(*) from coverage group by condition order by condition"
_MONTH_END: Final = datetime(2020, 9, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Command:
    """A command line and the seconds of each of its runs, process start included."""

    name: str
    seconds: list[float]


def measure(data: Path, there: int, slices: Path, size: Size) -> list[Command]:
    """Time the commands on a data folder with a large lake and `there` slices of the month.

    `slices` are some of its first day, which is all that the loopback Tardis has to know.
    """
    options = ("--data", str(data))
    runs = size.commands
    plan = (*options, "backfill", *_MONTH, "--dry-run", "--json")
    with OneFeedTardis(slices, available_to=_MONTH_END).running() as url:
        facts = json.loads(coinflex_l2(*plan, url=url))
        assert facts["minutes_there_already"] == there, facts
        return [
            _timed("--help", runs, "--help"),
            _timed("plan of a month", runs, *plan, url=url),
            _timed("status", runs, *options, "status"),
            _timed("coverage", runs, *options, "sql", _COVERAGE),
            _quiet_sync(data, runs, size.minutes, url),
        ]


def verify_day(data: Path, day: date) -> Command:
    """Time `verify` of one day, once: its files, the day made again, minutes of it read again."""
    span = ("--from", day.isoformat(), "--to", (day + timedelta(1)).isoformat())
    begun = time.perf_counter()
    facts = json.loads(coinflex_l2("--data", str(data), "verify", *span, "--json"))
    seconds = time.perf_counter() - begun
    assert facts["differences"] == 0, facts
    return Command("verify of a day", [seconds])


def _quiet_sync(data: Path, runs: int, minutes: int, url: str) -> Command:
    """Time `sync` when all that it wants is there, and it has seen so before.

    It wants what is there of the first day. The first run brings the month into the lake, a
    later one sees that nothing changes any more.
    """
    there = ("--from", minute_text(FIRST_MINUTE), "--to", minute_text(FIRST_MINUTE + minutes))
    sync = ("--data", str(data), "sync", *there, "--json")
    while json.loads(coinflex_l2(*sync, url=url))["days_complete_before"] == 0:
        time.sleep(1)
    return _timed("sync, nothing to do", runs, *sync, url=url)


def _timed(name: str, runs: int, *arguments: str, url: str | None = None) -> Command:
    if runs > 1:  # otherwise it is to be seen that it works
        coinflex_l2(*arguments, url=url)
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        coinflex_l2(*arguments, url=url)
        seconds.append(time.perf_counter() - begun)
    return Command(name, seconds)
