from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tardis_client import Channel

from pipeline.simulator import TardisSimulator
from tests.simulator.client import get, minute_url, replay
from tests.simulator.slices import DATED, SPOT, SWAP, UNREADABLE, path_of, trade, write_slice

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
KEY = "a-key"


def _read(
    folder: Path, span: tuple[str, str], keep: Callable[[dict[str, Any]], bool]
) -> list[tuple[bytes, bytes] | None]:
    """Read the same straight from the files; what can't be decoded is kept."""
    kept: list[tuple[bytes, bytes] | None] = []
    minute, end = map(datetime.fromisoformat, span)
    while minute < end:
        path = path_of(folder, minute)
        content = gzip.decompress(path.read_bytes()) if path.exists() else b""
        for line in content.splitlines(keepends=True):
            if line == b"\n":
                kept.append(None)
            elif UNREADABLE.encode() in line or keep(json.loads(line[29:])):
                kept.append((line[:28], line[29:]))
        minute += timedelta(minutes=1)
    return kept


def _is_depth_of_swap(message: dict[str, Any]) -> bool:
    if message.get("table") == "futures/depth":
        return bool(message["data"][0]["instrumentId"] == SWAP)
    return message.get("channel") == f"futures/depth:{SWAP}" or message.get("event") == "Welcome"


def _is_trade(message: dict[str, Any]) -> bool:
    named = message.get("table") or message.get("channel", "").partition(":")[0]
    return named == "trade" or message.get("event") == "Welcome"


def _is_either(message: dict[str, Any]) -> bool:
    return _is_trade(message) or _is_depth_of_swap(message)


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ([], lambda _: True),
        ([Channel("futures/depth", [SWAP])], _is_depth_of_swap),
        ([Channel("trade", [])], _is_trade),
        ([Channel("trade", [SPOT, SWAP, DATED])], _is_trade),
        ([Channel("trade", []), Channel("futures/depth", [SWAP])], _is_either),
    ],
)
def test_official_client_replays_what_the_files_hold(
    slices: Path, tmp_path: Path, filters: list[Channel], keep: Callable[[dict[str, Any]], bool]
) -> None:
    """Lines, order and disconnects are the files' own; a minute without data has none."""
    span = "2020-08-01T23:53:00", "2020-08-02T00:01:00"
    with TardisSimulator(slices, key=KEY).running() as url:
        played = replay(url, tmp_path / "cache", span, filters, KEY)
    assert played == _read(slices, span, keep)
    assert None in played


def test_sample_is_replayed_by_the_official_client(tmp_path: Path) -> None:
    """Real order flow comes through as well, both wire forms of it."""
    if not list(SAMPLE.glob("*/*/*/*/*.json.gz")):
        pytest.skip("data/sample holds no slices")
    span = "2020-08-01T23:53:00", "2020-08-01T23:56:00"
    with TardisSimulator(SAMPLE).running() as url:
        depths = replay(url, tmp_path, span, [Channel("futures/depth", [SWAP])])
    assert depths == _read(SAMPLE, span, _is_depth_of_swap)
    assert len(depths) > 1000


def test_null_symbols_are_all_of_a_channel(slices: Path) -> None:
    """Null, an empty list and no list at all mean the same."""
    spellings = [
        [{"channel": "trade", "symbols": None}],
        [{"channel": "trade", "symbols": []}],
        [{"channel": "trade"}],
        [{"channel": "trade", "symbols": [SPOT]}, {"channel": "trade"}],
    ]
    with TardisSimulator(slices).running() as url:
        answers = [get(minute_url(url, filters=filters)).lines for filters in spellings]
    assert [len(lines) for lines in answers] == [6] * 4
    assert all(lines == answers[0] for lines in answers)


def test_whole_minute_is_the_file_itself(slices: Path) -> None:
    """Without filters not a byte differs."""
    with TardisSimulator(slices).running() as url:
        answer = get(minute_url(url))
    path = path_of(slices, datetime(2020, 8, 1, 23, 54, tzinfo=UTC))
    assert answer.body == path.read_bytes()
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["x-slice-size"] == answer.headers["x-suggested-slice-size"] == "1"


def test_minute_without_data_has_no_body_and_no_encoding(slices: Path) -> None:
    """Nothing there, or nothing left by the filters; but disconnects alone are sent."""
    trades = [{"channel": "trade", "symbols": [SWAP]}]
    with TardisSimulator(slices).running() as url:
        nothing_there = get(minute_url(url, "2020-08-01T23:57"))
        nothing_left = get(minute_url(url, "2020-08-01T23:55", filters=trades))
        disconnect = get(minute_url(url, "2020-08-01T23:56", filters=trades))
    for answer in (nothing_there, nothing_left):
        assert (answer.status, answer.body) == (200, b"")
        assert "Content-Encoding" not in answer.headers
    assert disconnect.lines == [b""]


def test_filtered_bytes_are_the_same_each_time(slices: Path) -> None:
    """Neither the clock nor the cache shows in an answer."""
    bodies = set()
    for _ in range(2):
        with TardisSimulator(slices).running() as url:
            bodies |= {get(minute_url(url, filters=[{"channel": "trade"}])).body for _ in range(2)}
    assert len(bodies) == 1


def test_replaced_slice_is_filtered_anew(slices: Path) -> None:
    """The cache never serves what a file no longer holds."""
    with TardisSimulator(slices).running() as url:
        asked = minute_url(url, "2020-08-01T23:55", filters=[{"channel": "trade"}])
        assert get(asked).lines == []
        write_slice(slices, "2020-08-01T23:55", [trade(SWAP, 8), trade(SWAP, 9)])
        assert len(get(asked).lines) == 2


def test_slice_that_is_broken_is_refused_and_spoils_no_other(slices: Path) -> None:
    """A broken file is named when it is asked for, and only then."""
    path_of(slices, datetime(2020, 8, 1, 23, 55, tzinfo=UTC)).write_bytes(b"no gzip")
    filters = [{"channel": "trade"}]
    with TardisSimulator(slices).running() as url:
        broken = get(minute_url(url, "2020-08-01T23:55", filters=filters))
        assert get(minute_url(url, filters=filters)).status == 200
    assert (broken.status, "55.json.gz can't be read" in broken.message) == (500, True)
