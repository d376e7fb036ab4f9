from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pipeline.config import LiveSettings, Settings
from pipeline.doctor import NOTE, OK, WRONG, raise_if_wrong
from pipeline.doctor.finding import note, ok, wrong
from pipeline.doctor.surroundings import is_satisfied
from pipeline.errors import ServiceUnreachable, Unfit
from pipeline.lake import Lake
from pipeline.lock import holding
from pipeline.simulator import TardisSimulator
from pipeline.simulator.exchange import ExchangeSimulator
from pipeline.simulator.market import GeneratedFeed
from pipeline.sources.files import adopt
from tests.conftest import ROOT, Cli, clean_environment
from tests.lakes import ingest
from tests.making import at, depth, write_minute
from tests.world import KEY, config_file, history, last_minutes, serving

from .checking import CLOSED, NOBODY, found, of


@pytest.fixture(name="slices")
def _slices(tmp_path: Path) -> Path:
    return history(tmp_path / "slices", last_minutes(2))


@pytest.mark.parametrize(
    ("version", "bounds", "fits"),
    [
        ("2.0.0", ">=2.0,<3", True),
        ("2.10.1", ">=2.9", True),
        ("1.9", ">=2.0,<3", False),
        ("3.0", ">=2.0,<3", False),
        ("1.4.2", "==1.4.2", True),
        ("1.4.2.post1", "==1.4.2", True),
        ("1.4.3", "==1.4.2", False),
        ("2026.6", ">=2025.2", True),
        ("7", "", True),
        ("3.1", "!=3.1", False),
    ],
)
def test_versions_are_compared_by_number(version: str, bounds: str, fits: bool) -> None:
    """2.10 is after 2.9, and 2 is 2.0."""
    assert is_satisfied(version, bounds) is fits


def test_a_machine_on_which_all_is_well(slices: Path, tmp_path: Path) -> None:
    """Nothing is wrong, every part is named, and the data folder is left as it was: not there."""
    exchange = ExchangeSimulator(GeneratedFeed(1))
    with TardisSimulator(slices, key=KEY).running() as url, exchange.running() as its:
        live = LiveSettings(websocket=its.ws, rest=its.rest)
        seen = found(of(tmp_path / "data", url, live, key=KEY))
    assert {name for name, finding in seen.items() if finding.verdict != OK} == {"lake"}
    assert seen.keys() == {
        "python", "packages", "machine code", "settings", "data folder", "writing",
        "exchanging folders", "room", "open files", "lock", "lake", "tardis", "tardis files",
        "key", "clock", "exchange REST", "exchange socket",
    }  # fmt: skip
    assert "duckdb 2" in seen["packages"].found
    assert "coinflex from 2020-07-14T00:00:00.000Z to 2020-08-02" in seen["tardis"].found
    assert "2 symbols, channels futures/depth, trade, ticker, 0 inc" in seen["tardis"].found
    assert "all symbols (pro pro)" in seen["key"].found
    assert not (tmp_path / "data").exists()
    assert not list(tmp_path.glob(".doctor*"))


def test_a_closed_exchange_is_a_note(slices: Path, tmp_path: Path) -> None:
    """Nothing but a capture needs it."""
    with TardisSimulator(slices).running() as url:
        seen = found(of(tmp_path, url))
    assert (seen["exchange REST"].verdict, seen["exchange socket"].verdict) == (NOTE, NOTE)
    raise_if_wrong(seen.values())


def test_without_a_key_there_are_free_days(slices: Path, tmp_path: Path) -> None:
    """That is a note, with the variable that would change it."""
    with TardisSimulator(slices, key=KEY).running() as url:
        key = found(of(tmp_path, url))["key"]
    assert (key.verdict, "first day of each month" in key.found) == (NOTE, True)
    assert "TARDIS_API_KEY" in key.advice


def test_a_key_that_opens_nothing_is_wrong(slices: Path, tmp_path: Path) -> None:
    """And it shows in no finding, however it is spelled."""
    with TardisSimulator(slices, key=KEY).running() as url:
        seen = found(of(tmp_path, url, key="wrong+key"))
    assert (seen["key"].verdict, "opens nothing, not coinflex" in seen["key"].found) == (
        WRONG,
        True,
    )
    assert "wrong+key" not in repr(seen)
    with pytest.raises(Unfit, match="1 thing is wrong: key;"):
        raise_if_wrong(seen.values())


def test_a_key_of_another_exchange_is_wrong(tmp_path: Path) -> None:
    """It is said which one it opens; what the service quotes of the key is not shown."""

    async def handler(request: web.Request) -> web.Response:
        if "key-info" in request.path:
            return web.json_response([{"exchange": "other", "symbols": None, "new": KEY}])
        return web.json_response(
            {"code": 404, "message": f"no such exchange for {KEY}"}, status=404
        )

    with serving(handler) as url:
        seen = found(of(tmp_path, url, key=KEY))
    assert "it opens other, not coinflex" in seen["key"].found
    assert (seen["tardis"].verdict, seen["tardis"].unreachable) == (WRONG, False)
    assert "--exchange" in seen["tardis"].advice
    assert KEY not in repr(seen)


