"""What the exchange counted of its client, held against what it allows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipeline.simulator.exchange.journal import Journal

__all__ = ["check_limits"]

_A_MINUTE: Final = 200
_BETWEEN_CONNECTIONS: Final = 60.0 / _A_MINUTE
# So much nearer to each other two requests may arrive than they were sent.
_JITTER: Final = 0.25


def check_limits(journal: Journal, *, login: bool) -> None:
    """Raise AssertionError if a client did more than the documentation allows.

    Commands come a second apart without a login. Connections, refused ones among them, come so
    that a minute of the like has no more than 200.
    """
    for log in journal.connections:
        refused = [command for command in log.commands if command.codes == ("20007",)]
        assert not refused, f"connection {log.number} was too rapid: {refused}"
        if not login:
            for one, other in pairwise(log.commands):
                assert other.time - one.time >= 1.0, f"connection {log.number}: {one}, {other}"
    opened = [request.time for request in journal.requests if "websocket" in request.path]
    needed = (len(opened) - 1) * _BETWEEN_CONNECTIONS - _JITTER
    assert opened[-1] - opened[0] >= needed, f"connections at {opened}"
