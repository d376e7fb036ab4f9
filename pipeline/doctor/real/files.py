"""The service's CSV files against the messages that they are made of."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pipeline.doctor.real.evidence import DIFFERS, HOLDS, LEAST, UNDECIDED, Evidence, judged
from pipeline.sources.tardis_http import Answer, NoAnswer
from pipeline.times import MINUTE_US, day_start_us

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pipeline.doctor.real.choice import Book, Choice
    from pipeline.sources.tardis_http import TardisHttp

__all__ = ["file_claims"]

_BOOKS: Final = "incremental_book_L2"
_FIRST_COLUMNS: Final = "exchange,symbol,timestamp,local_timestamp"
_COLUMNS: Final = {
    _BOOKS: "is_snapshot,side,price,amount",
    "trades": "id,side,price,amount",
    "quotes": "ask_amount,ask_price,bid_price,bid_amount",
    "derivative_ticker": "funding_timestamp,funding_rate,predicted_funding_rate,open_interest,"
    "last_price,index_price,mark_price",
    **{
        f"book_snapshot_{depth}": ",".join(
            f"{side}[{level}].{what}"
            for level in range(depth)
            for side in ("asks", "bids")
            for what in ("price", "amount")
        )
        for depth in (5, 25)
    },
}
# A header has at most some 2,000 characters.
_HEADER_MOST: Final = 1 << 16
# About two thousand books of 200 levels.
_BOOKS_MOST: Final = 32 << 20
_LONGEST_ROW: Final = 4096


@dataclass
class _Group:
    """The rows of one local_timestamp: whether they say is_snapshot, and price → amount."""

    arrival: int
    snapshots: list[bool] = field(default_factory=list)
    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)


async def file_claims(http: TardisHttp, choice: Choice) -> AsyncIterator[Evidence]:
    """Yield what the files of a day say of its busiest market, from their beginning on."""
    heads = {kind: await _head(http, kind, choice) for kind in _COLUMNS}
    yield _columns(choice, heads)
    books = heads[_BOOKS]
    if isinstance(books, str):
        for claim in _CLAIMS:
            yield Evidence(claim, choice.day, f"{_BOOKS}: {books}", 0, UNDECIDED)
        return
    try:
        groups = _groups(books)
    except (KeyError, ValueError, csv.Error) as error:
        for claim in _CLAIMS:
            found = f"rows that can't be read: {error!r}"
            yield Evidence(claim, choice.day, found, 0, UNDECIDED)
        return
    for evidence in _of_books(choice, groups):
        yield evidence


_CLAIMS: Final = (
    "Every row of a CSV of books says is_snapshot=true",
    "The CSV rows of one local_timestamp are the levels of the message that arrived then",
    "A level that is gone has no row in the CSV: whoever waits for amount 0 keeps it for ever",
)


async def _head(http: TardisHttp, kind: str, choice: Choice) -> bytes | str:
    """Return the beginning of a file, or why there is none."""
    most = _BOOKS_MOST if kind == _BOOKS else _HEADER_MOST
    try:
        return await http.dataset(kind, choice.day, choice.instrument, most)
    except (Answer, NoAnswer) as error:
        return str(error)


def _columns(choice: Choice, heads: dict[str, bytes | str]) -> Evidence:
    there = {kind: text for kind, text in heads.items() if isinstance(text, bytes)}
    other = [
        kind
        for kind, text in there.items()
        if text.partition(b"\n")[0].decode() != f"{_FIRST_COLUMNS},{_COLUMNS[kind]}"
    ]
    absent = sorted(heads.keys() - there.keys())
    found = f"{choice.instrument}: {len(there) - len(other)} types as documented"
    found += f"; other columns: {', '.join(other)}" if other else ""
    found += f"; not there: {', '.join(absent)}" if absent else ""
    return Evidence("CSV files have the documented columns", choice.day, found, len(there),
                    judged(len(other), len(there), 1))  # fmt: skip


def _groups(text: bytes) -> list[_Group]:
    """Return the messages of a file's beginning; the last one only if it is not cut."""
    groups: list[_Group] = []
    for row in csv.DictReader(text.decode().splitlines()):
        arrival = int(row["local_timestamp"])
        if not groups or groups[-1].arrival != arrival:
            groups.append(_Group(arrival))
        group = groups[-1]
        group.snapshots.append(row["is_snapshot"] == "true")
        side = group.bids if row["side"] == "bid" else group.asks
        side[float(row["price"])] = float(row["amount"])
    if len(text) > _BOOKS_MOST - _LONGEST_ROW:
        groups = groups[:-1]
    return groups


