"""A lake that was damaged on purpose: what the checks that hold it against itself find."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from pipeline.catalogue import Catalogue
from pipeline.lake import Lake
from pipeline.parquet import to_arrow
from pipeline.schemas import DEPTH
from pipeline.slices import Request
from tests.lakes import EXCHANGE, TODAY, bring_in, minute_of, put
from tests.making import at, depth
from tests.sql.asking import BTC, DAY, ETH, answers, found, lake_of, partition, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def _set(message: int, **values: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Return what gives one message other values; a function is called with the one there."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        (found,) = rows.filter(pl.col("message") == message).to_dicts()
        new = {
            name: value(found[name]) if callable(value) else value for name, value in values.items()
        }
        replaced = pl.DataFrame([found | new], schema=rows.schema)
        others = rows.filter(pl.col("message") != message)
        return pl.concat([others, replaced]).sort("message")

    return change


def _without(*messages: int) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.filter(~pl.col("message").is_in(messages))


def _problems(data: Path, instrument: str = ETH) -> list[tuple[int, list[str]]]:
    return [(row["message"], row["problems"]) for row in found(data, "keyframes", instrument)]


def _but_first(change: Callable[[float], float]) -> Callable[[list[float]], list[float]]:
    return lambda values: [change(values[0]), *values[1:]]


# The second minute begins with message 856; whole books follow it at 1368 and 1880.
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_set(1368, book_ask_amount=_but_first(lambda v: v + 1)), [(1368, ["levels"])]),
        (_set(1368, book_bid_price=lambda prices: prices[::-1]), [(1368, ["levels", "order"])]),
        (_set(1368, bid_levels=3), [(1368, ["counts"])]),
        (_set(1368, ask_price=1.5), [(1368, ["best"])]),
        (_set(1368, bid_amount=None), [(1368, ["best"])]),
        (_set(1000, bid_change_price=lambda _: [1.0], bid_change_amount=lambda _: [5.0]),
         [(1368, ["levels", "counts"])]),
        (_without(1374), [(1880, ["messages"])]),
        (_without(1368), [(1368, ["lacking"]), (1880, ["messages"])]),
        (_without(0), [(0, ["lacking", "messages"]), (512, ["messages"])]),
        (_set(6578, ask_levels=3, bid_amount=7.0), [(6578, ["counts", "best"])]),
        # What a row in between says of itself is not what any book rests on.
        (_set(1369, bid_levels=3), []),
    ],
)  # fmt: skip
def test_damage_shows_at_the_keyframe_that_it_leads_to(
    own_lake: Path,
    change: Callable[[pl.DataFrame], pl.DataFrame],
    expected: list[tuple[int, list[str]]],
) -> None:
    """A changed amount, a wrong count, a lost row: one or two rows, and what differs."""
    rewrite(own_lake, "depth", ETH, change)
    assert _problems(own_lake) == expected
    assert _problems(own_lake, BTC) == []


def test_a_keyframe_that_does_not_fit_comes_with_an_example(own_lake: Path) -> None:
    """How many levels differ, and the best of them: side, price, built, stored."""

    def other(amounts: list[float]) -> list[float]:
        return [amounts[0], amounts[1] + 1, amounts[2] + 1, *amounts[3:]]

    change = _set(1368, book_ask_amount=other)
    rows = rewrite(own_lake, "depth", ETH, change).filter(pl.col("message") == 1368).to_dicts()
    (bad,) = found(own_lake, "keyframes", ETH)
    price, amount = rows[0]["book_ask_price"][1], rows[0]["book_ask_amount"][1]
    assert (bad["base"], bad["differing"]) == (856, 2)
    assert bad["example"] == {
        "side": "ask", "price": price, "built": pytest.approx(amount - 1), "stored": amount,
    }  # fmt: skip


def test_only_keyframes_of_the_range_are_looked_at(own_lake: Path) -> None:
    """By their arrival; what leads to them may have arrived before it."""
    rows = rewrite(own_lake, "depth", ETH, _set(1368, bid_levels=3))
    ((time,),) = rows.filter(pl.col("message") == 1368).select("local_timestamp").rows()
    moment = timedelta(microseconds=1)
    for start, end, bad in [
        (time, time + moment, 1), (time - moment, time, 0), (time + moment, DAY[1], 0),
    ]:  # fmt: skip
        assert len(found(own_lake, "keyframes", ETH, (start, end))) == bad


def test_the_last_books_before_gaps_and_midnight_are_held_against_their_rows(
    tmp_path: Path,
) -> None:
    """No keyframe follows them, but they state their level counts and best prices."""
    minutes = [(at(1438), minute_of(at(1438))), (at(1439), minute_of(at(1439)))]
    data = lake_of(tmp_path, *minutes, (at(1440), minute_of(at(1440))))
    both = ("2020-08-01", "2020-08-03")
    assert found(data, "keyframes", "A", both) == []
    ends = answers(
        data,
        """select date, message, local_timestamp from depth_messages as one where instrument = 'A'
        and message <> keyframe and not exists (from depth_messages as later
        where later.instrument = 'A' and later.date = one.date and later.message = one.message + 1
        and not later.reset) order by all""",
    )
    assert len(ends) == 5
    for end in ends:
        path = data / "lake" / "depth" / "exchange=coinflex" / "instrument=A"
        file = path / f"date={end['date']}" / "data.parquet"
        whole = file.read_bytes()
        rows = pl.read_parquet(file, hive_partitioning=False)
        pq.write_table(to_arrow(_set(end["message"], ask_price=0.5)(rows), DEPTH), file)
        bad = found(data, "keyframes", "A", both)
        file.write_bytes(whole)
        assert [(row["date"], row["message"], row["problems"]) for row in bad] == [
            (end["date"], end["message"], ["best"])
        ]


@pytest.mark.parametrize("seed", range(4))
def test_random_damage_is_found_as_a_replay_row_by_row_finds_it(own_lake: Path, seed: int) -> None:
    """Lost rows, other amounts, other counts, lost keyframes, in any mixture."""
    rng = random.Random(seed)

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        rows = rows.head(3000)
        for _ in range(rng.randrange(1, 7)):
            keyframes = rows.filter(pl.col("message") == pl.col("keyframe"))
            kept = rng.choice([rows, keyframes])
            rows = rng.choice(_DAMAGES)(int(rng.choice(kept["message"].to_list())))(rows)
        return rows

    rows = rewrite(own_lake, "depth", ETH, change)
    assert _problems(own_lake) == list(_replayed(rows))


def _damage(**values: Any) -> Callable[[int], Callable[[pl.DataFrame], pl.DataFrame]]:
    return lambda message: _set(message, **values)


_DAMAGES = [
    _without,
    _damage(bid_levels=1),
    _damage(ask_amount=0.125),
    _damage(ask_change_amount=lambda amounts: [one + 1 for one in amounts]),
    _damage(bid_change_price=lambda prices: [one + 1000 for one in prices]),
    _damage(book_bid_amount=lambda amounts: amounts and _but_first(lambda one: one * 2)(amounts)),
    _damage(book_ask_price=lambda prices: prices and [*prices[1:], prices[0]]),
]


def _replayed(rows: pl.DataFrame) -> Iterator[tuple[int, list[str]]]:
    """Yield what is wrong with which keyframes and last rows: dicts, row after row."""
    groups: dict[int, dict[int, dict[str, Any]]] = {}
    for row in rows.sort("message").iter_rows(named=True):
        groups.setdefault(row["keyframe"], {})[row["message"]] = row
    before: tuple[int, dict[int, dict[str, Any]]] | None = None
    for place, group in groups.items():
        assert not any(row["reset"] for message, row in group.items() if message), "one reset"
        anew = 0 in group
        whole = anew or (before is not None and len(before[1]) == place - before[0])
        book = {} if anew or before is None else _book_after(*before)
        yield from _judged(place, group.get(place), book, whole=whole)
        before = place, group
    assert before is not None
    last = max(before[1])
    if last > before[0]:
        whole = len(before[1]) == last - before[0] + 1
        yield from _judged(last, before[1][last], _book_after(*before), whole=whole)


_Side = dict[float, float]


def _book_after(place: int, group: dict[int, dict[str, Any]]) -> dict[str, _Side]:
    """Return the book that a keyframe and the rows that rest on it give."""
    book: dict[str, _Side] = {"bid": {}, "ask": {}}
    for message, row in group.items():
        _apply(book, row, "book_{}" if message == place else "{}_change")
    return book


def _apply(book: dict[str, _Side], row: dict[str, Any], name: str) -> None:
    for side, levels in book.items():
        prefix = name.format(side)
        levels.update(zip(row[f"{prefix}_price"], row[f"{prefix}_amount"], strict=True))


def _judged(
    message: int, row: dict[str, Any] | None, book: dict[str, _Side], *, whole: bool
) -> Iterator[tuple[int, list[str]]]:
    problems = [] if row else ["lacking"]
    problems += [] if whole else ["messages"]
    if row:
        book = {side: dict(book.get(side, {})) for side in ("bid", "ask")}
        is_keyframe, none = row["message"] == row["keyframe"], (None, None)
        if is_keyframe:
            _apply(book, row, "{}_change")
        book = {side: {p: a for p, a in levels.items() if a} for side, levels in book.items()}
        if is_keyframe:
            stored: dict[str, _Side] = {"bid": {}, "ask": {}}
            _apply(stored, row, "book_{}")
            problems += ["levels"] if stored != book else []
        counts = [len(book["bid"]), len(book["ask"])]
        problems += ["counts"] if counts != [row["bid_levels"], row["ask_levels"]] else []
        stated = [row["bid_price"], row["bid_amount"], row["ask_price"], row["ask_amount"]]
        built = [*max(book["bid"].items(), default=none), *min(book["ask"].items(), default=none)]
        problems += ["best"] if stated != built else []
        bids, asks = row["book_bid_price"] or [], row["book_ask_price"] or []
        ordered = bids == sorted(set(bids), reverse=True) and asks == sorted(set(asks))
        problems += [] if ordered else ["order"]
    if problems:
        yield message, problems


# --- counts --------------------------------------------------------------------------------------


def _counts(data: Path, instrument: str = ETH) -> list[tuple[str, int, int | None]]:
    rows = found(data, "catalogue", instrument)
    return [(row["what"], row["in_files"], row["in_catalogue"]) for row in rows]


def test_a_lost_row_is_one_that_the_catalogue_counts(own_lake: Path) -> None:
    """Of a partition that lost a row, what is counted of it differs; of the others nothing."""
    rewrite(own_lake, "depth", ETH, _without(6578))
    rewrite(own_lake, "trades", BTC, lambda rows: rows.head(-2))
    assert _counts(own_lake) == [("depth_messages", 6578, 6579)], "it had no changes"
    assert _counts(own_lake, BTC) == [("trades", 21311, 21313)]
    assert found(own_lake, "keyframes", ETH) == [], "the last row is what no keyframe proves"
    assert answers(own_lake, "from check_rows") == [], "the catalogue fits the slices"


def test_another_label_is_one_that_the_catalogue_counts(own_lake: Path) -> None:
    """Also what is said of rows is counted."""
    rewrite(own_lake, "depth", ETH, _set(5, crossed=True, missed=3, irregular=True, epoch=2))
    assert _counts(own_lake) == [
        ("crossed", 1, 0), ("irregular", 1, 0), ("missed_snapshots", 3, 0), ("restarts", 2, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("table", ["depth", "trades", "trade_gaps"])
def test_a_lost_file_is_noticed(own_lake: Path, table: str) -> None:
    """No row is not the number that the catalogue has."""
    partition(own_lake, table, ETH).unlink()
    bad = {what: in_files for what, in_files, _ in _counts(own_lake)}
    expected = {"depth": {"depth_messages": 0, "depth_changes": 0}, "trades": {"trades": 0},
                "trade_gaps": {"trade_gaps": 0}}  # fmt: skip
    assert bad == expected[table]


def _catalogue(data: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Write the catalogue anew, with other rows."""
    catalogue = Catalogue(Lake(data, EXCHANGE))
    catalogue.rows = change(catalogue.rows)
    catalogue.save()


