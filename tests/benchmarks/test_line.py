from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.line import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

_BODY = bytes(range(256)) * 400  # 102,400 bytes
_BANDWIDTH = 8e6  # bits a second: 1 MB a second


@contextmanager
def answering() -> Iterator[int]:
    """Answer every connection's first bytes with the body, then close it; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(100)
                connection.sendall(_BODY)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def fetch(port: int) -> bytes:
    """Ask, and return everything up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"please")
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_bytes_arrive_as_they_were_sent_and_no_sooner_than_the_line_allows() -> None:
    """Two connections share the bandwidth; each pays for opening and for the way back."""
    with answering() as port:
        line = Line(port, round_trip=0.02, bandwidth=_BANDWIDTH)
        with line.running() as near:
            begun = time.monotonic()
            got: list[bytes] = []
            threads = [threading.Thread(target=lambda: got.append(fetch(near))) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = time.monotonic() - begun
    assert got == [_BODY, _BODY]
    assert line.down.bytes == 2 * len(_BODY)
    assert line.up.bytes == 2 * len(b"please")
    assert seconds >= 2 * len(_BODY) * 8 / _BANDWIDTH + 2 * 0.02
    assert begun < line.down.last_at <= begun + seconds
