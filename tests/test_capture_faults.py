"""Whatever the exchange does wrong, the lake is what it really sent, and says what it lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from pipeline.simulator.exchange.faults import KINDS
from pipeline.simulator.exchange.journal import Command, Journal, Request
from tests.faults.comparing import compare
from tests.faults.limits import check_limits
from tests.faults.model import Model, model_of
from tests.faults.playing import Played, play
from tests.faults.received import visits
from tests.faults.running import check, counts
from tests.faults.schedule import Schedule
from tests.faults.shrinking import shrinking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A capture waits for most of its time: so many wait side by side.
_SIDE_BY_SIDE: Final = 8
SEEDS: Final = range(4)
ONE: Final = "BTC-USD-SWAP-LIN"
LOSS: Final = Schedule.parse("seed=1 markets=3: drop@message 20")


class Told(NamedTuple):
    """A schedule that has one kind of fault, and what there must be, counted, for it to count."""

    schedule: str
    counts: dict[str, int]


# By fault. Of each of 2 markets 16 books are played, in turn.
ALONE: Final = {
    "nothing": Told("seed=1:", {"books": 32, "missed": 0, "holes": 0}),
    "drop": Told("seed=1: drop@message 20", {"holes": 2, "missed": 0}),
    "drop, again and again": Told("seed=1 markets=3: drop@message 9*3", {"holes": 9}),
    "close": Told("seed=1 login era=2022-10: close=1012@0.7", {"holes": 2, "missed": 0}),
    "half-close": Told("seed=1 era=2020: half-close@message 9", {"holes": 2, "missed": 0}),
    "trades that are refused after a loss": Told(
        "seed=1: close=1001@1; refuse=BTC-USD-SWAP-LIN@0.9*3", {}
    ),
    "bytes that are no UTF-8, in the name of a field": Told(
        "seed=6 markets=1 era=2020: garble-utf8@message 2", {"quarantined": 1}
    ),
    "losses around the turn of a minute": Told(
        "seed=1 second=59.6: close=1001@message 6*2", {"holes": 4}
    ),
    "a short stall": Told("seed=1: stall=0.5@0.7", {"books": 24, "missed": 8, "holes": 0}),
    "stall": Told("seed=1 stale=4: stall=1000000@0.7", {"holes": 2, "missed": 0}),
    "delay": Told("seed=1: delay=0.5@0.7", {"books": 32, "missed": 0}),
    "slow": Told("seed=1: slow=50000@0.5", {"books": 32, "missed": 0}),
    "reorder": Told("seed=2 markets=1: reorder@message 4*3", {"books": 16, "restarts": 1}),
    "duplicate": Told("seed=1: duplicate@0.5*3", {"books": 35, "duplicates": 3}),
    "skip": Told("seed=1: skip=3@0.5", {"books": 29, "missed": 3}),
    "restart": Told("seed=1: restart@1", {"books": 32, "restarts": 2, "missed": 0}),
    # A step of 1,000 is the longest that says how many were missed.
    "restart, a little forward": Told(
        "seed=1: restart=999@0.5; restart=1000@1; restart=-5@1.5", {"missed": 1998, "restarts": 4}
    ),
    "malformed": Told("seed=1: malformed@0.5*5", {"quarantined": 5, "holes": 0}),
    "oversized": Told("seed=1: oversized=1000000@0.5", {"books": 32}),
    "oversized, more than is taken": Told("seed=1: oversized=9000000@0.5", {"holes": 2}),
    "garble-utf8": Told("seed=1: garble-utf8@0.5*3", {"quarantined": 3, "holes": 0}),
    "foreign": Told("seed=1: foreign@0.5*2", {"foreign": 2, "quarantined": 2, "books": 32}),
    "refuse": Told("seed=1: refuse=ETH-USD-SWAP-LIN; drop@1", {"books": 20, "holes": 1}),
    "rest": Told("seed=1 unnamed era=2020: rest=500", {"books": 32}),
    "http": Told("seed=1 unnamed: http=503@0.5*2; close=1001@0.5", {"holes": 2}),
    "upgrade": Told("seed=1: upgrade=500*2; upgrade=429@0.5; close=1001@0.5", {"holes": 2}),
}


class Capture(NamedTuple):
    """What was played, and the data folder with what was captured of it."""

    played: Played
    data: Path


Captures = Callable[[Schedule], Capture]


@pytest.fixture(name="captured", scope="module")
def _captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Captures]:
    """Play all schedules of this file, side by side; return what gives the captures of one."""
    texts = [told.schedule for told in ALONE.values()]
    schedules = [*map(Schedule.parse, texts), LOSS, *map(Schedule.of_seed, SEEDS)]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        folders = {schedule: tmp_path_factory.mktemp("captured") for schedule in schedules}
        running = {schedule: pool.submit(play, schedule, folders[schedule]) for schedule in folders}
        yield lambda schedule: Capture(running[schedule].result(), folders[schedule])


@pytest.fixture(name="loss", scope="module")
def _loss(captured: Captures) -> Capture:
    """Return the capture of one loss, which has been brought into the lake."""
    found = captured(LOSS)
    check(*found)
    return found


@pytest.mark.parametrize("name", ALONE)
def test_what_one_fault_leaves_is_what_was_sent(captured: Captures, name: str) -> None:
    """Each row once, in order, with its values; each hole marked, each missed book counted."""
    schedule = Schedule.parse(ALONE[name].schedule)
    played, data = captured(schedule)
    met = {(met.fault, met.value) for met in played.journal.faults}
    assert met == {(fault.kind, fault.value) for fault in schedule.parsed_faults()}
    counted = counts(check(played, data))
    assert {what: counted[what] for what in ALONE[name].counts} == ALONE[name].counts


def test_each_kind_of_fault_was_played_alone() -> None:
    """Whatever the exchange can be told to do wrong is done to a capture."""
    texts = [told.schedule for told in ALONE.values()]
    kinds = {fault.kind for text in texts for fault in Schedule.parse(text).parsed_faults()}
    assert kinds == KINDS.keys()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_random_faults_leave_is_what_was_sent(captured: Captures, seed: int) -> None:
    """Several at random moments; `python -m tests.faults` plays more, and shrinks what fails."""
    schedule = Schedule.of_seed(seed)
    with shrinking(schedule):
        assert check(*captured(schedule)).order


def test_all_is_asked_for_in_one_command(captured: Captures) -> None:
    """Nine subscriptions need not wait for each other, where a command a second is allowed."""
    played, _ = captured(Schedule.parse(ALONE["drop, again and again"].schedule))
    logs = played.journal.connections
    assert len(logs) == 4
    for log in logs:
        assert [len(json.loads(command.text)["args"]) for command in log.commands] == [9]


# --- whether anything would be noticed ------------------------------------------------------------


def _without_a_line(played: Played) -> Played:
    lines = [*played.lines]
    del lines[len(lines) // 2]
    return played._replace(lines=lines)


def _without_a_mark(played: Played) -> Played:
    marks = [place for place, line in enumerate(played.lines) if not line.arrived]
    lines = [line for place, line in enumerate(played.lines) if place != marks[1]]
    return played._replace(lines=lines)


def _with_a_line_twice(played: Played) -> Played:
    middle = len(played.lines) // 2
    return played._replace(lines=[*played.lines[:middle], *played.lines[middle - 1 :]])


@pytest.mark.parametrize("spoil", [_without_a_line, _without_a_mark, _with_a_line_twice])
def test_a_spoiled_recording_would_be_noticed(
    loss: Capture, spoil: Callable[[Played], Played]
) -> None:
    """A line that is missing, a line too many, a loss without a mark."""
    spoiled = spoil(loss.played)
    with pytest.raises(AssertionError):
        visits(spoiled.journal, spoiled.lines)


def _other(rows: list[dict[str, Any]], name: str, value: object) -> None:
    rows[-1][name] = value


# What the lake would have to be for these to be right.
SPOILERS: Final[dict[str, Callable[[Model], object]]] = {
    "a trade's price": lambda m: _other(m.trades[ONE], "price", 1.0),
    "a ticker's": lambda m: _other(next(iter(m.tickers.values())), "last_price", 1.0),
    "a trade less": lambda m: m.trades[ONE].pop(),
    "a book less": lambda m: m.depth[ONE].pop(),
    "a level of a book": lambda m: m.depth[ONE][-1].bids.popitem(),
    "what was missed": lambda m: _other([m.depth[ONE][-1].row], "missed", 1),
    "when a book ends": lambda m: _other([m.depth[ONE][-1].row], "valid_until", 0),
    "the order": lambda m: m.order.reverse(),
    "a hole of books": lambda m: m.standing[ONE].pop(),
    "a hole of trades": lambda m: m.connected[ONE].pop(),
    "too much of one": lambda m: m.live[ONE].append((m.day, m.day + 1)),
    "a line that can't be read": lambda m: m.quarantine.append("x"),
    "a foreign one": lambda m: setattr(m, "foreign", 1),
}


@pytest.mark.parametrize("name", SPOILERS)
def test_another_lake_would_be_noticed(loss: Capture, name: str) -> None:
    """Whatever differs between the lake and the model."""
    played, data = loss
    model = model_of(visits(played.journal, played.lines), played.events)
    SPOILERS[name](model)
    with pytest.raises(AssertionError):
        compare(data, model, played.lines)


def test_a_client_that_asks_too_often_would_be_noticed() -> None:
    """Two commands within a second, or connections one upon the other."""
    journal = Journal()
    log = journal.open(0.0, "v1")
    for time in (0.0, 0.9):
        log.add_command(Command(time, "subscribe", b""))
        journal.add_request(Request(time, "/v1/websocket", {}, 101))
    check_limits(journal, login=True)
    with pytest.raises(AssertionError):
        check_limits(journal, login=False)
    for _ in range(9):
        journal.add_request(Request(0.9, "/v1/websocket", {}, 101))
    with pytest.raises(AssertionError):
        check_limits(journal, login=True)


def test_a_failing_schedule_is_shrunk_to_what_it_needs() -> None:
    """What is left out is not needed, and what is left is."""

    def fails(schedule: Schedule) -> bool:
        kinds = [fault.kind for fault in schedule.parsed_faults()]
        return "drop" in kinds and "skip" in kinds and schedule.markets > 1

    text = "seed=4 markets=3 era=2020 login: foreign@1; drop@1*3; drop@2; skip=2@1; delay=1@1"
    with pytest.raises(KeyError) as caught, shrinking(Schedule.parse(text), fails):
        raise KeyError
    note = caught.value.__notes__[0]
    smallest = Schedule.parse(note.partition("--schedule ")[2].strip("'"))
    assert smallest == Schedule(4, ("drop@2", "skip=2@1"), markets=2)


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_is_read_as_it_is_printed(seed: int) -> None:
    """So that what has failed once can be run again."""
    schedule = Schedule.of_seed(seed)
    assert Schedule.parse(str(schedule)) == schedule
    assert schedule == Schedule.of_seed(seed)
