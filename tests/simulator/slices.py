"""Minute slices as Tardis would have recorded them, written to a folder."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SWAP, SPOT, DATED = "BTC-USD-SWAP-LIN", "FLEX-USD", "BTC-USD-200925-LIN"

WELCOME = '{"event":"Welcome","nonce":"253ae705"}'
UNREADABLE = '{"table":"trade","cut off'
DISCONNECT = ""


def _ack(channel: str, symbol: str) -> str:
    return json.dumps({"channel": f"{channel}:{symbol}", "event": "subscribe", "success": True})


def _depth(symbol: str, number: int) -> str:
    book = {"instrumentId": symbol, "seqNum": 2**60 + number, "asks": [[2, 1, 0, 0]], "bids": []}
    return json.dumps({"data": [book], "action": "partial", "table": "futures/depth"})


def trade(symbol: str, number: int) -> str:
    """Return one trade as a message."""
    return json.dumps({"data": [{"marketCode": symbol, "tradeId": number}], "table": "trade"})


MINUTES = {
    "2020-08-01T23:54": [
        WELCOME,
        _ack("futures/depth", SWAP),
        _ack("trade", SPOT),
        _depth(SWAP, 1),
        _depth(SPOT, 1),
        trade(SWAP, 1),
        DISCONNECT,
        UNREADABLE,
        trade(SPOT, 2),
        _depth(SWAP, 2),
    ],
    "2020-08-01T23:55": [_depth(SWAP, 3), _depth(SPOT, 3)],
    "2020-08-01T23:56": [_depth(SPOT, 4), DISCONNECT],
    # 23:57 is lacking: a minute without data.
    "2020-08-01T23:58": [trade(SWAP, 5), DISCONNECT, DISCONNECT, _depth(SWAP, 6)],
    "2020-08-02T00:00": [_depth(SWAP, 7), trade(DATED, 7)],
}


def write_slice(folder: Path, minute: str, messages: Iterable[str]) -> None:
    """Write one minute, a line every 100 ns, an empty one for an empty message."""
    lines = [
        f"{minute}:00.{number:07}Z {message}\n" if message else "\n"
        for number, message in enumerate(messages)
    ]
    path = path_of(folder, datetime.fromisoformat(minute))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))


def path_of(folder: Path, minute: datetime) -> Path:
    """Return where the slice of a minute lies."""
    return folder / minute.strftime("%Y/%m/%d/%H/%M.json.gz")
