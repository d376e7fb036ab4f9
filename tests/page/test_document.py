"""The page's numbers against SQL and an independent reading; its size; what can't be read."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import pipeline
from pipeline.catalogue import Catalogue
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.page import page_of
from pipeline.sync.runs import Runs
from tests.independent import in_microseconds
from tests.lakes import bring_in, put
from tests.making import DAY, at, depth, trade

from .conftest import HOSTILE, MADE
from .looking import numbers_of, read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.page import Page
    from tests.independent import Reading

    from .looking import Number, Reader

_BTC, _ETH = "BTC-USD-SWAP-LIN", "ETH-USD-SWAP-LIN"


def _table(seen: Reader, key: str) -> list[list[str]]:
    return numbers_of(seen.numbers, key)


def _numbers(rows: list[list[str]]) -> list[list[float]]:
    return [[float(value) for value in row] for row in rows]


def test_the_totals_of_the_sample(sample_seen: Reader) -> None:
    """As the README has them: two instruments, six minutes of one day."""
    found = {key: number.value for key, number in sample_seen.numbers.items() if "totals" in key}
    assert found["totals.instruments"] == "2"
    assert found["totals.days"] == "1"
    assert found["totals.depth_messages"] == str(6545 + 6579)
    assert found["totals.trades"] == str(21313 + 14076)
    assert float(found["totals.fetched"]) == 6 / 1440
    assert _table(sample_seen, "instruments") == [
        [_ETH, "1", "6579", "124507", "14076", "0"],
        [_BTC, "1", "6545", "145691", "21313", "0"],
    ]
    assert _table(sample_seen, "calendar") == [
        [_BTC, "2020-08-01", "6", str(6 / 1440)],
        [_ETH, "2020-08-01", "6", str(6 / 1440)],
    ]


def test_distributions_are_those_of_an_independent_reading(
    sample_seen: Reader, sample_reading: Reading
) -> None:
    """Cadence and latency of the instrument with most books, quantile by quantile."""
    messages = sample_reading.depth[_ETH]
    times = [message.timestamp or 0 for message in messages]
    steps = [(after - before) / 1000 for before, after in pairwise(times)]
    late = [(message.arrival - time) / 1000 for message, time in zip(messages, times, strict=True)]
    for row, values in zip(_table(sample_seen, "timing"), (steps, late), strict=True):
        ordered = sorted(values)
        expected = [_quantile(ordered, share) for share in (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)]
        assert _numbers([row[1:]]) == [[len(values), ordered[0], *expected, ordered[-1]]]
    for key, values in (("cadence-bins", steps), ("latency-bins", late)):
        _same_bins(_table(sample_seen, key), values)


def _quantile(ordered: list[float], share: float) -> float:
    """Return the least value that so many are not above."""
    return next(
        value for place, value in enumerate(ordered, 1) if place >= share * len(ordered) - 1e-9
    )


def _same_bins(rows: list[list[str]], values: list[float]) -> None:
    assert rows[0][0] == rows[-1][1] == "none"
    assert sum(int(count) for *_, count in rows) == len(values)
    for start, end, count in rows[1:-1]:
        inside = [value for value in values if float(start) <= value < float(end)]
        assert len(inside) == int(count), (start, end)


def test_the_book_is_that_of_an_independent_reading(
    sample_seen: Reader, sample_page: Page, sample_reading: Reading
) -> None:
    """Level for level, at the time that the page names."""
    found = re.search(r"book_at\([^,]*, &#x27;([^&]*)&#x27;", sample_page.html)
    assert found is not None
    time = in_microseconds(DAY.fromisoformat(f"{found[1]}+00:00"))
    bids, asks = sample_reading.book_at(_ETH, time) or ([], [])
    expected = []
    for name, side in (("ask", asks), ("bid", bids)):
        together = 0.0
        for level, (price, amount) in enumerate(side[:25]):
            together += amount
            expected.append([name, level, price, amount, pytest.approx(together)])
    assert [[row[0], *_numbers([row[1:]])[0]] for row in _table(sample_seen, "book")] == expected


def test_every_number_has_its_query_on_the_page(
    sample_seen: Reader, sample_page: Page, sample_lake: Path
) -> None:
    """Asked again as they stand there they are taken, and give what the tables show."""
    queries = [
        query.replace("&#x27;", "'").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
        for query in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", sample_page.html, re.DOTALL)
    ]
    with pipeline.open(sample_lake) as lake, lake.cursor() as cursor:
        answers = [cursor.execute(query).fetchall() for query in queries]
    given = {str(value) for rows in answers for row in rows for value in row}
    for table in ("gaps", "trade-gaps", "longest-gaps", "instruments", "quality", "lines", "disk"):
        for name, number in sample_seen.numbers.items():
            if name.startswith(f"{table}."):
                assert number.value.replace("T", " ") in given or number.value in given, name


def test_what_is_not_known_is_no_zero(sample_seen: Reader) -> None:
    """Of the sample's 24 hours one was recorded."""
    rows = _table(sample_seen, "hours")
    assert len(rows) == 24
    assert [row[1:4] for row in rows[:23]] == [["", "", ""]] * 23
    assert rows[23][1] == "14076"
    assert sample_seen.numbers["hours.0.trades"].shown == "not known"
    assert sample_seen.numbers["quality.0.crossed"].shown == "0"


