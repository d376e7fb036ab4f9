"""The scheduled job: it does what is to be done, all of it and once, and says what it did."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.backfill import backfill
from pipeline.errors import (
    DiskNearlyFull,
    KeyOpensNothing,
    LakeDiffers,
    LockHeld,
    MinutesLacking,
    ServiceRefused,
    ServiceUnreachable,
    UsageError,
)
from pipeline.lock import holding
from pipeline.normalize import day
from pipeline.normalize.trades import trades_frame
from pipeline.simulator import Fault
from pipeline.sources.files import adopt
from pipeline.times import Range
from pipeline.views import connect
from tests.lakes import rows, same_rows
from tests.making import at
from tests.world import KEY, SWAP, history, raw_minutes, served, settings

from .nights import MINUTES, NOW, SPAN, age, nights

if TYPE_CHECKING:
    from pathlib import Path

FREE, PAID = MINUTES[:5], MINUTES[5:]


def tree(folder: Path) -> dict[str, int]:
    """Return every file below a folder but the reports of runs, with its time."""
    found = (path for path in folder.rglob("*") if path.is_file() and "runs" not in path.parts)
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in found}


def test_the_lake_is_that_of_a_backfill(tmp_path: Path) -> None:
    """Each minute is asked for once, and what comes of them is the same."""
    with nights(tmp_path) as it:
        run = it.run()
        assert sorted(it.asked()) == MINUTES
        backfill(settings(tmp_path / "other", it.url, key=KEY), Range.parse(*SPAN.values()))
    assert raw_minutes(it.data) == served(tmp_path / "slices", MINUTES)
    assert same_rows(rows(it.data), rows(tmp_path / "other"))
    assert (run.outcome, run.exit_code, run.minutes_fetched, run.requests) == ("done", 0, 10, 10)
    assert (run.minutes_without_data, run.days_ingested, run.days_wanted) == (2, 2, 2)
    assert run.days == {"2020-08-01": "ingested", "2020-08-02": "ingested"}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    """Nor does a third one, which believes what the second one looked into."""
    with nights(tmp_path) as it:
        it.run()
        it.let_time_pass()
        second = it.run()
        before = tree(it.data)
        it.simulator.requests.clear()
        third = it.run()
        assert it.asked() == []
    assert tree(it.data) == before
    assert (second.days_complete_before, third.days_complete_before) == (0, 2)
    for run in second, third:
        assert (run.outcome, run.requests, run.days_ingested, run.days) == ("done", 0, 0, {})


def test_without_a_key_the_free_days_are_had(tmp_path: Path) -> None:
    """And it is no failure that others are not: the report counts them."""
    with nights(tmp_path) as it:
        run = it.run(key=None)
        assert sorted(it.asked()) == FREE
    assert (run.outcome, run.days_wanted, run.days_that_need_a_key) == ("done", 1, 1)


def test_a_key_of_no_use_is_said(tmp_path: Path) -> None:
    """The free days are there all the same, but nobody is to believe that all is well."""
    with nights(tmp_path, key_info=[{"exchange": "deribit"}]) as it:
        report = it.sync()
        assert sorted(it.asked()) == FREE
    assert isinstance(report.failure, KeyOpensNothing)
    assert (report.run.outcome, report.run.exit_code) == ("failed", 1)
    assert report.run.days_not_covered_by_key == 1
    assert KEY not in str(report.failure)


def test_a_key_that_is_refused_is_said(tmp_path: Path) -> None:
    """With the service's words; what is in raw is ingested all the same."""
    with nights(tmp_path) as it:
        adopt(it.data, "coinflex", tmp_path / "slices")
        report = it.sync(key="another")
    assert isinstance(report.failure, ServiceRefused)
    assert (report.run.outcome, report.run.exit_code) == ("failed", 1)
    assert report.run.days_ingested == 2
    assert "another" not in str(report.failure)


def test_a_key_opens_its_own_days_and_instruments(tmp_path: Path) -> None:
    """Nothing else is asked for, and the report counts the days that are left out."""
    opens = {"exchange": "coinflex", "from": "2020-08-02T00:00:00.000Z", "symbols": [SWAP]}
    before = {"exchange": "coinflex", "from": "2020-07-14", "to": "2020-08-02", "symbols": [SWAP]}
    with nights(tmp_path, key_info=[opens | {"to": "2020-08-02T12:00:00.000Z"}]) as it:
        run = it.run()
        assert sorted(it.asked()) == FREE
        assert (run.days_wanted, run.days_not_covered_by_key) == (1, 1)
    with nights(tmp_path, key_info=[opens, before]) as it:
        run = it.run()
        assert it.simulator.requests[-1].filters is not None
        filters = {str(of.filters) for of in it.simulator.requests if of.minute}
        assert (run.days_wanted, run.days_not_covered_by_key) == (2, 0)
    assert len(filters) == 1
    assert f"'symbols': ['{SWAP}']" in filters.pop()


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """The second one names the first, asks for nothing and leaves no report."""
    with nights(tmp_path) as it, holding(it.data):
        with pytest.raises(LockHeld, match="process") as held:
            it.run()
        assert held.value.exit_code == 75
        assert it.asked() == []
    assert it.reports() == []


