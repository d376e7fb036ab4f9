"""`coinflex-l2 capture` seen from outside: told to stop at any moment, asked, and listened to."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.capture_file import found_capture
from pipeline.logs import CLEARED
from pipeline.simulator.exchange import ExchangeSimulator
from pipeline.simulator.market import GeneratedFeed
from tests.capturing import recorded
from tests.cli.running import Running, mute, running
from tests.cli.test_live import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.simulator.exchange.server import Urls
    from tests.conftest import Cli

ALL = ("--instruments", "all")
ONE = ("--instruments", "BTC-USD-SWAP-LIN")
NOBODY = "http://127.0.0.1:1"  # where nobody listens
NO_FRAME = b'coinflex_l2_frames_total{exchange="coinflex",channel="depth"} 0.0'
SECRETS = {"COINFLEX_API_KEY": 'k3y-"of-mine', "COINFLEX_API_SECRET": "s3cret-of-mine"}


@pytest.fixture(name="urls")
def _urls() -> Iterator[Urls]:
    with ExchangeSimulator(GeneratedFeed(1, levels=5), keep="counts").running() as urls:
        yield urls


def test_stopped_while_it_connects(tmp_path: Path) -> None:
    """To an address that takes the connection and never answers."""
    with mute() as server:
        ws = f"ws://127.0.0.1:{server.port}/"
        with running(tmp_path, *ONE, "--raw-only", ws=ws, rest=NOBODY) as capture:
            capture.until(server.asked.is_set)
            capture.stop()
    assert found_capture(tmp_path, "coinflex") is None


def test_stopped_while_it_waits_to_connect_anew(tmp_path: Path) -> None:
    """By Ctrl-C, in the pause after a connection that was refused. The log has why, as a fact.

    The lake's process, which Ctrl-C reaches too while it begins, has nothing to say about it.
    """
    ws = "ws://127.0.0.1:1/"
    with running(tmp_path, *ONE, ws=ws, rest=NOBODY) as capture:
        capture.until(lambda: [line for line in capture.lines if "no connection to" in line])
        capture.stop(capture.interrupt)
    (loss, *_) = [line for line in capture.logged() if "no connection" in line["message"]]
    assert (loss["level"], loss["url"]) == ("warning", "ws://127.0.0.1:1")
    assert loss["pause_seconds"] > 0


def test_stopped_while_it_asks_which_markets_there_are(tmp_path: Path) -> None:
    """Of a REST that takes the question and never answers."""
    with mute() as server:
        rest = f"http://127.0.0.1:{server.port}"
        with running(tmp_path, *ALL, "--raw-only", ws="ws://127.0.0.1:1/", rest=rest) as capture:
            capture.until(server.asked.is_set)
            capture.stop()


def test_stopped_though_the_other_side_does_not_say_goodbye(tmp_path: Path) -> None:
    """A server that upgraded, and never says anything more; a client of /healthz stays too."""
    with mute(upgrades=True) as server:
        ws = f"ws://127.0.0.1:{server.port}/"
        options = (*ONE, "--raw-only", "--listen", "0")
        with running(tmp_path, *options, ws=ws, rest=NOBODY) as capture:
            capture.until_phase("subscribing")
            port = int(listening(capture).rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
                capture.stop()


def test_stopped_while_the_lake_is_busy(tmp_path: Path, urls: Urls) -> None:
    """Its process does not answer: it is ended, the minute is whole in raw, and nothing is open."""
    with running(tmp_path, *ALL, ws=urls.ws, rest=urls.rest) as capture:
        capture.until_phase("live")
        (process,) = capture.until(lambda: lake_processes(capture.process.pid))
        os.kill(process, signal.SIGSTOP)
        capture.stop()
        assert not Path(f"/proc/{process}").exists()
    assert [line for line in recorded(tmp_path) if b'"depth"' in line.frame]
    assert not list(tmp_path.glob("raw/*/*/open/*"))


def lake_processes(parent: int) -> list[int]:
    """Return the process that a capture has for the lake, if it has begun."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    found = [int(child) for child in children]
    return [one for one in found if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def listening(capture: Running) -> str:
    """Return the address that a capture has said it answers at."""
    told = capture.until(lambda: [line for line in capture.logged() if "listen" in line])
    return str(told[0]["listen"])


def asked(url: str) -> tuple[int, bytes]:
    """Return what a page says."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_capture_is_seen_from_outside(tmp_path: Path, cli: Cli) -> None:
    """By pages, `status` and the log, while the exchange is there and when it is gone.

    Nothing of it has the key in it.
    """
    data = tmp_path / "data"
    exchange = ExchangeSimulator(GeneratedFeed(1, levels=5), keep="counts")
    seen: list[Any] = []
    with ExitStack() as there:
        urls = there.enter_context(exchange.running())
        options = (*ALL, "--raw-only", "--listen", "127.0.0.1:0")
        with running(data, *options, ws=urls.ws, rest=urls.rest, more=SECRETS) as capture:
            url = listening(capture)
            capture.until(lambda: NO_FRAME not in asked(f"{url}/metrics")[1])
            capture.until_phase("live")
            assert asked(f"{url}/healthz") == (200, b'{"status": "ok", "reasons": []}')
            assert b'coinflex_l2_up{exchange="coinflex"} 1.0\n' in asked(f"{url}/metrics")[1]
            facts = json.loads(cli("status", "--json").stdout)["capture"]
            assert (facts["state"], facts["phase"]) == ("running", "live")
            assert facts["process"] == str(capture.process.pid)
            seen.append(cli("status").stdout)
            assert "\ncapture:\nstate " in seen[-1]
            there.close()
            capture.until(lambda: asked(f"{url}/healthz")[0] == 503)
            seen += [asked(f"{url}/healthz")[1], asked(f"{url}/metrics")[1]]
            assert json.loads(seen[-2])["reasons"][0].startswith("not connected: ")
            capture.stop()
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in capture.logged())
    shown = f"{seen}{capture.lines}{capture.printed}"
    assert "of-mine" not in shown


def test_a_capture_that_was_killed_is_told(tmp_path: Path, cli: Cli) -> None:
    """`status` says that it does not run, and since when at the earliest."""
    data = tmp_path / "data"
    ws = "ws://127.0.0.1:1/"
    with running(data, *ONE, "--raw-only", ws=ws, rest=NOBODY) as capture:
        capture.until(lambda: found_capture(data, "coinflex"))
        capture.process.kill()
        capture.process.wait()
    facts = json.loads(cli("status", "--json").stdout)["capture"]
    assert facts["state"].startswith("not running (ended without saying so at 20")


def test_on_a_terminal_there_is_one_line(tmp_path: Path, urls: Urls) -> None:
    """It is written over itself, never wider than the terminal; what is logged stands above it."""
    with terminal(50) as screen:
        options = (*ONE, "--raw-only", "--listen", "0")
        with running(
            tmp_path, *options, ws=urls.ws, rest=urls.rest, stderr=screen.file.fileno()
        ) as capture:
            text = ""
            while "live " not in text or text.count(CLEARED) < 3:
                text += screen.sent()
            capture.stop()
            text += screen.sent()
    pieces = text.split(CLEARED)
    logged = [piece for piece in pieces if piece.endswith("\r\n")]
    assert any("INFO" in piece and "/healthz" in piece for piece in logged)
    assert text.startswith(CLEARED)
    for piece in pieces:
        assert piece in logged or (piece.isprintable() and len(piece) < 50), piece
    assert text.endswith(CLEARED)


def test_a_host_that_is_not_loopback_is_refused(tmp_path: Path, cli: Cli) -> None:
    """Before anything is asked or written; the sentence is a line of the log, like all others."""
    done = cli("capture", *ONE, "--listen", "0.0.0.0:9464")
    assert done.returncode == 1
    assert "--listen was '0.0.0.0:9464'" in json.loads(done.stderr)["message"]
    assert not (tmp_path / "data").exists()