def test_hostile_names_are_text(hostile_data: Path) -> None:
    """No element, no attribute comes of them, and each looked into is found in SQL."""
    with pipeline.open(hostile_data) as lake:
        for name in (HOSTILE[0], HOSTILE[2], HOSTILE[-1]):
            page = page_of(lake, instrument=name, day="2020-08-01", made=MADE)
            assert page.failed == []
            seen = read(page.html)
            tags = {tag for tag, _ in seen.elements}
            assert not tags & {"script", "img", "b", "object", "iframe", "form", "base", "link"}
            events = [
                key for _, attributes in seen.elements for key in attributes if key[:2] == "on"
            ]
            assert events == []
            assert {row[0] for row in _table(seen, "quality")} == {one[:300] for one in HOSTILE}
            assert [row[1] for row in _table(seen, "timing")] == ["8", "12"]
            assert len(_table(seen, "book")) == 10
            assert "<b>data" in "".join(seen.words)


def test_gaps_worked_out_by_hand(hostile_data: Path, hostile_page: Page) -> None:
    """A minute between two that were fetched, the day after them, a disconnect in each."""
    seen = read(hostile_page.html)
    with pipeline.open(hostile_data) as lake, lake.cursor() as cursor:
        total = cursor.execute(
            "select sum(epoch(stop - start)) from gaps where is_unknown"
        ).fetchall()[0][0]
    rows = {row[0]: row[1:] for row in _table(seen, "gaps")}
    assert rows["disconnect"][:2] == ["12", "6"]
    assert rows["not_fetched"][:2] == ["6", "6"]
    assert rows["end_of_coverage"][:2] == ["6", "6"]
    # From the message at 25 s to the next one, at 33.3 s, of two minutes and six instruments.
    assert float(rows["disconnect"][2]) == pytest.approx(12 * (50 / 6), abs=0.01)
    assert sum(float(row[2]) for row in rows.values()) == pytest.approx(float(total))
    assert sum(float(row[3]) for row in rows.values()) == pytest.approx(1)
    assert len(_table(seen, "longest-gaps")) == 15


def test_odd_days_have_pages(tmp_path: Path) -> None:
    """Books without levels, trades alone, numbers as large as they get: it ends, and is whole."""
    large = 1.7e308
    lines = [
        depth(at(0, 5), [], [], instrument="EMPTY"),
        trade(at(0, 5), "1", "2", instrument="TRADES"),
        depth(at(0, 5), [[1e-300, 1e-300]], [[1e300, 1]], instrument="FAR"),
        depth(at(0, 5), [[-large, large], [1e-9, large]], [[large, large]], instrument="LARGE"),
        trade(at(0, 5), str(large), str(large), instrument="LARGE"),
    ]
    put(tmp_path / "data", at(0), lines)
    bring_in(tmp_path / "data")
    with pipeline.open(tmp_path / "data") as lake:
        for name, words in {
            "EMPTY": "empty on both sides",
            "TRADES": "No book is known of the day",
            "FAR": "Best bid 1e\N{MINUS SIGN}300, best ask 1e+300",
            "LARGE": "too large to be drawn",
        }.items():
            page = page_of(lake, instrument=name, made=MADE)
            assert page.failed == []
            assert words in "".join(read(page.html).words)
            assert not re.search(r' (x|y|width|height|d|style)="[^"]*(nan|inf)', page.html)


def test_a_lake_without_instruments_has_a_page(tmp_path: Path) -> None:
    """All that it has is a line that could not be read."""
    put(tmp_path / "data", at(0), ["2020-08-01T00:00:01.0000000Z nonsense"])
    bring_in(tmp_path / "data")
    with pipeline.open(tmp_path / "data") as lake:
        page = page_of(lake, made=MADE)
    seen = read(page.html)
    assert page.failed == []
    assert (seen.numbers["totals.instruments"].value, seen.numbers["first_day"].shown) == (
        "0",
        "not known",
    )


