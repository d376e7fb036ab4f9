"""A book's text → what it changed against the book before, in compiled code.

    side     = "[" [ level *( "," level ) ] "]"      best price first, no price twice
    level    = "[" number "," number "]"             the two-element form
             | "[" number "," number ",0,0]"         the four-element form; one form in a message

Amounts are above 0. A checksum that is given with the two-element form fits the text. A book that
is anything else is left to the general decoder.

Three to twenty of a book's 200 levels differ from the book before. So its text is laid beside that
of the book before, and read only where they differ:

    before  …[61801,0.003,0,0],[61802,0.002,0,0],[61802.8,0.586,0,0],…
    now     …[61801,0.003,0,0],[61802.8,0.586,0,0],…

As far as both agree from the beginning of a level on, every level that ends within is the same
level: its price, amount and grammar are known. The level where they part is read, and stepping
through the book before to its price tells what it did (came, changed its amount) and which levels
before it are gone. There the texts are laid beside each other again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.compiled import compiled
from pipeline.normalize.scan.checksum import MISMATCH, checked
from pipeline.normalize.scan.lines import HAS_ACTION, HAS_SEQ_NUM, HAS_TIMESTAMP
from pipeline.normalize.scan.records import BOOK, DEPTH, Record
from pipeline.normalize.scan.text import agreement, copied, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ASKS",
    "BIDS",
    "NOT_TAKEN",
    "NO_ROOM",
    "Output",
    "Pool",
    "SliceAt",
    "levels_at_most",
    "scan_books",
    "side_at",
    "text_at_least",
]

_COMMA, _0 = b",0"
_OPEN, _CLOSE = b"[]"

# Why the scan stopped at a line.
NOT_TAKEN, NO_ROOM = 1, 2


class Pool(NamedTuple):
    """All feeds' standing books: levels best first, and the text that said them."""

    price: NDArray[np.float64]
    amount: NDArray[np.float64]
    start: NDArray[np.int64]  # where a level's text begins within its side's; one more: its end
    text: NDArray[np.uint8]


class Side(NamedTuple):
    """One side of a book in the pool."""

    place: int  # of its first level
    levels: int
    text: int  # where its text begins
    length: int  # of its text, in bytes
    form: int  # of its levels: 2 or 4 elements; 0: it has no text, or no level


class SliceAt(NamedTuple):
    """Where some consecutive lines stand."""

    begin: int  # the first microsecond of the slice's minute
    first_line: int  # the number of the first of them in the slice, from 1
    rank: int  # of the slice's request
    places: NDArray[np.int64]  # of each in the day: what `arrival` says


class Output(NamedTuple):
    """What was found: rows, and flat lists that belong to them in order."""

    rows: NDArray[Any]
    bid_change_price: NDArray[np.float64]
    bid_change_amount: NDArray[np.float64]
    ask_change_price: NDArray[np.float64]
    ask_change_amount: NDArray[np.float64]
    book_bid_price: NDArray[np.float64]
    book_bid_amount: NDArray[np.float64]
    book_ask_price: NDArray[np.float64]
    book_ask_amount: NDArray[np.float64]
    used: NDArray[np.int64]  # by _ROWS and so on: of rows, and of the four pairs of lists


_ROWS, _BIDS, _ASKS, _BOOK_BIDS, _BOOK_ASKS = range(5)


@compiled
def levels_at_most(text_length: int) -> int:
    """Return how many levels, and an end, a side of some bytes may have: `[1,1],` has six."""
    return text_length // 6 + 2


def text_at_least(levels: int) -> int:
    """Return how many bytes of text give room for so many levels."""
    return 6 * levels


ASKS, BIDS = 0, 1


@compiled
def side_at(begin: int, size: int, turn: int, side: int) -> int:
    """Return where, in a feed's room from `begin` on, a side of the book of a turn begins.

    `size` is the room of one side, in levels or in bytes of text.
    """
    return begin + (2 * turn + side) * size


# --- books of all feeds, in order of arrival -----------------------------------------------------


@compiled
def scan_books(
    text: NDArray[np.uint8],
    lines: NDArray[Any],
    order: NDArray[np.int64],
    at: SliceAt,
    feeds: NDArray[Any],
    pool: Pool,
    output: Output,
    keyframe_every: int,
) -> tuple[int, int]:
    """Take the books of lines[order], each against the book before of its feed.

    Returns how many were taken, and, if not all, why the next one was not: NOT_TAKEN is the general
    decoder's, NO_ROOM needs a larger FEED.room.
    """
    for taken in range(len(order)):
        line = lines[order[taken]]
        if line.kind != DEPTH:
            return taken, NOT_TAKEN
        feed = feeds[line.feed]
        if max(line.asks_end - line.asks, line.bids_end - line.bids) > feed.room:
            return taken, NO_ROOM
        if not _book(text, line, feed, pool, output, keyframe_every):
            return taken, NOT_TAKEN
        _tell(output.rows[output.used[_ROWS] - 1], line, order[taken], at)
    return len(order), 0


