from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from pipeline.exposition import exposition
from tests.reporting import MINUTE, lake_of, report_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.capture_report import CaptureReport

ODD = 'a"b\\c\nd'  # what a label's value may hold


def samples(report: CaptureReport) -> dict[str, dict[str, float]]:
    """Return metric → channel ("" if it has none) → value, as Prometheus's own parser reads it."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(exposition(report)):
        assert family.type in {"counter", "gauge"}
        assert family.documentation
        for sample in family.samples:
            assert sample.labels["exchange"] == report.exchange
            of_metric = found.setdefault(sample.name.removeprefix("coinflex_l2_"), {})
            assert sample.labels.get("channel", "") not in of_metric, "a sample is told twice"
            of_metric[sample.labels.get("channel", "")] = sample.value
    return found


def test_prometheus_reads_all_figures(tmp_path: Path) -> None:
    """Each with its value, by channel where it has one; names are taken as they are."""
    report = report_of(tmp_path, exchange=ODD)
    feed = report.feed
    feed.frames.update({"depth": 5, "trade": 2})
    feed.dropped["depth"] = 3
    feed.unreadable, feed.size, feed.connections, feed.subscriptions = 4, 1000, 2, 6
    feed.refused, feed.silent = {"depth:A": "no"}, ["depth:B", "depth:C"]
    feed.last_frame["depth"] = b'{"timestamp":"1500"}', 20_000_000
    feed.heard["depth"] = time.monotonic() - 10
    report.recorder.connect()
    report.recorder.written.slices, report.recorder.written.last = 7, MINUTE
    lake_of(report).is_at = MINUTE - timedelta(minutes=1)
    found = samples(report)
    assert 10 <= found.pop("last_frame_age_seconds")["depth"] < 70
    assert 0 <= found.pop("slowest_to_disk_seconds")[""] < 60
    assert found.pop("waiting_bytes")[""] > 0
    assert found == {
        "up": {"": 1}, "connected": {"": 1},
        "frames_total": {"depth": 5, "trade": 2, "ticker": 0},
        "frames_dropped_total": {"depth": 3, "trade": 0, "ticker": 0},
        "frames_unreadable_total": {"": 4}, "received_bytes_total": {"": 1000},
        "connections_total": {"": 2}, "subscriptions": {"": 6}, "refused": {"": 1},
        "silent": {"": 2}, "lag_seconds": {"depth": 0.5}, "slices_ended_total": {"": 7},
        "raw_last_minute_timestamp_seconds": {"": MINUTE.timestamp()},
        "lake_last_minute_timestamp_seconds": {"": MINUTE.timestamp() - 60},
    }  # fmt: skip


def test_what_is_not_known_has_no_sample(tmp_path: Path) -> None:
    """No frame yet, no minute yet: a zero there would be a lie. Not well is a zero."""
    report = report_of(tmp_path)
    report.feed.enter("connecting")
    found = samples(report)
    assert found["up"] == found["connected"] == {"": 0}
    assert not found.keys() & {
        "lag_seconds", "last_frame_age_seconds", "raw_last_minute_timestamp_seconds",
        "lake_last_minute_timestamp_seconds",
    }  # fmt: skip
