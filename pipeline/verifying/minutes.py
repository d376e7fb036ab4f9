"""Minutes read by gzip and json alone, message by message, and what the lake has of them.

Nothing of normalize/ is used here, so that a mistake there can't hide: not how lines are read, nor
how books are compared, nor what ends a book.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.query import rows_of
from pipeline.thinned_file import ZstdError, open_thinned, thinned_name
from pipeline.verifying.findings import Check, Difference
from pipeline.verifying.plain import FULL_TABLES, book_in_lists, change, side_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    import duckdb

    from pipeline.verifying.choosing import Chosen
    from pipeline.verifying.plain import Sides

__all__ = ["check_minutes", "new_check"]

_STAMP: Final = 28
_LONGEST: Final = 8 << 20  # bytes of a message that can be read
_MICRO: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - as SQL has times
# The rule for missed snapshots: a step of up to so many a second is no restart.
_MOST_A_SECOND: Final = 1000
_LIST: Final = "slice, line, item, instrument"
_DEPTH: Final = f"""select {_LIST}, local_timestamp, timestamp, valid_until, seq_num, seq_step,
  missed, checksum, checksum_status, bid_levels, ask_levels, bid_price, bid_amount, ask_price,
  ask_amount, crossed, reset, bid_change_price, bid_change_amount, ask_change_price,
  ask_change_amount, book_bid_price, book_bid_amount, book_ask_price, book_ask_amount
from depth_rows where date = $1 and list_contains($2, slice) order by slice, line, item"""
_TRADES: Final = f"""select {_LIST}, local_timestamp, timestamp, id, side, price, amount
from trades where date = $1 and list_contains($2, slice) order by slice, line, item"""

Row = dict[str, Any]


def new_check() -> Check:
    """Return the check, which has looked at nothing yet."""
    return Check(
        "minutes",
        "of these minutes every depth message and trade of raw is in the lake, at its line, with "
        "its times, numbers and checksum's verdict; its book is what the changes lead to, level "
        "for level; and no book outlives a disconnect",
        "other minutes; messages of other depth channels, tickers, and what REST answered",
        unit="messages",
    )


def check_minutes(
    check: Check,
    raw: Path,
    lake: duckdb.DuckDBPyConnection,
    day: date,
    chosen: Sequence[Chosen],
) -> None:
    """Add to a check what some slices of a day say other than the lake; `raw` is the exchange's."""
    names = [of.slice for of in chosen]
    books, trades = (_by_slice(lake, query, day, names) for query in (_DEPTH, _TRADES))
    for of in chosen:
        try:
            lines = _lines(raw / of.slice)
        except FileNotFoundError:  # which `slices` tells, if raw has others of the day
            check.unprovable.append(f"{of.slice}: raw does not have it")
            continue
        except (OSError, EOFError, zlib.error, ZstdError) as error:
            check.differences.append(Difference(day, of.slice, str(error), is_of_raw=True))
            continue
        minute = _Minute(lines, is_shared=of.is_shared)
        minute.hold_books(books[of.slice])
        minute.hold_trades(trades[of.slice])
        check.looked_at += minute.looked_at
        for line, what in minute.wrong[:1]:
            more = f" (and {len(minute.wrong) - 1:,} more)" if len(minute.wrong) > 1 else ""
            check.differences.append(Difference(day, f"{of.slice} line {line}", f"{what}{more}"))


def _by_slice(
    lake: duckdb.DuckDBPyConnection, query: str, day: date, names: list[str]
) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    columns = [column[0] for column in lake.execute(query, [day, names]).description or ()]
    for values in rows_of(lake, query, [day, names]):
        row = dict(zip(columns, values, strict=True))
        found[row["slice"]].append(row)
    return found


def _lines(path: Path) -> list[bytes]:
    thinned = path.with_name(thinned_name(path.name))
    if not path.exists() and thinned.exists():
        with open_thinned(thinned) as file:
            return file.read().split(b"\n")
    if path.stat().st_size == 0:  # how Tardis serves a minute without data
        return []
    with gzip.open(path) as file:
        return file.read().split(b"\n")