def test_a_budget_of_requests_is_kept(tmp_path: Path) -> None:
    """To the last one; what is left is done by the next runs, to the same lake."""
    with nights(tmp_path) as it:
        first = it.run(max_requests=4)
        asked = it.asked()
        assert len(asked) == 4
        assert (first.outcome, first.stopped_by, first.minutes_fetched) == ("done", "requests", 4)
        second = it.run(max_requests=4)
        assert (second.stopped_by, second.requests) == ("requests", 4)
        third = it.run(max_requests=4)
        assert (third.stopped_by, third.requests, third.minutes_postponed) == (None, 2, 0)
        backfill(settings(tmp_path / "other", it.url, key=KEY), Range.parse(*SPAN.values()))
    assert raw_minutes(it.data) == served(tmp_path / "slices", MINUTES)
    assert same_rows(rows(it.data), rows(tmp_path / "other"))


def test_attempts_count_as_requests(tmp_path: Path) -> None:
    """A service that fails does not get more of them than were allowed."""
    with nights(tmp_path, Fault("503", times=0)) as it:
        report = it.sync(max_requests=3)
        assert len(it.asked()) == 3
    assert report.run.requests == 3


def test_the_newest_days_may_come_first(tmp_path: Path) -> None:
    """So that yesterday is there soon, however long history takes."""
    with nights(tmp_path) as it:
        it.run(newest_first=True, max_requests=5)
        assert sorted(it.asked()) == PAID
        it.run(newest_first=True)
        assert sorted(it.asked()) == FREE


def test_it_stops_before_the_disk_is_full(tmp_path: Path) -> None:
    """Nothing is fetched, and what is there stays as it is."""
    with nights(tmp_path) as it:
        it.run(end="2020-08-02")
        before = tree(it.data)
        it.simulator.requests.clear()
        report = it.sync(min_free_gb=1e9)
        assert it.asked() == []
    assert isinstance(report.failure, DiskNearlyFull)
    assert (report.run.stopped_by, report.run.exit_code) == ("disk", 2)
    unchanged = {name: time for name, time in tree(it.data).items() if name in before}
    assert unchanged == before


def test_what_is_there_is_ingested_without_the_service(tmp_path: Path) -> None:
    """The exit code says that the service lacks; when it is back the rest follows."""
    with nights(tmp_path) as it:
        adopt(it.data, "coinflex", tmp_path / "slices")
        report = it.sync(url="http://127.0.0.1:9")
        assert isinstance(report.failure, ServiceUnreachable)
        assert (report.run.outcome, report.run.exit_code) == ("lacking", 3)
        assert report.run.days_ingested == 2
        assert it.run().outcome == "done"


def test_what_lacks_is_named_and_had_by_the_next_run(tmp_path: Path) -> None:
    """One minute that fails does not take the others with it."""
    minute = at(24 * 60 - 3)
    with nights(tmp_path, Fault("404", minute=minute)) as it:
        report = it.sync()
        assert isinstance(report.failure, MinutesLacking)
        assert (report.run.outcome, report.run.exit_code) == ("lacking", 3)
        assert (report.run.minutes_lacking, report.run.minutes_fetched) == (1, 9)
        assert list(report.run.lacking) == ["2020-08-01"]
        assert report.run.lacking["2020-08-01"].startswith("1 minute: 404")
        it.simulator.requests.clear()
        assert it.run().outcome == "done"
        assert it.asked() == [minute]


def test_a_day_just_over_may_be_late(tmp_path: Path) -> None:
    """What lacks of it is pending, no failure; a day later it is one."""
    minute = at(24 * 60 + 1)
    with nights(tmp_path, Fault("404", minute=minute, times=2)) as it:
        soon = it.run(now=datetime(2020, 8, 3, 3, tzinfo=UTC))
        assert (soon.outcome, soon.minutes_pending, soon.minutes_lacking) == ("done", 1, 0)
        later = it.sync(now=datetime(2020, 8, 4, 3, tzinfo=UTC))
        assert (later.run.minutes_pending, later.run.minutes_lacking) == (0, 1)
        assert isinstance(later.failure, MinutesLacking)


