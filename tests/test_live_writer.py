from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

import pipeline
from pipeline.lake import Lake
from pipeline.live_writer import LiveWriter
from pipeline.schemas import GAPS
from tests.lakes import EXCHANGE, TODAY

if TYPE_CHECKING:
    from pathlib import Path

FACTS: Final = {"A": {"disconnects": 0, "minutes_fetched": 1440, "gaps": 0, "trade_gaps": 0}}


def test_a_gap_that_is_none_any_more_is_not_said_again(tmp_path: Path) -> None:
    """As the rest of a day without holes, once that is over: no book of it is unknown."""
    lake = Lake(tmp_path, EXCHANGE)
    lake.prepare()
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day)  # noqa: DTZ001 - as in files
    hours = pl.DataFrame(
        [(midnight, midnight + timedelta(hours=1), "end_of_coverage", True, None)],
        GAPS.normalized,
        orient="row",
    )
    with lake.holding_day(TODAY), LiveWriter(lake, TODAY, "1") as writer:
        for rows, expected in ((hours, 1), (None, 0), (None, 0), (hours, 1)):
            if rows is not None:
                writer.write(GAPS.name, "A", rows)
            writer.commit(FACTS)
            found = pipeline.open(tmp_path).sql("select * from gaps")
            assert isinstance(found, pl.DataFrame)
            assert found.height == expected
