"""What the benchmark reads: generated markets, and the recorded order flow repeated.

A generated minute depends on its market and its number alone: every ten minutes the walk begins
anew from a book of that seed, so minutes may be made in any order, by any number of processes, and
are the same bytes. Folders are named after their parameters and kept, so that a second run of the
benchmark is quick.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import order_flow
from benchmarks.market import Book, Market, message
from benchmarks.slices import DAY, MINUTE_MS, Slices, link, minute_file, minute_text, write

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["MARKETS", "WORKLOADS", "make", "make_order_flow", "minute_lines", "prepared"]

# Name → what it is. All contenders read those of the first three, the last is for this project's
# ingest alone: it checks what the form of 2020 does not have.
WORKLOADS: Final = {
    "generated": "100 levels a side, a message every 50 ms, wire form of 2020",
    "order_flow": "two recorded instruments, 100 and 50 levels a side, with trades, repeated",
    "thin": "2 levels a side, 1,200 messages a minute, wire form of 2020",
    "generated_2022": "100 levels a side, a message every 50 ms, wire form of 2022 with checksums",
}

MARKETS: Final = {
    market.name: market
    for market in (
        Market("generated"),
        Market("generated_2022", form="2022"),
        Market("thin", instrument="FLEX-USD", levels=2, calls=0.7),
    )
}

_SAMPLE: Final = Path(__file__).parent.parent / "data" / "sample"
# Raised whenever the same parameters give other bytes: what was kept is then made again.
_VERSION: Final = 1
_BLOCK: Final = 10  # minutes after which a walk begins anew
_START_MS: Final = round(DAY.timestamp() * 1000)
# In steps of 100 ns: a message arrives 3 ms after it was sent, or up to 25 ms later.
_DELAY: Final = 30_000
_JITTER: Final = 250_000
_LAST: Final = MINUTE_MS * 10_000 - 1
# So that sequence numbers of the day before are above those of the engine's start too.
_MINUTES_BEFORE: Final = 100_000


def prepared(name: str, minutes: Collection[int], kept: Path, folder: Path) -> Slices:
    """Return some minutes of a workload in a folder of their own, linked to those that are kept."""
    if name == "order_flow":
        source = make_order_flow(kept, _SAMPLE, minutes)
        messages = order_flow.count(_SAMPLE, minutes)
    else:
        source = make(kept, MARKETS[name], minutes)
        messages = len(minutes) * MARKETS[name].messages_a_minute
    return Slices.of(link(source, minutes, folder), messages)


def make(kept: Path, market: Market, minutes: Collection[int], jobs: int | None = None) -> Path:
    """Return a folder that has a market's slices of these minutes; those that lack are made.

    `jobs` are processes, by default as many as cores.
    """
    folder = kept / f"{market.name}-{_digest(market)}"
    _make(folder, minutes, partial(_write_generated, folder, market), _BLOCK, jobs)
    return folder


def make_order_flow(
    kept: Path, sample: Path, minutes: Collection[int], jobs: int | None = None
) -> Path:
    """Return a folder that has these minutes of the recorded ones, repeated without an end."""
    folder = kept / f"order_flow-v{_VERSION}"
    work = partial(order_flow.repeat, sample, folder)
    _make(folder, minutes, work, len(order_flow.RECORDED), jobs)
    return folder


def minute_lines(market: Market, minutes: Collection[int]) -> Iterator[tuple[int, str]]:
    """Yield some minutes of one block, each with its lines; the walk passes those before too."""
    block = min(minutes) // _BLOCK
    generator = random.Random(f"{_VERSION} {market} {block}")
    book = Book(market, generator)
    for minute in range(block * _BLOCK, max(minutes) + 1):
        lines = "".join(_lines(market, book, generator, minute))
        if minute in minutes:
            yield minute, lines


def _lines(market: Market, book: Book, generator: random.Random, minute: int) -> Iterator[str]:
    clock = minute_text(minute)
    before = (minute + _MINUTES_BEFORE) * market.messages_a_minute
    for index in range(market.messages_a_minute):
        book.advance()
        sent = index * market.period_ms
        arrival = min(_LAST, sent * 10_000 + _DELAY + int(_JITTER * generator.random()))
        seconds, part = divmod(arrival, 10_000_000)
        text = message(market, book, before + index, _START_MS + minute * MINUTE_MS + sent)
        yield f"{clock}:{seconds:02}.{part:07}Z {text}\n"


def _write_generated(folder: Path, market: Market, minutes: list[int]) -> None:
    for minute, lines in minute_lines(market, minutes):
        write(folder, minute, lines.encode("ascii"))


def _digest(market: Market) -> str:
    facts = json.dumps({"version": _VERSION, **asdict(market)}, sort_keys=True)
    return hashlib.sha256(facts.encode("ascii")).hexdigest()[:12]


def _make(
    folder: Path, minutes: Collection[int], work: Callable[[list[int]], None], size: int,
    jobs: int | None,
) -> None:  # fmt: skip
    """Make the minutes that a folder lacks, block by block, in as many processes as cores."""
    lacking = [minute for minute in minutes if not minute_file(folder, minute).exists()]
    blocks = [list(block) for _, block in groupby(lacking, key=lambda minute: minute // size)]
    workers = min(jobs or os.cpu_count() or 1, len(blocks))
    if workers <= 1:
        for block in blocks:
            work(block)
        return
    context = multiprocessing.get_context("spawn")  # the same on every system
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        list(pool.map(work, blocks))
