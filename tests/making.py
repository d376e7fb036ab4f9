"""Makes slices for tests: lines in the exchange's own JSON, minutes as gzip files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Levels = Sequence[Sequence[float]]

DAY = datetime(2020, 8, 1, tzinfo=UTC)


def at(minute: int, second: float = 0.0, day: datetime = DAY) -> datetime:
    """Return a time of a day."""
    return day + timedelta(minutes=minute, seconds=second)


def line(time: datetime, message: Mapping[str, Any] | str) -> str:
    """Return a slice's line; a message given as text is taken as it is."""
    text = message if isinstance(message, str) else json.dumps(message, separators=(",", ":"))
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}0Z {text}"


def depth(
    time: datetime,
    bids: Levels,
    asks: Levels,
    *,
    instrument: str = "BTC-USD",
    seq: int | str | None = None,
    table: str = "futures/depth",
    **extra: Any,
) -> str:
    """Return the line of a depth message whose exchange time is its arrival."""
    data: dict[str, Any] = {"instrumentId": instrument, "asks": asks, "bids": bids}
    data |= {"timestamp": str(round(time.timestamp() * 1000))}
    if seq is not None:
        data["seqNum"] = seq
    action = extra.pop("action", "partial")
    return line(time, {"table": table, "data": [data | extra], "action": action})


def trade(
    time: datetime,
    price: str,
    quantity: str,
    *,
    instrument: str = "BTC-USD",
    side: str = "BUY",
    id_: str = "1",
) -> str:
    """Return the line of a trade."""
    data = {"side": side, "quantity": quantity, "price": price, "marketCode": instrument,
            "tradeId": id_, "timestamp": str(round(time.timestamp() * 1000))}  # fmt: skip
    return line(time, {"table": "trade", "data": [data]})


def write_minute(folder: Path, minute: datetime, lines: Iterable[str | bytes]) -> Path:
    """Write a minute's slice below a folder; an empty text is a disconnect. Returns its path."""
    path = folder / f"{minute:%Y/%m/%d/%H/%M}.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = [text.encode() if isinstance(text, str) else text for text in lines]
    path.write_bytes(gzip.compress(b"".join(text + b"\n" for text in encoded), mtime=0))
    return path
