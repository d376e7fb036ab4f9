"""Files against what was written down of them: raw slices, and the lake's partitions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.digest import sha256_of
from pipeline.errors import SliceCorrupt
from pipeline.lake import PARTITIONED
from pipeline.manifest import read_manifest
from pipeline.slice_file import examine
from pipeline.verifying.findings import Check, Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from pipeline.lake import Lake
    from pipeline.manifest import FileFacts
    from pipeline.slices import DayOfSlices, Door

__all__ = ["check_partitions", "check_slices"]

_THREADS: Final = 4


def check_slices(door: Door, days: Iterable[date], used: Mapping[str, tuple[str, date]]) -> Check:
    """Hold every slice of some days against its manifest and against what the lake was made from.

    `used` are slices by name: the digest that the lake's `ingests` has, and the day.
    """
    check = Check(
        "slices",
        "every raw slice has the bytes that were written down when it arrived, and that the lake "
        "was made from",
        "that what arrived is what the exchange sent",
        unit="slices",
    )
    left, requests = dict(used), door.requests()
    with ThreadPoolExecutor(_THREADS) as pool:
        for day in days:
            for request in requests:
                held = door.day(request, day)
                dropped = held.dropped
                for minute in dropped:
                    left.pop(held.name(minute), None)
                if dropped:
                    of = f"{day}: {len(dropped):,} slices of {request.folder} were dropped"
                    check.unprovable.append(of)
                minutes = sorted(held.slices.keys() - set(dropped))
                told = list(pool.map(sha256_of, map(held.path, minutes)))
                check.looked_at += len(minutes)
                check.differences += _of_slices(held, dict(zip(minutes, told, strict=True)), left)
    # Days of which all of raw is gone: what the lake has of them can't be proved.
    gone = {day for _, day in used.values()}
    gone -= {day for request in requests for day in door.days(request)}
    for name, (_, day) in sorted(left.items()):
        if day not in gone:
            check.differences.append(Difference(day, name, "the slice is gone", is_of_raw=True))
    check.unprovable += [f"{day}: raw has no slice of it any more" for day in sorted(gone)]
    return check


def _of_slices(
    held: DayOfSlices, told: Mapping[int, str], left: dict[str, tuple[str, date]]
) -> Iterator[Difference]:
    for minute, reason in sorted(held.corrupt.items()):
        left.pop(held.name(minute), None)
        yield Difference(held.day, held.name(minute), reason, is_of_raw=True)
    for minute, sha256 in told.items():
        name = held.name(minute)
        made_from, _ = left.pop(name, (None, None))
        facts = held.slices[minute]
        if sha256 != facts.file_sha256:
            what = "its bytes are not those that arrived"
            yield Difference(held.day, name, what, is_of_raw=True)
        elif made_from not in (None, facts.sha256):
            # Written down anew, since it was changed: then it must be whole at least.
            try:
                examine(held.path(minute))
            except SliceCorrupt as error:
                yield Difference(held.day, name, error.reason, is_of_raw=True)
            else:
                yield Difference(held.day, name, "the lake was made from other bytes")


def check_partitions(lake: Lake, days: Iterable[date]) -> Check:
    """Hold every file of some days against the day's manifest."""
    check = Check(
        "partitions",
        "every file of the lake has the bytes, rows and keys that its day's manifest says; none "
        "lacks, and none is there that no manifest knows",
        "that the manifest says what raw says: see `remade`; derived tables and fetched trades are "
        "in no manifest",
        unit="files",
    )
    with ThreadPoolExecutor(_THREADS) as pool:
        for day in days:
            if lake.is_in_parts(day):
                check.unprovable.append(f"{day}: it is being recorded, or was and is in parts")
                continue
            manifest = read_manifest(lake, day)
            if manifest is None:
                check.differences.append(Difference(day, str(day), "it has no manifest"))
                continue
            paths = {lake.partition(of.table, of.instrument, day): of for of in manifest.files}
            check.looked_at += len(paths)
            wrong = partial(_wrong, lake, day)
            for of in pool.map(wrong, sorted(paths.items())):
                check.differences += of
            for path in sorted(lake.partitions_of(day) - paths.keys()):
                name = str(path.relative_to(lake.root))
                check.differences.append(Difference(day, name, "no manifest knows it"))
    return check


def _wrong(lake: Lake, day: date, file: tuple[Path, FileFacts]) -> list[Difference]:
    """Return what is wrong with a file."""
    path, facts = file
    name = str(path.relative_to(lake.root))
    try:
        if sha256_of(path) != facts.sha256:
            return [Difference(day, name, "its bytes are not those that were written")]
        metadata = pq.read_metadata(path)
    except FileNotFoundError:
        return [Difference(day, name, "the file is gone")]
    except (pa.ArrowException, OSError) as error:
        return [Difference(day, name, str(error).partition("\n")[0])]
    about = {key.decode(): value.decode() for key, value in (metadata.metadata or {}).items()}
    keys = {
        "table": facts.table,
        "date": day.isoformat(),
        "exchange": lake.exchange,
        "instrument": facts.instrument,
    }
    told = {key: about.get(key) for key in keys}
    wrong = [f"it is of {key} {told[key]!r}" for key in keys if told[key] != keys[key]]
    if facts.table not in PARTITIONED or metadata.num_rows != facts.rows:
        wrong.append(f"it has {metadata.num_rows} rows, not {facts.rows}")
    return [Difference(day, name, what) for what in wrong]
