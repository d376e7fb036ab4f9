"""A capture's figures in Prometheus's text format, for its scrapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pipeline.capture_report import CaptureReport

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX: Final = "coinflex_l2_"


class _Metric(NamedTuple):
    """A metric; `values` are by channel, or one alone by an empty name. None has no sample."""

    name: str
    kind: str
    help: str
    values: Mapping[str, float | None]


def exposition(report: CaptureReport) -> str:
    """Return the metrics of a capture. What is not known yet has no sample."""
    lines = [line for metric in _metrics(report) for line in _lines(metric, report.exchange)]
    return "\n".join([*lines, ""])


def _metrics(report: CaptureReport) -> Iterator[_Metric]:
    feed = report.feed
    yield _one("up", "gauge", "1 while /healthz says 200.", not report.troubles())
    yield _one("connected", "gauge", "1 while a connection stands.", feed.is_connected)
    yield _Metric("frames_total", "counter", "Frames with data, recorded.",
                  report.by_channel(feed.frames))  # fmt: skip
    yield _Metric("frames_dropped_total", "counter", "Frames left out since the disk was too slow.",
                  report.by_channel(feed.dropped))  # fmt: skip
    yield _one("frames_unreadable_total", "counter", "Frames that can't be read; recorded too.",
               feed.unreadable)  # fmt: skip
    yield _one("received_bytes_total", "counter", "Bytes of all frames recorded.", feed.size)
    yield _one("connections_total", "counter", "Connections that were made.", feed.connections)
    yield _one("subscriptions", "gauge", "Subscriptions that stand.", feed.subscriptions)
    yield _one("refused", "gauge", "Subscriptions that are refused.", len(feed.refused))
    yield _one("silent", "gauge", "Subscriptions that stand and say nothing.", len(feed.silent))
    yield _Metric("lag_seconds", "gauge", "From the exchange's time of the last frame to its "
                  "arrival, by two clocks.", report.lags())  # fmt: skip
    yield _Metric("last_frame_age_seconds", "gauge", "Since the last frame.", feed.ages())
    yield from _stored(report)


def _stored(report: CaptureReport) -> Iterator[_Metric]:
    recorder, lake = report.recorder, report.lake
    yield _one("waiting_bytes", "gauge", "Bytes that wait for the disk, about.", recorder.waiting)
    yield _one("slowest_to_disk_seconds", "gauge", "The longest that a line took to the disk in "
               "the last minute.", recorder.slowest())  # fmt: skip
    yield _one("slices_ended_total", "counter", "Minute slices that are whole.",
               recorder.written.slices)  # fmt: skip
    yield _one("raw_last_minute_timestamp_seconds", "gauge", "The last whole minute in raw, its "
               "start.", _seconds(recorder.written.last))  # fmt: skip
    yield _one("lake_last_minute_timestamp_seconds", "gauge", "The last minute in the lake, its "
               "start.", _seconds(lake.through if lake else None))  # fmt: skip


def _one(name: str, kind: str, about: str, value: float | None) -> _Metric:
    return _Metric(name, kind, about, {"": value})


def _seconds(time: datetime | None) -> float | None:
    return time.timestamp() if time else None


def _lines(metric: _Metric, exchange: str) -> Iterator[str]:
    name = _PREFIX + metric.name
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.kind}"
    for channel, value in metric.values.items():
        if value is not None:
            labels = {"exchange": exchange} | ({"channel": channel} if channel else {})
            told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
            yield f"{name}{{{told}}} {float(value)!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