@pytest.mark.parametrize(
    ("ahead", "verdict", "words"),
    [(0, OK, " s "), (4, NOTE, "behind the"), (-4, NOTE, "ahead of"), (3600, WRONG, "behind the")],
)
def test_the_clock_is_held_against_the_service_s(
    slices: Path, tmp_path: Path, ahead: int, verdict: str, words: str
) -> None:
    """Seconds are worth a note, an hour is wrong; the finding says which way."""
    with TardisSimulator(slices, clock_ahead=timedelta(seconds=ahead)).running() as url:
        clock = found(of(tmp_path, url))["clock"]
    assert (clock.verdict, words in clock.found) == (verdict, True), clock


def test_a_service_that_tells_no_time(tmp_path: Path) -> None:
    """Then nobody has said whether the clock is right; an error of the service is no refusal."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Date": "yesterday"})

    with serving(handler) as url:
        seen = found(of(tmp_path, url))
    assert (seen["clock"].verdict, "nobody was asked" in seen["clock"].found) == (NOTE, True)
    assert (seen["tardis"].verdict, seen["tardis"].unreachable) == (WRONG, True)


def test_an_unreachable_service_is_told_apart(tmp_path: Path) -> None:
    """By exit code 3, unless something here is wrong too, which comes first."""
    seen = found(of(tmp_path, key=KEY))
    assert (seen["tardis"].verdict, seen["tardis"].unreachable) == (WRONG, True)
    assert seen["key"].verdict == NOTE
    with pytest.raises(ServiceUnreachable):
        raise_if_wrong(seen.values())
    with pytest.raises(Unfit, match="room"):
        raise_if_wrong([*seen.values(), wrong("room", "none", "make some")])
    raise_if_wrong([ok("a", ""), note("b", "")])


def test_offline_nobody_is_asked(slices: Path, tmp_path: Path) -> None:
    """Not even on loopback; what is set is said all the same."""
    simulator = TardisSimulator(slices)
    with simulator.running() as url:
        seen = found(of(tmp_path, url, key=KEY), offline=True)
    assert simulator.requests == []
    assert seen["key"].found == "set; what it opens was not asked"
    assert not seen.keys() & {"tardis", "exchange REST"}


def test_settings_are_shown_with_what_set_them(tmp_path: Path) -> None:
    """Secrets without their value."""
    environ = {
        "TM_API_KEY": KEY, "COINFLEX_API_KEY": "k3y", "COINFLEX_API_SECRET": "s3cret",
        "COINFLEX_L2_WS_URL": "ws://127.0.0.1:9/x",
    }  # fmt: skip
    seen = found(Settings.load(data=tmp_path, exchange="x-test", environ=environ), offline=True)
    assert seen["setting data"].found == f"{tmp_path} (by --data)"
    assert seen["setting live.websocket"].found == "ws://127.0.0.1:9/x (by COINFLEX_L2_WS_URL)"
    assert seen["setting tardis.key"].found == "set, and not shown (by TM_API_KEY)"
    assert seen["key"].found == "set by TM_API_KEY; what it opens was not asked"
    assert seen["settings"].found == "all others as by default"
    assert "--site test" in seen["capture"].found
    for secret in (KEY, "k3y", "s3cret"):
        assert secret not in repr(seen)


def _lake(data: Path) -> None:
    write_minute(data / "s", at(0), [depth(at(0, 1), [[1, 1]], [[2, 1]]), "broken"])
    adopt(data, "coinflex", data / "s")
    ingest(data, "coinflex")


def test_the_lake_s_state_is_told(tmp_path: Path) -> None:
    """Its days, lines that could not be read, days of raw that it lacks, drafts of killed runs."""
    _lake(tmp_path)
    later = at(0) + timedelta(days=1)
    write_minute(tmp_path / "t", later, [depth(later, [[1, 1]], [[2, 1]])])
    adopt(tmp_path, "coinflex", tmp_path / "t")
    drafts = Lake(tmp_path, "coinflex").drafts
    drafts.mkdir(parents=True, exist_ok=True)
    (drafts / "left").touch()
    seen = found(of(tmp_path), offline=True)
    assert seen["lake"].found.startswith("1 days of coinflex, 2020-08-01 to 2020-08-01, 1 instr")
    assert (seen["days not ingested"].found, seen["lock"].found) == ("1", "free")
    assert seen["quarantine"].found == "1 lines could not be read"
    assert (seen["half written"].verdict, "1 in " in seen["half written"].found) == (NOTE, True)
    # One minute of the day was fetched, so a day is 1,440 times what is there.
    assert "MB a day, as in this lake" in seen["room"].found


def test_whoever_holds_the_lock_is_named(tmp_path: Path) -> None:
    """And drafts are theirs, not left over."""
    drafts = Lake(tmp_path, "coinflex").drafts
    drafts.mkdir(parents=True)
    (drafts / "at-work").touch()
    with holding(tmp_path):
        seen = found(of(tmp_path), offline=True)
    assert (seen["lock"].verdict, f"process {os.getpid()}" in seen["lock"].found) == (NOTE, True)
    assert "half written" not in seen


def test_a_lake_of_another_version_is_wrong(tmp_path: Path) -> None:
    """`ingest` makes it anew."""
    _lake(tmp_path)
    Lake(tmp_path, "coinflex").catalogue.unlink()
    _replace_catalogue(tmp_path)
    lake = found(of(tmp_path), offline=True)["lake"]
    assert (lake.verdict, lake.advice) == (WRONG, "coinflex-l2 ingest")


def _replace_catalogue(data: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - one of the tests alone
    import pyarrow.parquet as pq  # noqa: PLC0415 - likewise

    table = pa.table({"instrument": ["A"], "date": [date(2020, 8, 1)]})
    pq.write_table(table, Lake(data, "coinflex").catalogue)


def test_raw_of_which_nobody_knows_what_it_is(tmp_path: Path) -> None:
    """What can't be looked at is a finding, not the end of the diagnosis."""
    _lake(tmp_path)
    next((tmp_path / "raw").rglob("request.json")).unlink()
    seen = found(of(tmp_path), offline=True)
    assert (seen["lake"].verdict, "request.json" in seen["lake"].found) == (WRONG, True)
    assert seen["writing"].verdict == OK


