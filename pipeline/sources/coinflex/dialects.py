"""The members of the CoinFLEX family: where they are reached, and how they spell what they send.

All speak the same protocol (session.py). CoinFLEX US is what this project is about; the others are
the exchange it came from and those that carried its API on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = ["DIALECTS", "LIMITS", "Dialect", "Limits", "Site"]


class Site(NamedTuple):
    """Where an exchange runs, live or for tests: its WebSocket, its REST without a version."""

    websocket: str
    rest: str


@dataclass(frozen=True)
class Dialect:
    """What differs from member to member.

    `depth` is what a subscription to the full book is called, `rest` the version in REST's paths.
    """

    live: Site
    test: Site
    depth: str
    rest: str

    def site(self, name: str) -> Site:
        """Return the live or the test site."""
        return self.test if name == "test" else self.live

    def channel(self, name: str) -> str:
        """Return how a channel (depth, trade, ticker) is called in a subscription."""
        return self.depth if name == "depth" else name


def _site(host: str, version: str) -> Site:
    return Site(f"wss://{host}/{version}/websocket", f"https://{host}")


# By the name that a user gives.
DIALECTS: Final = {
    "us": Dialect(
        _site("api.coinflex.us", "v1"), _site("stgapi.coinflex.us", "v1"), "depth", "v1"
    ),
    "v2": Dialect(
        _site("v2api.coinflex.com", "v2"), _site("v2stgapi.coinflex.com", "v2"),
        "futures/depth", "v3",
    ),
    "opnx": Dialect(_site("api.opnx.com", "v2"), _site("stgapi.opnx.com", "v2"), "depth", "v3"),
    "ox": Dialect(_site("api.ox.fun", "v2"), _site("stgapi.ox.fun", "v2"), "depth", "v3"),
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """How often the exchange lets a client do things, as documented; spans are in seconds.

    Commands are kept a little further apart than they must be: what was sent a second apart may
    arrive less than that apart.
    """

    between_commands: float = 1.1  # 1 a second without a login
    between_commands_logged_in: float = 0.022  # 50 a second
    between_connections: float = 0.5  # 200 a minute
    # No limit is documented for the length of a command; what is refused as too long is halved.
    command_bytes: int = 4096


LIMITS: Final = Limits()
