from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pipeline.errors import KeyRequired, UsageError
from pipeline.exchange_details import Details
from pipeline.slices import Door, Request
from pipeline.sources.tardis_plan import make_plan, required_key
from pipeline.times import Range
from tests.making import DAY, at, write_minute

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.sources.tardis_plan import Plan

ALL_THREE = ("futures/depth", "trade", "ticker")
SWAP, DATED, LATE = "BTC-USD-SWAP-LIN", "BTC-USD-200925-LIN", "BTC-flexUSD"
SERVICE: dict[str, Any] = {
    "id": "coinflex",
    "availableSince": "2020-07-14T00:00:00.000Z",
    "availableTo": "2020-12-31T00:00:00.000Z",
    "availableChannels": list(ALL_THREE),
    "availableSymbols": [
        {"id": SWAP, "type": "perpetual", "availableSince": "2020-07-14T00:00:00.000Z"},
        {"id": DATED, "type": "future", "availableSince": "2020-07-14T00:00:00.000Z",
         "availableTo": "2020-09-25T08:00:00.000Z"},
        {"id": LATE, "type": "spot", "availableSince": "2020-11-03T12:00:00.000Z"},
    ],
    "incidentReports": [
        {"from": "2020-08-02T10:00:00.000Z", "to": "2020-08-02T11:00:00.000Z",
         "status": "resolved", "details": "recorder restarted"},
    ],
}  # fmt: skip
NOW = datetime(2021, 6, 1, tzinfo=UTC)


def details(**changed: object) -> Details:
    """Return what the service says, as it says it."""
    return msgspec.json.decode(json.dumps(SERVICE | changed), type=Details)


def plan(
    data: Path,
    start: str,
    end: str,
    *,
    now: datetime = NOW,
    service: Details | None = None,
    channels: list[str] | None = None,
    instruments: list[str] | None = None,
) -> Plan:
    """Return the plan of a range."""
    door = Door(data, "coinflex")
    return make_plan(
        service or details(), door, Range.parse(start, end),
        channels=channels, instruments=instruments, now=now,
    )  # fmt: skip


def days(found: Plan) -> list[str]:
    """Return the days that a plan asks for."""
    return [day.day.isoformat() for day in found.days]


def keep(data: Path, request: Request, *minutes: int, broken: bool = False) -> None:
    """Put minutes of 2020-08-01 under raw/, as answers to a request."""
    door = Door(data, "coinflex")
    door.open(request)
    for minute in minutes:
        path = write_minute(door.root / request.folder, at(minute), ["x"])
        if broken:
            path.write_bytes(path.read_bytes()[:-6])


def test_everything_by_default(tmp_path: Path) -> None:
    """Without names all three channels are asked for, and no symbols: whatever was recorded."""
    found = plan(tmp_path, "2020-08-01", "2020-08-03")
    assert [each["channel"] for each in found.filters] == sorted(ALL_THREE)
    assert all("symbols" not in each for each in found.filters)
    assert found.request.symbols is None
    assert days(found) == ["2020-08-01", "2020-08-02"]
    assert sum(1 for _ in found.minutes()) == 2 * 1440


@pytest.mark.parametrize("spelled", ["depth", "futures/depth"])
def test_names_as_the_service_spells_them(tmp_path: Path, spelled: str) -> None:
    """A channel may be named either way; symbols go out exactly as the service lists them."""
    channels = [spelled, "trade"]
    found = plan(tmp_path, "2020-08-01", "2020-08-02", channels=channels, instruments=[SWAP, LATE])
    assert found.filters == [
        {"channel": "futures/depth", "symbols": [SWAP, LATE]},
        {"channel": "trade", "symbols": [SWAP, LATE]},
    ]


def test_channel_spelled_the_newer_way(tmp_path: Path) -> None:
    """Where the service calls it depth, that is what it is asked for."""
    service = details(availableChannels=["depth", "trade", "ticker"])
    found = plan(tmp_path, "2020-08-01", "2020-08-02", service=service, channels=["futures/depth"])
    assert found.filters == [{"channel": "depth"}]


@pytest.mark.parametrize(
    ("start", "end", "named", "limit"),
    [
        ("2020-07-13", "2020-07-15", "2020-07-13T00:00Z", "2020-07-14T00:00Z or later"),
        ("2020-07-13T23:59", "2020-07-14T01:00", "2020-07-13T23:59Z", "2020-07-14T00:00Z"),
        ("2020-07-14T00:30+01:00", "2020-07-15", "2020-07-13T23:30Z", "2020-07-14T00:00Z"),
        ("2020-12-30", "2021-01-01", "2021-01-01T00:00Z", "2020-12-31T00:00Z or earlier"),
        ("2020-12-30", "2020-12-31T00:01", "2020-12-31T00:01Z", "2020-12-31T00:00Z"),
        ("2031-01-01", "2031-01-02", "2031-01-02T00:00Z", "2020-12-31T00:00Z"),
    ],
)
def test_outside_what_was_recorded(
    tmp_path: Path, start: str, end: str, named: str, limit: str
) -> None:
    """A range that can't be there is refused, with what was given and what there is."""
    with pytest.raises(UsageError) as caught:
        plan(tmp_path, start, end)
    assert named in str(caught.value)
    assert limit in str(caught.value)


