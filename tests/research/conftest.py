"""A lake that is asked: four small days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline.sources.files import adopt
from tests.lakes import ingest
from tests.making import at, depth, line, trade, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.research import OpenLake

NAME, OTHER = "BTC-USD", "ETH-USD"
DAYS = 4


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with four days of two instruments, a few lines at each noon."""
    folder = tmp_path_factory.mktemp("days")
    for day in range(DAYS):
        noon = at(1440 * day + 720)
        lines = []
        for number in range(5):
            time = noon + timedelta(seconds=10 * number)
            for name in (NAME, OTHER):
                lines.append(depth(time, [[10 + number, 1]], [[20, 2]], instrument=name))
                lines.append(trade(time, str(number), "1", instrument=name, id_=f"{day}-{number}"))
            data = {"last": "1.5", "marketCode": NAME, "timestamp": "1596240000000"}
            lines.append(line(time, {"table": "ticker", "data": [data]}))
            lines += [""] * (number == 2)
        write_minute(folder / "slices", noon, lines)
    adopt(folder / "data", "coinflex", folder / "slices")
    ingest(folder / "data", "coinflex", jobs=1)
    return folder / "data"


@pytest.fixture
def lake(data: Path) -> Iterator[OpenLake]:
    """Return those days, open."""
    with pipeline.open(data) as opened:
        yield opened
