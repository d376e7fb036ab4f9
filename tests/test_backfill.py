from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
from asyncio import to_thread
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from pipeline.simulator import Fault, TardisSimulator

from .conftest import ROOT, clean_environment
from .lakes import leave_objects
from .world import (
    KEY,
    NEXT_DAY,
    SWAP,
    Seen,
    around_midnight,
    config_file,
    history,
    last_minutes,
    raw_minutes,
    served,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Cli

    Run = subprocess.CompletedProcess[str]

FREE = ("--from", "2020-08-01T23:50", "--to", "2020-08-02")
MIXED = ("--from", "2020-08-01T23:56", "--to", "2020-08-02T00:04")


class Shop:
    """A service and a data folder, and the command line that works on them."""

    def __init__(self, simulator: TardisSimulator, url: str, folder: Path, cli: Cli) -> None:
        self.simulator = simulator
        self.data = folder / "data"
        self.env = {
            "COINFLEX_L2_TARDIS_URL": url,
            "COINFLEX_L2_CONFIG": str(config_file(folder)),
            "COINFLEX_L2_DATA": str(self.data),
        }
        self._cli = cli

    def backfill(self, *arguments: str, key: str | None = None) -> Run:
        """Run a backfill to its end."""
        return self.run("backfill", *arguments, key=key)

    def run(self, *arguments: str, key: str | None = None) -> Run:
        """Run any command to its end."""
        return self._cli(*arguments, env=self.env | ({"TARDIS_API_KEY": key} if key else {}))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a backfill."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", "backfill", *arguments],
            env=clean_environment(**self.env), cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def minutes_asked(self) -> int:
        """Return how many minutes the service was asked for since last time."""
        count = sum("data-feeds" in request.path for request in self.simulator.requests)
        self.simulator.requests.clear()
        return count


