"""The world around a backfill: a history of slices, a service on loopback, quick settings."""

from __future__ import annotations

import gzip
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web
from backports import zstd

from pipeline.config import Settings, TardisSettings
from pipeline.simulator.threaded import running

from .making import DAY, at, depth, trade, write_minute

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

KEY = "TD.a-key/with+signs=and%more"
SWAP, SPOT = "BTC-USD-SWAP-LIN", "FLEX-USD"
NEXT_DAY = DAY + timedelta(days=1)

# Waits that a test can afford; everything else is as users have it.
WAITS = {"retry_wait": 0.01, "retry_wait_max": 0.05, "rate_limit_wait": 0.05}


def settings(data: Path, url: str, **tardis: Any) -> Settings:
    """Return settings for a service on loopback."""
    quick: dict[str, Any] = {"url": url, "attempts": 4, "timeout": 5.0, **WAITS}
    return Settings(data=data, tardis=TardisSettings(**(quick | tardis)))


def config_file(folder: Path, **tardis: float) -> Path:
    """Write the same as a TOML file for the command line."""
    lines = [f"{k} = {v}" for k, v in ({**WAITS, "attempts": 4, "timeout": 5} | tardis).items()]
    path = folder / "quick.toml"
    path.write_text("\n".join(["[tardis]", *lines]), encoding="utf-8")
    return path


def history(folder: Path, minutes: Iterable[datetime]) -> Path:
    """Write two changing books, a disconnect and a trade each; 23:58 and every 5th has no data."""
    for minute in minutes:
        number = (minute - DAY) // timedelta(minutes=1)
        if number % 5 == 3:
            continue
        lines = [*_books(minute, number, 0), "", *_books(minute, number, 30)]
        lines.append(trade(minute + timedelta(seconds=59), "10.5", "1", instrument=SWAP,
                           id_=str(number)))  # fmt: skip
        write_minute(folder, minute, lines)
    return folder


def _books(minute: datetime, number: int, second: int) -> Iterator[str]:
    for step in range(4):
        time = minute + timedelta(seconds=second + step)
        for instrument in (SWAP, SPOT):
            best = 10 + number % 7 + step / 10
            yield depth(time, [[best, 1 + step], [best - 1, number + 1]], [[best + 1, 2]],
                        instrument=instrument, seq=number * 100 + second + step)  # fmt: skip


def last_minutes(count: int) -> list[datetime]:
    """Return the last minutes of 2020-08-01, a free day."""
    return [at(1440 - count + n) for n in range(count)]


def around_midnight(count: int) -> list[datetime]:
    """Return as many minutes before the end of 2020-08-01 as after it: half of them are paid."""
    return [at(1440 - count + n) for n in range(2 * count)]


def lines_of(path: Path) -> bytes:
    """Return what a slice says, whatever its compression looks like; b"" if it is empty."""
    content = path.read_bytes() if path.exists() else b""
    if path.suffix == ".zst":
        return zstd.decompress(content)
    return gzip.decompress(content) if content else b""


def raw_minutes(data: Path, exchange: str = "coinflex") -> dict[str, bytes]:
    """Return everything that lies under raw/ with a slice's name: its minute → its lines."""
    found = {}
    for path in (data / "raw" / exchange).glob("*/*/*/*/*/*.json.*"):
        found["/".join(path.parts[-5:]).partition(".")[0]] = lines_of(path)
    return found


def served(slices: Path, minutes: Iterable[datetime]) -> dict[str, bytes]:
    """Return what the service has of these minutes, in the same form."""
    names = [f"{minute:%Y/%m/%d/%H/%M}" for minute in minutes]
    return {name: lines_of(slices / f"{name}.json.gz") for name in names}


class Seen(list[Any]):
    """A simulator's `requests` that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def append(self, item: Any) -> None:
        """Add a request and tell who waits."""
        with self._changed:
            super().append(item)
            self._changed.notify_all()

    def wait_for(self, count: int, deadline: float = 60) -> bool:
        """Return as soon as so many requests have been seen; False past the deadline."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self) >= count, deadline)


class _Service:
    """Answers every request with a handler."""

    def __init__(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        self._handler = handler

    async def start(self, *, port: int) -> str:
        """Listen, and return the base URL."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handler)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Listen no longer."""
        await self._runner.cleanup()


def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AbstractContextManager[str]:
    """Answer every request with a handler, in a thread of its own; yields the base URL."""
    return running(_Service(handler))


class Counted:
    """Takes note of progress, as a backfill tells it."""

    def __init__(self, minutes: int = 0) -> None:
        self.minutes = minutes
        self.arrived = self.lacking = 0
        self.days: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def advance(self, size: int, *, arrived: bool) -> None:
        """One more minute is done."""
        assert size >= 0
        self.arrived += arrived
        self.lacking += not arrived

    def ingested(self, day: Any, done: int, total: int) -> None:
        """One more day is in the lake."""
        assert done <= total
        self.days.append(day.isoformat())