@dataclass
class _Item:
    """A depth message or trade as it stands in raw: its place, when its line arrived, its JSON."""

    line: int
    item: int
    arrived: datetime
    data: dict[str, Any]


@dataclass
class _Minute:
    """One slice, and what of it is found to be wrong in the lake: lines, and in words."""

    lines: list[bytes]
    is_shared: bool
    wrong: list[tuple[int, str]] = field(default_factory=list)
    looked_at: int = 0

    def hold_books(self, rows: list[Row]) -> None:
        """Hold the lake's rows of depth against the slice."""
        sent = {(of.line, of.item): of for of in self._items(FULL_TABLES)}
        self._complete(rows, sent, "depth message")
        standing: dict[str, Sides] = {}
        before: dict[str, Row] = {}
        for row in rows:
            self.looked_at += 1
            of = sent.get((row["line"], row["item"]))
            if of is None or "bids" not in of.data or "asks" not in of.data:
                continue
            name = row["instrument"]
            told = of.data.get("instrumentId") or of.data.get("marketCode")
            self._is(row, "instrument", told)
            self._is(row, "local_timestamp", of.arrived)
            self._is(row, "timestamp", _time(of.data.get("timestamp")))
            self._is(row, "seq_num", _whole(of.data.get("seqNum")))
            self._hold_checksum(row, of.data)
            if row["bid_levels"] is not None:
                self._hold_book(row, of.data, standing)
            if not self.is_shared and name in before:
                self._hold_order(before[name], row)
            before[name] = row

    def hold_trades(self, rows: list[Row]) -> None:
        """Hold the lake's trades against the slice."""
        sent = {(of.line, of.item): of for of in self._items(("trade",))}
        self._complete(rows, sent, "trade")
        for row in rows:
            self.looked_at += 1
            of = sent.get((row["line"], row["item"]))
            if of is None:
                continue
            trade = of.data
            self._is(row, "instrument", trade.get("marketCode") or trade.get("instrumentId"))
            self._is(row, "local_timestamp", of.arrived)
            self._is(row, "timestamp", _time(trade.get("timestamp")))
            self._is(row, "id", None if "tradeId" not in trade else str(trade["tradeId"]))
            self._is(row, "side", str(trade["side"]).lower())
            self._is(row, "price", float(trade["price"]))
            self._is(row, "amount", float(trade["quantity"]))

    def _items(self, tables: tuple[str, ...]) -> Iterator[_Item]:
        for number, line in enumerate(self.lines, 1):
            if not line.strip() or len(line) > _STAMP + 1 + _LONGEST:
                continue
            try:
                message = json.loads(line[_STAMP + 1 :])
                arrived = datetime.fromisoformat(line[:26].decode())
            except (ValueError, RecursionError):
                continue  # no line of a recorder: the lake has it in quarantine
            if not isinstance(message, dict) or message.get("table") not in tables:
                continue
            data = message.get("data")
            for item, of in enumerate(data if isinstance(data, list) else [data]):
                if isinstance(of, dict):
                    yield _Item(number, item, arrived, of)

    def _complete(self, rows: list[Row], sent: dict[tuple[int, int], _Item], what: str) -> None:
        """See that each item of the slice has a row, and no row is there without one."""
        there = {(row["line"], row["item"]) for row in rows}
        for line, _ in sorted(there - sent.keys()):
            self.wrong.append((line, f"raw has no {what} there"))
        if not self.is_shared:
            for line, _ in sorted(sent.keys() - there):
                self.wrong.append((line, f"the lake lacks a {what}"))

    def _is(self, row: Row, name: str, expected: object) -> None:
        if row[name] != expected:
            self.wrong.append((row["line"], f"{name} is {row[name]!r}, raw says {expected!r}"))

    def _hold_checksum(self, row: Row, data: dict[str, Any]) -> None:
        given = data.get("checksum") or None
        self._is(row, "checksum", given)
        self._is(row, "checksum_status", _verdict(given, data))

    def _hold_book(self, row: Row, data: dict[str, Any], standing: dict[str, Sides]) -> None:
        """Hold a book, as the changes lead to it and as a keyframe has it, against the message."""
        expected = side_of(data["bids"]), side_of(data["asks"])
        name = row["instrument"]
        keyframe = book_in_lists(
            [row[f"book_{side}_{what}"] for side in ("bid", "ask") for what in ("price", "amount")]
        )
        if keyframe is not None and keyframe != expected:
            self.wrong.append((row["line"], "its keyframe is not the book that raw says"))
        known = ({}, {}) if row["reset"] else standing.get(name)
        if known is not None:
            for side, prefix in zip(known, ("bid", "ask"), strict=True):
                change(side, row[f"{prefix}_change_price"], row[f"{prefix}_change_amount"])
            if known != expected:
                self.wrong.append((row["line"], "the changes lead to another book than raw says"))
        standing[name] = expected[0].copy(), expected[1].copy()
        self._is(row, "bid_levels", len(expected[0]))
        self._is(row, "ask_levels", len(expected[1]))
        best = max(expected[0], default=None), min(expected[1], default=None)
        for prefix, side, price in zip(("bid", "ask"), expected, best, strict=True):
            self._is(row, f"{prefix}_price", price)
            self._is(row, f"{prefix}_amount", None if price is None else side[price])
        is_crossed = None not in best and best[0] >= best[1]  # type: ignore[operator] # neither
        self._is(row, "crossed", is_crossed)

    def _hold_order(self, before: Row, row: Row) -> None:
        """Hold what a row says of the one before, which is of the same instrument and slice."""
        between = self.lines[before["line"] : row["line"] - 1]
        lost = [place for place, line in enumerate(between) if not line.strip()]
        if row["seq_num"] is not None and before["seq_num"] is not None:
            self._is(row, "seq_step", row["seq_num"] - before["seq_num"])
        is_book = row["bid_levels"] is not None
        self._is(row, "reset", is_book and (bool(lost) or before["bid_levels"] is None))
        if lost:
            self._is(row, "missed", None)
            told = [line for line in between[: lost[0]] if line.strip()] or [
                self.lines[before["line"] - 1]
            ]
            end = datetime.fromisoformat(told[-1][:26].decode()) + _MICRO
        else:
            self._is(row, "missed", _missed(before, row))
            end = row["local_timestamp"]
        if before["bid_levels"] is not None and before["valid_until"] > max(
            end, before["local_timestamp"]
        ):
            what = f"its book stands until {before['valid_until']}, but raw ends it at {end}"
            self.wrong.append((before["line"], what))


