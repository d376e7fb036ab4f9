"""The scan and the general decoder: the same rows from every line, however it was broken."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.channels import BOOK_CHANNELS, CHANNELS, canonical_channel
from pipeline.normalize import part as part_reader
from pipeline.normalize import standing
from pipeline.normalize.coinflex import Books, Refused, Trade, Trades, decode
from pipeline.normalize.columns import LISTS, Columns, lengths
from pipeline.normalize.part import Part, PartReader
from pipeline.normalize.scan import (
    BOOK,
    DIFFERENCE,
    PADDING,
    STATUSES,
    TABLES,
    UNAPPLIED,
    beginning,
)
from pipeline.normalize.scan.text import number
from pipeline.normalize.slice_reader import SliceReader
from pipeline.normalize.stretches import Taken
from pipeline.slices import Request
from pipeline.stamp import split_line
from pipeline.times import MINUTE_US
from tests.conftest import ROOT, clean_environment
from tests.normalize.wire import STAMP, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pipeline.normalize.coinflex import Book

Found = dict[tuple[str, str], list[tuple[Any, ...]]]  # by channel and instrument

_EVERY = 7  # a keyframe, so that there are many
_MINUTE = 23 * 60 + 54
_BEGIN = 1596240000_000000 + _MINUTE * MINUTE_US
_LINES = 1000  # to an example: 16,000 in a run


def take_small_steps(patch: pytest.MonkeyPatch) -> None:
    """Have many keyframes, books that outgrow their room, and batches that end within a block."""
    patch.setattr(standing, "KEYFRAME_EVERY", _EVERY)
    patch.setattr(standing, "_FIRST_ROOM", 8)
    patch.setattr(part_reader, "_LINES_AT_ONCE", 37)


@pytest.fixture(scope="module", autouse=True)
def _small_steps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        take_small_steps(patch)
        yield


# --- the two roads -------------------------------------------------------------------------------


def padded(content: bytes) -> NDArray[np.uint8]:
    """Return bytes as the scan takes them, with something worse than zeros behind them."""
    behind = (b'],[1,2]],"asks":[[1,2]],"\n' * PADDING)[:PADDING]
    return np.frombuffer(bytearray(content + behind), np.uint8)


def scanned(blocks: Sequence[bytes], begin: int = _BEGIN) -> Part:
    """Return what the scan, and the decoder behind it, make of a minute's blocks of lines."""
    minute = begin // MINUTE_US % 1440
    reader = PartReader([Request("coinflex", "tardis")], begin - minute * MINUTE_US, minute)
    reader.begin_minute((0,))
    reader.hear((0,))
    day = datetime.fromtimestamp(begin / 1e6, UTC).date()
    slice_ = SliceReader(reader, 0, beginning(day, minute), Taken())
    for block in blocks:
        slice_.read(padded(block), len(block))
    reader.end_stretch([(0, slice_.line_before)])
    return reader.finish()


class Simple:
    """The same by the general decoder and dicts alone: one line at a time."""

    def __init__(self) -> None:
        self.rows: Found = defaultdict(list)
        self.trades: Found = defaultdict(list)
        self.quarantine: list[int] = []
        self._books: dict[tuple[str, str], tuple[dict[float, float], dict[float, float]]] = {}
        self._fresh: dict[tuple[str, str], int] = {}
        self._since: dict[tuple[str, str], int] = {}

    def take(self, content: bytes) -> Simple:
        """Take all lines of a minute."""
        for line, raw in enumerate(content.removesuffix(b"\n").split(b"\n"), 1):
            if not raw.strip():
                self._fresh |= dict.fromkeys(self.rows, 2)
                continue
            try:
                time, payload = split_line(raw)
                message = decode(payload)
            except (ValueError, Refused):
                self.quarantine.append(line)
                continue
            if isinstance(message, Books):
                for item, book in enumerate(message.items):
                    place = (line, item, time, message.action)
                    self._take_book((message.channel, book.instrument), place, book)
            elif isinstance(message, Trades):
                for item, trade in enumerate(message.items):
                    feed = "trade", trade.instrument
                    self.trades[feed].append(_trade(line, item, time, trade))
        return self

    def _take_book(self, feed: tuple[str, str], place: tuple[Any, ...], book: Book) -> None:
        fresh = self._fresh.get(feed, 1)
        bids, asks = ({}, {}) if fresh else self._books[feed]
        reset, keyframe = 0, None
        changed: tuple[list[Any], list[Any]] = [], []
        if book.kind == "book":
            changed = _changed(bids, book.bids, -1), _changed(asks, book.asks, 1)
            since = 0 if fresh else self._since[feed] + 1
            if fresh or since == _EVERY:
                since, keyframe = 0, (list(book.bids.items()), list(book.asks.items()))
            reset, self._fresh[feed], self._since[feed] = fresh, 0, since
            self._books[feed] = book.bids, book.asks
        elif book.kind == "difference":
            changed = list(book.bids.items()), list(book.asks.items())
        else:
            self._fresh[feed] = 2
        best = [next(iter(side.items()), None) for side in (book.bids, book.asks)]
        said = (book.timestamp, book.seq_num, book.checksum, book.checksum_status, book.irregular)
        levels = len(book.bids), len(book.asks)
        self.rows[feed].append((*place, book.kind, *said, levels, best, reset, changed, keyframe))