def test_all_that_was_recorded(tmp_path: Path) -> None:
    """From the very first minute to the very last is no error."""
    found = plan(tmp_path, "2020-07-14", "2020-12-31")
    assert (days(found)[0], days(found)[-1], len(found.days)) == ("2020-07-14", "2020-12-30", 170)


def test_recording_that_goes_on(tmp_path: Path) -> None:
    """Without an end the present is the end: no minute of the future is asked for."""
    service = details(availableTo=None)
    assert days(plan(tmp_path, "2021-05-31", "2021-06-01", service=service)) == ["2021-05-31"]
    with pytest.raises(UsageError, match="2021-06-01T00:00Z or earlier"):
        plan(tmp_path, "2021-05-31", "2021-06-01T00:01", service=service)


@pytest.mark.parametrize("end", [None, "2021-06-30T00:00:00.000Z"])
def test_minute_that_runs_is_not_asked_for(tmp_path: Path, end: str | None) -> None:
    """Half a minute must not be kept as a whole one, whatever end the service announces."""
    service, now = details(availableTo=end), NOW.replace(hour=12, minute=34, second=20)
    plan(tmp_path, "2021-06-01", "2021-06-01T12:34", service=service, now=now)
    with pytest.raises(UsageError, match="2021-06-01T12:34Z or earlier"):
        plan(tmp_path, "2021-06-01", "2021-06-01T12:35", service=service, now=now)


def test_end_just_before_midnight(tmp_path: Path) -> None:
    """An end of 23:59:59.999 includes the day's last minute."""
    service = details(availableTo="2020-12-30T23:59:59.999Z")
    assert days(plan(tmp_path, "2020-12-30", "2020-12-31", service=service)) == ["2020-12-30"]


def test_days_on_which_an_instrument_was_not_listed(tmp_path: Path) -> None:
    """They are not asked for, and the plan names them; the days of listing and expiry count."""
    found = plan(tmp_path, "2020-09-24", "2020-09-28", instruments=[DATED])
    assert days(found) == ["2020-09-24", "2020-09-25"]
    assert found.skipped_days == [date(2020, 9, 26), date(2020, 9, 27)]
    assert days(plan(tmp_path, "2020-11-02", "2020-11-05", instruments=[LATE])) == [
        "2020-11-03",
        "2020-11-04",
    ]


def test_expiry_at_midnight_is_exclusive(tmp_path: Path) -> None:
    """A market that ended with a day has no minute of the next one."""
    symbol = {"id": DATED, "availableTo": "2020-09-25T00:00:00.000Z"}
    service = details(availableSymbols=[symbol])
    found = plan(tmp_path, "2020-09-24", "2020-09-26", service=service, instruments=[DATED])
    assert days(found) == ["2020-09-24"]


def test_a_day_is_asked_for_if_any_instrument_has_it(tmp_path: Path) -> None:
    """Of several instruments the longest-listed decides; nothing of it is lost."""
    found = plan(tmp_path, "2020-09-24", "2020-09-28", instruments=[DATED, SWAP])
    assert len(found.days) == 4
    assert found.skipped_days == []


def test_never_listed_in_the_range(tmp_path: Path) -> None:
    """The refusal names the instrument and when it was listed."""
    with pytest.raises(UsageError) as caught:
        plan(tmp_path, "2020-08-01", "2020-08-03", instruments=[LATE])
    assert LATE in str(caught.value)
    assert "2020-11-03T12:00" in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "given", "would_work"),
    [
        ((None, ["BTC-USD-SWAP"]), "BTC-USD-SWAP", SWAP),
        ((None, [SWAP.lower()]), SWAP.lower(), SWAP),
        ((None, [SWAP, "NOPE"]), "NOPE", SWAP),
        ((["trades"], None), "trades", "trade"),
        ((["depthL5"], None), "depthL5", "depth"),
    ],
)
def test_unknown_names(
    tmp_path: Path,
    asked: tuple[list[str] | None, list[str] | None],
    given: str,
    would_work: str,
) -> None:
    """A name that the service does not list is refused, with those that it does."""
    with pytest.raises(UsageError) as caught:
        plan(tmp_path, "2020-08-01", "2020-08-02", channels=asked[0], instruments=asked[1])
    sentence = str(caught.value)
    assert repr(given) in sentence
    assert would_work in sentence.split("what would work", 1)[1]


def test_another_exchange_answered(tmp_path: Path) -> None:
    """Details of an exchange that was not asked for are not taken for it."""
    with pytest.raises(UsageError, match="okex"):
        plan(tmp_path, "2020-08-01", "2020-08-02", service=details(id="okex"))


def test_what_is_there_is_not_asked_for(tmp_path: Path) -> None:
    """Whole minutes of the same request are left out; a broken one is asked for again, and told."""
    request = Request("coinflex", "tardis", ALL_THREE)
    keep(tmp_path, request, 0, 1)
    keep(tmp_path, request, 2, broken=True)
    (day,) = plan(tmp_path, "2020-08-01", "2020-08-01T00:05").days
    assert (day.missing, day.there, list(day.corrupt)) == ([2, 3, 4], 2, [2])