@contextmanager
def shop(
    tmp_path: Path, cli: Cli, *faults: Fault, key: str | None = KEY, half: int = 10
) -> Iterator[Shop]:
    """Open a service with minutes around the midnight after a free day."""
    slices = history(tmp_path / "slices", around_midnight(half))
    incident = {"from": "2020-08-01T23:00:00.000Z", "to": "2020-08-01T23:59:00.000Z",
                "status": "resolved", "details": "recorder restarted"}  # fmt: skip
    simulator = TardisSimulator(slices, key=key, faults=faults, incidents=[incident])
    simulator.requests = Seen()
    with simulator.running() as url:
        it = Shop(simulator, url, tmp_path, cli)
        leave_objects(it.data)
        yield it


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Return every path below a folder, with its size and time."""
    found = {path: path.stat() for path in folder.rglob("*")}
    return {
        str(path.relative_to(folder)): (status.st_size, status.st_mtime_ns)
        for path, status in found.items()
    }


def test_two_in_a_row(tmp_path: Path, cli: Cli) -> None:
    """The first brings minutes and their rows; the second fetches nothing and writes nothing."""
    with shop(tmp_path, cli) as it:
        first = it.backfill(*FREE, "--json")
        assert (first.returncode, it.minutes_asked()) == (0, 10), first.stderr
        before = tree(it.data)
        second = it.backfill(*FREE, "--json")
        assert (second.returncode, it.minutes_asked()) == (0, 0), second.stderr
    assert tree(it.data) == before
    assert raw_minutes(it.data) == served(tmp_path / "slices", last_minutes(10))
    one, two = json.loads(first.stdout), json.loads(second.stdout)
    assert (one["minutes_fetched"], one["minutes_there_already"], one["days_ingested"]) == (
        10,
        0,
        1,
    )
    assert (two["minutes_fetched"], two["minutes_there_already"], two["days_ingested"]) == (
        0,
        10,
        0,
    )
    assert (one["minutes_without_data"], one["disconnects"]) == (2, 8)


def test_rows_reach_the_lake(tmp_path: Path, cli: Cli) -> None:
    """What was fetched can be asked for in SQL: each message once."""
    with shop(tmp_path, cli) as it:
        assert it.backfill(*MIXED, key=KEY).returncode == 0
        result = it.run("sql", "select count(*) as n from depth_messages",
                        "--format", "json")  # fmt: skip
    assert result.returncode == 0, result.stderr
    with_data = [lines for lines in raw_minutes(it.data).values() if lines]
    assert json.loads(result.stdout) == [{"n": 16 * len(with_data)}]


def test_instrument_without_a_line(tmp_path: Path, cli: Cli) -> None:
    """An instrument that was listed, and of which a day brings no line, is told as suspect."""
    slices = history(tmp_path / "slices", last_minutes(2))
    listed = [{"id": name, "availableSince": "2020-07-14T00:00:00.000Z"} for name in (SWAP, "MUTE")]
    simulator = TardisSimulator(slices, symbols=listed)
    with simulator.running() as url:
        it = Shop(simulator, url, tmp_path, cli)
        period = ("--from", "2020-08-01T23:58", "--to", "2020-08-02")
        result = it.backfill(*period, "--instruments", f"{SWAP},MUTE")
    assert result.returncode == 0, result.stderr
    (warning,) = [line for line in result.stderr.splitlines() if "WARNING" in line]
    assert "MUTE" in warning
    assert "2020-08-01" in warning


def test_paid_day_without_a_key(tmp_path: Path, cli: Cli) -> None:
    """It says so before any minute is fetched, names the variable, and what is free."""
    with shop(tmp_path, cli) as it:
        result = it.backfill(*MIXED)
        assert (result.returncode, it.minutes_asked()) == (1, 0)
    assert "2020-08-02" in result.stderr
    assert "TARDIS_API_KEY" in result.stderr
    assert "first day of each month is free" in result.stderr
    assert raw_minutes(it.data) == {}


@pytest.mark.parametrize(
    ("arguments", "given", "would_work"),
    [
        (("--from", "2020-07-13", "--to", "2020-07-15"), "2020-07-13", "2020-07-14T00:00Z"),
        (("--from", "2020-08-01", "--to", "2020-08-04"), "2020-08-04", "2020-08-03T00:00Z"),
        (("--from", "2020-08-02", "--to", "2020-08-01"), "2020-08-01", "after --from"),
        (("--from", "yesterday", "--to", "2020-08-02"), "yesterday", "2020-08-01T23:54"),
        ((*FREE, "--instruments", "BTC-USD-SWAP"), "BTC-USD-SWAP", SWAP),
        ((*FREE, "--channels", "depth,trades"), "trades", "trade"),
        ((*FREE, "--instruments", " , "), "empty", "leave the option out"),
        ((*FREE, "--exchange", "coinflexus"), "coinflexus", "Allowed values: coinflex"),
    ],
    ids=["early", "late", "backwards", "words", "instrument", "channel", "nothing", "exchange"],
)
def test_what_can_not_be(
    tmp_path: Path, cli: Cli, arguments: tuple[str, ...], given: str, would_work: str
) -> None:
    """One sentence names what was given and what would have worked; nothing is fetched."""
    with shop(tmp_path, cli, half=1) as it:
        result = it.backfill(*arguments)
        assert (result.returncode, it.minutes_asked(), result.stdout) == (1, 0, "")
    assert given in result.stderr
    assert would_work in result.stderr
    assert "Traceback" not in result.stderr


def test_refused_key(tmp_path: Path, cli: Cli) -> None:
    """A key that is not good fails after one request, in the service's own words."""
    with shop(tmp_path, cli, key="another") as it:
        result = it.backfill(*MIXED, key=KEY)
        assert (result.returncode, it.minutes_asked()) == (1, 1)
    assert "401: The API key is not valid." in result.stderr
    assert KEY not in result.stderr


def test_minutes_that_do_not_arrive(tmp_path: Path, cli: Cli) -> None:
    """They are named (exit 3), what arrived is in the lake, and the next run brings only them."""
    minutes = last_minutes(10)
    faults = [Fault("503", minute=minutes[2], times=4), Fault("404", minute=minutes[5])]
    with shop(tmp_path, cli, *faults) as it:
        result = it.backfill(*FREE, "--json")
        assert result.returncode == 3
        assert "2020-08-01T23:52Z (503: The service is temporarily unavailable.)" in result.stderr
        assert "2020-08-01T23:55Z (404: The requested data was not found.)" in result.stderr
        facts = json.loads(result.stdout)  # nothing but the report is on stdout
        assert (facts["minutes_fetched"], facts["minutes_lacking"]) == (8, 2)
        assert facts["days_ingested"] == 1
        it.minutes_asked()
        assert it.backfill(*FREE).returncode == 0
        assert it.minutes_asked() == 2
    assert raw_minutes(it.data) == served(tmp_path / "slices", minutes)


def test_nobody_there(tmp_path: Path, cli: Cli) -> None:
    """A service that can't be reached is exit 3, and the sentence says what was tried."""
    env = {
        "COINFLEX_L2_TARDIS_URL": "http://127.0.0.1:1",
        "COINFLEX_L2_CONFIG": str(config_file(tmp_path)),
    }
    result = cli("backfill", *FREE, env=env)
    assert result.returncode == 3
    assert "no whole answer after 4 attempts" in result.stderr
    assert "Traceback" not in result.stderr