def _changed(before: dict[float, float], after: dict[float, float], sign: int) -> list[Any]:
    gone = {price: 0.0 for price in before if price not in after}
    new = {price: after[price] for price in after if before.get(price) != after[price]}
    return sorted((gone | new).items(), key=lambda level: sign * level[0])


def _trade(line: int, item: int, time: int, trade: Trade) -> tuple[Any, ...]:
    return (line, item, time, trade.timestamp, trade.price, trade.amount, trade.side, trade.id)


# --- the scan's columns as plain values ----------------------------------------------------------


def _lists(columns: Columns, name: str) -> list[Any]:
    ends = np.cumsum(lengths(columns.rows, name))
    return [part.tolist() for part in np.split(columns.lists[name], ends[:-1])]


def _rows(part: Part, columns: Columns) -> list[tuple[Any, ...]]:
    lists = {name: _lists(columns, name) for name in LISTS}
    kinds = {BOOK: "book", DIFFERENCE: "difference", UNAPPLIED: "unapplied"}

    def levels(index: int, name: str) -> list[Any]:
        return list(zip(lists[f"{name}_price"][index], lists[f"{name}_amount"][index], strict=True))

    def best(row: Any, side: str) -> tuple[float, float] | None:
        return (row[f"{side}_price"], row[f"{side}_amount"]) if row[f"{side}_levels"] else None

    found = []
    for index, row in enumerate(columns.rows):
        keyframe = levels(index, "book_bid"), levels(index, "book_ask")
        changed = levels(index, "bid_change"), levels(index, "ask_change")
        found.append((
            row["line"], row["item"], row["local_timestamp"], list(part.actions)[row["action"]],
            kinds[row["kind"]],
            row["timestamp"] if row["has_timestamp"] else None,
            row["seq_num"] if row["has_seq_num"] else None,
            row["checksum"] or None, STATUSES[row["checksum_status"]], bool(row["irregular"]),
            (row["bid_levels"], row["ask_levels"]), [best(row, "bid"), best(row, "ask")],
            row["reset"], changed, keyframe if row["keyframe"] else None,
        ))  # fmt: skip
    return found


def _trades(columns: Columns) -> list[tuple[Any, ...]]:
    ends = np.cumsum(columns.rows["id_bytes"])
    ids = [part.tobytes().decode() for part in np.split(columns.lists["id"], ends[:-1])]
    return [
        (row["line"], row["item"], row["local_timestamp"],
         row["timestamp"] if row["has_timestamp"] else None, row["price"], row["amount"],
         "sell" if row["sell"] else "buy", id_ if row["has_id"] else None)
        for row, id_ in zip(columns.rows, ids, strict=True)
    ]  # fmt: skip


