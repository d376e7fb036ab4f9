"""All checks of sql/checks on an instrument and a range: how many bad rows, and the first of them.

What the first seven find is in the recording, which the lake keeps as it was received and labels.
What the last three find is the lake's own fault: it disagrees with itself, and can be made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import LakeInconsistent, QueryRefused, UsageError
from pipeline.query import rows_of
from pipeline.times import as_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    import duckdb

__all__ = ["CHECKS", "CheckResult", "raise_if_inconsistent", "run_checks"]

_OF_THE_RECORDING: Final = (
    "crossed", "unsorted", "duplicates", "missed", "checksums", "clocks", "stale",
)  # fmt: skip
_OF_THE_LAKE: Final = ("keyframes", "catalogue", "rows")
CHECKS: Final = (*_OF_THE_RECORDING, *_OF_THE_LAKE)

_RANGE: Final = "check_{}($1, $2, $3)"
# Of days of all instruments: those that the range touches.
_DAYS: Final = "(from check_{} where $1 <> '' and date >= $2::date and date < $3)"
_COUNTED: Final = """with bad as materialized (from {})
select (select count(*) from bad), bad from bad order by all limit 1"""

_MESSAGES: Final = "select count(*) from depth_messages($1, $2, $3)"


@dataclass(frozen=True)
class CheckResult:
    """What a check found: how many bad rows, and the first of them by column.

    `unreadable` is why it could not be asked, in DuckDB's words: a file of the lake is damaged, or
    a day is of two versions, since an ingest was cut short.
    """

    check: str
    found: int = 0
    first: dict[str, Any] | None = None
    unreadable: str | None = None

    @property
    def is_inconsistent(self) -> bool:
        """Whether the lake disagrees with itself; what is in the recording is no such thing."""
        return self.unreadable is not None or (self.found > 0 and self.check in _OF_THE_LAKE)


def run_checks(
    lake: duckdb.DuckDBPyConnection, instrument: str, start: datetime, end: datetime
) -> Iterator[CheckResult]:
    """Yield what each check finds in [start, end), arrival clock, in the order of CHECKS.

    A time without an offset is UTC. Raises UsageError for an instrument that the lake does not
    have; and after the last check, where none found anything and there was no message to look at.
    """
    known = [name for (name,) in rows_of(lake, "select instrument from instruments order by all")]
    if instrument not in known:
        raise UsageError.not_among("instrument", instrument, known)
    asked = [instrument, *(as_utc(time).replace(tzinfo=None) for time in (start, end))]
    nothing_found = True
    for check in CHECKS:
        source = (_DAYS if check == "rows" else _RANGE).format(check)
        try:
            rows = rows_of(lake, _COUNTED.format(source), asked)
        except QueryRefused as error:
            nothing_found = False
            yield CheckResult(check, unreadable=error.words.splitlines()[0])
        else:
            nothing_found &= not rows
            yield CheckResult(check, *rows[0]) if rows else CheckResult(check)
    if nothing_found and rows_of(lake, _MESSAGES, asked) == [(0,)]:
        between = " to ".join(f"{as_utc(time):%Y-%m-%dT%H:%M:%SZ}" for time in (start, end))
        raise UsageError("range", between, "one in which the lake has a message: see `status`")


def raise_if_inconsistent(results: Iterable[CheckResult]) -> None:
    """Raise LakeInconsistent if any of the checks found that the lake disagrees with itself."""
    bad = {result.check: result.found for result in results if result.is_inconsistent}
    if bad:
        raise LakeInconsistent(bad)
