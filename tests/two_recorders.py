"""An exchange that two recorders listened to, each with holes of its own; and what is true of it.

Nothing here knows how the lake puts both together. What it must hold, whatever comes:

- what history has counts; what was recorded live counts where history heard nothing of an
  instrument, but for trades that history has;
- a book stands no longer than the exchange had it, and the time that it took to arrive;
- a trade that is not in the lake may be lacking, by `trade_gaps`.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.slices import Request
from tests.lakes import EXCHANGE, put
from tests.making import DAY, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST: Final = "api.example.com"
NAMES: Final = ("A", "B", "C")
BEGINS: Final = 600  # minutes of the day
MINUTES: Final = 8
SLOWEST: Final = 400_000  # microseconds that a message takes at most, to any recorder
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND

HISTORIES: Final = (
    (Request(EXCHANGE, "tardis"),),
    (Request(EXCHANGE, "tardis", ("futures/depth",)), Request(EXCHANGE, "tardis", ("trade",))),
    (Request(EXCHANGE, "tardis", None, ("A", "B")),),
    (Request(EXCHANGE, "tardis", None, ("A",)), Request(EXCHANGE, "tardis", None, ("B",))),
    (Request(EXCHANGE, "tardis", ("futures/depth",)),),
)
LIVE: Final = (
    Request(EXCHANGE, "live", ("depth", "trade", "ticker"), None, HOST),
    Request(EXCHANGE, "live", ("depth", "trade"), ("A", "C"), HOST),
    Request(EXCHANGE, "live", ("depth",), None, HOST),
)


@dataclass(frozen=True)
class Event:
    """What the exchange sent: when, on which feed, its number there, and its message."""

    time: int
    channel: str
    instrument: str
    number: int
    message: dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """A line of a recorder: when, and what; None where it is an empty one."""

    time: int
    event: Event | None


@dataclass
class Recording:
    """What a request's slices hold, and the minutes (from 0) that it has no slice of.

    `lost` is when its recorder had no connection, whatever its lines say of that.
    """

    request: Request
    lines: list[Heard]
    lacking: set[int]
    lost: list[tuple[int, int]]

    def heard(self) -> Iterator[Heard]:
        """Yield the lines of the minutes that there are."""
        return (at for at in self.lines if at.time // MINUTE not in self.lacking)

    def deaf(self) -> list[tuple[int, int]]:
        """Return when it heard nothing: after the first time, before the second."""
        found = [(minute * MINUTE - 1, (minute + 1) * MINUTE) for minute in self.lacking]
        last, is_deaf = -1, False
        for minute in range(MINUTES):
            if minute in self.lacking:
                if is_deaf:
                    found.append((last, minute * MINUTE))
                last, is_deaf = (minute + 1) * MINUTE - 1, False
                continue
            begin, end = minute * MINUTE, (minute + 1) * MINUTE
            # Such a minute is empty: another recorder's messages tell that it should not be.
            is_deaf |= any(gone <= begin and end <= again for gone, again in self.lost)
            for at in self.lines:
                if at.time // MINUTE == minute:
                    if at.event is None:
                        is_deaf = True
                    elif is_deaf:
                        found.append((last, at.time))
                        is_deaf = False
                    last = at.time if at.event else last
        return [*found, (last, MINUTES * MINUTE)] if is_deaf else found


@dataclass
class World:
    """What the exchange sent, and who recorded it."""

    events: list[Event]
    histories: list[Recording]
    live: Recording
    deaf: dict[str, list[list[tuple[int, int]]]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, seed: int, asked: tuple[Request, ...] | None = None, live: Request | None = None
    ) -> World:
        """Return a world by chance; given may be what was asked for."""
        rng = random.Random(seed)
        events = sorted(_events(rng), key=lambda event: event.time)
        lost = _connections(rng)
        requests = asked or rng.choice(HISTORIES)
        lacks = [_some_minutes(rng) for _ in requests]
        # In a minute that is lacking nobody sees that a connection was lost in the one before.
        late = not any(lacks) and rng.random() < 0.5
        off = [(minute * MINUTE, (minute + 1) * MINUTE) for lacking in lacks for minute in lacking]
        history = _record(rng, events, lost, (20_000, 80_000), late=late, unseen=off)
        histories = [_within(history, *of, lost) for of in zip(requests, lacks, strict=True)]
        lacking = _some_minutes(rng)
        off = [(minute * MINUTE, (minute + 1) * MINUTE) for minute in lacking]
        lost = sorted([*_connections(rng), *off])
        lines = _record(rng, events, lost, (5_000, SLOWEST - 10_000), unseen=off)
        return cls(events, histories, _within(lines, live or rng.choice(LIVE), lacking, lost))

    def write(self, data: Path) -> None:
        """Bring all slices through the door."""
        for recording in [*self.histories, self.live]:
            write(data, recording)

    def counting(self, channel: str) -> dict[str, list[tuple[int, int, str]]]:
        """Return what counts of a channel, by instrument: when, its number, from which origin."""
        found: dict[str, list[tuple[int, int, str]]] = {name: [] for name in NAMES}
        led: dict[str, set[int]] = {name: set() for name in NAMES}
        for recording in self.histories:
            for at in _of(recording, channel):
                found[at.event.instrument].append((at.time, at.event.number, "tardis:coinflex"))
                led[at.event.instrument].add(at.event.number)
        for at in _of(self.live, channel):
            name, number = at.event.instrument, at.event.number
            is_there = channel == "trade" and number in led[name]
            if not is_there and not self._is_led(name, at.time):
                found[name].append((at.time, number, f"live:{HOST}"))
        return {name: sorted(rows) for name, rows in found.items()}

    def _is_led(self, name: str, time: int) -> bool:
        """Say whether history heard anything of an instrument at a time."""
        if name not in self.deaf:
            asked = [of for of in self.histories if of.request.names(name)]
            self.deaf[name] = [recording.deaf() for recording in asked]
        return any(
            not any(begin < time < end for begin, end in stretches) for stretches in self.deaf[name]
        )

    def replaced(self, instrument: str, number: int) -> int | None:
        """Return when the exchange had another book than one of a number."""
        books = [e for e in self.events if (e.channel, e.instrument) == ("depth", instrument)]
        place = bisect_right(books, number, key=lambda event: event.number)
        return books[place].time if place < len(books) else None


def write(data: Path, recording: Recording) -> None:
    """Bring a recording's slices through the door."""
    for minute in set(range(MINUTES)) - recording.lacking:
        lines = [_line(at) for at in recording.lines if at.time // MINUTE == minute]
        put(data, moment(minute * MINUTE), lines, recording.request)


def moment(time: int) -> datetime:
    """Return a time of the world as a time of the day."""
    return DAY.astimezone(UTC) + timedelta(minutes=BEGINS, microseconds=time)


def of_world(time: datetime) -> int:
    """Return a time of the lake as one of the world."""
    return (time.replace(tzinfo=UTC) - moment(0)) // timedelta(microseconds=1)


def _line(at: Heard) -> str:
    return line(moment(at.time), at.event.message) if at.event else ""


def _of(recording: Recording, channel: str) -> Iterator[Any]:
    for at in recording.heard():
        if at.event and at.event.channel == channel:
            yield at


# --- the exchange, and who listens -------------------------------------------------------------


def _events(rng: random.Random) -> Iterator[Event]:
    for name in NAMES:
        time, number = -20 * SECOND, 1000 * (1 + NAMES.index(name))
        pace = rng.choice([0.4, 1.0, 6.0])
        while time < MINUTES * MINUTE:
            number += 1
            yield Event(time, "depth", name, number, _book(rng, name, number, time))
            time += round(rng.expovariate(1 / pace) * SECOND) + 1000
        time, number = 0, 0
        while (time := time + round(rng.expovariate(0.5) * SECOND)) < MINUTES * MINUTE:
            number += 1
            yield Event(time, "trade", name, number, _trade(rng, name, number, time))


def _book(rng: random.Random, name: str, number: int, time: int) -> dict[str, Any]:
    top = rng.randrange(100, 110)
    data = {
        "instrumentId": name, "seqNum": number, "timestamp": str(_sent(time)),
        "asks": [[top + 1 + n, rng.randrange(1, 9)] for n in range(3)],
        "bids": [[top - n, rng.randrange(1, 9)] for n in range(3)],
    }  # fmt: skip
    return {"table": "futures/depth", "data": [data], "action": "partial"}


def _trade(rng: random.Random, name: str, number: int, time: int) -> dict[str, Any]:
    data = {
        "side": rng.choice(["BUY", "SELL"]), "quantity": "1.5",
        "price": str(rng.randrange(99, 111)), "marketCode": name,
        "tradeId": f"{name}{number}", "timestamp": str(_sent(time)),
    }  # fmt: skip
    return {"table": "trade", "data": [data]}


def _sent(time: int) -> int:
    return round(moment(time).timestamp() * 1000)


def _connections(rng: random.Random) -> list[tuple[int, int]]:
    """Return when a recorder lost its connection, and had it again."""
    found, time = [], 0
    while (time := time + round(rng.uniform(5, 200) * SECOND)) < MINUTES * MINUTE:
        again = time + round(rng.choice([0.5, 5, 30, 90]) * rng.uniform(0.5, 1.5) * SECOND)
        found.append((time, again))
        time = again
    return found


def _some_minutes(rng: random.Random) -> set[int]:
    return {rng.randrange(MINUTES) for _ in range(rng.choice([0, 0, 1, 3]))}


def _record(
    rng: random.Random,
    events: list[Event],
    lost: list[tuple[int, int]],
    takes: tuple[int, int],
    *,
    late: bool = False,
    unseen: list[tuple[int, int]],
) -> list[Heard]:
    """Return a recorder's lines. The books of all come first, on each connection.

    An empty line stands where a connection was lost, or, where that is found out `late`, before
    the first line of the next; and there too where one may be in a minute that is `unseen`.
    """
    found: list[Heard] = []
    last = -1
    connected, begin = [], 0
    for gone, again in lost:
        if gone > begin:
            connected.append((begin, gone))
        begin = max(begin, again)
    connected.append((begin, MINUTES * MINUTE))
    for number, (since, until) in enumerate(connected):
        standing = {e.instrument: e for e in events if e.channel == "depth" and e.time < since}
        sent = [(since + 1, event) for event in standing.values()]
        sent += [(event.time, event) for event in events if since <= event.time < until]
        heard = []
        for time, event in sent:
            last = max(last + 1, time + rng.randrange(*takes))
            if last < min(until, MINUTES * MINUTE):
                heard.append(Heard(last, event))
        if since:
            gone = connected[number - 1][1] if number else 0
            before = found[-1].time if found else 0
            if not (late and heard):
                found.append(Heard(min(max(before, gone), MINUTES * MINUTE - 1), None))
            if heard and (late or any(begin < since and gone < end for begin, end in unseen)):
                found.append(Heard(heard[0].time, None))
        found += heard
        last = min(last, until)
    return found


def _within(
    lines: list[Heard], request: Request, lacking: set[int], lost: list[tuple[int, int]]
) -> Recording:
    """Return what a request has of a recorder's lines."""
    kept = [
        at
        for at in lines
        if at.event is None or request.covers(at.event.channel, at.event.instrument)
    ]
    return Recording(request, kept, lacking, lost)


def changed(
    recording: Recording, channel: str, change: Callable[[Event, dict[str, Any]], None]
) -> Recording:
    """Return a recording whose messages of a channel are changed, each by its item."""
    lines = []
    for at in recording.lines:
        event = at.event
        if event and event.channel == channel:
            message = json.loads(json.dumps(event.message))
            change(event, message["data"][0])
            event = replace(event, message=message)
        lines.append(Heard(at.time, event))
    return replace(recording, lines=lines)
