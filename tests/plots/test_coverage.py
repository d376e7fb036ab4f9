from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import matplotlib.dates as mdates
import numpy as np
import pytest

import pipeline
from pipeline.errors import UsageError
from pipeline.sources.files import adopt
from tests.independent import in_microseconds
from tests.lakes import ingest
from tests.making import at, depth, trade, write_minute
from tests.worlds import NAMES

from .conftest import ODD
from .looking import artist, text_of, unknown_stretches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from pipeline.research import OpenLake
    from tests.worlds import World

_DAY = 1440
_NAME, _OTHER = "BTC-USD", "ETH-USD"
# Row, and the day in the middle of a cell (or the first of a week or month): share in per cent.
_Cells = dict[tuple[int, date], float]


def _cells(axes: Axes) -> tuple[_Cells, _Cells]:
    """Return what the cells of a picture say of books, and of minutes fetched."""
    found: list[_Cells] = []
    drawn: list[Any] = list(axes.collections[:2])
    for shown in drawn:
        cells: _Cells = {}
        for path, share in zip(shown.get_paths(), shown.get_array().tolist(), strict=True):
            corners = np.asarray(path.vertices)
            middle = (corners[:, 0].min() + corners[:, 0].max()) / 2
            row = round(corners[:, 1].mean())
            cells[row, mdates.num2date(middle + 1e-6).date()] = share
        found.append(cells)
    return found[0], found[1]


def _boxes(axes: Axes, label: str) -> list[tuple[int, datetime, datetime]]:
    """Return row, begin and end of the boxes with a label."""
    found = []
    for path in artist(axes, label).get_paths():
        corners = np.asarray(path.vertices)
        first, last = (mdates.num2date(x) for x in (corners[:, 0].min(), corners[:, 0].max()))
        found.append((round(corners[:, 1].mean()), first, last))
    return found


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLake]:
    """Return a lake of days 0, 1, 3 and 40, whole minutes of each, with what can go wrong.

    Day 0: minutes 0 and 1, the first book after 15 s. Day 1: minute 0, a disconnect after 30 s, the
    next book at 45 s; the book of day 0 does not reach it. Day 3: trades alone, in minute 0.
    Day 40: minute 1439, then day 41 minute 0: the book stands on over midnight, until 20 s.
    """
    folder = tmp_path_factory.mktemp("calendar")
    day = [number * _DAY for number in range(50)]
    one, other = ([[1, 1]], [[2, 1]]), ([[1, 2]], [[2, 2]])
    minutes = {
        at(day[0]): [depth(at(day[0], 15), *one, seq=1)],
        at(day[0] + 1): [depth(at(day[0] + 1, 1), *other, seq=5)],
        at(day[1]): [
            depth(at(day[1], 6), *one), depth(at(day[1], 30), *one), "", depth(at(day[1], 45), *one)
        ],
        at(day[3]): [trade(at(day[3], 9), "1", "1")],
        at(day[40] + 1439): [depth(at(day[40] + 1439, 30), *one)],
        at(day[41]): [
            depth(at(day[41], 20), *one), trade(at(day[41], 21), "1", "1", instrument=_OTHER)
        ],
    }  # fmt: skip
    for minute, lines in minutes.items():
        write_minute(folder / "slices", minute, lines)
    adopt(folder / "data", "coinflex", folder / "slices")
    ingest(folder / "data", "coinflex", jobs=1)
    with pipeline.open(folder / "data") as opened:
        yield opened


def test_a_cell_is_the_share_of_the_day_that_is_known(world: World, lake: OpenLake) -> None:
    """As an independent reader counts it, message by message; below it the minutes fetched."""
    known, fetched = _cells(lake.plot.coverage())
    midnight = in_microseconds(datetime(2020, 8, 1, tzinfo=UTC))
    for row, name in enumerate(NAMES):
        for number, day in enumerate((date(2020, 8, 1), date(2020, 8, 2))):
            start = midnight + number * 86_400_000_000
            unknown = unknown_stretches(world.reading, name, start, start + 86_400_000_000)
            share = 1 - sum(last - first for first, last in unknown) / 86_400_000_000
            assert known[row, day] == pytest.approx(100 * share, rel=1e-9)
            assert fetched[row, day] == pytest.approx(100 * 9 / 1440)