def assert_same(part: Part, simple: Simple, content: bytes) -> None:
    """Check that both roads say the same of a minute; names the first line that differs."""
    raw = content.split(b"\n")
    rows: Found = {(*part.feeds[n],): _rows(part, own) for n, own in part.messages.items()}
    trades: Found = {(*part.feeds[n],): _trades(own) for n, own in part.trades.items()}
    assert sorted(line for _, _, line, *_ in part.quarantine) == simple.quarantine
    for found, expected in ((rows, simple.rows), (trades, simple.trades)):
        assert found.keys() == expected.keys()
        for feed in found:
            for one, other in zip(found[feed], expected[feed], strict=False):
                assert one == other, raw[other[0] - 1]
            assert len(found[feed]) == len(expected[feed])


# --- every line ----------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(min_value=0, max_value=2**64))
def test_both_roads_agree_on_every_line(seed: int) -> None:
    """Lines of all eras, and broken ones; 8,000 lines a run, 1,000 to an example."""
    wire, rng = Wire(seed), random.Random(seed)
    blocks = [b"".join(wire.line() + b"\n" for _ in range(_LINES // 4)) for _ in range(4)]
    content = b"".join(blocks)
    if rng.random() < 0.3:
        blocks = [content]
    assert_same(scanned(blocks), Simple().take(content), content)


def test_more_feeds_than_the_scan_has_numbers_for() -> None:
    """5,000 instruments, whose names differ in one character or in length, twice around."""
    names = [f"{'A' * place}B{'A' * (63 - place)}" for place in range(64)]  # as long as may be
    names += [f"{name}A" for name in names]
    names += [f"{'N' * (number % 60)}{number}" for number in range(4_900)]
    book = '{"table":"depth","data":{"instrumentId":"%s","asks":[[%d,1]],"bids":[[1,1]]}}'
    trade = '{"table":"trade","data":{"marketCode":"%s","side":"BUY","price":%d,"quantity":1}}'
    messages = [kind % (name, 2 + n) for n in range(2) for name in names for kind in (book, trade)]
    content = "".join(f"{STAMP.decode()}15.0000000Z {message}\n" for message in messages).encode()
    assert_same(scanned([content]), Simple().take(content), content)


def test_both_roads_agree_on_the_recordings() -> None:
    """Six minutes of order flow, and the twenty real messages, line by line."""
    for path in sorted((ROOT / "data" / "sample").glob("*/*/*/*/*.json.gz")):
        content = gzip.decompress(path.read_bytes())
        minute = int(path.name[:2])
        begin = _BEGIN + (minute - 54) * MINUTE_US
        part = scanned([content], begin)
        assert_same(part, Simple().take(content), content)
    real = (Path(__file__).parents[1] / "recordings" / "real_messages.ndjson").read_bytes()
    content = b"".join(
        STAMP + b"%02d.0000000Z %s\n" % (n, line) for n, line in enumerate(real.splitlines())
    )
    assert_same(scanned([content]), Simple().take(content), content)


CHECKED = """
from tests.normalize.test_scan import *

with pytest.raises(IndexError):  # or nothing would be checked here
    number(np.frombuffer(b"12", np.uint8), 0)
take_small_steps(pytest.MonkeyPatch())
for seed in range(8):
    wire = Wire(seed)
    scanned([b"".join(wire.line() + b"\\n" for _ in range(500))])
"""


def test_no_place_outside_of_an_array_is_touched(request: pytest.FixtureRequest) -> None:
    """Such lines with every index checked, which compiled code otherwise leaves out.

    What was compiled for it, which is nearly all that takes time, is kept for the next run.
    """
    assert request.config.cache is not None
    environment = clean_environment(
        NUMBA_BOUNDSCHECK="1",
        NUMBA_OPT="0",
        NUMBA_CACHE_DIR=str(request.config.cache.mkdir("checked-scan")),
    )
    subprocess.run([sys.executable, "-c", CHECKED], cwd=ROOT, env=environment, check=True)


# --- the fast road -------------------------------------------------------------------------------

_NAME = '"instrumentId":"BTC-USD-SWAP-LIN"'
_FOUR = '"asks":[[9241,1,0,0],[9243.5,0.967,0,0]]', '"bids":[[9239.9,0.46,0,0]]'
_TWO = '"asks":[[19047.0,0.1],[19053.0,1.0]]', '"bids":[[19036.0,0.1],[-0.0001,1e-05]]'
COMMON = {
    "2020, data first": (
        f'{{"data":[{{{_NAME},"seqNum":1594613594001171264,{_FOUR[0]},"checksum":0,{_FOUR[1]},'
        '"timestamp":"1594684800290"}],"action":"partial","table":"futures/depth"}'
    ),
    "May 2022, table first, seqNum as text": (
        f'{{"table":"depth","data":[{{{_NAME},"seqNum":"1650424356029712528",{_FOUR[0]},'
        f'"checksum":-1222631948,{_FOUR[1]},"timestamp":"1652708448921"}}],"action":"partial"}}'
    ),
    "October 2022, two elements": (
        f'{{"table":"futures/depth","data":[{{"seqNum":2166539633836810,{_NAME},{_TWO[0]},'
        f'"checksum":1877221138,{_TWO[1]},"timestamp":"1665460388955"}}],"action":"partial"}}'
    ),
    "CoinFLEX US, an object, no action": (
        f'{{"table":"depth","data":{{"marketCode":"BTC-flexUSD","seqNum":1,{_TWO[0]},{_TWO[1]},'
        '"timestamp":1665460388955}}'
    ),
    "empty sides": f'{{"table":"depthL5","data":[{{{_NAME},"asks":[],"bids":[]}}]}}',
}


@pytest.mark.parametrize("message", COMMON.values(), ids=COMMON)
def test_common_books_need_no_decoder(message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What most of the history looks like is read by the scan alone."""
    monkeypatch.setattr("pipeline.normalize.slice_reader.decode", None)
    part = scanned([STAMP + f"15.0000000Z {message}\n".encode()])
    ((_, columns),) = part.messages.items()
    assert len(columns) == 1
    assert part.quarantine == []


def test_all_books_and_trades_of_the_sample_need_no_decoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every line of the recorded order flow is read by the scan alone."""
    monkeypatch.setattr("pipeline.normalize.slice_reader.decode", None)
    for path in sorted((ROOT / "data" / "sample").glob("*/*/*/*/*.json.gz")):
        content = gzip.decompress(path.read_bytes())
        minute = int(path.name[:2])
        begin = _BEGIN + (minute - 54) * MINUTE_US
        part = scanned([content], begin)
        taken = [*part.messages.values(), *part.trades.values()]
        assert sum(map(len, taken)) == content.count(b"\n")


# --- numbers -------------------------------------------------------------------------------------


def _told(text: str) -> float | None:
    value, end = number(padded(f"{text},".encode()), 0)
    return value if end == len(text) else None


@settings(max_examples=500, deadline=None)
@given(
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?\Z")
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.decimals(allow_nan=False, allow_infinity=False, places=9).map(str)
)
def test_a_number_is_the_nearest_double_or_left_alone(text: str) -> None:
    """Exactly, to the last bit; the sign of zero too."""
    told = _told(text)
    assert told is None or (told.hex() == float(text).hex())


@pytest.mark.parametrize(
    "text",
    ["9241", "9241.0", "0.967", "1e-05", "-0.0001", "54701490.0", "61800.300000000000", "0",
     "0.1", "123456789.123456", "9007199254740992", "1e22", "5E3"],
)  # fmt: skip
def test_common_numbers_are_told(text: str) -> None:
    """The fast road is for these."""
    assert _told(text) == float(text)


@pytest.mark.parametrize(
    "text", ["01", "1.", ".5", "-", "+1", "1e", "0x1", "1_0", "NaN", "-0", "-0.0", "1e23", "", "²"]
)
def test_other_numbers_are_left_alone(text: str) -> None:
    """What is no JSON number, or can't be told exactly in one step."""
    assert _told(text) is None


# --- what the scan repeats because its cache knows its own folder alone --------------------------


def test_the_scan_knows_the_channels_by_their_names() -> None:
    """Its tables are the wire's words for the channels of whole books, and trades."""
    assert {canonical_channel(name) for name in TABLES} == {*BOOK_CHANNELS, "trade"}
    assert {CHANNELS["depth"], CHANNELS["trade"]} <= set(TABLES)


def test_the_common_books_are_json() -> None:
    """The common messages above are what they claim to be."""
    for message in COMMON.values():
        assert json.loads(message)["data"]
