"""What is known of a book, or why nothing is, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pipeline
from pipeline.errors import UsageError
from pipeline.sources.files import adopt
from tests.lakes import ingest
from tests.making import at, depth, trade, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline.research import OpenLake

_NAME, _OTHER = "BTC-USD", "ETH-USD"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLake]:
    """Return a lake of minutes 0 to 2, 5 and 6 (silent), 8, of the first day; and three more days.

    In minute 1 the connection is lost; in minute 2 both sides are empty.
    """
    folder = tmp_path_factory.mktemp("explained")
    minutes = {
        at(0): [depth(at(0, 1), [[1, 1], [0.5, 2]], [[2, 1]])],
        at(1): [depth(at(1, 1), [[1, 1]], [[2, 1]]), ""],
        at(2): [depth(at(2, 1), [], [])],
        at(5): [trade(at(5, 1), "1", "1", instrument=_OTHER)],
        at(6): [],
        at(8): [depth(at(8, 1), [[1, 1]], [[2, 1]])],
        **{at(1440 * day): [depth(at(1440 * day, 1), [[1, 1]], [])] for day in (1, 3, 4)},
    }
    for minute, lines in minutes.items():
        write_minute(folder / "slices", minute, lines)
    adopt(folder / "data", "coinflex", folder / "slices")
    ingest(folder / "data", "coinflex")
    with pipeline.open(folder / "data") as opened:
        yield opened


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (at(0, 2), "is known, from a message of 2020-08-01 00:00:01: 2 bids, 1 asks"),
        (at(2, 2), "is known, and empty on both sides since 2020-08-01 00:02:01"),
        (at(0, 0.5), "is unknown: "),
        (at(1, 9), "is unknown: disconnect from 2020-08-01 00:01:01.000001 to 2020-08-01 00:02:01"),
        (at(4), "is unknown: not_fetched from 2020-08-01 00:03:00 to 2020-08-01 00:08:01"),
        (at(9), "is unknown: end_of_coverage from 2020-08-01 00:09:00 to 2020-08-02 00:00:00"),
        (at(3 * 1440 - 1), "is unknown: no message of that day or the day before reaches it"),
    ],
    ids=str,
)  # fmt: skip
def test_a_sentence(lake: OpenLake, time: datetime, expected: str) -> None:
    """The cause as the lake has it, and what days there are."""
    said = lake.explain(_NAME, time)
    assert said.startswith(f"the book of {_NAME} at {time.replace(tzinfo=None)} {expected}")
    days = "the lake has 2020-08-01 to 2020-08-02, 2020-08-04 to 2020-08-05 of it"
    assert said.endswith(days) == ("unknown" in expected)


@pytest.mark.parametrize("minute", [5, 6])
def test_a_minute_that_was_fetched_is_not_said_not_to_be(lake: OpenLake, minute: int) -> None:
    """A gap may go on through minutes that were fetched and brought no book."""
    said = lake.explain(_NAME, at(minute, 30))
    assert "none came from 2020-08-01 00:03:00 to 2020-08-01 00:08:01" in said
    assert "which began with not_fetched; that very minute has a slice, but no book in it" in said


def test_an_instrument_without_books(lake: OpenLake) -> None:
    """It has trades alone."""
    assert "is unknown: no_snapshot from 2020-08-01" in lake.explain(_OTHER, at(5, 30))


def test_an_unknown_instrument(lake: OpenLake) -> None:
    """Is an error, as everywhere."""
    with pytest.raises(UsageError, match="one of BTC-USD"):
        lake.explain("BTC-US", at(0))
