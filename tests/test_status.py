from __future__ import annotations

from datetime import date, timedelta
from multiprocessing import Pipe
from typing import TYPE_CHECKING

from pipeline.catalogue import Catalogue
from pipeline.lake import Lake
from pipeline.live_lake import LiveLake
from pipeline.status import status_of
from tests.reporting import MINUTE

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli


def test_days_in_parts_are_shown_apart(sample_lake: Path, tmp_path: Path, cli: Cli) -> None:
    """What a recording has brought into the lake is counted by itself, until it is ingested."""
    rows = Catalogue(Lake(sample_lake, "coinflex")).rows
    data = tmp_path / "data"
    Lake(data, "coinflex").say_recorded(date(2020, 8, 1), rows)
    found = status_of(data, "coinflex")
    assert found["days_in_parts"] == ["2020-08-01"]
    assert (found["days"], found["instruments"]) == (0, 0)
    recorded = found["recorded"]
    assert (recorded["days"], recorded["instruments"]) == (1, 2)
    assert recorded["depth_messages"] == rows["depth_messages"].sum() > 0
    assert recorded["lake_bytes"] == rows["bytes"].sum() > 0
    text = cli("status").stdout
    assert "\ndays_in_parts                  2020-08-01\n" in text
    assert "\nrecorded:\ndays " in text


def test_a_lake_without_a_capture_has_neither_section(sample_lake: Path) -> None:
    """JSON says so by null."""
    found = status_of(sample_lake, "coinflex")
    assert found["days_in_parts"] == []
    assert found["recorded"] is found["capture"] is None


def test_how_far_the_lake_is_behind_is_what_it_has_not_said_yet(tmp_path: Path) -> None:
    """From the first minute that it was told of, through the last of which it has all."""
    lake = LiveLake(tmp_path, "x", "api.example.com")
    told, lake._tell = Pipe(duplex=False)
    lake._heard, say = Pipe(duplex=False)
    assert lake.behind == timedelta(0)
    for minute in range(3):
        lake.minute_is_over(MINUTE + timedelta(minutes=minute))
    assert lake.behind == timedelta(minutes=3)
    first, _ = told.recv()
    say.send(first)
    assert lake.behind == timedelta(minutes=2)
    say.send(MINUTE + timedelta(minutes=2))
    assert lake.behind == timedelta(0)
    assert lake.through == MINUTE + timedelta(minutes=2)