@pytest.mark.parametrize(
    ("held", "enough"),
    [
        (Request("coinflex", "tardis"), True),
        (Request("coinflex", "import"), True),
        (Request("coinflex", "tardis", ALL_THREE), True),
        (Request("coinflex", "tardis", ("futures/depth",)), True),
        (Request("coinflex", "tardis", ("futures/depth",), (SWAP,)), True),
        (Request("coinflex", "import", ("futures/depth", "trade"), (SWAP, DATED)), True),
        (Request("coinflex", "tardis", ("trade",)), False),
        (Request("coinflex", "tardis", ("futures/depth",), (DATED,)), False),
        (Request("okex", "tardis"), False),
    ],
)
def test_wider_slices_will_do(tmp_path: Path, held: Request, enough: bool) -> None:
    """What holds all that is asked for is not fetched again, whoever brought it; less is."""
    door = Door(tmp_path, held.exchange)
    door.open(held)
    write_minute(door.root / held.folder, at(0), ["x"])
    found = plan(tmp_path, "2020-08-01", "2020-08-01T00:02", channels=["depth"], instruments=[SWAP])
    (day,) = found.days
    assert day.missing == ([1] if enough else [0, 1])


def test_broken_wider_slice_will_not_do(tmp_path: Path) -> None:
    """A wide slice counts only while it is whole."""
    keep(tmp_path, Request("coinflex", "import"), 0, broken=True)
    (day,) = plan(tmp_path, "2020-08-01", "2020-08-01T00:02").days
    assert day.missing == [0, 1]


def test_planning_writes_nothing(tmp_path: Path) -> None:
    """A plan may be made of a folder that isn't there, and it isn't there after it."""
    plan(tmp_path / "data", "2020-08-01", "2020-08-02")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", [None, ""])
def test_paid_days_need_a_key(tmp_path: Path, key: str | None) -> None:
    """Without a key, every paid day is named, and so is the variable and what is free."""
    found = plan(tmp_path, "2020-07-31", "2020-08-03")
    with pytest.raises(KeyRequired) as caught:
        required_key(found, key, "TARDIS_API_KEY")
    assert caught.value.paid_days == ["2020-07-31", "2020-08-02"]
    for part in ("2020-07-31, 2020-08-02", "TARDIS_API_KEY", "first day of each month is free"):
        assert part in str(caught.value)
    required_key(found, "a key", "TARDIS_API_KEY")


def test_no_key_for_what_is_free_or_there(tmp_path: Path) -> None:
    """A free day needs none, nor does a paid one of which every minute is there."""
    required_key(plan(tmp_path, "2020-08-01", "2020-08-02"), None, "TARDIS_API_KEY")
    door, request = Door(tmp_path, "coinflex"), Request("coinflex", "tardis", ALL_THREE)
    door.open(request)
    write_minute(door.root / request.folder, DAY + timedelta(days=1), ["x"])
    there = plan(tmp_path, "2020-08-01", "2020-08-02T00:01")
    required_key(there, None, "TARDIS_API_KEY")


def test_what_was_recorded_live_is_fetched_all_the_same(tmp_path: Path) -> None:
    """It fills gaps of history; it does not stand for it, however much it holds."""
    request = Request("coinflex", "live", None, None, "api.example.com")
    keep(tmp_path, request, 1439)
    facts = plan(tmp_path, "2020-08-01T23:58", "2020-08-02").summary()
    assert (facts["minutes_there_already"], facts["requests"]) == (0, 2)


def test_summary(tmp_path: Path) -> None:
    """A plan in figures: days, minutes, requests, what is free, there, or was impaired."""
    request = Request("coinflex", "tardis", ALL_THREE)
    keep(tmp_path, request, 1439)
    keep(tmp_path, request, 1438, broken=True)
    facts = plan(tmp_path, "2020-08-01T23:55", "2020-08-02T12:00").summary()
    expected = {
        "exchange": "coinflex",
        "from": "2020-08-01T23:55Z",
        "to": "2020-08-02T12:00Z",
        "instruments": "all",
        "days": 2,
        "minutes": 5 + 720,
        "minutes_there_already": 1,
        "minutes_corrupt": 1,
        "requests": 4 + 720,
        "requests_free_without_a_key": 4,
        "requests_that_need_a_key": 720,
    }
    assert {name: facts[name] for name in expected} == expected
    assert [incident["details"] for incident in facts["incidents"]] == ["recorder restarted"]


def test_incidents_elsewhere_are_not_told(tmp_path: Path) -> None:
    """Only those that touch the range; its end is exclusive."""
    assert plan(tmp_path, "2020-08-02", "2020-08-02T10:00").incidents == []
    assert len(plan(tmp_path, "2020-08-02T10:59", "2020-08-02T12:00").incidents) == 1
    assert plan(tmp_path, "2020-08-02T11:00", "2020-08-02T12:00").incidents == []
