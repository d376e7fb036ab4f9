"""Days made again from raw, beside the lake, and what their rows say compared."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.content import Content
from pipeline.day_ingest import Readers, ingest_day
from pipeline.day_sources import sources_of
from pipeline.drafts import SCRATCH
from pipeline.lake import Lake
from pipeline.manifest import read_manifest
from pipeline.slices import Door
from pipeline.verifying.findings import Check, Difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

__all__ = ["check_remade"]


def check_remade(
    data: Path,
    exchange: str,
    days: Iterable[date],
    jobs: int | None = None,
    progress: Callable[[date], None] = lambda _: None,
) -> Check:
    """Make some days again from raw, and hold the files' rows against those, value for value."""
    check = Check(
        "remade",
        "every row of every table of these days is what this program makes of raw",
        "that this program reads raw rightly: see `minutes`",
        unit="days",
    )
    for day in days:
        progress(day)
        sources = sources_of(Door(data, exchange), day)
        if not sources.count() or sources.dropped:
            what = "was dropped" if sources.dropped else "has no whole slice of it any more"
            check.unprovable.append(f"{day}: raw {what}")
            continue
        check.looked_at += 1
        # On the disk of the lake, which has room for a day.
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=data) as folder:
            check.differences += _differences(data, Path(folder), exchange, day, jobs)
    return check


def _differences(
    data: Path, scratch: Path, exchange: str, day: date, jobs: int | None
) -> Iterator[Difference]:
    (scratch / "raw").symlink_to((data / "raw").resolve(), target_is_directory=True)
    threads = jobs or os.cpu_count() or 1
    with ThreadPoolExecutor(threads, "reader") as pool:
        readers = Readers(pool, threads) if threads > 1 else None
        ingest_day(scratch, exchange, day, readers=readers)
    lake = Lake(data, exchange)
    remade = read_manifest(Lake(scratch, exchange), day)
    expected = {of.key: of for of in remade.files} if remade else {}
    for key in sorted(expected.keys() | _keys_there(lake, day)):
        table, instrument = key
        path = lake.partition(table, instrument or None, day)
        name = str(path.relative_to(lake.root))
        if key not in expected:
            yield Difference(day, name, "raw has nothing of it")
            continue
        try:
            found = _content_of(path)
        except FileNotFoundError:
            yield Difference(day, name, "the file is gone")
        except (pa.ArrowException, OSError) as error:
            yield Difference(day, name, str(error).partition("\n")[0])
        else:
            if found != expected[key].content:
                yield Difference(day, name, "its rows are not what raw says")


def _keys_there(lake: Lake, day: date) -> set[tuple[str, str]]:
    manifest = read_manifest(lake, day)
    return {of.key for of in manifest.files} if manifest else set()


def _content_of(path: Path) -> str:
    content = Content()
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            content.add(file.read_row_group(group))
    return content.digest()