def test_before_the_first_book_nothing_is_known(days: OpenLake) -> None:
    """Minutes that were fetched are no gap; whether a book stands in them the day before says."""
    known, _ = _cells(days.plot.coverage(instruments=[_NAME]))
    seconds = {day: round(share * 864, 3) for (_, day), share in known.items()}
    assert seconds == {
        date(2020, 8, 1): pytest.approx(120 - 15, abs=0.01),
        date(2020, 8, 2): pytest.approx(60 - 6 - 15, abs=0.01),
        date(2020, 9, 10): pytest.approx(30, abs=0.01),
        date(2020, 9, 11): pytest.approx(60, abs=0.01),
    }


def test_days_that_are_not_there_differ_from_days_without_a_book(days: OpenLake) -> None:
    """An outline for the ones, hatching for the others; both stand in the legend."""
    axes = days.plot.coverage(instruments=[_NAME], end="2020-08-06")
    assert axes.get_title("left") == "Coverage of the lake"
    noon = timedelta(hours=12)
    eve = datetime(2020, 7, 31, tzinfo=UTC) + noon
    day = timedelta(days=1)
    assert _boxes(axes, "no book known") == [(0, eve + 3 * day, eve + 4 * day)]
    assert _boxes(axes, "not in the lake") == [
        (0, eve + 2 * day, eve + 3 * day), (0, eve + 4 * day, eve + 5 * day)
    ]  # fmt: skip


def test_marks_say_what_went_wrong(days: OpenLake) -> None:
    """Disconnects and missed snapshots, by shape and by colour, each on its day."""
    axes = days.plot.coverage(instruments=[_NAME], end="2020-08-06")
    marks = [artist(axes, label) for label in ("disconnects", "missed snapshots")]
    found = [[mdates.num2date(x).date() for x, _ in mark.get_offsets()] for mark in marks]
    assert found == [[date(2020, 8, 2)], [date(2020, 8, 1)]]
    assert len({tuple(mark.get_facecolor()[0]) for mark in marks}) == 2
    assert "checksum mismatches" not in axes.get_legend_handles_labels()[1]


def test_many_days_are_weeks_and_very_many_are_months(days: OpenLake) -> None:
    """Of which the days that the lake has not count as unknown; the picture says what a cell is."""
    axes = days.plot.coverage(instruments=[_NAME], start="2020-06-01", end="2020-12-01")
    known, fetched = _cells(axes)
    assert "a cell is a week" in text_of(axes)
    # From Monday 27 July to Sunday 2 August.
    assert known[0, date(2020, 7, 30)] == pytest.approx(100 * (105 + 39) / 7 / 86400, rel=1e-4)
    assert fetched[0, date(2020, 7, 30)] == pytest.approx(100 * 3 / 7 / 1440)
    axes = days.plot.coverage(instruments=[_NAME], start="2016-01-01", end="2021-01-01")
    assert "a cell is a month" in text_of(axes)
    known, _ = _cells(axes)
    assert known[0, date(2020, 8, 16)] == pytest.approx(100 * (105 + 39) / 31 / 86400, rel=1e-4)
    axes.figure.draw_without_rendering()  # type: ignore[union-attr] # a figure of its own


def test_rows_are_instruments(days: OpenLake, odd: OpenLake) -> None:
    """In the order asked for, by default that of their names; a name is no mathematics."""
    labels = [text.get_text() for text in days.plot.coverage().get_yticklabels()]
    assert labels == [_NAME, _OTHER]
    labels = [
        text.get_text()
        for text in days.plot.coverage(instruments=[_OTHER, _NAME, _OTHER]).get_yticklabels()
    ]
    assert labels == [_OTHER, _NAME]
    axes = odd.plot.coverage()
    assert [text.get_text() for text in axes.get_yticklabels()] == [ODD.replace("$", r"\$")]
    assert axes.get_xlabel() == "Day (UTC)"
    assert axes.figure.axes[1].get_ylabel() == "Share of the time (%)"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"instruments": []}, "instruments"), ({"instruments": ["BTC"]}, "instrument"),
     ({"start": "2020-09-02", "end": "2020-09-02"}, "end"), ({"start": "0001-01-01"}, "start"),
     ({"end": "x"}, "end")],
)  # fmt: skip
def test_what_cannot_be_asked(days: OpenLake, arguments: dict[str, object], named: str) -> None:
    """No names, a name that is not there, an empty range, one of centuries."""
    with pytest.raises(UsageError, match="what would work") as refused:
        days.plot.coverage(**arguments)  # type: ignore[arg-type]
    assert refused.value.parameter == named
