"""The lake, read by Parquet alone and held against the model."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from polars import selectors

from tests.faults.model import unknown
from tests.lakes import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.capturing import Line
    from tests.faults.model import Book, Model, Stretch

__all__ = ["Tables", "compare", "compare_rows", "read", "stretches"]

_MIDNIGHT: Final = "midnight"
Row = dict[str, Any]
Tables = dict[tuple[str, str], list[Row]]


def compare(data: Path, model: Model, lines: Sequence[Line]) -> None:
    """Raise AssertionError where the lake is other than it must be."""
    lake = read(data)
    compare_rows(lake, model)
    _same_holes(lake, model)
    _same_counts(lake, model, lines)


def compare_rows(lake: Tables, model: Model) -> None:
    """Raise AssertionError where trades, tickers or books are other than they must be."""
    _same_rows("trades", lake, model.trades)
    _same_rows("tickers", lake, model.tickers)
    _same_rows("depth", lake, {name: [b.row for b in of] for name, of in model.depth.items()})
    for market, books in model.depth.items():
        _same_books(market, lake["depth", market], books)
    _same_order(lake, model)


def read(data: Path, day: str | None = None) -> Tables:
    """Return the rows of each table and market, of all days or one; times as microseconds."""
    found: Tables = defaultdict(list)
    for path, frame in rows(data).items():
        if day is not None and f"/date={day}/" not in path:
            continue
        folders = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
        table = path.split("/", 1)[0]
        plain = frame.with_columns(selectors.datetime().dt.epoch("us"))
        found[table, folders.get("instrument", "")] += plain.to_dicts()
    return found


def _same_rows(table: str, lake: Tables, wanted: dict[str, list[Row]]) -> None:
    """See that each row is there, once, in order, with these values, and no other."""
    assert {m for t, m in lake if t == table and lake[t, m]} == {*wanted}, f"markets of {table}"
    for market, expected in wanted.items():
        there = lake[table, market]
        for place, (row, want) in enumerate(zip(there, expected, strict=False)):
            for name, value in want.items():
                if not name.startswith("_"):
                    told = f"{table} of {market}, row {place}: {name} is {row[name]!r}"
                    assert row[name] == value, f"{told}, not {value!r}"
        assert len(there) == len(expected), f"{table} of {market}: {len(there)} rows"


def _same_books(market: str, there: list[Row], books: list[Book]) -> None:
    """Replay the changes: they give each book, level by level, and so do those stored whole."""
    standing: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}
    for place, (row, book) in enumerate(zip(there, books, strict=True)):
        for side, levels in (("bid", book.bids), ("ask", book.asks)):
            told = f"{side}s of {market} at message {place}"
            if row["reset"]:
                standing[side] = {}
            _apply(standing[side], row[f"{side}_change_price"], row[f"{side}_change_amount"])
            assert standing[side] == levels, told
            whole = row[f"book_{side}_price"]
            if whole is not None:
                amounts = row[f"book_{side}_amount"]
                assert [*zip(whole, amounts, strict=True)] == [*levels.items()], told
        assert row["book_bid_price"] is not None or not row["reset"], f"{market}: no keyframe"


def _apply(standing: dict[float, float], prices: list[float], amounts: list[float]) -> None:
    for price, amount in zip(prices, amounts, strict=True):
        if amount:
            standing[price] = amount
        else:
            del standing[price]


def _same_order(lake: Tables, model: Model) -> None:
    """See that across tables and markets rows stand in the order in which the frames came."""
    there = sorted(
        (row["arrival"], row.get("item", 0), table, market)
        for (table, market), found in lake.items()
        if table in {"depth", "trades", "tickers"}
        for row in found
    )
    assert [(table, market) for *_, table, market in there] == model.order, "the order of rows"


def _same_holes(lake: Tables, model: Model) -> None:
    """See that what was not received is marked: of books exactly that, of trades no less."""
    for market in {market for _, market in model.order}:
        no_book = [row for row in lake["gaps", market] if row["is_unknown"]]
        gaps = stretches(no_book)
        assert gaps == unknown(model.standing[market], model.day), f"gaps of {market}"
        causes = [row["cause"] for row in no_book]
        if model.standing[market]:
            lost = ["disconnect"] * len(model.standing[market])
            assert causes == ["not_fetched", *lost], f"gaps of {market}: {causes}"
        first, *later = lake["trade_gaps", market]
        assert (first["cause"], first["trades"]) == (_MIDNIGHT, len(model.trades[market])), market
        claimed = unknown(stretches(later), model.day)
        told = f"trades of {market} are known in {claimed}"
        assert _within(claimed, model.connected[market]), f"{told}, which was not received"
        assert _within(model.live[market], claimed), f"{told}, which is too little"


def stretches(found: Iterable[Row]) -> list[Stretch]:
    """Return the stretches of rows, in order; those that touch as one."""
    joined: list[Stretch] = []
    for start, stop in sorted((row["start"], row["stop"]) for row in found):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def _within(inner: Iterable[Stretch], outer: Sequence[Stretch]) -> bool:
    return all(any(a <= start and stop <= b for a, b in outer) for start, stop in inner)


def _same_counts(lake: Tables, model: Model, lines: Sequence[Line]) -> None:
    """See that what is no data is counted as what it is, and what can't be read is kept."""
    there = [row["raw"] for row in lake["quarantine", ""]]
    assert there == model.quarantine, f"quarantine: {there}"
    assert all(row["reason"] for row in lake["quarantine", ""])
    counts = {
        "control": model.control,
        "foreign_lines": model.foreign,
        "quarantined": len(model.quarantine),
        "depth": sum(map(len, model.depth.values())),
        "trades": sum(map(len, model.trades.values())),
        "tickers": sum(map(len, model.tickers.values())),
        "disconnects": sum(not line.arrived for line in lines),
        "lines": sum(bool(line.arrived) for line in lines),
        "outside_minute": 0,
        "backwards": 0,
        "shadowed": 0,
    }
    of_feed = [row for row in lake["ingests", ""] if not row["origin"].startswith("rest:")]
    counted = {name: sum(row[name] for row in of_feed) for name in counts}
    assert counted == counts
