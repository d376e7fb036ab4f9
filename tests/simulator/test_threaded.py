from __future__ import annotations

import threading

import pytest

from pipeline.simulator.threaded import running


class Server:
    """Takes note of what it is told, and fails where a test wants it to."""

    def __init__(self, fails: str = "") -> None:
        self.told: list[str] = []
        self.threads: set[int] = set()
        self._fails = fails

    async def start(self, *, port: int) -> str:
        """Say where it would listen."""
        self._take("start")
        return f"port {port}"

    async def stop(self) -> None:
        """Take note of the end."""
        self._take("stop")

    def _take(self, what: str) -> None:
        self.told.append(what)
        self.threads.add(threading.get_ident())
        if what == self._fails:
            raise OSError(what)


def test_a_server_runs_while_the_block_does() -> None:
    """In one thread, which is not the block's, and again in the next block."""
    server = Server()
    for _ in range(2):
        with running(server, 7) as address:
            assert address == "port 7"
            assert server.told.pop() == "start"
        assert server.told.pop() == "stop"
    assert not server.told
    assert threading.get_ident() not in server.threads


@pytest.mark.parametrize(("fails", "told"), [("start", ["start"]), ("stop", ["start", "stop"])])
def test_what_goes_wrong_with_it_is_raised(fails: str, told: list[str]) -> None:
    """Where the block is entered, or left."""
    server = Server(fails)
    entered = False
    with pytest.raises(OSError, match=fails), running(server):
        entered = True
    assert (server.told, entered) == (told, fails == "stop")


def test_what_the_block_raises_goes_before_what_the_end_raises() -> None:
    """It came first; the server is stopped all the same."""
    server = Server("stop")
    with pytest.raises(KeyError), running(server):
        raise KeyError
    assert server.told == ["start", "stop"]
