"""The last run for Prometheus, as a file that node_exporter's textfile collector reads."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pipeline import durable
from pipeline.sync.runs import DONE

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.sync.runs import Run

__all__ = ["exposition_of", "write_textfile"]

# Field of the report → what it says. Names have their unit; all are gauges: of one run, not sums.
_COUNTS: Final = {
    "seconds": ("duration_seconds", "How long the last run took."),
    "exit_code": (
        "exit_code",
        "Its exit code: 0 done, 1 refused, 2 the lake, 3 lacking, 130 interrupted.",
    ),
    "days_wanted": ("days_wanted", "Days that it wanted and could have."),
    "days_that_need_a_key": ("days_that_need_a_key", "Days that only a key opens."),
    "days_not_covered_by_key": ("days_not_covered_by_key", "Days that the key does not open."),
    "requests": ("requests", "Requests to Tardis, each attempt counted."),
    "minutes_fetched": ("minutes_fetched", "Minute slices that arrived."),
    "minutes_lacking": ("minutes_lacking", "Minutes that should have arrived and did not."),
    "minutes_pending": ("minutes_pending", "Minutes of days just over that did not arrive yet."),
    "minutes_postponed": ("minutes_postponed", "Minutes left for the next run."),
    "bytes_fetched": ("fetched_bytes", "Bytes that arrived."),
    "days_ingested": ("days_ingested", "Days that were brought into the lake."),
    "days_in_conflict": ("days_in_conflict", "Days of which recordings contradict each other."),
    "days_verified": ("days_verified", "Days that were held against raw."),
    "differences": ("differences", "What differed from raw of the days verified: 0 is well."),
    "days_lacking_raw": ("days_lacking_raw", "Days to be made again whose raw was dropped."),
    "bytes_freed": ("freed_bytes", "Bytes of raw that the retention freed."),
    "slices_corrupt": ("slices_corrupt", "Raw files that are no whole slices."),
    "lines_quarantined": ("lines_quarantined", "Lines of the days ingested that can't be read."),
    "free_bytes": ("free_bytes", "Free space on the disk of the data folder."),
}
# What a verification tells; the rest is of a sync alone.
_OF_VERIFY: Final = ("seconds", "exit_code", "days_verified", "differences")


def write_textfile(path: Path, run: Run) -> None:
    """Replace the file in one step: what the last run before left in it, but for a success, goes.

    When a run last succeeded is kept from what the file says. Raises LakeUnwritable.
    """
    with durable.writing(path):
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    # Beside it, under a name that the collector, which reads *.prom, passes over.
    with durable.replacing(path, path.parent) as draft:
        draft.write_text(exposition_of(run, before), encoding="utf-8")
        draft.chmod(0o644)  # the collector is another user


def exposition_of(run: Run, before: str = "") -> str:
    """Return the text: gauges labelled with the exchange; others of `before` stay as they are."""
    label = f'{{exchange="{run.exchange}"}}'
    prefix = f"coinflex_l2_{run.command}"
    told: dict[str, tuple[str, float]] = {}
    for field, (name, meaning) in _COUNTS.items():
        value = getattr(run, field)
        if value is not None and (run.command == "sync" or field in _OF_VERIFY):
            told[name] = meaning, value
    if run.ended is not None:
        told["last_run_timestamp_seconds"] = "When the last run ended.", run.ended.timestamp()
        success = (
            run.ended.timestamp()
            if run.outcome == DONE
            else _value_in(before, f"{prefix}_last_success_timestamp_seconds{label} ")
        )
        if success is not None:
            told["last_success_timestamp_seconds"] = "When a run last ended with 0.", success
    others = _of_others(before, label)
    lines = []
    for name, (meaning, value) in told.items():
        metric = f"{prefix}_{name}"
        lines += [f"# HELP {metric} {meaning}", f"# TYPE {metric} gauge"]
        lines += others.pop(metric, [])
        lines.append(f"{metric}{label} {value:.17g}")
    return "\n".join(lines) + "\n"


def _value_in(before: str, start: str) -> float | None:
    """Return when a run last succeeded, as the line says it that starts so."""
    told = [line.removeprefix(start) for line in before.splitlines() if line.startswith(start)]
    with suppress(ValueError, IndexError):
        return float(told[0])
    return None


def _of_others(before: str, label: str) -> dict[str, list[str]]:
    """Return the samples of other exchanges by metric: several may share a file."""
    found: dict[str, list[str]] = {}
    for line in before.splitlines():
        name, brace, _ = line.partition("{")
        if (
            brace
            and not line.startswith("#")
            and f"{name}{label} " != line[: len(name + label) + 1]
        ):
            found.setdefault(name, []).append(line)
    return found
