"""Adopts minute slices that lie in a folder, a Tardis client's cache say, through the door."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline import durable
from pipeline.channels import CHANNELS, DEPTH_CHANNELS, canonical_channel
from pipeline.errors import SliceCorrupt, UsageError
from pipeline.lock import holding
from pipeline.slices import DayOfSlices, Door, Request, parse_minute_path
from pipeline.thinned_file import SUFFIX as THINNED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

__all__ = ["AdoptReport", "adopt"]


_KNOWN = {*CHANNELS, *DEPTH_CHANNELS}


@dataclass
class AdoptReport:
    """How many slices were adopted, how many were there already, and which are broken and why."""

    adopted: int = 0
    there: int = 0
    corrupt: dict[str, str] = field(default_factory=dict)


def adopt(
    data: Path,
    exchange: str,
    folder: Path,
    *,
    origin: str = "import",
    channels: Sequence[str] | None = None,
    instruments: Sequence[str] | None = None,
) -> AdoptReport:
    """Copy every whole slice of a folder into raw, as answers to one request.

    A minute that is there already, whole, is left as it is. Broken files are in the report.
    Raises UsageError if the folder holds no slice.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]{0,31}", origin):
        raise UsageError("--origin", origin, "a word of lower-case letters and digits")
    found = _slices_in(folder)
    for name in channels or ():
        if canonical_channel(name) not in _KNOWN:
            raise UsageError.not_among("--channels", name, _KNOWN)
    wire = None if channels is None else tuple(CHANNELS.get(name, name) for name in channels)
    request = Request(exchange, origin, wire, tuple(instruments) if instruments else None)
    door, report = Door(data, exchange), AdoptReport()
    with holding(data):
        durable.clear(door.drafts)
        door.open(request)
        for day, minutes in found.items():
            slices = door.day(request, day)
            for minute, path in minutes.items():
                _adopt_one(slices, minute, path, report)
            slices.save()
    return report


def _adopt_one(slices: DayOfSlices, minute: int, path: Path, report: AdoptReport) -> None:
    if minute in slices.slices:
        report.there += 1
        return
    with durable.writing(slices.folder):
        draft = durable.new_draft(slices.drafts)
        try:
            shutil.copyfile(path, draft)
            slices.commit(minute, draft)
            report.adopted += 1
        except SliceCorrupt as error:
            report.corrupt[str(path)] = error.reason
        finally:
            draft.unlink(missing_ok=True)


def _slices_in(folder: Path) -> dict[date, dict[int, Path]]:
    """Return a folder's slices by day and minute, in order."""
    found: dict[date, dict[int, Path]] = {}
    if any(folder.glob(f"[0-9][0-9][0-9][0-9]/*/*/*/*{THINNED}")):
        raise UsageError("DIR", str(folder), "slices as they arrived: some of these were thinned")
    for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]/*/*/*/*.json.gz")):
        at = parse_minute_path(path.relative_to(folder).as_posix())
        if at and path.is_file():
            found.setdefault(at[0], {})[at[1]] = path
    if not found:
        deeper = folder.glob("**/[0-9][0-9][0-9][0-9]/*/*/*/[0-9][0-9].json.gz")
        nearest = next((f", for example {path.parents[4]}" for path in sorted(deeper)), "")
        would_work = f"a folder that holds YYYY/MM/DD/HH/MM.json.gz{nearest}"
        raise UsageError("DIR", str(folder), would_work)
    return found
