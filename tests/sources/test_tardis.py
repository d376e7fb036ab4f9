from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from pipeline.backfill import plan_backfill
from pipeline.errors import LakeUnwritable, ServiceRefused, ServiceUnreachable
from pipeline.simulator import Fault, TardisSimulator
from pipeline.slices import Door
from pipeline.sources.tardis import DownloadReport, download
from pipeline.times import Range, minute_text
from tests.making import at
from tests.world import (
    KEY,
    NEXT_DAY,
    Counted,
    around_midnight,
    history,
    last_minutes,
    raw_minutes,
    served,
    serving,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PASSING = ["429", "500", "503", "reset", "truncate", "cut", "corrupt"]
MINUTE = timedelta(minutes=1)


def fetch(data: Path, url: str, minutes: Sequence[datetime], **tardis: Any) -> DownloadReport:
    """Download what is lacking of some consecutive minutes."""
    found = settings(data, url, **tardis)
    plan = plan_backfill(found, Range(minutes[0], minutes[-1] + MINUTE))
    door, progress, arrivals = Door(data, "coinflex"), Counted(), plan.arrivals()
    report = asyncio.run(download(found, plan, door, arrivals, progress))
    for day in arrivals.days:  # every minute is settled, whether it came or not
        arrivals.wait_for(day, range(1440))
    assert (progress.arrived, progress.lacking) == (report.fetched, len(report.lacking))
    return report


def asked(simulator: TardisSimulator) -> list[datetime]:
    """Return the minutes that were asked for, in order of arrival."""
    return [request.minute for request in simulator.requests if request.minute is not None]


def assert_same_as_served(data: Path, slices: Path, minutes: Iterable[datetime]) -> None:
    """Check that raw/ holds these minutes line for line, no other, and nothing half done."""
    assert raw_minutes(data) == served(slices, minutes)
    assert not list((data / "raw" / "coinflex" / ".drafts").rglob("*"))


def test_everything_arrives_once(tmp_path: Path) -> None:
    """A quiet download asks once for each minute, the last and the first before the rest."""
    minutes = last_minutes(8)
    slices = history(tmp_path / "slices", minutes)
    simulator = TardisSimulator(slices)
    with simulator.running() as url:
        report = fetch(tmp_path, url, minutes)
    assert asked(simulator)[:2] == [minutes[-1], minutes[0]]
    assert sorted(asked(simulator)) == minutes
    assert (report.fetched, report.lacking) == (8, {})
    assert_same_as_served(tmp_path, slices, minutes)


def test_minute_without_data_is_there(tmp_path: Path) -> None:
    """An empty answer is an answer: the minute counts as fetched and is not asked for again."""
    minutes = last_minutes(2)
    simulator = TardisSimulator(history(tmp_path / "slices", []), available_to=NEXT_DAY)
    with simulator.running() as url:
        report = fetch(tmp_path, url, minutes)
        fetch(tmp_path, url, minutes)
    assert (report.fetched, report.empty, report.lacking) == (2, 2, {})
    assert len(asked(simulator)) == 2
    assert raw_minutes(tmp_path) == {"2020/08/01/23/58": b"", "2020/08/01/23/59": b""}


@pytest.mark.parametrize("place", [0, 3, -1], ids=["first", "within", "last"])
@pytest.mark.parametrize("kind", PASSING)
def test_fault_that_passes(tmp_path: Path, kind: str, place: int) -> None:
    """Trouble on up to three of four attempts is made good, wherever in the range it strikes."""
    minutes = last_minutes(6)
    slices = history(tmp_path / "slices", minutes)
    simulator = TardisSimulator(slices, faults=[Fault(kind, minute=minutes[place], times=3)])
    with simulator.running() as url:
        report = fetch(tmp_path, url, minutes)
    assert report.lacking == {}
    assert_same_as_served(tmp_path, slices, minutes)
    assert all(asked(simulator).count(m) == 1 for m in minutes if m != minutes[place])


def test_stall_that_passes(tmp_path: Path) -> None:
    """An answer that never comes is given up after the time-out, and asked for again."""
    minutes = last_minutes(6)
    slices = history(tmp_path / "slices", minutes)
    simulator = TardisSimulator(slices, faults=[Fault("stall", minute=minutes[2], times=2)])
    with simulator.running() as url:
        report = fetch(tmp_path, url, minutes, timeout=1.0)
    assert report.lacking == {}
    assert_same_as_served(tmp_path, slices, minutes)


def test_redirect_is_followed(tmp_path: Path) -> None:
    """Minutes that are served from elsewhere arrive like any other."""
    minutes = last_minutes(6)
    slices = history(tmp_path / "slices", minutes)
    with TardisSimulator(slices).running() as other:
        fault = Fault("redirect", target=other, times=0)
        with TardisSimulator(slices, faults=[fault]).running() as url:
            assert fetch(tmp_path, url, minutes).lacking == {}
    assert_same_as_served(tmp_path, slices, minutes)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("429", "429: Too many requests"),
        ("503", "503: The service is temporarily unavailable"),
        ("reset", "reset"),
        ("truncate", "ClientPayloadError"),
        ("cut", ""),
        ("corrupt", ""),
    ],
)
def test_fault_that_stays(tmp_path: Path, kind: str, words: str) -> None:
    """A minute that never arrives is named with the reason; the rest arrives; nothing is half."""
    minutes = last_minutes(6)
    slices = history(tmp_path / "slices", minutes)
    fault = Fault(kind, minute=minutes[2], times=0)
    with TardisSimulator(slices, faults=[fault]).running() as url:
        report = fetch(tmp_path, url, minutes)
    assert list(report.lacking) == ["2020-08-01T23:56Z"]
    assert words in report.lacking["2020-08-01T23:56Z"]
    assert report.lacking["2020-08-01T23:56Z"].strip()
    assert_same_as_served(tmp_path, slices, [m for m in minutes if m != minutes[2]])

    simulator = TardisSimulator(slices)
    with simulator.running() as url:
        assert fetch(tmp_path, url, minutes).lacking == {}
    assert asked(simulator) == [minutes[2]]
    assert_same_as_served(tmp_path, slices, minutes)


