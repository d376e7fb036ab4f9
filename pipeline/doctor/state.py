"""Who works on the data folder, what its lake lacks, and what killed runs have left in it."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline.catalogue import Catalogue
from pipeline.doctor.finding import note, ok, wrong
from pipeline.errors import LakeEmpty, LakeForbidden, LakeOutdated, PipelineError
from pipeline.lake import Lake
from pipeline.lock import holder_of
from pipeline.schemas import SCHEMA_VERSION
from pipeline.slices import Door
from pipeline.status import status_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.doctor.finding import Finding

__all__ = ["facts_of", "state"]

log = logging.getLogger(__name__)


def facts_of(data: Path, exchange: str) -> dict[str, Any] | PipelineError:
    """Return the facts of `status`, or why there are none."""
    try:
        return status_of(data, exchange)
    except PipelineError as error:
        return error


def state(data: Path, exchange: str, facts: dict[str, Any] | PipelineError) -> Iterator[Finding]:
    """Yield what is found of locks, the lake, and what was left half done."""
    holder = holder_of(data)
    yield (
        ok("lock", "free")
        if holder is None
        else note(
            "lock", f"held by {holder}", "what writes the lake has to wait for it, or exits with 75"
        )
    )
    if isinstance(facts, PipelineError):
        yield wrong("lake", str(facts), "see there")
        return
    if facts["capture"]:
        running = str(facts["capture"]["state"])
        yield (ok if running.startswith("running") else note)("capture", running)
    yield _lake(data, exchange, facts)
    yield from _lacks(facts)
    if holder is None:
        yield from _leftovers(data, exchange)


def _lake(data: Path, exchange: str, facts: dict[str, Any]) -> Finding:
    catalogue = Catalogue(Lake(data, exchange))
    try:
        catalogue.check()
    except LakeEmpty as error:
        return note("lake", str(error))
    except (LakeOutdated, LakeForbidden) as error:
        return wrong("lake", str(error), "coinflex-l2 ingest")
    versions = set(catalogue.rows["schema_version"]) - {SCHEMA_VERSION}
    if versions:
        found = "some of its days were written by another version of this program"
        return wrong("lake", found, "coinflex-l2 ingest makes them anew, without downloading")
    there = f"{facts['first_day']} to {facts['last_day']}" if facts["days"] else "being recorded"
    found = f"{facts['days']} days of {exchange}, {there}, {facts['instruments']} instruments"
    return ok("lake", f"{found}, {facts['lake_bytes'] / 1e6:,.1f} MB")


def _lacks(facts: dict[str, Any]) -> Iterator[Finding]:
    """Yield what of raw is not in the lake, or not as it will be."""
    recorded = len(facts["days_in_parts"])
    if (behind := facts["days_not_ingested"] - recorded) > 0:
        yield note("days not ingested", f"{behind:,}", "coinflex-l2 ingest")
    if recorded:
        advice = "" if facts["capture"] else "coinflex-l2 ingest makes each one file"
        yield note("days in parts", f"{recorded:,}, as a capture has left them", advice)
    if conflicts := facts["days_in_conflict"]:
        found = f"{', '.join(conflicts)}: what was recorded live contradicts history"
        yield note("days in conflict", found, 'coinflex-l2 sql "from quarantine" says how')
    if refused := facts["lines_quarantined"]:
        yield note("quarantine", f"{refused:,} lines could not be read",
                   'coinflex-l2 sql "from quarantine"')  # fmt: skip


def _leftovers(data: Path, exchange: str) -> Iterator[Finding]:
    """Yield what killed runs have left half written; it is in nobody's way."""
    for drafts in (Door(data, exchange).drafts, Lake(data, exchange).drafts):
        with suppress(OSError):
            count = sum(1 for _ in drafts.iterdir())
            if count:
                found = f"{count:,} in {drafts}, of a run that was killed"
                yield note("half written", found, "the next run removes it")
