"""Runs CoinFLEX's own client in a process of its own: it sets up the logging of whoever makes it.

Takes one argument, a JSON: `url`, `market`, `key` and `secret`. Subscribes, and says so with a line
`"subscribed"`. Then, for each line that comes in, a JSON of channels and how many messages each,
it answers with a line: the messages by channel, as `get_…` gave them. One channel's messages come
in order. What `get_…` has beyond that number comes along when 0 are asked for.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from coinflex_ws import CoinFLEXWebSocket

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS: Final = 10


def main() -> None:
    """Do as the arguments and the input say, until the input ends."""
    # Whoever is first sets it up; the client would have every message in it.
    logging.basicConfig(level=logging.ERROR)
    job = json.loads(sys.argv[1])
    client = CoinFLEXWebSocket(job["url"], job["market"], job["key"], job["secret"])
    # In this order: with a list for whole books already, the client makes none for short ones.
    client.subscribe_depth(5)
    client.subscribe_depth()
    client.subscribe_trade()
    client.subscribe_ticker()
    ways: dict[str, Callable[[], Any]] = {
        "depthL5": lambda: client.get_depth(5),
        "depth": client.get_depth,
        "trade": client.get_trade,
        "ticker": client.get_ticker,
    }
    _say("subscribed")
    for line in sys.stdin:
        asked = json.loads(line).items()
        _say({channel: _take(ways[channel], count) for channel, count in asked})


def _take(get: Callable[[], Any], count: int) -> list[Any]:
    """Return the next messages of a channel: so many, or all that are there; fewer if too late."""
    taken: list[Any] = []
    until = time.monotonic() + _SECONDS
    while (len(taken) < count and time.monotonic() < until) or not count:
        message = get()
        if message:
            taken.append(message)
        elif count:
            time.sleep(0.005)
        else:
            break
    return taken


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
