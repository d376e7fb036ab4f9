"""A day is read in parts, by one thread or several: how it is cut changes no row."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pipeline import reading
from pipeline.normalize import day as day_rows
from pipeline.normalize import depth as depth_rows
from pipeline.slices import Request

from .lakes import EXCHANGE, bring_in, contents, put, rows
from .making import at, depth, line, trade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

_MINUTES = 14
_WHERE_KEYFRAMES_ARE = ("keyframe", "book_bid_price", "book_bid_amount", "book_ask_price",
                        "book_ask_amount")  # fmt: skip


def _minute(number: int, rng: random.Random) -> Iterator[str]:
    """Yield lines of a minute: of several feeds, with all that can happen between them."""
    arrivals = sorted(rng.uniform(0, 59.9) for _ in range(rng.choice((0, 3, 25))))
    for second in arrivals:
        time = at(number, second + (rng.uniform(-9, 0) if rng.random() < 0.03 else 0))
        name = rng.choice(("A", "B", "rare") if rng.random() < 0.3 else ("A", "B"))
        top = rng.randrange(100, 104)
        bids = [[top - level, rng.randrange(1, 4)] for level in range(rng.randrange(4))]
        asks = [[top + 1 + level, rng.randrange(1, 4)] for level in range(rng.randrange(4))]
        what = rng.random()
        if what < 0.06:
            yield ""
        elif what < 0.1:
            yield line(time, '{"table":"ticker","data":[{"marketCode":"A","last":"1"}]}')
        elif what < 0.14:
            yield "no line at all"
        elif what < 0.3:
            yield trade(time, str(top), "1.5", instrument=name, id_=str(number))
        else:
            how = {"action": "increment"} if what < 0.34 else {}
            table = "depthL5" if what > 0.95 else "depthUpdate-diff" if what > 0.92 else "depth"
            if what > 0.85:  # for the general decoder: a level twice, so it is irregular
                bids += bids[:1]
            yield depth(time, bids, asks, instrument=name, seq=int(second * 10), table=table, **how)


def _day(data: Path, seed: int) -> Path:
    """Bring a day through the door: with minutes lacking, and some of a narrower request."""
    rng = random.Random(seed)
    for number in range(_MINUTES):
        if rng.random() < 0.15:
            continue
        if rng.random() < 0.3:
            put(data, at(number), _minute(number, rng), Request(EXCHANGE, "tardis", None, ("A",)))
        if rng.random() < 0.8:
            put(data, at(number), _minute(number, rng), Request(EXCHANGE, "tardis", None, ("B",)))
    return data


def _rows(data: Path) -> dict[str, pl.DataFrame]:
    """Return all rows but the keyframes, which stand where a part begins."""
    bring_in(data, rebuild=True)
    found = rows(data)
    return {name: frame.drop(_WHERE_KEYFRAMES_ARE, strict=False) for name, frame in found.items()}


@pytest.mark.parametrize("seed", range(2))
def test_how_a_day_is_cut_changes_no_row(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One part, or a part a minute, or anything between; whole groups of rows, or tiny ones."""
    data = _day(tmp_path, seed)
    whole = _rows(data)
    assert any(name.startswith("depth/") for name in whole)
    for limit, most, rows_in_group in (("_MINUTES", 1, 3), ("_LINES", 60, 6), ("_MINUTES", 5, 15)):
        with monkeypatch.context() as patch:
            patch.setattr(reading, limit, most)
            patch.setattr(depth_rows, "_ROWS_IN_GROUP", rows_in_group)
            patch.setattr(day_rows, "_WAITING_MOST", 10_000 * (most - 1))
            cut = _rows(data)
        assert cut.keys() == whole.keys()
        assert [name for name in whole if not cut[name].equals(whole[name])] == []


@pytest.mark.parametrize("requests", [1, 2])
def test_several_readers_make_the_same_files(tmp_path: Path, requests: int) -> None:
    """The parts of one day are read by several threads, and written in order, byte by byte."""
    rng = random.Random(requests)
    for number in (5, 58, 59, 60, 61, 119, 120, 1439):
        for request in (Request(EXCHANGE, "tardis"), Request(EXCHANGE, "import", None, ("A",))):
            put(tmp_path, at(number), _minute(number, rng), request)
            if requests == 1:
                break
    bring_in(tmp_path, rebuild=True)
    alone = contents(tmp_path)
    bring_in(tmp_path, rebuild=True, jobs=3)
    assert contents(tmp_path) == alone


def test_several_readers_know_what_earlier_parts_delivered_unasked(tmp_path: Path) -> None:
    """Two requests that never share a minute both deliver X, which neither asked for."""
    ours, theirs = (Request(EXCHANGE, "tardis", None, (name,)) for name in ("A", "other"))
    for number in (*range(59, 62), 119, 120, 121):
        request = theirs if number in {60, 120} else ours
        book = depth(at(number, 1), [[100 + number, 1]], [[500, 1]], instrument="X", seq=number)
        put(tmp_path, at(number), [book], request)
    bring_in(tmp_path, rebuild=True)
    alone = contents(tmp_path)
    bring_in(tmp_path, rebuild=True, jobs=3)
    assert contents(tmp_path) == alone