@pytest.mark.parametrize("status", ["400", "401", "403", "404"])
def test_final_no_is_asked_once(tmp_path: Path, status: str) -> None:
    """The same question would get the same answer; it is told in the service's own words."""
    minutes = last_minutes(6)
    slices = history(tmp_path / "slices", minutes)
    simulator = TardisSimulator(slices, faults=[Fault(status, minute=minutes[-2], times=0)])
    with simulator.running() as url:
        report = fetch(tmp_path, url, minutes, in_flight=1)
    assert asked(simulator).count(minutes[-2]) == 1
    assert list(report.lacking) == [minute_text(minutes[-2])]
    assert report.lacking[minute_text(minutes[-2])].startswith(f"{status}: ")
    assert_same_as_served(tmp_path, slices, [m for m in minutes if m != minutes[-2]])


@pytest.mark.parametrize("status", ["401", "403"])
def test_no_access_in_mid_range_ends_that_day_only(tmp_path: Path, status: str) -> None:
    """Access is by the day: no more of it is asked for, all of it is named, others go on."""
    minutes = around_midnight(8)
    slices = history(tmp_path / "slices", minutes)
    simulator = TardisSimulator(slices, key=KEY, faults=[Fault(status, minute=minutes[3])])
    with simulator.running() as url:
        report = fetch(tmp_path, url, minutes, key=KEY, in_flight=1)
    assert asked(simulator) == [minutes[-1], *minutes[:4], *minutes[8:-1]]
    assert list(report.lacking) == [minute_text(minute) for minute in minutes[3:8]]
    assert_same_as_served(tmp_path, slices, minutes[:3] + minutes[8:])


@pytest.mark.parametrize(("place", "requests"), [(-1, 1), (0, 2)], ids=["last", "first"])
@pytest.mark.parametrize("status", ["401", "403"])
def test_key_is_checked_before_the_rest(
    tmp_path: Path, status: str, place: int, requests: int
) -> None:
    """A range that is not covered fails at once, in the service's words, after a request or two."""
    minutes = last_minutes(6)
    slices = history(tmp_path / "slices", minutes)
    simulator = TardisSimulator(slices, faults=[Fault(status, minute=minutes[place], times=0)])
    with simulator.running() as url, pytest.raises(ServiceRefused) as caught:
        fetch(tmp_path, url, minutes)
    assert len(asked(simulator)) == requests
    assert minute_text(minutes[place]) in str(caught.value)
    assert caught.value.status == int(status)


