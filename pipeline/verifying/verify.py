"""All checks of a lake, in order: files first, then what their rows say."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from pipeline.catalogue import Catalogue
from pipeline.day_sources import sources_of
from pipeline.errors import QueryRefused
from pipeline.lake import Lake
from pipeline.query import rows_of
from pipeline.slices import Door
from pipeline.verifying.choosing import choose_days, choose_minutes
from pipeline.verifying.counting import check_counts
from pipeline.verifying.files import check_partitions, check_slices
from pipeline.verifying.findings import Check, Difference, VerifyReport, unreadable
from pipeline.verifying.minutes import check_minutes, new_check
from pipeline.verifying.remaking import check_remade
from pipeline.verifying.replaying import check_books
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    import duckdb

__all__ = ["verify"]

_USED: Final = (
    "select slice, sha256, date from ingests where list_contains($1, date) order by slice"
)
# By default: days that are made again, and minutes of each that are read independently.
_DAYS: Final = 3
_MINUTES: Final = 6
_AT_ONCE: Final = 16


def verify(
    data: Path,
    exchange: str,
    *,
    days: Collection[date] | None = None,
    sample: int | None = _DAYS,
    minutes: int | None = _MINUTES,
    seed: int = 0,
    jobs: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> VerifyReport:
    """Hold a lake, or some days of it, against raw; the caller holds the lock.

    The bytes of every file are looked at. `sample` days are made again from raw, and of each some
    `minutes` by chance and the telling ones are read independently (None: all of them). What is
    wrong in the recording itself is no difference: the lake says what raw says.
    """
    catalogue, door, lake = (
        Catalogue(Lake(data, exchange)),
        Door(data, exchange),
        Lake(data, exchange),
    )
    there = sorted({*catalogue.rows["date"]} | set(map(date.fromisoformat, catalogue.days)))
    wanted = [day for day in there if days is None or day in days]
    chosen = choose_days(wanted, sample, seed)
    with connect(data, exchange) as connection:
        progress("slices")
        checks = [check_slices(door, wanted, _used(connection, wanted))]
        progress("partitions")
        checks.append(check_partitions(lake, wanted))
        checks.append(_check_sources(door, catalogue, wanted))
        of_days = [
            (name, day)
            for name, day in catalogue.rows.select("instrument", "date").iter_rows()
            if day in chosen
        ]
        progress("counts")
        checks.append(check_counts(connection, wanted, of_days))
        progress("books")
        checks.append(check_books(lake, of_days))
        checks.append(
            check_remade(data, exchange, chosen, jobs, lambda day: progress(f"{day} made again"))
        )
        found = new_check()
        for day in chosen:
            progress(f"{day} read by gzip and json")
            _check_minutes(found, door.root, connection, day, minutes, seed)
        checks.append(found)
    return VerifyReport(checks, seed, len(wanted))


def _used(
    connection: duckdb.DuckDBPyConnection, days: Sequence[date]
) -> dict[str, tuple[str, date]]:
    """Return the slices that days were made from, with their digests; none where that is unread."""
    try:
        rows = rows_of(connection, _USED, [list(days)])
    except QueryRefused:  # `partitions` names the file
        return {}
    return {name: (sha256, day) for name, sha256, day in rows}


def _check_sources(door: Door, catalogue: Catalogue, days: Sequence[date]) -> Check:
    check = Check(
        "sources",
        "the lake was made from the slices that are in raw now, by these columns",
        "what is in them",
        unit="days",
    )
    for day in days:
        sources = sources_of(door, day)
        if not sources.count():
            check.unprovable.append(f"{day}: raw has no whole slice of it any more")
            continue
        check.looked_at += 1
        if catalogue.source_of(day) != {sources.digest()}:
            check.differences.append(
                Difference(day, str(day), "it was made from other slices than raw has")
            )
    return check


def _check_minutes(
    check: Check,
    raw: Path,
    connection: duckdb.DuckDBPyConnection,
    day: date,
    count: int | None,
    seed: int,
) -> None:
    """Read chosen minutes of a day independently, some at a time: their rows are in memory."""
    try:
        chosen = choose_minutes(connection, day, count, seed)
        for first in range(0, len(chosen), _AT_ONCE):
            check_minutes(check, raw, connection, day, chosen[first : first + _AT_ONCE])
    except QueryRefused as error:
        check.differences.append(unreadable(day, error))
