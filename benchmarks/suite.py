"""Runs what was asked for, part after part, and checks that those who count the same agree."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import backfill, commands, lakes, queries
from benchmarks.contenders import CONTENDERS, DERIVE, FLOOR, OURS, SNAPSHOTS
from benchmarks.data import WORKLOADS, prepared
from benchmarks.job import EXCHANGE, Limits
from benchmarks.results import Results, Row
from benchmarks.running import cores_there, run
from benchmarks.slices import DAY
from pipeline.ingest import ingest
from pipeline.sources.files import adopt
from pipeline.views import write_database

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from benchmarks.contenders import Contender
    from benchmarks.sizes import Size
    from benchmarks.slices import Slices

__all__ = ["PARTS", "Asked", "measure"]

# What can be asked for by name: the workloads, and what is done with a whole day of the first.
_OF_A_DAY: Final = ("day", "commands", "backfill")
PARTS: Final = (*WORKLOADS, *_OF_A_DAY)
_GENERATED: Final = "generated"
_ONLY_OURS: Final = "generated_2022"
_DEPTH_ALONE: Final = (_GENERATED, "thin")
_BEFORE: Final = (-3, -2, -1)  # minutes: the end of the day before
_ONCE: Final = Limits(runs=1, seconds=0, warm_up=False)


@dataclass(frozen=True)
class Asked:
    """What is to be measured; `kept` is the folder of generated data, `progress` is told of it."""

    size: Size
    kept: Path
    parts: Collection[str]
    contenders: Collection[str]
    progress: Callable[[str], None]


def measure(asked: Asked) -> Results:
    """Measure all parts that were asked for."""
    results = Results(asked.size.name, _machine())
    asked.kept.mkdir(parents=True, exist_ok=True)
    # Beside the generated data, so that slices are linked rather than copied.
    with tempfile.TemporaryDirectory(dir=asked.kept, prefix="run-") as scratch:
        for name in WORKLOADS:
            if name in asked.parts:
                results.rows += _workload(asked, name, Path(scratch) / name)
        if set(_OF_A_DAY).intersection(asked.parts):
            _day(asked, Path(scratch), results)
    return results


def _workload(asked: Asked, name: str, scratch: Path) -> list[Row]:
    asked.progress(f"{name}: slices")
    few = (FLOOR, OURS[0]) if name == _ONLY_OURS else CONTENDERS
    few += (SNAPSHOTS,) if name in _DEPTH_ALONE else ()
    chosen = [contender for contender in few if contender.name in asked.contenders]
    short = prepared(name, range(asked.size.short[name]), asked.kept, scratch / "short")
    limits = asked.size.limits
    rows = [_row(asked, contender, name, "short", short, limits) for contender in chosen]
    _check_agreement(rows)
    if OURS[0].name in asked.contenders:
        long = prepared(name, asked.size.long(), asked.kept, scratch / "long")
        rows += [_row(asked, contender, name, "long", long, limits) for contender in OURS]
    shutil.rmtree(scratch)
    return rows


def _row(
    asked: Asked, contender: Contender, name: str, part: str, slices: Slices, limits: Limits
) -> Row:
    """Measure one contender on a workload's part; what it wrote is left in a folder beside it."""
    asked.progress(f"{name}, {part}: {contender.key}")
    own = _own(slices, contender)
    own.mkdir()
    if contender in (SNAPSHOTS, DERIVE):
        shutil.copytree(_lake_of(slices), own / "data", copy_function=os.link)
    measured = run(contender, slices, asked.kept, own, limits)
    return Row(name, part, contender, contender.cores or cores_there(), slices, measured)


def _own(slices: Slices, contender: Contender) -> Path:
    return slices.folder.with_name(f"{slices.folder.name}-{contender.key}")


def _lake_of(slices: Slices) -> Path:
    """Return the data folder that ours left of some slices, made now if it was not measured."""
    data = _own(slices, OURS[0]) / "data"
    if not data.exists():
        adopt(data, EXCHANGE, slices.folder)
        ingest(data, EXCHANGE)
    return data


def _check_agreement(rows: Sequence[Row]) -> None:
    """Nobody is fast by being wrong: whoever counts changes or snapshots finds the same number."""
    counted = {row.contender.key: row.measured.counted for row in rows}
    for what in ("changes", "snapshots"):
        numbers = {key: getattr(found, what) for key, found in counted.items() if found}
        known = {key: number for key, number in numbers.items() if number is not None}
        assert len(set(known.values())) <= 1, f"they differ in {what}: {known}"


# --- a whole day -------------------------------------------------------------------------------


def _day(asked: Asked, scratch: Path, results: Results) -> None:
    asked.progress("day: slices")
    whole = {"day", "backfill"}.intersection(asked.parts)
    minutes = asked.size.day() if whole else [0]
    slices = prepared(_GENERATED, minutes, asked.kept, scratch / "day")
    if "backfill" in asked.parts:
        asked.progress("backfill over a line")
        first, last = asked.size.backfill_from, minutes[-1]
        results.backfill = backfill.measure(slices.folder, first, last, scratch / "backfilled")
    if "day" in asked.parts or "commands" in asked.parts:
        _lakes(asked, slices, scratch, results)


def _lakes(asked: Asked, slices: Slices, scratch: Path, results: Results) -> None:
    """Ingest the day, then the end of the one before; make a large lake of it, and ask both."""
    if "day" in asked.parts:
        once = [(contender, _ONCE) for contender in (*OURS, DERIVE)]
        rows = [
            _row(asked, contender, _GENERATED, "day", slices, limits)
            for contender, limits in [*once, (SNAPSHOTS, asked.size.limits)]
        ]
        _check_agreement(rows)
        results.rows += rows
    asked.progress("a lake of many partitions")
    # What the last of them left; the day before is not measured, but answers for midnight.
    small, large = _own(slices, OURS[-1]) / "data", scratch / "large"
    adopt(small, EXCHANGE, prepared(_GENERATED, _BEFORE, asked.kept, scratch / "before").folder)
    ingest(small, EXCHANGE)
    day_before = DAY.date() - timedelta(days=1)
    count = lakes.many_partitions(small, day_before, large, asked.size.partitions)
    for data in (small, large):  # as every command leaves it
        write_database(data, EXCHANGE)
    if "day" in asked.parts:
        results.commands.append(commands.verify_day(small, DAY.date()))
        results.partitions = 2, count
        results.queries = queries.measure(small, large, asked.size, asked.progress)
    if "commands" in asked.parts:
        asked.progress("a month of slices")
        there = lakes.add_month(large, asked.size.days, asked.size.minutes, scratch)
        asked.progress("commands")
        results.commands += commands.measure(large, there, slices.folder, asked.size)


def _machine() -> dict[str, str]:
    """Return what the figures depend on besides the code."""
    packages = ("duckdb", "isal", "orjson", "polars", "pyarrow", "tardis-client")
    return {
        "cores": str(cores_there()),
        "processor": _processor(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
