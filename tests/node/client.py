"""What Tardis's own client for Node.js makes of slices, and of a live feed, asked on loopback."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import pytest

from benchmarks.node import AbsentError, TardisDev
from tests.conftest import ROOT
from tests.world import KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.times import Range
    from tests.independent import Book, Levels

DEPTHS = (5, 25)
STEPS = (100, 1000)  # milliseconds
ON_CHANGE: Final = 0

_SCRIPT: Final = Path(__file__).with_name("replay.cjs")
_REALTIME: Final = Path(__file__).with_name("realtime.cjs")
_KEPT: Final = ROOT / "data" / "bench"  # where the benchmark keeps the package too


class Said(NamedTuple):
    """A book, and its times in microseconds: the exchange's and the arrival."""

    timestamp: int | None
    arrival: int
    book: Book


@dataclass
class Told:
    """What was told of one instrument, in order.

    `runs` are the messages, as received, from one beginning or disconnect to the next. `snapshots`
    are by depth and step. `silent` are the first books of a run that are empty: they are the only
    books of which the client tells nothing on change. `on_change` has them in their places.
    """

    runs: list[list[Said]] = field(default_factory=list)
    snapshots: dict[tuple[int, int], list[Said]] = field(default_factory=dict)
    silent: list[Said] = field(default_factory=list)
    on_change: dict[int, list[Said]] = field(default_factory=dict)

    @property
    def messages(self) -> list[Said]:
        """All messages."""
        return [said for run in self.runs for said in run]


def replayed(url: str, ranges: Sequence[Range], cache: Path) -> dict[str, Told]:
    """Return what the client tells of each instrument in some ranges.

    Skips the test where there is no Node.js, or no way to get the package.
    """
    client = _installed()
    task = {
        "endpoint": f"{url}/v1",
        "cache": str(cache),
        "key": KEY,
        "exchange": "coinflex",
        "ranges": [[time.strftime("%Y-%m-%dT%H:%M") for time in each] for each in ranges],
        "snapshots": [(depth, step) for depth in DEPTHS for step in (ON_CHANGE, *STEPS)],
    }
    return _told(map(msgspec.json.decode, client.run(_SCRIPT, task).splitlines()))


def heard(url: str, symbols: Sequence[str]) -> list[list[Any]]:
    """Return what the client hears on a live feed until it closes; realtime.cjs says in what form.

    Skips the test as `replayed` does.
    """
    task = {"exchange": "coinflex", "url": url, "symbols": symbols}
    lines = _installed().run(_REALTIME, task).splitlines()
    return [msgspec.json.decode(line) for line in lines]


def _installed() -> TardisDev:
    try:
        return TardisDev.installed(_KEPT)
    except AbsentError as reason:
        pytest.skip(f"nothing to compare with: {reason}")


def _told(lines: Iterable[list[Any]]) -> dict[str, Told]:
    found: dict[str, Told] = {}
    begun: set[str] = set()  # those of which a message was told since the last break
    for kind, *rest in lines:
        if kind in {"begin", "disconnect"}:
            begun = set()
            continue
        symbol, timestamp, arrival, *book = rest
        told = found.setdefault(symbol, Told())
        bids, asks = ([(float(price), float(amount)) for price, amount in side] for side in book)
        said = Said(timestamp, arrival, (bids, asks))
        if kind == "book_change":
            _take_message(told, said, first=symbol not in begun)
            begun.add(symbol)
        else:
            depth, step = map(int, kind.split("/"))
            told.snapshots.setdefault((depth, step), []).append(said)
            if step == ON_CHANGE:
                told.on_change.setdefault(depth, []).append(said)
    return found


def _take_message(told: Told, said: Said, *, first: bool) -> None:
    if first:
        told.runs.append([])
    told.runs[-1].append(said)
    if first and whole_book(said.book) == ([], []):
        told.silent.append(said)
        for depth in DEPTHS:
            told.on_change.setdefault(depth, []).append(Said(*said[:2], ([], [])))


def whole_book(received: Book) -> Book:
    """Return the sides best first: of repeated prices the last counts, and an amount of 0 is none.

    A level after another, as the client's own OrderBook takes them.
    """
    bids, asks = map(_levels, received)
    return sorted(bids.items(), reverse=True), sorted(asks.items())


def _levels(received: Levels) -> dict[float, float]:
    found: dict[float, float] = {}
    for price, amount in received:
        found.pop(price, None)
        if amount:
            found[price] = amount
    return found