@compiled
def _tell(row: Record, line: Record, index: int, at: SliceAt) -> None:
    """Say in a row where its line stands, and what its small fields are."""
    row.arrival = at.places[index]
    row.line = at.first_line + index
    row.rank = at.rank
    row.local_timestamp = at.begin + line.time // 10
    row.item = 0
    row.feed = line.feed
    row.kind = BOOK
    row.irregular = False
    row.action = (line.seen & HAS_ACTION) != 0
    row.has_timestamp = (line.seen & HAS_TIMESTAMP) != 0
    row.timestamp = line.timestamp * 1000
    row.has_seq_num = (line.seen & HAS_SEQ_NUM) != 0
    row.seq_num = line.seq_num
    row.checksum = line.checksum


@compiled
def _book(
    text: NDArray[np.uint8],
    line: Record,
    feed: Record,
    pool: Pool,
    output: Output,
    keyframe_every: int,
) -> bool:
    """Take one book, if it is one; only then is anything but scratch changed."""
    used = output.used
    asks, ask_changes = _side(
        text, (line.asks, line.asks_end), 1.0, pool, _standing(feed, ASKS), _next(feed, ASKS),
        output.ask_change_price[used[_ASKS]:], output.ask_change_amount[used[_ASKS]:],
    )  # fmt: skip
    if asks.levels < 0:
        return False
    bids, bid_changes = _side(
        text, (line.bids, line.bids_end), -1.0, pool, _standing(feed, BIDS), _next(feed, BIDS),
        output.bid_change_price[used[_BIDS]:], output.bid_change_amount[used[_BIDS]:],
    )  # fmt: skip
    if bids.levels < 0 or (asks.form != bids.form and min(asks.form, bids.form) > 0):
        return False
    form = max(asks.form, bids.form)
    status = checked(text, line, form)
    if status == MISMATCH:
        return False

    row = output.rows[used[_ROWS]]
    row.checksum_status = status
    row.ask_levels, row.bid_levels = asks.levels, bids.levels
    row.ask_changes, row.bid_changes = ask_changes, bid_changes
    row.ask_price, row.ask_amount = pool.price[asks.place], pool.amount[asks.place]
    row.bid_price, row.bid_amount = pool.price[bids.place], pool.amount[bids.place]
    row.reset = feed.reset
    row.keyframe = feed.reset > 0 or feed.since + 1 >= keyframe_every
    used[_ROWS] += 1
    used[_BIDS] += bid_changes
    used[_ASKS] += ask_changes
    if row.keyframe:
        _whole(pool, asks, output.book_ask_price, output.book_ask_amount, used[_BOOK_ASKS])
        _whole(pool, bids, output.book_bid_price, output.book_bid_amount, used[_BOOK_BIDS])
        used[_BOOK_ASKS] += asks.levels
        used[_BOOK_BIDS] += bids.levels
    feed.since = 0 if row.keyframe else feed.since + 1
    feed.turn, feed.reset, feed.form = 1 - feed.turn, 0, form
    feed.asks, feed.asks_text = asks.levels, asks.length
    feed.bids, feed.bids_text = bids.levels, bids.length
    return True


@compiled
def _standing(feed: Record, side: int) -> Side:
    """Return a side of the book that stands; it has no levels if none does."""
    place = side_at(feed.levels, levels_at_most(feed.room), feed.turn, side)
    text = side_at(feed.texts, feed.room, feed.turn, side)
    levels, length = (feed.asks, feed.asks_text) if side == ASKS else (feed.bids, feed.bids_text)
    return Side(place, levels if feed.reset == 0 else 0, text, length, feed.form)


@compiled
def _next(feed: Record, side: int) -> Side:
    """Return where a side of the next book goes."""
    place = side_at(feed.levels, levels_at_most(feed.room), 1 - feed.turn, side)
    return Side(place, 0, side_at(feed.texts, feed.room, 1 - feed.turn, side), 0, 0)


@compiled
def _whole(
    pool: Pool, side: Side, prices: NDArray[np.float64], amounts: NDArray[np.float64], used: int
) -> None:
    """Write down all levels of a side."""
    copied(pool.price, side.place, prices, used, side.levels)
    copied(pool.amount, side.place, amounts, used, side.levels)


# --- one side ------------------------------------------------------------------------------------


