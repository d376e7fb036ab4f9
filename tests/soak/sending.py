"""What came into the lake, held against what the exchange really sent.

Each connection was recorded from its first frame on, without a hole; what is missing at its end was
on its way when it, or the capture, was killed. Of what was recorded the lake has each row, with the
values that the simplest reading gives (faults/model.py), day by day.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from tests.capturing import recorded
from tests.faults.comparing import compare_rows, read, stretches
from tests.faults.model import DAY_US, Model, let_stand, number, take, unknown
from tests.faults.received import Arrived, microseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.simulator.exchange import ConnectionLog, Frame, Journal
    from tests.capturing import Line

__all__ = ["compare_with_sent"]

_EPOCH: Final = date(1970, 1, 1)
_WELCOME: Final = b'"Welcome"'
# What a kill may cost is what came in its last second; and it takes some time to come, on a machine
# that is as busy as with this.
_LAST_SECONDS: Final = 5.0


def compare_with_sent(data: Path, journal: Journal, cut_off: Sequence[float]) -> Counter[str]:
    """Raise AssertionError where raw or the lake is other than what was sent; count what was."""
    runs, counts = _runs(recorded(data), journal.connections, cut_off)
    for day, of_day in _by_day(runs):
        model = _model_of(day, of_day)
        lake = read(data, (_EPOCH + timedelta(days=day)).isoformat())
        compare_rows(lake, model)
        for market, standing in model.standing.items():
            no_book = [row for row in lake["gaps", market] if row["is_unknown"]]
            assert stretches(no_book) == unknown(standing, model.day), (day, market)
        counts["rows"] += len(model.order)
        counts["quarantined"] += len(model.quarantine)
        assert [row["raw"] for row in lake["quarantine", ""]] == model.quarantine
    return counts


def _runs(
    lines: Sequence[Line], connections: Sequence[ConnectionLog], cut_off: Sequence[float]
) -> tuple[list[list[Arrived]], Counter[str]]:
    """Return what was received between two marks, each line with the frame that was sent."""
    logs = {log.frames[0].payload: log for log in connections if log.frames}
    counts = Counter[str](connections=len(connections))
    runs: list[list[Arrived]] = []
    sent: list[Frame] = []
    taken = 0
    for is_there, group in groupby(lines, key=lambda line: bool(line.arrived)):
        if not is_there:
            continue
        of_run = [*group]
        if _WELCOME in of_run[0].frame:
            counts += _missing(sent[taken:], cut_off)
            log = logs.pop(of_run[0].frame)
            sent, taken = log.frames, 0
            lost = [log.closed] if log.closed is not None and log.ending == "dropped" else []
            cut_off = [*cut_off, *lost]
        frames = sent[taken : taken + len(of_run)]
        taken += len(of_run)
        texts = [frame.payload.replace(b"\n", b" ") for frame in frames]
        assert [line.frame for line in of_run] == texts, "recorded otherwise than sent"
        pairs = zip(frames, of_run, strict=True)
        runs.append([Arrived(frame, microseconds(line), line) for frame, line in pairs])
        counts["messages"] += len(of_run)
    for log in logs.values():  # not a line of these was recorded
        counts += _missing(log.frames, cut_off)
    counts += _missing(sent[taken:], cut_off)
    return runs, counts


def _missing(frames: Iterable[Frame], cut_off: Sequence[float]) -> Counter[str]:
    """Count frames that were sent and not recorded: they could not be, moments before an end."""
    counts = Counter[str]()
    for frame in frames:
        counts["missing"] += 1
        assert any(-0.5 < end - frame.time < _LAST_SECONDS for end in cut_off), f"missing: {frame}"
    return counts


@dataclass
class _Part:
    """What of a run came on one day (from 1970), and in which stretch of it it stood."""

    day: int
    frames: list[Arrived]
    since: int
    until: int


def _by_day(runs: Iterable[list[Arrived]]) -> Iterator[tuple[int, list[_Part]]]:
    """Yield each day with its parts of runs, in order."""
    parts = []
    for run in runs:
        for day, group in groupby(run, key=lambda arrived: arrived.at // DAY_US):
            frames = [*group]
            since = frames[0].at if frames[0] is run[0] else day * DAY_US
            until = frames[-1].at + 1 if frames[-1] is run[-1] else (day + 1) * DAY_US
            parts.append(_Part(day, frames, since, until))
    for day, of_day in groupby(parts, key=lambda part: part.day):
        yield day, [*of_day]


def _model_of(day: int, parts: Iterable[_Part]) -> Model:
    model = Model(day=day * DAY_US)
    for place, part in enumerate(parts):
        for arrived in part.frames:
            take(model, arrived, place)
        let_stand(model, place, part.until)
        if part.since == model.day:  # the last book of the day before stands on
            for standing in model.standing.values():
                standing[0] = model.day, standing[0][1]
    for books in model.depth.values():
        number(books)
    return model
