"""The scan and the general decoder: the same rows from every line, however it was broken."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.channels import BOOK_CHANNELS, CHANNELS, canonical_channel
from pipeline.normalize.scan import TABLES
from pipeline.normalize.scan.text import number
from pipeline.times import MINUTE_US
from tests.conftest import ROOT, clean_environment
from tests.normalize.roads import BEGIN, Simple, assert_same, padded, scanned, take_small_steps
from tests.normalize.wire import STAMP, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES = 1000  # to an example: 16,000 in a run


@pytest.fixture(scope="module", autouse=True)
def _small_steps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        take_small_steps(patch)
        yield


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
        begin = BEGIN + (minute - 54) * MINUTE_US
        part = scanned([content], begin)
        assert_same(part, Simple().take(content), content)
    real = (Path(__file__).parents[1] / "recordings" / "real_messages.ndjson").read_bytes()
    content = b"".join(
        STAMP + b"%02d.0000000Z %s\n" % (n, line) for n, line in enumerate(real.splitlines())
    )
    assert_same(scanned([content]), Simple().take(content), content)


CHECKED = """
import numpy as np
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
        begin = BEGIN + (minute - 54) * MINUTE_US
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