def test_a_minute_fetched_too_soon_is_asked_for_again(tmp_path: Path) -> None:
    """It was empty then, a few hours after; now there are data, and they count."""
    minute = at(24 * 60 - 2)  # which has no data
    with nights(tmp_path) as it:
        it.run()
        (path,) = (it.data / "raw").glob("*/*/2020/08/01/23/58.json.gz")
        fetched = minute + timedelta(hours=5)
        age(path, (datetime.fromtimestamp(path.stat().st_mtime, UTC) - fetched).total_seconds())
        shutil.copy(tmp_path / "slices/2020/08/01/23/57.json.gz", tmp_path / "late.json.gz")
        (tmp_path / "slices/2020/08/01/23/58.json.gz").write_bytes(
            (tmp_path / "slices/2020/08/01/23/57.json.gz").read_bytes()
        )
    with nights(tmp_path) as it:  # the service, which has it by now
        (tmp_path / "slices/2020/08/01/23/58.json.gz").write_bytes(
            (tmp_path / "late.json.gz").read_bytes()
        )
        run = it.run()
        assert it.asked() == [minute]
        assert (run.minutes_asked_again, run.minutes_fetched) == (1, 1)
        assert run.days == {"2020-08-01": "ingested"}
        assert path.read_bytes() != b""
        assert it.run().minutes_asked_again == 0


def test_what_comes_by_other_ways_is_noticed(tmp_path: Path) -> None:
    """A slice that is put in, and one that goes, though the days were settled."""
    with nights(tmp_path) as it:
        it.run()
        it.let_time_pass()
        it.run()
        adopt(it.data, "coinflex", history(tmp_path / "more", [at(24 * 60 - 6)]))
        assert it.run().days == {"2020-08-01": "ingested"}
        (gone,) = (it.data / "raw").glob("*/tardis-*/2020/08/02/00/01.json.gz")
        gone.unlink()
        it.simulator.requests.clear()
        run = it.run()
        assert it.asked() == [at(24 * 60 + 1)]
    assert raw_minutes(it.data).items() >= served(tmp_path / "slices", MINUTES).items()
    assert run.days == {}, "the slice that came back is the one that was ingested"


def test_a_span_of_which_there_is_nothing_is_refused(tmp_path: Path) -> None:
    """With what the service has; a name that it does not know likewise."""
    with nights(tmp_path) as it:
        with pytest.raises(UsageError, match="2020-07-14T00:00Z to 2020-08-03T00:00Z"):
            it.run(start="2030-01-01", end="")
        with pytest.raises(UsageError, match="FLEX-USD"):
            it.run(instruments="FLEX-EUR")
        assert it.asked() == []
    outcomes = [(of["outcome"], of["exit_code"]) for of in it.reports()]
    assert outcomes == [("failed", 1), ("failed", 1)]


def test_what_was_ingested_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that reads raw wrongly is found the night it does: the exit code says so."""
    with nights(tmp_path) as it:
        run = it.run(verify=True, end="2020-08-02")
        assert (run.days_verified, run.differences) == (1, 0)
        assert it.run(verify=True, end="2020-08-02").days_verified == 0
        monkeypatch.setattr(
            day, "trades_frame", lambda of: trades_frame(of).with_columns(price=1.0)
        )
        report = it.sync(verify=True)
    assert isinstance(report.failure, LakeDiffers)
    assert (report.run.outcome, report.run.exit_code) == ("failed", 2)
    assert report.run.differences > 0


def test_the_reports_are_rows(tmp_path: Path) -> None:
    """The view says what the files say, in order, of this exchange."""
    with nights(tmp_path, Fault("404", minute=at(24 * 60 - 3))) as it:
        it.sync()
        it.run()
        with connect(it.data) as connection:
            found = connection.execute(
                "select run, outcome, exit_code, minutes_fetched, started, lacking from runs"
            ).fetchall()
    told = [
        (of["run"], of["outcome"], of["exit_code"], of["minutes_fetched"]) for of in it.reports()
    ]
    assert [row[:4] for row in found] == told
    assert [row[1] for row in found] == ["lacking", "done"]
    times = [NOW.replace(tzinfo=None) + timedelta(seconds=n) for n in (1, 2)]
    assert [row[4] for row in found] == times
    assert '"2020-08-01"' in found[0][5]


def test_old_reports_go(tmp_path: Path) -> None:
    """So many stay as are asked for, the last ones."""
    with nights(tmp_path) as it:
        for hour in range(4):
            it.run(now=NOW + timedelta(hours=hour), keep_runs=2)
    assert [of["started"][:13] for of in it.reports()] == ["2020-08-10T05", "2020-08-10T06"]


def test_the_key_is_in_no_file(tmp_path: Path) -> None:
    """Though the service itself repeats it in its refusals."""
    words = Fault("404", minute=at(24 * 60 - 3))
    with nights(tmp_path, words) as it:
        it.sync(textfile=str(tmp_path / "it.prom"))
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in texts if KEY.encode() in text]