def test_wrong_key_is_refused_at_once(tmp_path: Path) -> None:
    """One request is enough to know; the service's words say what is wrong, the key isn't shown."""
    minutes = around_midnight(3)
    simulator = TardisSimulator(history(tmp_path / "slices", minutes), key="another")
    with simulator.running() as url, pytest.raises(ServiceRefused) as caught:
        fetch(tmp_path, url, minutes, key=KEY)
    assert len(asked(simulator)) == 1
    assert "The API key is not valid" in str(caught.value)
    assert KEY not in str(caught.value)


def test_one_odd_minute_at_the_edge_is_not_the_key(tmp_path: Path) -> None:
    """A 404 for the last minute alone does not take the others with it."""
    minutes = last_minutes(6)
    slices = history(tmp_path / "slices", minutes)
    fault = Fault("404", minute=minutes[-1], times=0)
    with TardisSimulator(slices, faults=[fault]).running() as url:
        report = fetch(tmp_path, url, minutes)
    assert list(report.lacking) == [minute_text(minutes[-1])]
    assert_same_as_served(tmp_path, slices, minutes[:-1])


def test_both_edges_refused_is_a_no_to_the_whole(tmp_path: Path) -> None:
    """When the last and the first minute are both refused for good, nothing more is asked."""
    minutes = last_minutes(6)
    simulator = TardisSimulator(
        history(tmp_path / "slices", minutes), faults=[Fault("400", times=0)]
    )
    with simulator.running() as url, pytest.raises(ServiceRefused, match="invalid parameter"):
        fetch(tmp_path, url, minutes)
    assert len(asked(simulator)) == 2


@pytest.mark.parametrize("seed", range(12))
def test_any_schedule_of_faults(tmp_path: Path, seed: int) -> None:
    """Whatever goes wrong, each minute is there line for line or is named, and can be had later."""
    dice = random.Random(seed)
    minutes = around_midnight(10)
    slices = history(tmp_path / "slices", minutes)
    kinds = [*PASSING, *PASSING, "400", "404", "401"]
    faults = [
        Fault(dice.choice(kinds), dice.choice(minutes[1:-1]), dice.randint(1, 5))
        for _ in range(dice.randint(1, 20))
    ]
    if seed % 3 == 0:
        faults.append(Fault("stall", dice.choice(minutes)))
    flight = dice.choice([1, 3, 60])
    with TardisSimulator(slices, key=KEY, faults=faults).running() as url:
        report = fetch(tmp_path, url, minutes, key=KEY, timeout=1.0, in_flight=flight)
    lacking = [minute for minute in minutes if minute_text(minute) in report.lacking]
    assert len(lacking) == len(report.lacking)
    assert_same_as_served(tmp_path, slices, sorted(set(minutes).difference(lacking)))

    quiet = TardisSimulator(slices, key=KEY)
    with quiet.running() as url:
        assert fetch(tmp_path, url, minutes, key=KEY).lacking == {}
    assert sorted(asked(quiet)) == lacking
    assert_same_as_served(tmp_path, slices, minutes)