def test_dry_run(tmp_path: Path, cli: Cli) -> None:
    """The plan, for people and programs: without a key, asking for no minute, writing nothing."""
    with shop(tmp_path, cli) as it:
        assert it.backfill("--from", "2020-08-01T23:58", "--to", "2020-08-02").returncode == 0
        it.minutes_asked()
        (broken,) = it.data.glob("raw/coinflex/*/2020/08/01/23/59.json.gz")
        broken.write_bytes(broken.read_bytes()[:-1])
        before = tree(it.data)
        # 01:56 in Rome is 23:56 in UTC.
        period = ("--from", "2020-08-02T01:56+02:00", "--to", "2020-08-02T00:03")
        text = it.backfill(*period, "--dry-run")
        facts = json.loads(it.backfill(*period, "--dry-run", "--json").stdout)
        assert it.minutes_asked() == 0
    assert tree(it.data) == before
    assert (facts["from"], facts["to"]) == ("2020-08-01T23:56Z", "2020-08-02T00:03Z")
    counts = ("days", "minutes", "minutes_there_already", "minutes_corrupt", "requests")
    assert [facts[name] for name in counts] == [2, 7, 1, 1, 6]
    assert facts["requests_free_without_a_key"] == 3
    assert facts["requests_that_need_a_key"] == 3
    assert facts["channels"] == ["futures/depth", "ticker", "trade"]
    assert facts["instruments"] == "all"
    assert text.returncode == 0
    lines = text.stdout.splitlines()
    (free,) = [line for line in lines if line.split()[:1] == ["2020-08-01"]]
    assert re.findall(r"\d+ to fetch|\d+ there|\d+ broken|free", free) == [
        "3 to fetch", "1 there", "1 broken", "free",
    ]  # fmt: skip
    (paid,) = [line for line in lines if line.split()[:1] == ["2020-08-02"]]
    assert "needs a key" in paid
    assert any("recorder restarted" in line for line in lines)


def test_log_lines_without_a_terminal(tmp_path: Path, cli: Cli) -> None:
    """Plain lines tell of minutes done and left, rate and time; nothing moves the cursor."""
    with shop(tmp_path, cli) as it:
        result = it.backfill(*FREE)
    progress = [line for line in result.stderr.splitlines() if "10 of 10 minutes" in line]
    assert len(progress) == 1
    assert re.search(r"\d+/s \d+\.\d MB/s, 0 left, about 0 s", progress[0])
    assert "ingested 2020-08-01 (1 of 1 days)" in result.stderr
    assert "\x1b" not in result.stderr


def test_progress_on_a_terminal(tmp_path: Path, cli: Cli) -> None:
    """On 80 columns one sees the minutes done and in all, the rate, and the time left."""
    with shop(tmp_path, cli) as it:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = [sys.executable, "-m", "pipeline", "backfill", *FREE]
        process = subprocess.Popen(
            command, env=clean_environment(**it.env, TERM="xterm"), cwd=ROOT, stderr=theirs,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs)
        seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(_output(ours)).decode())
        os.close(ours)
        assert process.wait() == 0
    assert re.search(r"minutes .* 10/10 +\d+/s \d+\.\d MB/s .*left \d+:\d\d:\d\d", seen)
    assert re.search(r"days into the lake .* 1/1 +2020-08-01", seen)


