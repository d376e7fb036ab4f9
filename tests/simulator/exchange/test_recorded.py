from __future__ import annotations

import gzip
import itertools
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import SliceCorrupt
from pipeline.simulator.exchange import RecordedFeed
from pipeline.simulator.feed import DISCONNECT, Event
from pipeline.slice_file import read_lines
from tests.conftest import ROOT
from tests.simulator.slices import DATED, SPOT, SWAP, path_of, write_slice

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = ROOT / "data" / "sample"


def test_sample_is_played_line_by_line() -> None:
    """Every data line of the sample is one event, byte for byte, at its arrival time."""
    events = list(RecordedFeed(SAMPLE).events())
    lines = [line for path in sorted(SAMPLE.rglob("*.json.gz")) for line in read_lines(path)]
    assert [event.payload for event in events] == [line[29:] for line in lines if line]
    first, last = (datetime.fromisoformat(lines[n][:26].decode()) for n in (0, -1))
    assert events[0].at == 0
    assert events[-1].at == pytest.approx((last - first).total_seconds(), abs=1e-6)
    assert all(one.at <= two.at for one, two in itertools.pairwise(events))
    assert {event.channel for event in events} == {"depth", "trade"}


def test_sample_has_the_steps_of_its_prices() -> None:
    """Tick and minimal size are read from the numbers, the type from the name."""
    btc, eth = RecordedFeed(SAMPLE).markets
    assert btc[:4] == ("BTC-USD-SWAP-LIN", "0.1", "0.001", "FUTURE")
    assert eth[:4] == ("ETH-USD-SWAP-LIN", "0.01", "0.001", "FUTURE")
    assert btc.listed_at == 1596326056322


def test_only_data_are_played(slices: Path) -> None:
    """Welcomes, acknowledgements, unreadable lines and empty ones are no events."""
    events = list(RecordedFeed(slices).events())
    assert Counter((event.channel, event.market) for event in events) == {
        ("depth", SWAP): 5,
        ("depth", SPOT): 3,
        ("trade", SWAP): 2,
        ("trade", SPOT): 1,
        ("trade", DATED): 1,
    }
    assert DISCONNECT not in {event.channel for event in events}


def test_empty_line_can_be_a_disconnect(slices: Path) -> None:
    """It comes at the time of the last line before it, which is all that is known of it."""
    events = list(RecordedFeed(slices, disconnects=True).events())
    place = next(n for n, event in enumerate(events) if event.channel == DISCONNECT)
    assert events[place] == Event(events[place - 1].at, DISCONNECT, "", b"")
    assert [event for event in events if event.channel != DISCONNECT] == list(
        RecordedFeed(slices).events()
    )


def test_times_that_run_back_are_played_at_once(tmp_path: Path) -> None:
    """The order of lines stands; nothing comes before what stood before it."""
    for minute, arrival in (("2020-08-01T23:54", 9), ("2020-08-01T23:55", 3)):
        path = path_of(tmp_path, datetime.fromisoformat(minute))
        path.parent.mkdir(parents=True, exist_ok=True)
        message = '{"data":[{"marketCode":"FLEX-USD"}],"table":"trade"}'
        path.write_bytes(
            gzip.compress(f"2020-08-01T23:54:0{arrival}.0000000Z {message}\n".encode())
        )
    assert [event.at for event in RecordedFeed(tmp_path).events()] == [0, 0]


def test_folder_without_data_is_refused(tmp_path: Path) -> None:
    """Nothing to play is said at once, and so is a slice that is broken."""
    write_slice(tmp_path, "2020-08-01T23:54", ["", '{"event":"Welcome","nonce":"1"}'])
    with pytest.raises(ValueError, match="no data lines"):
        RecordedFeed(tmp_path)
    path_of(tmp_path, datetime.fromisoformat("2020-08-01T23:53")).write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(SliceCorrupt):
        RecordedFeed(tmp_path)
