"""Large data folders made cheaply: the files of a small one, linked under many names.

What is measured on them reads folders and the catalogue, or the file of one day; that the files of
all other days are the same makes no difference to it.
"""

from __future__ import annotations

import gzip
import json
import os
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

import polars as pl

from benchmarks.data import MARKETS, minute_lines
from benchmarks.job import EXCHANGE
from benchmarks.slices import DAY, minute_file
from pipeline.catalogue import Catalogue
from pipeline.lake import Lake
from pipeline.sources.files import adopt

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FIRST_MINUTE", "add_month", "many_partitions"]

# --- a lake of many partitions -----------------------------------------------------------------


def many_partitions(source: Path, template: date, data: Path, partitions: int) -> int:
    """Make a data folder that has a small lake, and one of its days again under many other names.

    A partition is an instrument's day. `template` is the day that is repeated, of the lake's first
    instrument: as often as it takes, on days before it, for that instrument and made ones. Returns
    how many partitions there are then.
    """
    _link_tree(source / "lake", data / "lake")
    lake = Lake(data, EXCHANGE)
    catalogue = Catalogue(lake)
    row = catalogue.rows.filter(pl.col("date") == template).head(1)
    about = catalogue.days[template.isoformat()]
    instrument = row["instrument"].item()
    days = max(1, round(partitions**0.5))
    names = [instrument, *(f"MADE-{n:04}-USD" for n in range(1, partitions // days))]
    for number in range(1, days + 1):
        day = template - timedelta(days=number)
        for folder in lake.root.glob(f"*/exchange={EXCHANGE}"):
            _repeat(folder, instrument, names, f"date={template}", f"date={day}")
        named = row.drop("instrument").join(pl.DataFrame({"instrument": names}), how="cross")
        rows = named.with_columns(date=pl.lit(day)).select(row.columns)
        catalogue.replace(day, rows, about)
    catalogue.save()
    return catalogue.rows.height


def _repeat(folder: Path, instrument: str, names: list[str], template: str, day: str) -> None:
    """Link a day's files of a table under another day, those of an instrument under many names."""
    _link_tree(folder / template, folder / day)
    for name in names:
        source = folder / f"instrument={instrument}" / template
        _link_tree(source, folder / f"instrument={name}" / day)


def _link_tree(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            to = target / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, to)


# --- a month of slices -------------------------------------------------------------------------

FIRST_MINUTE: Final = 60  # of each of the days


def add_month(data: Path, days: int, minutes: int, scratch: Path) -> int:
    """Put so many slices of some days of a month into raw, from the second hour of each on.

    They are as a backfill of everything leaves them. Returns how many there are.
    """
    there = range(FIRST_MINUTE, FIRST_MINUTE + minutes)
    slices = scratch / "month"
    _, lines = next(minute_lines(MARKETS["thin"], [0]))
    first = minute_file(slices, there[0])
    first.parent.mkdir(parents=True)
    first.write_bytes(gzip.compress("".join(islice(lines.splitlines(True), 20)).encode("ascii")))
    for minute in there[1:]:
        path = minute_file(slices, minute)
        path.parent.mkdir(exist_ok=True)
        os.link(first, path)
    adopt(data, EXCHANGE, slices, origin="tardis", channels=("depth", "ticker", "trade"))
    (folder,) = (data / "raw" / EXCHANGE).glob(f"*/{DAY:%Y/%m/%d}")
    for number in range(1, days):
        day = DAY + timedelta(days=number)
        copy = folder.parents[2] / f"{day:%Y/%m/%d}"
        _link_tree(folder, copy)
        _redate(copy / "manifest.json", day.date())
    return days * minutes


def _redate(manifest: Path, day: date) -> None:
    """Let a linked manifest say another day, so that its slices need not be examined."""
    facts = json.loads(manifest.read_bytes())
    manifest.unlink()
    manifest.write_text(json.dumps({**facts, "date": day.isoformat()}, indent=1), encoding="ascii")
