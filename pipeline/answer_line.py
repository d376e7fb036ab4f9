"""What a line of a REST slice holds after its arrival time: a question, and the answer to it.

    {"rest":"depth","query":{"marketCode":"BTC-USD","level":"100"},"answer":{"success":true,…}}

An answer does not say what it answers: an empty list of trades names neither market nor time. So
the line does. What stands behind `"answer":` is the exchange's own JSON, byte for byte (but a line
feed between its tokens is a blank).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEPTH", "MARKETS", "TRADES", "AnswerLine", "wrapped"]

# What is asked for: the paths of the endpoints, below the version.
MARKETS: Final = "markets"
DEPTH: Final = "depth"
TRADES: Final = "exchange-trades"


class AnswerLine(msgspec.Struct):
    """A line: the endpoint, the parameters as they were sent, the answer's own text."""

    rest: str
    query: dict[str, str]
    answer: msgspec.Raw


def wrapped(endpoint: str, query: Mapping[str, str], answer: bytes) -> bytes:
    """Return the line of an answer, which must be JSON."""
    return msgspec.json.encode(AnswerLine(endpoint, dict(query), msgspec.Raw(answer)))