def _of_books(choice: Choice, groups: list[_Group]) -> Iterator[Evidence]:
    whole, equal, gone = _CLAIMS
    n = sum(len(group.snapshots) for group in groups)
    others = sum(group.snapshots.count(False) for group in groups)
    found = f"{choice.instrument}: {n - others:,} of {n:,} rows of {len(groups):,} messages"
    yield Evidence(whole, choice.day, found, n, judged(others, n))
    yield _compared(choice, groups, equal)
    yield _gone(choice, groups, gone)


def _compared(choice: Choice, groups: list[_Group], claim: str) -> Evidence:
    """Compare message by message what arrived in the minute, where one microsecond has one."""
    start = day_start_us(choice.day) + choice.minute * MINUTE_US
    inside = {
        group.arrival: group for group in groups if start <= group.arrival < start + MINUTE_US
    }
    if not inside:
        reached = "not that far" if groups else "empty"
        return Evidence(claim, choice.day, f"the file's beginning is {reached}", 0, UNDECIDED)
    books = [book for book in _alone(choice.books) if book.arrival <= max(inside)]
    told = [book for book in books if book.bids or book.asks]  # a book of nothing has no rows
    equal = sum(
        (group := inside.get(book.arrival)) is not None
        and (group.bids, group.asks) == (book.bids, book.asks)
        for book in told
    )
    extra = len(inside.keys() - {book.arrival for book in choice.books})
    found = f"{choice.instrument}: {equal:,} of {len(told):,} equal; {extra:,} in the file alone"
    bad = len(told) - equal + extra
    return Evidence(claim, choice.day, found, len(told), judged(bad, len(told)))


def _alone(books: list[Book]) -> list[Book]:
    """Return the books whose microsecond no other shares."""
    times = [book.arrival for book in books]
    twice = {one for one, other in pairwise(times) if one == other}
    return [book for book in books if book.arrival not in twice]


def _gone(choice: Choice, groups: list[_Group], claim: str) -> Evidence:
    """Say how many levels went, how many rows told it, and what the documented rule makes of it."""
    sides = [side for group in groups for side in (group.bids, group.asks)]
    zeros = sum(list(side.values()).count(0.0) for side in sides)
    went = sum(
        len(before.bids.keys() - after.bids.keys()) + len(before.asks.keys() - after.asks.keys())
        for before, after in pairwise(groups)
    )
    stale = _stale(groups)
    found = (
        f"{choice.instrument}: {went:,} levels went, {zeros:,} rows have the amount 0; by the rule "
        f"that resets at a first snapshot alone {stale:,} levels of the last book are none"
    )
    if went < LEAST and not zeros:
        return Evidence(claim, choice.day, found, went, UNDECIDED)
    return Evidence(claim, choice.day, found, went, DIFFERS if zeros else HOLDS)


def _stale(groups: list[_Group]) -> int:
    """Return how many levels stand at the end that the last message has not.

    Read as documented: a book begins anew only where rows begin to be those of a snapshot.
    """
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    was_snapshot = False
    for group in groups:
        is_snapshot = all(group.snapshots)
        if is_snapshot and not was_snapshot:
            bids, asks = {}, {}
        was_snapshot = is_snapshot
        for side, told in ((bids, group.bids), (asks, group.asks)):
            side.update(told)
            for price in [price for price, amount in told.items() if amount == 0]:
                del side[price]
    if not groups:
        return 0
    return len(bids.keys() - groups[-1].bids.keys()) + len(asks.keys() - groups[-1].asks.keys())
