"""The recording, held against what was sent: connection by connection, with a mark before each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tests.faults.playing import LARGEST_FRAME, ends
from tests.faults.schedule import LONG

if TYPE_CHECKING:
    from pipeline.simulator.exchange.journal import ConnectionLog, FaultMet, Frame, Journal
    from tests.capturing import Line

__all__ = ["Arrived", "Visit", "microseconds", "visits"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WELCOME: Final = b'"Welcome"'


@dataclass
class Arrived:
    """A frame as the exchange's journal has it, and when it arrived, in microseconds UTC."""

    frame: Frame
    at: int
    line: Line


@dataclass
class Visit:
    """What was received on one connection, in order."""

    log: ConnectionLog
    frames: list[Arrived] = field(default_factory=list)


def visits(journal: Journal, lines: list[Line]) -> list[Visit]:
    """Return the connections that anything was received on.

    Raises AssertionError if anything was recorded that was not sent, or in another order, if
    anything is missing that could have been received, or a mark between two connections.
    """
    runs = _runs(lines)
    found = []
    for log in journal.connections:
        sent = _receivable(log)
        kept = runs.pop(sent[0].payload, []) if sent else []
        faults = [met for met in journal.faults if met.connection == log.number]
        told = f"connection {log.number} ({log.ending})"
        texts = [frame.payload.replace(b"\n", b" ") for frame in sent]
        assert [line.frame for line in kept] == texts[: len(kept)], f"{told}: not what was sent"
        if not any(map(_cuts_off, faults)):
            assert len(kept) == len(sent), f"{told}: {len(kept)} of {len(sent)} frames recorded"
        if log is not journal.connections[-1]:
            assert any(ends(met.fault, met.value) for met in faults), f"{told}: ended for nothing"
        if kept:
            pairs = zip(sent, kept, strict=False)
            found.append(Visit(log, [Arrived(f, microseconds(li), li) for f, li in pairs]))
    assert not runs, f"recorded, and never sent: {runs}"
    return found


def _runs(lines: list[Line]) -> dict[bytes, list[Line]]:
    """Return the lines of each connection by its welcome; marks stand between them, and only so."""
    assert lines
    assert not lines[0].arrived, "the recording begins without a mark"
    assert not lines[-1].arrived, "the recording ends without a mark"
    runs: dict[bytes, list[Line]] = {}
    for before, line in pairwise(lines):
        if not line.arrived:
            continue
        begins = _WELCOME in line.frame
        assert begins == (not before.arrived), f"a mark too many or too few before {line}"
        assert not begins or line.frame not in runs, f"a connection twice: {line}"
        if begins:
            current = runs[line.frame] = []
        current.append(line)
    arrived = [line.arrived for line in lines if line.arrived]
    assert arrived == sorted(arrived), "arrival times run backwards"
    return runs


def _receivable(log: ConnectionLog) -> list[Frame]:
    """Return the frames that a client could receive, and is to record: none about its key."""
    frames: list[Frame] = []
    for frame in log.frames:
        if len(frame.payload) > LARGEST_FRAME:
            break
        if not (frame.kind == "answer" and b'"event":"login"' in frame.payload):
            frames.append(frame)
    return frames


def _cuts_off(met: FaultMet) -> bool:
    """Tell whether what was sent may be lost on the way: by a reset, or a client that gave up."""
    return met.fault == "drop" or (met.fault == "stall" and float(met.value) >= LONG)


def microseconds(line: Line) -> int:
    """Return when a line arrived, in microseconds UTC."""
    whole = datetime.strptime(line.arrived[:26] + "+0000", "%Y-%m-%dT%H:%M:%S.%f%z")
    return (whole - _EPOCH) // timedelta(microseconds=1)
