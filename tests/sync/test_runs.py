"""What a run leaves behind, however it ends; and what Prometheus reads of it."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.simulator import Fault
from pipeline.sync.runs import Run, Runs
from pipeline.sync.textfile import exposition_of, write_textfile
from tests import commands
from tests.conftest import clean_environment
from tests.making import at
from tests.world import KEY, config_file

from .nights import MINUTES, SPAN, nights

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)


def run_of(exchange: str = "coinflex", **given: object) -> Run:
    """Return a run that has ended."""
    about = {"run": "it", "command": "sync", "exchange": exchange, "release": "1", "process": 1}
    return Run(**(about | {"started": NOW, "ended": NOW} | given))  # type: ignore[arg-type]


def samples(text: str) -> dict[tuple[str, str], float]:
    """Return an exposition's samples by name and exchange, as Prometheus's own parser reads it."""
    return {
        (sample.name, sample.labels["exchange"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("how", "outcome", "code"),
    [(signal.SIGKILL, "cut_short", None), (signal.SIGTERM, "interrupted", 130)],
)
def test_a_run_that_is_ended_from_outside(
    tmp_path: Path, how: signal.Signals, outcome: str, code: int | None
) -> None:
    """Its report says so: at once where it could, else as soon as the next run finds it."""
    with nights(tmp_path, Fault("stall", minute=at(24 * 60 - 3))) as it:
        environment = clean_environment(
            COINFLEX_L2_TARDIS_URL=it.url,
            COINFLEX_L2_DATA=str(it.data),
            COINFLEX_L2_CONFIG=str(config_file(tmp_path, timeout=60)),
            TARDIS_API_KEY=KEY,
        )
        command = ("sync", "--from", SPAN["start"], "--to", SPAN["end"])
        with commands.started(command, environment) as started:
            # All but the one that stalls: ten minutes, details and what the key opens.
            assert it.simulator.requests.wait_for(12)  # type: ignore[attr-defined] # Seen
            assert [of["outcome"] for of in it.reports()] == ["running"]
            assert started.process.pid
            os.kill(started.process.pid, how)
            started.process.join(60)
        (report,) = it.reports()
        assert report["outcome"] == ("running" if how == signal.SIGKILL else outcome)
        if how == signal.SIGTERM:  # in the midst of the download: what it did counts
            assert report["requests"] == len(MINUTES)
        it.run()
    first, second = it.reports()
    first, second = sorted((first, second), key=lambda of: of["outcome"] == "done")
    assert (first["outcome"], first["exit_code"]) == (outcome, code)
    assert second["outcome"] == "done"


def test_a_clock_that_is_set_back_hides_no_report(tmp_path: Path) -> None:
    """The one that was cut short is found though it is not the last by name."""
    runs = Runs(tmp_path)
    lost = runs.begin("sync", "coinflex", NOW)
    runs = Runs(tmp_path)
    run = runs.begin("sync", "coinflex", datetime(2026, 11, 26, tzinfo=UTC))
    runs.end(run, "done", 0)
    assert (
        json.loads((tmp_path / "runs" / f"{lost.run}.json").read_text())["outcome"] == "cut_short"
    )
    again = runs.begin("sync", "coinflex", datetime(2026, 11, 26, tzinfo=UTC))
    assert again.run != run.run, "nor does it put one in the place of another"


def test_prometheus_reads_the_file(tmp_path: Path) -> None:
    """Counts of the run, when it ended, and when one succeeded, which outlives a failure."""
    path = tmp_path / "it.prom"
    write_textfile(path, run_of(outcome="done", exit_code=0, minutes_fetched=7, seconds=1.5))
    told = samples(path.read_text())
    assert told["coinflex_l2_sync_minutes_fetched", "coinflex"] == 7
    assert told["coinflex_l2_sync_duration_seconds", "coinflex"] == 1.5
    assert told["coinflex_l2_sync_last_success_timestamp_seconds", "coinflex"] == NOW.timestamp()
    later = NOW.replace(day=28)
    write_textfile(path, run_of(outcome="lacking", exit_code=3, ended=later, minutes_lacking=2))
    told = samples(path.read_text())
    assert told["coinflex_l2_sync_exit_code", "coinflex"] == 3
    assert told["coinflex_l2_sync_minutes_lacking", "coinflex"] == 2
    assert told["coinflex_l2_sync_last_run_timestamp_seconds", "coinflex"] == later.timestamp()
    assert told["coinflex_l2_sync_last_success_timestamp_seconds", "coinflex"] == NOW.timestamp()
    assert [of.name for of in tmp_path.iterdir()] == ["it.prom"]


def test_exchanges_may_share_the_file() -> None:
    """Each one's samples stay when the other's run is told; no metric is declared twice."""
    first = exposition_of(run_of("coinflex", outcome="done", exit_code=0, minutes_fetched=7))
    both = exposition_of(run_of("other", outcome="done", exit_code=0, minutes_fetched=9), first)
    again = exposition_of(run_of("coinflex", outcome="done", exit_code=0, minutes_fetched=1), both)
    told = samples(again)
    name = "coinflex_l2_sync_minutes_fetched"
    assert (told[name, "coinflex"], told[name, "other"]) == (1, 9)
    assert again.count(f"# TYPE {name} ") == 1


def test_rubbish_in_the_file_is_replaced(tmp_path: Path) -> None:
    """What others left there does not end the night."""
    path = tmp_path / "it.prom"
    path.write_bytes(
        b'coinflex_l2_sync_last_success_timestamp_seconds{exchange="coinflex"} x\n\xff'
    )
    write_textfile(path, run_of(outcome="failed", exit_code=2))
    told = samples(path.read_text())
    assert told["coinflex_l2_sync_exit_code", "coinflex"] == 2
    assert ("coinflex_l2_sync_last_success_timestamp_seconds", "coinflex") not in told
