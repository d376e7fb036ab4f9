"""In which condition a day of an instrument is: what a study filters by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.exchange_details import Details, Incident, Symbol, keep
from pipeline.slices import Door, Request
from pipeline.views import connect
from tests.lakes import ingest
from tests.making import DAY, at, depth, write_minute

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME, OTHER = "BTC-USD", "ETH-USD"
ALL = Request("coinflex", "tardis", ("futures/depth", "trade"))
ONE = Request("coinflex", "tardis", ("futures/depth", "trade"), (NAME,))

# Around the midnight after 2020-08-01: what is listed so long can be had in six minutes.
SINCE, UNTIL = "2020-08-01T23:57:00.000Z", "2020-08-02T00:03:00.000Z"
LAST, FIRST = range(1437, 1440), range(1440, 1443)


def told(data: Path, *symbols: Symbol, incidents: Iterable[Incident] = ()) -> None:
    """Let Tardis have said what it has."""
    details = Details(
        "coinflex", "2020-07-14T00:00:00.000Z", "2020-08-05T00:00:00.000Z", ["futures/depth"],
        list(symbols), list(incidents),
    )  # fmt: skip
    keep(Door(data, "coinflex"), details)


def fetch(
    data: Path, minutes: Iterable[int], *, request: Request = ALL,
    further: Iterable[str] = (), step: int = 1,
) -> None:  # fmt: skip
    """Fetch some minutes, counted from 2020-08-01: a book of one instrument in each."""
    door = Door(data, "coinflex")
    door.open(request)
    for minute in minutes:
        book = depth(at(minute), [[1, 1]], [[2, 1]], seq=minute * step)
        # As if it had been fetched; without a manifest each slice is looked into.
        write_minute(door.root / request.folder, at(minute), [*further, book])


def conditions(data: Path, name: str = NAME) -> dict[str, tuple[Any, ...]]:
    """Return the condition and reasons of each day of an instrument."""
    ingest(data, "coinflex", jobs=1)
    with connect(data) as connection:
        rows = connection.execute(
            "select date, condition, reasons from conditions where instrument = ? order by date",
            [name],
        ).fetchall()
    return {day.isoformat()[5:]: tuple(rest) for day, *rest in rows}


def test_days_that_tardis_lists_and_the_lake_lacks_are_missing(tmp_path: Path) -> None:
    """From the first to the last that there are; the others are as they are in the lake."""
    told(tmp_path, Symbol(NAME, available_since=SINCE))
    fetch(tmp_path, LAST)
    assert conditions(tmp_path) == {
        "08-01": ("complete", []),
        "08-02": ("missing", None),
        "08-03": ("missing", None),
        "08-04": ("missing", None),
    }


@pytest.mark.parametrize(
    ("further", "step", "reason"),
    [
        ([""], 1, "disconnects"),
        (["rubbish"], 1, "quarantined"),
        ([], 3, "missed_snapshots"),
    ],
)
def test_a_degraded_day_says_why(
    tmp_path: Path, further: list[str], step: int, reason: str
) -> None:
    """What lacks is a list, so that a study may bear some of it."""
    told(tmp_path, Symbol(NAME, available_since=SINCE, available_to="2020-08-02"))
    fetch(tmp_path, LAST, further=further, step=step)
    assert conditions(tmp_path) == {"08-01": ("degraded", [reason])}


def test_minutes_that_lack_and_incidents_are_reasons(tmp_path: Path) -> None:
    """Each of its own day; minutes in which it was not listed lack nothing."""
    told(
        tmp_path,
        Symbol(NAME, available_since=SINCE, available_to=UNTIL),
        incidents=[Incident("2020-08-02T00:00:00.000Z", "2020-08-02T00:01:00.000Z")],
    )
    fetch(tmp_path, [*LAST[1:], *FIRST])
    assert conditions(tmp_path) == {
        "08-01": ("degraded", ["minutes_lacking"]),
        "08-02": ("degraded", ["incident"]),
    }


def test_listed_and_fetched_without_a_line_is_suspect(tmp_path: Path) -> None:
    """Where it was asked for: elsewhere it is missing."""
    both = {"available_since": SINCE, "available_to": UNTIL}
    told(tmp_path, Symbol(NAME, **both), Symbol(OTHER, **both))
    fetch(tmp_path, LAST)
    fetch(tmp_path, FIRST, request=ONE)
    expected = {"08-01": ("suspect", None), "08-02": ("missing", None)}
    assert conditions(tmp_path, OTHER) == expected


def test_what_was_not_all_fetched_is_not_suspect(tmp_path: Path) -> None:
    """Its lines may stand in the minutes that lack."""
    told(tmp_path, Symbol(OTHER, available_since=SINCE, available_to="2020-08-02"))
    fetch(tmp_path, LAST[1:])
    assert conditions(tmp_path, OTHER) == {"08-01": ("missing", None)}


def test_days_of_the_lake_on_which_it_was_not_listed_are_told(tmp_path: Path) -> None:
    """So that nobody waits for them."""
    told(tmp_path, Symbol(OTHER, available_since="2020-08-02", available_to=UNTIL))
    fetch(tmp_path, [*LAST, *FIRST])
    expected = {"08-01": ("not_listed", None), "08-02": ("suspect", None)}
    assert conditions(tmp_path, OTHER) == expected


def test_without_a_word_of_tardis_there_is_what_the_lake_has(tmp_path: Path) -> None:
    """Of slices that were imported, say: then every minute of the day may have had something."""
    fetch(tmp_path, LAST)
    assert conditions(tmp_path) == {"08-01": ("degraded", ["minutes_lacking"])}


def test_yesterday_may_still_come(tmp_path: Path) -> None:
    """Days of which less than a day has passed are pending, not missing."""
    today = datetime.now(UTC).date()
    symbol = Symbol(NAME, available_since=(today - timedelta(days=3)).isoformat())
    details = Details("coinflex", "2020-07-14", None, ["futures/depth"], [symbol])
    keep(Door(tmp_path, "coinflex"), details)
    found = conditions(tmp_path)
    assert found[f"{today:%m-%d}"][0] == "pending"
    assert found[f"{today - timedelta(days=1):%m-%d}"][0] == "pending"
    assert found[f"{today - timedelta(days=2):%m-%d}"][0] == "missing"


def test_coverage_has_the_condition_of_its_rows(tmp_path: Path) -> None:
    """Each row of it once, whatever Tardis lists."""
    told(tmp_path, Symbol(NAME, available_since=SINCE, available_to=UNTIL))
    fetch(tmp_path, [*LAST, *FIRST[1:]])
    ingest(tmp_path, "coinflex", jobs=1)
    with connect(tmp_path) as connection:
        found = connection.execute(
            "select date, condition, reasons from coverage order by date"
        ).fetchall()
    assert found == [
        (DAY.date(), "complete", []),
        (date(2020, 8, 2), "degraded", ["minutes_lacking"]),
    ]
