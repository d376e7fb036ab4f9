"""What lacks, and why: of stretches without a known book, and of those in which one is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.exchange_details import Details, Incident, Symbol, keep
from pipeline.slices import Door
from pipeline.sources.files import adopt
from pipeline.views import connect
from tests.lakes import ingest
from tests.making import DAY, at, depth, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_BOOK = [[1, 1]], [[2, 1]]
_MIDNIGHT = datetime(2020, 8, 1)  # noqa: DTZ001 - as SQL has it


def lake(folder: Path, minutes: Mapping[int, Iterable[str | bytes]]) -> Path:
    """Return a data folder with the lake of a day of which these minutes were fetched."""
    for minute, lines in minutes.items():
        write_minute(folder / "slices", at(minute), lines)
    adopt(folder / "data", "coinflex", folder / "slices")
    ingest(folder / "data", "coinflex", jobs=1)
    return folder / "data"


def asked(data: Path, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """Return a query's rows."""
    with connect(data) as connection:
        return connection.execute(query, parameters).fetchall()


def since(time: datetime) -> float:
    """Return the seconds since the day's midnight."""
    return (time - _MIDNIGHT) / timedelta(seconds=1)


def soft(data: Path, columns: str = "missed") -> list[tuple[Any, ...]]:
    """Return the stretches of which a book is known: in seconds, cause, and more."""
    rows = asked(
        data, f"select start, stop, cause, {columns} from gaps where not is_unknown order by all"
    )
    return [(since(start), since(stop), *rest) for start, stop, *rest in rows]


def test_missed_snapshots_are_between_the_messages_beside_them(tmp_path: Path) -> None:
    """From the arrival of the one before to that of the next; how many, as the sequence says."""
    lines = [
        depth(at(0, second), *_BOOK, seq=seq) for second, seq in ((1, 1), (2, 2), (4, 5), (5, 6))
    ]
    assert soft(lake(tmp_path, {0: lines})) == [(2, 4, "missed_snapshots", 2)]


def test_stretches_with_missed_snapshots_that_follow_each_other_are_one(tmp_path: Path) -> None:
    """So a feed that always lacks every second one is one stretch, not a million."""
    lines = [depth(at(0, second), *_BOOK, seq=2 * second) for second in range(1, 50)]
    lines += [depth(at(0, 51), *_BOOK, seq=99), depth(at(0, 53), *_BOOK, seq=102)]
    assert soft(lake(tmp_path, {0: lines})) == [
        (1, 49, "missed_snapshots", 48),
        (51, 53, "missed_snapshots", 2),
    ]


def test_what_was_missed_adds_up_over_groups_of_rows(tmp_path: Path) -> None:
    """More messages than one group of rows has, of a minute or many: the sum is coverage's."""
    minutes = {
        minute: [
            depth(at(minute, 0.002 * n), *_BOOK, seq=3 * (minute * 25_000 + n))
            for n in range(25_000)
        ]
        for minute in range(2)
    }
    data = lake(tmp_path, minutes)
    ((start, stop, cause, missed),) = soft(data)
    assert (start, stop, cause, missed) == (0, 109.998, "missed_snapshots", 2 * 49_999)
    assert asked(data, "select missed_snapshots from coverage") == [(2 * 49_999,)]


def test_silence_of_more_than_a_minute_is_told_while_connected(tmp_path: Path) -> None:
    """Between messages and up to the day's end; not where a connection or a minute lacks."""
    data = lake(
        tmp_path,
        {
            0: [depth(at(0, 1), *_BOOK, seq=1)],
            1: [],
            2: [depth(at(2, 2), *_BOOK, seq=2), "", depth(at(2, 3), *_BOOK, seq=3)],
            3: [],
            4: ["", depth(at(4, 30), *_BOOK, seq=4)],
            5: [depth(at(5, 29), *_BOOK, seq=5)],
            1437: [depth(at(1437, 1), *_BOOK, seq=6)],
            1438: [],
            1439: [],
        },
    )
    assert soft(data) == [
        (1, 122, "exchange_silent", None),
        (86_221, 86_400, "exchange_silent", None),
    ]
    unknown = "select cause from gaps where is_unknown order by start"
    assert asked(data, unknown) == [("disconnect",), ("disconnect",), ("not_fetched",)]