@compiled
def _side(
    text: NDArray[np.uint8],
    span: tuple[int, int],
    sign: float,
    pool: Pool,
    before: Side,
    to: Side,
    prices: NDArray[np.float64],
    amounts: NDArray[np.float64],
) -> tuple[Side, int]:
    """Read a side, a span of text, to its place in the pool; note what changed against `before`.

    `sign` makes prices grow from the best one on: 1 for asks, -1 for bids. Returns the side and how
    many changes it has in `prices` and `amounts`; a side of -1 levels if the text is none.
    """
    begin, end = span
    none = Side(0, -1, 0, 0, 0)
    copied(text, begin, pool.text, to.text, end - begin)
    # Levels that were read, changes, and how many levels of the side before have been passed.
    levels = changes = passed = form = 0
    worst = -np.inf
    at = begin + 1
    while at < end - 1:
        same = _unchanged(text, at, end, pool, before, passed)
        if same > passed:
            moved = at - begin - pool.start[before.place + passed]
            _carry_over(pool, before.place + passed, to.place + levels, same - passed, moved)
            levels, passed = levels + same - passed, same
            at = begin + moved + pool.start[before.place + same]
            worst = sign * pool.price[to.place + levels - 1]
            level_form = before.form
        else:
            price, amount, after, level_form = _level(text, at)
            if after < 0 or not (after == end - 1 or text[after] == _COMMA):
                return none, 0
            if not (sign * price > worst and amount > 0):
                return none, 0
            worst = sign * price
            passed, changes = _gone(pool, before, passed, sign, worst, prices, amounts, changes)
            stood = passed < before.levels and pool.price[before.place + passed] == price
            if not stood or pool.amount[before.place + passed] != amount:
                prices[changes], amounts[changes] = price, amount
                changes += 1
            passed += stood
            into = to.place + levels
            pool.price[into], pool.amount[into], pool.start[into] = price, amount, at - begin
            levels, at = levels + 1, after + 1
        if form not in (0, level_form):
            return none, 0
        form = level_form
    pool.start[to.place + levels] = end - begin
    passed, changes = _gone(pool, before, passed, sign, np.inf, prices, amounts, changes)
    return Side(to.place, levels, to.text, end - begin, form), changes


@compiled
def _unchanged(
    text: NDArray[np.uint8], at: int, end: int, pool: Pool, before: Side, passed: int
) -> int:
    """Return up to which level of the side before, from `passed` on, the text says the same.

    Up to where the next level begins, which is past the comma, or the side ends: so both agree on
    what ends the level too, and nothing of it is left to look at.
    """
    if passed >= before.levels or before.form == 0:
        return passed
    there = pool.start[before.place + passed]
    most = min(before.length - there, end - at)
    agreed = there + agreement(text, at, pool.text, before.text + there, most)
    same = passed
    while same < before.levels and pool.start[before.place + same + 1] <= agreed:
        same += 1
    return same


@compiled
def _carry_over(pool: Pool, source: int, target: int, count: int, moved: int) -> None:
    """Copy some levels to a side whose text has them so many bytes further on."""
    copied(pool.price, source, pool.price, target, count)
    copied(pool.amount, source, pool.amount, target, count)
    # Slices, as in `copied`.
    before, after = pool.start[source : source + count], pool.start[target : target + count]
    for level in range(count):
        after[level] = before[level] + moved


@compiled
def _gone(
    pool: Pool,
    before: Side,
    passed: int,
    sign: float,
    price: float,
    prices: NDArray[np.float64],
    amounts: NDArray[np.float64],
    changes: int,
) -> tuple[int, int]:
    """Note as gone the levels of the side before, from `passed` on, that are better than a price.

    Returns how many are passed then, and how many changes there are.
    """
    while passed < before.levels and sign * pool.price[before.place + passed] < price:
        prices[changes], amounts[changes] = pool.price[before.place + passed], 0.0
        passed, changes = passed + 1, changes + 1
    return passed, changes


@compiled
def _level(text: NDArray[np.uint8], at: int) -> tuple[float, float, int, int]:
    """Return a level's price and amount, the place after it (or -1), and its form: 2 or 4."""
    if text[at] != _OPEN:
        return 0.0, 0.0, -1, 0
    price, at = number(text, at + 1)
    if at < 0 or text[at] != _COMMA:
        return 0.0, 0.0, -1, 0
    amount, at = number(text, at + 1)
    if at >= 0 and text[at] == _CLOSE:
        return price, amount, at + 1, 2
    rest = (
        at >= 0 and text[at] == _COMMA and text[at + 1] == _0 and text[at + 2] == _COMMA
        and text[at + 3] == _0 and text[at + 4] == _CLOSE
    )  # fmt: skip
    return price, amount, at + 5 if rest else -1, 4
