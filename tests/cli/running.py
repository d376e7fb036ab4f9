"""`coinflex-l2 capture` in a process of its own, as a supervisor or a terminal starts it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from pipeline.capture_file import found_capture
from tests.conftest import ROOT, clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

DEADLINE = 60.0  # seconds for whatever is to happen before a stop
WITHIN = 5.0  # seconds in which a capture ends


class Running:
    """A capture at work; `lines` are those of its stderr so far, where that is no terminal."""

    def __init__(self, process: subprocess.Popen[str], data: Path) -> None:
        self.process = process
        self.data = data
        self.lines: list[str] = []
        self.printed = ""
        if process.stderr is not None:
            self._reader = threading.Thread(target=self._read, args=(process.stderr,))
            self._reader.start()

    def _read(self, stderr: IO[str]) -> None:
        self.lines.extend(stderr)

    def logged(self) -> list[dict[str, Any]]:
        """Return what was logged; each line is one JSON object."""
        return [json.loads(line) for line in list(self.lines)]

    def until(self, happened: Callable[[], object]) -> Any:
        """Return what has happened, when it has; not if the capture ends before."""
        deadline = time.monotonic() + DEADLINE
        while not (found := happened()):
            assert self.process.poll() is None, f"it ended by itself: {self.lines}"
            assert time.monotonic() < deadline, f"it did not come about: {self.lines}"
            time.sleep(0.02)
        return found

    def until_phase(self, phase: str) -> None:
        """Return when the capture has said that it is in a phase."""
        self.until(lambda: (found_capture(self.data, "coinflex") or {}).get("phase") == phase)

    def interrupt(self) -> None:
        """Do to it, and to all that it has started, what Ctrl-C does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def stop(self, tell: Callable[[], None] | None = None) -> None:
        """Tell it to stop, by SIGTERM or otherwise: it exits with 0 within five seconds of that."""
        (tell or self.process.terminate)()
        assert self.process.wait(WITHIN) == 0
        assert self.process.stdout is not None
        self.printed = self.process.stdout.read()
        if self.process.stderr is not None:
            self._reader.join(DEADLINE)


@contextmanager
def running(
    data: Path,
    *options: str,
    ws: str,
    rest: str,
    stderr: int = subprocess.PIPE,
    more: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Run a capture of two addresses while the block runs."""
    environment = clean_environment(
        COINFLEX_L2_WS_URL=ws, COINFLEX_L2_REST_URL=rest, COINFLEX_L2_DATA=str(data), **(more or {})
    )
    command = [sys.executable, "-m", "pipeline", "capture", *options]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield Running(process, data)
        finally:
            process.kill()


class Mute:
    """A server that takes connections and says nothing, or upgrades them and says nothing more."""

    def __init__(self, *, upgrades: bool = False) -> None:
        self.asked = threading.Event()  # a whole request has come
        self._upgrades = upgrades
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """End."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for client in self._clients:
            client.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._clients.append(client)
            request = b""
            while b"\r\n\r\n" not in request and (part := client.recv(1 << 16)):
                request += part
            if self._upgrades:
                client.sendall(_upgrade(request))
            self.asked.set()


def _upgrade(request: bytes) -> bytes:
    match = re.search(rb"(?i)sec-websocket-key: (\S+)", request)
    assert match
    digest = hashlib.sha1(match[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


@contextmanager
def mute(*, upgrades: bool = False) -> Iterator[Mute]:
    """Have a mute server while the block runs."""
    server = Mute(upgrades=upgrades)
    try:
        yield server
    finally:
        server.close()
