"""orjson and dictionaries: the plain way to get what changed between two books.

isal gunzips, orjson decodes, each side becomes a dict, and what differs from the one before is made
into a list of (price, amount). Nothing is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from isal import igzip

from benchmarks.job import Counted, Job, Measured, timed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["measure"]

_JSON_AT = 29
_Side = dict[float, float]


def measure(job: Job) -> Measured:
    """Take the difference of every book to the one before it."""
    return timed(job, lambda: _differences(job))


def _differences(job: Job) -> Counted:
    before: dict[tuple[str, str], _Side] = {}
    messages = changes = 0
    for path in job.files:
        content: bytes = igzip.decompress(path.read_bytes())  # type: ignore[no-untyped-call]
        for line in content.splitlines():
            message = orjson.loads(memoryview(line)[_JSON_AT:])
            messages += 1
            if message["table"] != "futures/depth":
                continue
            for book in message["data"]:
                for name in ("bids", "asks"):
                    key = book["instrumentId"], name
                    side = {level[0]: level[1] for level in book[name]}
                    changes += len(_changed(before.get(key, {}), side))
                    before[key] = side
    return Counted(messages, changes)


def _changed(before: _Side, after: _Side) -> Sequence[tuple[float, float]]:
    stood = before.get
    changed = [level for level in after.items() if stood(level[0]) != level[1]]
    return changed + [(price, 0.0) for price in before.keys() - after.keys()]