def _output(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            yield os.read(terminal, 4096)
        except OSError:  # how a terminal says that its last user has gone
            return


def test_key_shows_nowhere(tmp_path: Path, cli: Cli) -> None:
    """With -vv and a service that repeats the key wherever it can, nothing of ours holds it."""
    slices = history(tmp_path / "slices", last_minutes(10))
    calls: dict[str, int] = {}
    message = json.dumps({"code": 404, "message": f"no {KEY}"})
    trouble = {"51": (404, message), "52": (500, f"oops {KEY}"), "53": (302, "moved")}

    async def echo(request: web.Request) -> web.Response:
        echoed = {"Server": KEY, "Retry-After": "0"}
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        if "exchanges" in request.path:
            calls["details"] = calls.get("details", 0) + 1
            if calls["details"] == 1:
                return web.Response(status=503, text=f"busy with {KEY}", headers=echoed)
            return web.json_response({
                "id": "coinflex", "availableSince": "2020-07-14T00:00:00.000Z",
                "availableChannels": ["futures/depth", "trade", "ticker"],
            })  # fmt: skip
        minute = request.query["from"][14:16]
        calls[minute] = calls.get(minute, 0) + 1
        if minute == "54" and calls[minute] == 1:
            return web.Response(status=429, text=KEY, headers=echoed)
        if minute in trouble:
            status, text = trouble[minute]
            moved = {"Location": f"ftp://{KEY}"}
            return web.Response(status=status, text=text, headers=echoed | moved)
        path = slices / f"2020/08/01/23/{minute}.json.gz"
        body = path.read_bytes() if path.exists() else b""
        return web.Response(body=body, headers=echoed | {"Content-Encoding": "gzip"})

    with serving(echo) as url:
        env = {"COINFLEX_L2_TARDIS_URL": url, "TARDIS_API_KEY": KEY,
               "COINFLEX_L2_CONFIG": str(config_file(tmp_path))}  # fmt: skip
        result = cli("-vv", "backfill", *FREE, env=env)
    assert result.returncode == 3, result.stderr
    assert all(f"23:{minute}Z" in result.stderr for minute in (51, 52, 53))
    assert "DEBUG" in result.stderr
    secrets = [KEY, KEY.replace("/", "%2F"), "a-key"]
    assert not [secret for secret in secrets if secret in result.stdout + result.stderr]
    for path in (tmp_path / "data").rglob("*"):
        held = path.read_bytes() if path.is_file() else b""
        assert not [secret for secret in secrets if secret.encode() in held or secret in str(path)]


def test_two_at_once(tmp_path: Path, cli: Cli) -> None:
    """A second run on the same folder leaves at once with 75 and says who is at work."""
    release, asked = threading.Event(), Seen()

    async def slow(request: web.Request) -> web.Response:
        asked.append(request.path)
        await to_thread(release.wait, 60)
        return web.Response(status=404, text="it was only a test")

    with serving(slow) as url:
        it = Shop(TardisSimulator(tmp_path), url, tmp_path, cli)
        with it.start(*FREE) as first:
            assert asked.wait_for(1)
            second = it.backfill(*FREE)
            release.set()
            assert first.communicate(timeout=60)[0] == ""
    assert first.returncode == 1
    assert second.returncode == 75
    assert f"process {first.pid}" in second.stderr
    assert len(asked) == 1


def test_interrupted(tmp_path: Path, cli: Cli) -> None:
    """Ctrl-C ends it with 130 and no traceback; what arrived stays and is not asked again."""
    minutes = last_minutes(10)
    stall = Fault("stall", minute=minutes[4])
    with shop(tmp_path, cli, stall) as it:
        it.env["COINFLEX_L2_CONFIG"] = str(config_file(tmp_path, timeout=60, in_flight=1))
        with it.start(*FREE) as process:
            assert isinstance(it.simulator.requests, Seen)
            assert it.simulator.requests.wait_for(1 + 6)
            process.send_signal(signal.SIGINT)
            _, words = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "interrupted" in words
        assert "Traceback" not in words
        it.minutes_asked()
        assert it.backfill(*FREE).returncode == 0
        assert it.minutes_asked() == 5
    assert raw_minutes(it.data) == served(tmp_path / "slices", minutes)


def test_imported_slices_count(tmp_path: Path, cli: Cli) -> None:
    """What was imported unfiltered is not fetched for one instrument, and reaches the lake."""
    with shop(tmp_path, cli) as it:
        imported = it.run("import-slices", str(tmp_path / "slices"), "--json")
        assert json.loads(imported.stdout) == {"adopted": 16, "there_already": 0, "corrupt": 0}
        result = it.backfill(*FREE, "--instruments", SWAP, "--json")
        assert result.returncode == 0
        assert it.minutes_asked() == 2  # those of which a folder can't tell that they are empty
    facts = json.loads(result.stdout)
    assert (facts["minutes_there_already"], facts["days_ingested"]) == (8, 1)


def test_import_that_is_broken(tmp_path: Path, cli: Cli) -> None:
    """A broken file is named with exit 3; the whole ones are in."""
    slices = history(tmp_path / "slices", [NEXT_DAY])
    (path,) = slices.rglob("*.json.gz")
    shutil.copyfile(path, path.with_name("01.json.gz"))
    path.write_bytes(path.read_bytes()[:-1])
    result = cli("import-slices", str(slices))
    assert result.returncode == 3
    assert str(path) in result.stderr
    assert list(raw_minutes(tmp_path / "data")) == ["2020/08/02/00/01"]


def _private_disks() -> bool:
    probe = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "t", "/mnt"]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not _private_disks(), reason="a disk of our own can't be mounted here")
def test_disk_full(tmp_path: Path, cli: Cli) -> None:
    """A full disk ends the run with 2 and that reason; the service is not asked again for it."""
    with shop(tmp_path, cli, half=60) as it:
        script = 'mount -t tmpfs -o size=64k none "$COINFLEX_L2_DATA" && exec "$@"'
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
        result = subprocess.run(
            [*command, sys.executable, "-m", "pipeline", "backfill", "--from", "2020-08-01T23:00",
             "--to", "2020-08-02"],
            env=clean_environment(**it.env), cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        asked = [request.minute for request in it.simulator.requests]
    assert result.returncode == 2, result.stderr
    assert "the disk is full" in result.stderr
    assert "Traceback" not in result.stderr
    assert len(asked) == len(set(asked))
