"""A capture under load: many markets on loopback, and what becomes of their books.

    python -m benchmarks.capture                      50 markets, 20 books a second, 10 minutes
    python -m benchmarks.capture --rates 1000,5000,10000 --seconds 30

The exchange, the real `coinflex-l2 capture` and whoever asks are processes of their own, and share
this machine's cores. The exchange plays ten seconds of a made market again and again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pipeline
from pipeline.capture import capture
from pipeline.config import Settings
from pipeline.simulator.exchange import ExchangeSimulator
from pipeline.simulator.market import GeneratedFeed, RepeatedFeed, default_markets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.capture import CaptureReport

_ROOT: Final = Path(__file__).parent.parent
_CYCLE: Final = 10  # seconds of the market that are made
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measure one load for long, or several for a short time each."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.capture",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--markets", type=int, default=50)
    parser.add_argument("--levels", type=int, default=100, help="a side")
    parser.add_argument("--rates", default="1000", help="books a second, of all markets together")
    parser.add_argument("--channels", default="depth,trade", help="subscribed to")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--raw-only", action="store_true", help="no lake beside it")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _child(**json.loads(options.child))
        return
    for rate in map(int, options.rates.split(",")):
        found = measure(
            options.markets, options.levels, options.channels.split(","), rate, options.seconds,
            options.raw_only,
        )  # fmt: skip
        print(json.dumps(found), flush=True)


def measure(
    markets: int, levels: int, channels: list[str], rate: int, seconds: int, raw_only: bool
) -> dict[str, Any]:
    """Capture so many books a second for so long; return what was seen."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        data = Path(folder)
        given = {"markets": markets, "levels": levels, "rate": rate, "cycle": _CYCLE}
        given["subscriptions"] = markets * len(channels)
        exchange = _start(running, given | {"what": "exchange"})
        urls = json.loads(exchange.stdout.readline())  # type: ignore[union-attr] # it is a pipe
        told = {"what": "capture", "data": folder, "urls": urls, "raw_only": raw_only}
        told["channels"] = channels
        captured = _start(running, told | {"markets": markets})
        samples, ages = [], []
        until = time.monotonic() + seconds
        for line in _lines(captured, until):
            samples.append(json.loads(line) | {"rss": _rss(captured.pid)})
            if not raw_only and len(samples) % 5 == 0:
                ages.append(_age(data))
        captured.terminate()
        summary = json.loads(captured.communicate(timeout=60)[0].splitlines()[-1])
    return _told(rate, samples, [age for age in ages if age is not None], summary)


def _told(
    rate: int, samples: list[dict[str, Any]], ages: list[float], summary: dict[str, Any]
) -> dict[str, Any]:
    """Put together what was seen; the first seconds, in which all begins, are left out."""
    steady = samples[5:]
    slowest = sorted(sample["slowest"] for sample in steady)
    third = max(1, len(steady) // 3)
    frames = [sample["books"] for sample in steady]
    span = steady[-1]["at"] - steady[0]["at"]
    return {
        "books_per_second_sent": rate,
        "books_per_second_recorded": round((frames[-1] - frames[0]) / span),
        "dropped": summary["frames_dropped"],
        "reconnects": summary["connections"] - 1,
        "mb_per_second": round((steady[-1]["bytes"] - steady[0]["bytes"]) / span / 1e6, 1),
        # Of the line that waited longest in each two seconds: of all lines it is less.
        "to_disk_p99_s": round(slowest[int(0.99 * (len(slowest) - 1))], 3),
        "to_disk_worst_s": round(slowest[-1], 3),
        "lag_ms_median": round(statistics.median(sample["lag"] for sample in steady) * 1000, 1),
        "queryable_after_worst_s": round(max(ages), 1) if ages else None,
        "memory_mb_first_third": round(statistics.median(s["rss"] for s in steady[:third])),
        "memory_mb_last_third": round(statistics.median(s["rss"] for s in steady[-third:])),
    }


def _lines(process: subprocess.Popen[str], until: float) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if time.monotonic() >= until:
            return
    raise SystemExit("the capture ended by itself")


def _start(running: ExitStack, what: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.capture", "--child", json.dumps(what)]
    process = running.enter_context(
        subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    )
    running.callback(process.kill)
    return process


def _rss(process: int) -> float:
    """Return how much memory a process has, in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * _PAGE / 1e6


def _age(data: Path) -> float | None:
    """Return how old the last book is that the lake has of any market; None of an empty lake."""
    recorded = data / "lake" / "_recorded" / "load"
    if not list(recorded.glob("*.parquet")):
        return None
    with pipeline.connect(data, "load") as connection:
        row = connection.execute("select max(last_local_timestamp) from coverage").fetchone()
    assert row is not None
    last: datetime = row[0]
    return (datetime.now(UTC).replace(tzinfo=None) - last).total_seconds()


# --- processes of their own --------------------------------------------------------------------


def _child(what: str, **given: Any) -> None:  # noqa: ANN401 - what either takes
    _exchange(**given) if what == "exchange" else _capture(**given)


def _exchange(markets: int, levels: int, rate: int, cycle: int, subscriptions: int) -> None:
    feed = RepeatedFeed(
        GeneratedFeed(1, markets=markets, levels=levels, books_per_second=20), cycle
    )
    speed = rate / (20 * markets)
    exchange = ExchangeSimulator(
        feed, speed=speed, keep="counts", rebase=speed == 1, await_subscribers=subscriptions
    )
    with exchange.running() as urls:
        print(json.dumps([urls.ws, urls.rest]), flush=True)
        while True:
            time.sleep(3600)


def _capture(data: str, urls: list[str], markets: int, raw_only: bool, channels: list[str]) -> None:
    environ = {"COINFLEX_L2_WS_URL": urls[0], "COINFLEX_L2_REST_URL": urls[1]}
    settings = Settings.load(data=Path(data), exchange="load", environ=environ)
    report = capture(
        settings,
        instruments=[market.code for market in default_markets(markets)],
        channels=channels,
        raw_only=raw_only,
        show=_print,
    )
    print(json.dumps(report.summary()), flush=True)


def _print(report: CaptureReport) -> None:
    feed = report.feed
    print(
        json.dumps({
            "at": time.monotonic(), "books": feed.frames["depth"], "bytes": feed.size,
            "slowest": report.recorder.slowest(2.0), "lag": feed.lags().get("depth", 0.0),
        }),
        flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