class Gate:
    """A service without data that answers minutes sixty at a time, and counts those it holds."""

    def __init__(self, first: datetime, last: datetime) -> None:
        self.most = self._held = 0
        self._edges = {first, last}
        self._barrier = asyncio.Barrier(60)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer details at once, the edges at once, other minutes when sixty are waiting."""
        if "exchanges" in request.path:
            return web.json_response({
                "id": "coinflex", "availableSince": "2020-07-14T00:00:00.000Z",
                "availableChannels": ["futures/depth", "trade", "ticker"],
            })  # fmt: skip
        self._held += 1
        self.most = max(self.most, self._held)
        try:
            if datetime.fromisoformat(request.query["from"]) not in self._edges:
                await self._barrier.wait()
        finally:
            self._held -= 1
        return web.Response()


def test_sixty_in_flight(tmp_path: Path) -> None:
    """Sixty minutes are asked for at a time, which a service that waits for them sees; no more."""
    minutes = last_minutes(2 + 3 * 60)
    gate = Gate(minutes[0], minutes[-1])
    with serving(gate.answer) as url:
        report = fetch(tmp_path, url, minutes, timeout=20.0)
    assert (report.fetched, report.lacking) == (len(minutes), {})
    assert gate.most == 60


def test_fewer_in_flight_if_told(tmp_path: Path) -> None:
    """A setting bounds it further: with one, the minutes come in their order."""
    minutes = last_minutes(8)
    simulator = TardisSimulator(history(tmp_path / "slices", minutes))
    with simulator.running() as url:
        fetch(tmp_path, url, minutes, in_flight=1)
    assert asked(simulator) == [minutes[-1], *minutes[:-1]]


def test_service_that_went_away_is_left_alone(tmp_path: Path) -> None:
    """After many failures in a row the rest is named without being asked for."""
    minutes = last_minutes(40)
    slices = history(tmp_path / "slices", minutes)
    faults = [Fault("500", minute=minute, times=0) for minute in minutes[1:-1]]
    simulator = TardisSimulator(slices, faults=faults)
    with simulator.running() as url:
        report = fetch(tmp_path, url, minutes, in_flight=2, attempts=2)
    assert len(report.lacking) == 38
    assert len(set(asked(simulator))) < 12
    assert "not asked for" in report.lacking[minute_text(minutes[-2])]
    assert_same_as_served(tmp_path, slices, [minutes[0], minutes[-1]])


def test_nobody_there(tmp_path: Path) -> None:
    """Without a service there is no plan: it is said so, with what was tried."""
    with pytest.raises(ServiceUnreachable, match="details of exchange coinflex"):
        fetch(tmp_path, "http://127.0.0.1:1", last_minutes(2))


@pytest.mark.parametrize("place", ["hour", "drafts"])
def test_disk_is_no_reason_to_ask_again(tmp_path: Path, place: str) -> None:
    """A folder that can't be written ends the run with its reason; nothing is asked for twice."""
    minutes = [at(22 * 60 + n) for n in range(120)]
    slices = history(tmp_path / "slices", minutes)
    simulator = TardisSimulator(slices)
    with simulator.running() as url:
        fetch(tmp_path, url, minutes[:2])
        (day,) = (tmp_path / "raw" / "coinflex").glob("*/2020/08/01")
        drafts = tmp_path / "raw" / "coinflex" / ".drafts"
        if place == "drafts":
            drafts.rmdir()
        (day / "23" if place == "hour" else drafts).write_text("in the way")
        simulator.requests.clear()
        with pytest.raises(LakeUnwritable, match="a file"):
            fetch(tmp_path, url, minutes, in_flight=4)
    assert len(asked(simulator)) == len(set(asked(simulator))) < 70


@pytest.mark.parametrize("damage", ["cut", "flip", "emptied", "gone", "text"])
def test_damaged_slice_is_fetched_again(tmp_path: Path, damage: str) -> None:
    """A slice that is no longer whole is noticed, and it alone is asked for."""
    minutes = last_minutes(4)
    slices = history(tmp_path / "slices", minutes)
    simulator = TardisSimulator(slices)
    with simulator.running() as url:
        fetch(tmp_path, url, minutes)
        (path,) = (tmp_path / "raw" / "coinflex").glob("*/2020/08/01/23/57.json.gz")
        body = path.read_bytes()
        spot = len(body) // 2
        match damage:
            case "cut":
                path.write_bytes(body[:spot])
            case "flip":
                path.write_bytes(body[:spot] + bytes([body[spot] ^ 0xFF]) + body[spot + 1 :])
            case "emptied":
                path.write_bytes(bytes(len(body)))
            case "gone":
                path.unlink()
            case "text":
                path.write_bytes(b"<html>blocked by a proxy</html>")
        simulator.requests.clear()
        report = fetch(tmp_path, url, minutes)
    assert (report.fetched, asked(simulator)) == (1, [datetime(2020, 8, 1, 23, 57, tzinfo=UTC)])
    assert_same_as_served(tmp_path, slices, minutes)


def test_lost_manifest_costs_no_request(tmp_path: Path) -> None:
    """Manifests only remember what the slices say: without them nothing is fetched again."""
    minutes = last_minutes(4)
    simulator = TardisSimulator(history(tmp_path / "slices", minutes))
    with simulator.running() as url:
        fetch(tmp_path, url, minutes)
        (manifest,) = tmp_path.glob("raw/coinflex/*/2020/08/01/manifest.json")
        before = manifest.read_bytes()
        manifest.write_bytes(before[: len(before) // 2])
        simulator.requests.clear()
        assert fetch(tmp_path, url, minutes).fetched == 0
    assert asked(simulator) == []
    assert len(raw_minutes(tmp_path)) == 4