def test_a_large_lake_s_page_is_small(sample_lake: Path, tmp_path: Path) -> None:
    """Ten thousand instrument-days of a hundred long names, over years: all are counted."""
    data = tmp_path / "data"
    shutil.copytree(sample_lake / "lake", data / "lake")
    catalogue = Catalogue(Lake(data, "coinflex"))
    row, about = catalogue.rows.head(1), catalogue.days["2020-08-01"]
    names = pl.DataFrame({"instrument": [f"{'MADE-' * 20}{n:03}" for n in range(100)]})
    dates = pl.DataFrame({"date": pl.date_range(DAY.date(), DAY.date().replace(2023), eager=True)})
    many = row.drop("instrument", "date").join(names, how="cross").join(dates[1::11], how="cross")
    catalogue.rows = pl.concat([catalogue.rows, many.select(row.columns)]).sort(
        "date", "instrument"
    )
    catalogue.days["2022-08-01"] = about
    catalogue.save()
    with pipeline.open(data) as lake:
        page = page_of(lake, instrument=_ETH, day="2020-08-01", made=MADE)
    seen = read(page.html)
    assert many.height == 10_000
    assert len(page.html) < 1_000_000
    assert seen.numbers["totals.instruments"].value == "102"
    # Twenty-four of them by name, then all others; none is left out.
    rows = _table(seen, "instruments")
    assert (len(rows), rows[-1][0]) == (25, "")
    assert seen.numbers["instruments.24.instrument"].shown == "all others"
    assert sum(int(row[1]) for row in rows) == 10_002
    assert sum(int(row[2]) for row in _table(seen, "calendar")) == 6 * 10_002
    assert "29 of 30 periods" not in page.html


def test_a_part_that_can_not_be_read_says_so(sample_lake: Path, tmp_path: Path) -> None:
    """All others are there; where the folder lies is not on the page."""
    data = tmp_path / "data"
    shutil.copytree(sample_lake / "lake", data / "lake")
    for path in data.glob(f"lake/depth/*/instrument={_ETH}/*/*.parquet"):
        path.write_bytes(b"PAR1" + b"?" * 100 + b"PAR1")
    with pipeline.open(data) as lake:
        page = page_of(lake, made=MADE)
    seen = read(page.html)
    assert page.failed
    notes = [attributes for _, attributes in seen.elements if attributes.get("role") == "note"]
    assert len(notes) == len(page.failed)
    assert str(tmp_path) not in page.html
    assert seen.numbers["totals.depth_messages"].value == "13124"
    assert _table(seen, "gaps")


def test_the_last_runs_and_conditions_are_shown(sample_lake: Path, tmp_path: Path) -> None:
    """The newest first, also one whose end is not known; each instrument's day as coverage says."""
    data = tmp_path / "data"
    shutil.copytree(sample_lake / "lake", data / "lake")
    with pipeline.open(data) as lake:
        assert "No run is recorded yet" in page_of(lake).html
    runs = Runs(data)
    first = runs.begin("sync", "coinflex", datetime(2020, 8, 2, 1, tzinfo=UTC))
    first.minutes_fetched = 1440
    runs.end(first, "done", 0)
    runs.begin("sync", "other", datetime(2020, 8, 2, 2, tzinfo=UTC))
    runs.begin("sync", "coinflex", datetime(2020, 8, 3, 1, tzinfo=UTC))
    with pipeline.open(data) as lake:
        seen = read(page_of(lake, made=MADE).html)
    told = [[row[0], row[2], row[3], row[5]] for row in _table(seen, "runs")]
    assert told == [
        ["2020-08-03T01:00:00", "running", "", "0"],
        ["2020-08-02T01:00:00", "done", "0", "1440"],
    ]
    assert _table(seen, "conditions") == [["degraded", "2", "2"]]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"instrument": "ETH-USD-SWAP"}, "ETH-USD-SWAP-LIN"),
        ({"day": "2020-08-02"}, "2020-08-01"),
        ({"day": "yesterday"}, "2020-08-01T23:54"),
        ({"start": "2021-01-01", "end": "2021-02-01"}, "from 2020-08-01 to 2020-08-01"),
        ({"start": "2020-08-01", "end": "2020-07-01"}, "a time after"),
    ],
)
def test_what_can_not_be_asked(sample_lake: Path, asked: Mapping[str, Any], said: str) -> None:
    """It says what would work."""
    with pipeline.open(sample_lake) as lake, pytest.raises(UsageError, match=said):
        page_of(lake, **asked)


def test_an_instrument_s_own_page(sample_lake: Path) -> None:
    """What is looked into is the one that was asked for."""
    with pipeline.open(sample_lake) as lake:
        seen = read(page_of(lake, instrument=_BTC, start="2020-08-01T12:00").html)
    numbers: dict[str, Number] = seen.numbers
    assert numbers["timing.1.count"].value == "6545"
    assert numbers["hours.23.trades"].value == "21313"