def _of_limited(tmp_path: Path, limit: int, size: int) -> tuple[int, dict[str, Any]]:
    """Return what a doctor finds under a limit of this machine."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "doctor", "--offline", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=clean_environment(COINFLEX_L2_DATA=str(tmp_path)),
        preexec_fn=lambda: resource.setrlimit(limit, (size, size)),
    )  # fmt: skip
    checks = json.loads(done.stdout)["checks"]
    return done.returncode, {check["name"]: check for check in checks}


def test_a_disk_that_takes_no_more_is_wrong(tmp_path: Path) -> None:
    """As soon as a byte is refused, whatever the free space is said to be; nothing is left."""
    code, seen = _of_limited(tmp_path, resource.RLIMIT_FSIZE, 1000)
    assert code == 1
    assert (seen["writing"]["verdict"], "larger disk" in seen["writing"]["advice"]) == (WRONG, True)
    assert list(tmp_path.iterdir()) == []


def test_few_open_files_are_noted(tmp_path: Path) -> None:
    """Below what a query may need it is a note, below what a run needs it is wrong."""
    code, seen = _of_limited(tmp_path, resource.RLIMIT_NOFILE, 128)
    assert (code, seen["open files"]["verdict"]) == (1, WRONG)
    assert seen["open files"]["found"] == "128 at once, 128 at most"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, hard))
    try:
        assert found(of(tmp_path), offline=True)["open files"].verdict == NOTE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_a_folder_that_can_not_be_written_is_wrong() -> None:
    """Below /proc nothing can be made."""
    seen = found(of(Path("/proc/none")), offline=True)
    assert (seen["writing"].verdict, "--data" in seen["writing"].advice) == (WRONG, True)


def test_a_data_folder_that_is_a_file_is_wrong(tmp_path: Path) -> None:
    """It is named so."""
    (tmp_path / "data").touch()
    seen = found(of(tmp_path / "data"), offline=True)
    assert (seen["data folder"].verdict, "is a file" in seen["data folder"].found) == (WRONG, True)


def test_the_command_prints_a_line_each_and_exits_as_documented(
    slices: Path, tmp_path: Path, cli: Cli
) -> None:
    """0 where nothing is wrong, 1 where something here is, 3 without Tardis; JSON has it all."""
    config = ("--config", str(config_file(tmp_path)))
    live = {"COINFLEX_L2_WS_URL": str(NOBODY.websocket), "COINFLEX_L2_REST_URL": CLOSED}
    with TardisSimulator(slices, key=KEY).running() as url:
        env = {"COINFLEX_L2_TARDIS_URL": url, "TARDIS_API_KEY": KEY, **live}
        result = cli("doctor", *config, env=env)
        assert (result.returncode, result.stderr) == (0, "")
        assert "\nok     key                 set by TARDIS_API_KEY; it opens coinf" in result.stdout
        assert "\nnote   exchange socket     ws://127.0.0.1:9/v1/websocket: " in result.stdout
        assert "\n                           → only capture needs it" in result.stdout
        result = cli("doctor", *config, "--json", env={**env, "TARDIS_API_KEY": "TD.wrong"})
        assert result.returncode == 1
        assert "1 thing is wrong: key" in result.stderr
        checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
        assert checks["key"].keys() == {"name", "verdict", "found", "advice"}
        assert checks["key"]["verdict"] == "wrong"
    result = cli("doctor", *config, env={"COINFLEX_L2_TARDIS_URL": CLOSED, **live})
    assert result.returncode == 3