def test_a_catalogue_that_lost_an_instrument_is_noticed(own_lake: Path) -> None:
    """By its files, which are there, and by the slices, which gave more than the rest has."""
    _catalogue(own_lake, lambda rows: rows.filter(pl.col("instrument") == BTC))
    assert {("depth_messages", 6579, None), ("trades", 14076, None)} <= set(_counts(own_lake))
    assert answers(own_lake, "from check_rows") == [
        {"date": TODAY, "kind": "depth", "in_catalogue": 6545, "in_slices": 13124},
        {"date": TODAY, "kind": "trades", "in_catalogue": 21313, "in_slices": 35389},
    ]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Return a lake with two days, several channels, shadowed slices and a line no one can read."""
    for day in (0, 1440):
        lines = minute_of(at(day))
        lines += [depth(at(day, 55), [[1, 1]], [], instrument="A", table="depthL5")]
        lines += [depth(at(day, 56), [[1, 1]], [], instrument="B", table="depthUpdate-diff")]
        lines += [depth(at(day, 57), [[1, 1]], [], instrument="A", action="other"), "no line"]
        put(tmp_path / "data", at(day), lines)
        for symbols in (("A", "B"), ("B", "C")):
            request = Request(EXCHANGE, "tardis", symbols=symbols)
            put(tmp_path / "data", at(day + 1), minute_of(at(day + 1), symbols), request)
    bring_in(tmp_path / "data")
    return tmp_path / "data"


def test_rows_are_those_of_the_slices_whatever_the_slices(mixed: Path) -> None:
    """All channels and instruments; not what another request's slice counts for."""
    assert answers(mixed, "from check_rows") == []
    sums = answers(mixed, "select sum(depth) as n, sum(shadowed) as shadowed from ingests")
    assert sums[0]["n"] > 40
    assert sums[0]["shadowed"] > 0
    for name in "ABC":
        assert found(mixed, "catalogue", name, ("2020-08-01", "2020-08-03")) == []