def _missed(before: Row, row: Row) -> int | None:
    """Return how many snapshots were missed between two messages; None if it is not known."""
    step = row["seq_step"]
    if step is None or step < 0:
        return None
    elapsed = timedelta()
    if row["timestamp"] is not None and before["timestamp"] is not None:
        elapsed = row["timestamp"] - before["timestamp"]
    seconds = max(elapsed / timedelta(seconds=1), 0)
    return None if step > max(_MOST_A_SECOND, int(_MOST_A_SECOND * seconds)) else max(step - 1, 0)


def _verdict(given: int | None, data: dict[str, Any]) -> str:
    """Return what the checksum of a book is worth."""
    if given is None:
        return "absent"
    sides = data["asks"], data["bids"]
    if any(len(level) != 2 for side in sides for level in side):  # noqa: PLR2004 - price, amount
        return "unverifiable"
    texts = [
        json.dumps([[float(price), float(amount)] for price, amount in side], separators=(",", ":"))
        for side in sides
    ]
    fits = zlib.crc32("".join(texts).encode()) == given % 2**32
    return "ok" if fits else "mismatch"


def _time(given: object) -> datetime | None:
    """Return the exchange's time, which is in milliseconds."""
    number = _whole(given)
    return None if number is None else _EPOCH + timedelta(milliseconds=number)


def _whole(given: object) -> int | None:
    return None if given is None else int(str(given))