def test_silence_from_midnight_on_is_told(tmp_path: Path) -> None:
    """Minutes that were fetched and have no line: the recorder may have been deaf."""
    spoke = {minute: [depth(at(minute, 2), *_BOOK, seq=minute)] for minute in (3, 4)}
    assert soft(lake(tmp_path / "silent", {0: [], 1: [], 2: [], **spoke})) == [
        (0, 182, "exchange_silent", None)
    ]
    assert soft(lake(tmp_path / "not fetched", {1: [], 2: [], **spoke})) == []
    assert soft(lake(tmp_path / "at once", {0: [depth(at(0, 59), *_BOOK, seq=1)]})) == []


def test_a_minute_exactly_is_no_silence(tmp_path: Path) -> None:
    """Clients are to be sent something at least once a minute."""
    lines = {0: [depth(at(0, 1), *_BOOK, seq=1)], 1: [depth(at(1, 1), *_BOOK, seq=2)], 2: []}
    assert soft(lake(tmp_path, lines)) == []


def told(data: Path, *incidents: tuple[str, str, str]) -> None:
    """Let Tardis have told of incidents: from, to, details."""
    symbols = [Symbol("BTC-USD", available_since="2020-07-14")]
    reports = [Incident(start, to, "resolved", details) for start, to, details in incidents]
    keep(
        Door(data, "coinflex"),
        Details("coinflex", "2020-07-14", None, ["futures/depth"], symbols, reports),
    )


def test_incidents_are_told_on_each_day_that_they_touch(tmp_path: Path) -> None:
    """Cut at its ends, in Tardis's words, of days that are in the lake."""
    told(
        tmp_path / "data",
        ("2020-07-31T23:00:00.000Z", "2020-08-01T00:00:30.000Z", "recorder restarted"),
        ("2020-08-03T00:00:00.000Z", "2020-08-04T00:00:00.000Z", "another day"),
    )
    data = lake(tmp_path, {0: [depth(at(0, 1), *_BOOK, seq=1)], 1: []})
    assert soft(data, "details") == [(0, 30, "incident", "recorder restarted")]
    found = asked(data, "select start, stop, status, details from incidents order by start")
    assert found[0] == (
        datetime(2020, 7, 31, 23), datetime(2020, 8, 1, 0, 0, 30),  # noqa: DTZ001 - as SQL has it
        "resolved", "recorder restarted",
    )  # fmt: skip


def test_lines_that_can_not_be_read_are_told_by_their_minute(tmp_path: Path) -> None:
    """Nobody knows whose they were: each instrument of the day may lack something."""
    lines = [depth(at(3, 1), *_BOOK, seq=1, instrument=name) for name in ("BTC-USD", "ETH-USD")]
    data = lake(tmp_path, {3: [*lines, "2020-08-01T00:03:02.0000000Z {not json", "rubbish"]})
    rows = asked(
        data, "select instrument, start, stop, details from gaps where cause = 'quarantined'"
    )
    assert sorted((name, since(start), since(stop)) for name, start, stop, _ in rows) == [
        ("BTC-USD", 180, 240),
        ("ETH-USD", 180, 240),
    ]
    assert rows[0][3].startswith("2 lines: ")


@pytest.mark.parametrize("name", ["BTC-USD", "ETH-USD"])
def test_a_range_has_the_rows_of_the_view(tmp_path: Path, name: str) -> None:
    """Of its instrument, those that overlap it, whole; whatever their causes are."""
    told(tmp_path / "data", ("2020-08-01T00:00:10.000Z", "2020-08-01T00:00:20.000Z", "a pause"))
    lines = [
        depth(at(0, second), *_BOOK, seq=seq, instrument=of)
        for second, seq in ((1, 1), (30, 4))
        for of in ("BTC-USD", "ETH-USD")
    ]
    data = lake(tmp_path, {0: [*lines, "rubbish"]})
    given = [name, DAY + timedelta(seconds=15), DAY + timedelta(seconds=16)]
    found = asked(data, "select * from gaps(?, ?, ?) order by start, stop, cause", given)
    whole = asked(
        data,
        """select * from gaps where instrument = ? and start < '2020-08-01 00:00:16'
        and stop > '2020-08-01 00:00:15' order by start, stop, cause""",
        [name],
    )
    assert found == whole
    assert {row[4] for row in found} == {"incident", "missed_snapshots", "quarantined"}