def test_only_the_day_that_differs_is_named(mixed: Path) -> None:
    """And only what differs of it."""
    later = pl.col("date") != TODAY
    _catalogue(
        mixed, lambda rows: rows.with_columns(trades=pl.col("trades") + later.cast(pl.Int64))
    )
    ((row),) = answers(mixed, "from check_rows")
    assert (row["date"], row["kind"]) == (TODAY + timedelta(days=1), "trades")
    both = ("2020-08-01", "2020-08-03")
    assert [(row["date"], row["what"]) for row in found(mixed, "catalogue", "A", both)] == [
        (TODAY + timedelta(days=1), "trades")
    ]
    assert found(mixed, "catalogue", "A") == []


def test_a_day_brought_in_by_instrument_is_not_compared_with_all_slices(tmp_path: Path) -> None:
    """The others are not there to be counted; nor where an instrument is newer than the rest."""
    data = tmp_path / "data"
    put(data, at(0), minute_of(at(0)))
    bring_in(data, instruments=["A"])
    assert answers(data, "select distinct instrument from coverage") == [{"instrument": "A"}]
    assert answers(data, "from check_rows") == []
    bring_in(data)
    assert answers(data, "from check_rows") == []
    put(data, at(1), minute_of(at(1)))
    bring_in(data, instruments=["A"])
    assert answers(data, "from check_rows") == []
    bring_in(data)
    assert answers(data, "select count(*) as n from ingests") == [{"n": 2}]
    assert answers(data, "from check_rows") == []
