"""What can go wrong, as facts; the sentence is built here, once.

    PipelineError            exit code
    ├── UsageError               1   a value that was given can't be used
    │   ├── KeyRequired          1   a paid day was asked for without a key
    │   ├── KeyOpensNothing      1   the key is of no use for this exchange
    │   ├── LakeEmpty            1   a question was asked where there is no lake yet
    │   └── QueryRefused         1   DuckDB does not take a query
    ├── Unfit                    1   a diagnosis found something wrong
    ├── ServiceRefused           1   the service's final no: 400, 401, 403, 404
    ├── ServiceUnreachable       3   the service gave no answer, however often it was asked
    ├── MinutesLacking           3   minutes that were asked for did not arrive
    ├── LakeError                2   the lake can't be written, or says other than raw
    │   ├── LakeUnwritable       2
    │   ├── DiskNearlyFull       2   a run stopped before the disk was full
    │   ├── LakeForbidden        2   there is no permission to read it
    │   ├── LakeDamaged          2   a partition can't be read
    │   ├── LakeOutdated         2   another version of this program wrote it
    │   ├── LakeDisagrees        2
    │   ├── LakeInconsistent     2   the lake disagrees with itself
    │   └── WorkerLost           2
    ├── SliceCorrupt             3   a file that should be a whole slice is none
    └── LockHeld                75   another run works on this data folder

Every error carries its facts as attributes. None carries a key.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "DiskNearlyFull",
    "KeyOpensNothing",
    "KeyRequired",
    "LakeDamaged",
    "LakeDisagrees",
    "LakeEmpty",
    "LakeError",
    "LakeForbidden",
    "LakeInconsistent",
    "LakeOutdated",
    "LakeUnwritable",
    "LockHeld",
    "MinutesLacking",
    "PipelineError",
    "QueryRefused",
    "ServiceRefused",
    "ServiceUnreachable",
    "SliceCorrupt",
    "Unfit",
    "UsageError",
    "WorkerLost",
]

# How many items a sentence names before it counts the rest.
_NAMED_AT_MOST = 8

# The answers of a service that a key, or another one, would change.
_NO_ACCESS = (401, 403)


class PipelineError(Exception):
    """The root: whatever this package raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(PipelineError):
    """A parameter's value can't be used; says what was given and what would have worked."""

    def __init__(self, parameter: str, given: object, would_work: str) -> None:
        self.parameter = parameter
        self.given = given
        self.would_work = would_work
        super().__init__(parameter, given, would_work)

    @classmethod
    def not_among(cls, parameter: str, given: str, known: Iterable[str]) -> UsageError:
        """Return the error for a name that is not among the known ones, nearest first."""
        names = sorted(known)
        folded: dict[str, list[str]] = {}
        for name in names:
            folded.setdefault(name.casefold(), []).append(name)
        close = get_close_matches(given.casefold(), folded, n=3, cutoff=0.5)
        near = [name for match in close for name in folded[match]]
        rest = [name for name in names if name not in near]
        return cls(parameter, given, f"one of {_some(near + rest)}" if names else "nothing: none")

    def __str__(self) -> str:
        return f"{self.parameter} was {_shown(self.given)}; what would work: {self.would_work}"


class KeyRequired(UsageError):
    """Days that are not free were asked for, and no key was given."""

    def __init__(self, paid_days: Sequence[str], variable: str) -> None:
        self.paid_days = list(paid_days)
        self.variable = variable
        super().__init__("API key", None, variable)
        self.args = (self.paid_days, variable)  # what a worker process hands the error back with

    def __str__(self) -> str:
        many = len(self.paid_days)
        return (
            f"{many} of the days asked for {'needs' if many == 1 else 'need'} a Tardis.dev API key "
            f"({_some(self.paid_days)}), and none is set. Set the environment variable "
            f"{self.variable}. The first day of each month is free without a key, "
            "for example --from 2020-08-01 --to 2020-08-02. Nothing was fetched."
        )


class KeyOpensNothing(UsageError):
    """The service says that the key which was given opens no day of the exchange."""

    def __init__(self, exchange: str, days: int) -> None:
        self.exchange = exchange
        self.days = days
        super().__init__("API key", None, "a key that opens the exchange")
        self.args = (exchange, days)

    def __str__(self) -> str:
        return (
            f"the Tardis.dev API key that is set opens no day of {self.exchange}: {self.days} days "
            "that are not free were left out. Check TARDIS_API_KEY, or unset it to have the free "
            "days alone."
        )


class LakeEmpty(UsageError):
    """A question was asked of a folder to which no run has written a lake of the exchange.

    `has_raw`: there are slices of it, which an ingest would bring in.
    """

    def __init__(self, data: Path | str, exchange: str, *, has_raw: bool = False) -> None:
        self.data = data
        self.exchange = exchange
        self.has_raw = has_raw
        super().__init__("--data", str(data), "a folder with a lake")
        self.args = (data, exchange)

    def __str__(self) -> str:
        if self.has_raw:
            return (
                f"there is nothing of {self.exchange} in the lake of {self.data} yet, but slices "
                "of it: run coinflex-l2 ingest (a running capture brings in each minute that is "
                "over by itself)"
            )
        return (
            f"there is nothing of {self.exchange} in the lake of {self.data} yet: run coinflex-l2 "
            "backfill first, or name another folder with --data or another exchange with --exchange"
        )


class QueryRefused(UsageError):
    """DuckDB does not take a query; in DuckDB's own words."""

    def __init__(self, query: str, words: str) -> None:
        self.query = query
        self.words = words
        super().__init__("QUERY", query, "a query that DuckDB takes")
        self.args = (query, words)

    def __str__(self) -> str:
        return f"DuckDB refuses the query: {self.words}"


class Unfit(PipelineError):
    """A diagnosis found something wrong with the machine, the settings or the data folder."""

    def __init__(self, wrong: Sequence[str]) -> None:
        self.wrong = list(wrong)
        super().__init__(self.wrong)

    def __str__(self) -> str:
        many = "1 thing is" if len(self.wrong) == 1 else f"{len(self.wrong)} things are"
        return f"{many} wrong: {_some(self.wrong)}; what to do stands beside each"


class ServiceRefused(PipelineError):
    """The service said no, and would say it again: its status, its own words, what may help.

    Without a hint it is Tardis that speaks, and where it speaks of access, its key may help.
    """

    def __init__(self, what: str, status: int, words: str, hint: str = "") -> None:
        self.what = what
        self.status = status
        self.words = words
        self.hint = hint
        super().__init__(what, status, words, hint)

    def __str__(self) -> str:
        key = "check the key in TARDIS_API_KEY and what it covers"
        hint = self.hint or (key if self.status in _NO_ACCESS else "")
        said = f"{self.what}: the service refused with {self.status}: {self.words}"
        return f"{said}; {hint}" if hint else said


class ServiceUnreachable(PipelineError):
    """The service did not answer, or not whole, on any of several attempts."""

    exit_code = 3

    def __init__(self, what: str, attempts: int, last: str) -> None:
        self.what = what
        self.attempts = attempts
        self.last = last
        super().__init__(what, attempts, last)

    def __str__(self) -> str:
        return (
            f"{self.what}: no whole answer after {self.attempts} attempts; the last: {self.last}. "
            "Check the network, and COINFLEX_L2_TARDIS_URL if it is set."
        )


class MinutesLacking(PipelineError):
    """Some minutes that were asked for are not there; those that arrived stay."""

    exit_code = 3

    def __init__(self, reasons: dict[str, str]) -> None:
        self.reasons = reasons
        super().__init__(reasons)

    def __str__(self) -> str:
        by_reason: dict[str, list[str]] = {}
        for minute, reason in self.reasons.items():
            by_reason.setdefault(reason, []).append(minute)
        parts = [f"{_some(minutes)} ({reason})" for reason, minutes in by_reason.items()]
        return (
            f"{_minutes_are(len(self.reasons))} lacking: {'; '.join(parts)}. What did arrive "
            "stays; run the same command again to fetch the rest."
        )


class LakeError(PipelineError):
    """The lake is not what it should be."""

    exit_code = 2


class LakeUnwritable(LakeError):
    """The data folder can't be written: disk full, no permission, read-only."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(path, reason)

    def __str__(self) -> str:
        return (
            f"can't write {self.path}: {self.reason}. What is there is whole; free space or "
            "give the permission, or name another folder with --data, and run it again."
        )


class DiskNearlyFull(LakeError):
    """A run stopped before the disk was full: bytes that are free, and that are to stay free."""

    def __init__(self, data: Path | str, free: int, least: int) -> None:
        self.data = data
        self.free = free
        self.least = least
        super().__init__(data, free, least)

    def __str__(self) -> str:
        return (
            f"the disk of {self.data} has {self.free / 1e9:.1f} GB left, less than the "
            f"{self.least / 1e9:.1f} GB that are to stay free (min_free_gb): the rest is left to "
            "do. What is there is whole; free space, and run it again."
        )


class LakeForbidden(LakeError):
    """There is no permission to read the lake."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        super().__init__(path)

    def __str__(self) -> str:
        return f"{self.path} can't be read: there is no permission to"


class LakeDamaged(LakeError):
    """A partition can't be read, or is not there though the catalogue counts it."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(path, reason)

    def __str__(self) -> str:
        return (
            f"{self.path} is damaged: {self.reason}. Raw slices are not touched by this; make the "
            "day again with: coinflex-l2 ingest --rebuild"
        )


class LakeOutdated(LakeError):
    """Days of the lake were written by another version of this program, with other columns."""

    def __init__(self, data: Path | str, days: str = "its days") -> None:
        self.data = data
        self.days = days
        super().__init__(data, days)

    def __str__(self) -> str:
        return (
            f"the lake of {self.data} has {self.days} as another version of this program wrote "
            "them; make them anew from the raw slices, without downloading: coinflex-l2 ingest"
        )


class LakeDisagrees(LakeError):
    """The lake says other than its raw slices."""

    def __init__(self, compared: int, different: int, first: str) -> None:
        self.compared = compared
        self.different = different
        self.first = first
        super().__init__(compared, different, first)

    def __str__(self) -> str:
        return (
            f"{self.different} of {self.compared} books differ from raw, the first: {self.first}. "
            "Rebuild with: coinflex-l2 ingest --rebuild"
        )


class LakeInconsistent(LakeError):
    """Checks found that the lake disagrees with itself: check → how many bad rows."""

    def __init__(self, bad: Mapping[str, int]) -> None:
        self.bad = dict(bad)
        super().__init__(self.bad)

    def __str__(self) -> str:
        found = ", ".join(
            f"{name} ({count:,} bad {'row' if count == 1 else 'rows'})"
            if count
            else f"{name} (unreadable)"
            for name, count in self.bad.items()
        )
        return (
            f"the lake disagrees with itself: {found}. Rebuild with: coinflex-l2 ingest --rebuild"
        )


class WorkerLost(LakeError):
    """A process that worked on a day was killed from outside."""

    def __str__(self) -> str:
        return (
            "a process that worked on a day was killed, perhaps because memory ran out. The days "
            "that were done are in the lake; run it again, with fewer --jobs for less memory."
        )


class SliceCorrupt(PipelineError):
    """A file with a slice's name is no whole slice; it counts as not fetched."""

    exit_code = 3

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(path, reason)

    def __str__(self) -> str:
        return f"{self.path} is no whole slice: {self.reason}"


class LockHeld(PipelineError):
    """Another run holds the lock of this data folder."""

    exit_code = 75

    def __init__(self, path: Path | str, holder: str) -> None:
        self.path = path
        self.holder = holder
        super().__init__(path, holder)

    def __str__(self) -> str:
        return f"another run works on this data folder: {self.holder} (lock {self.path})"


def _minutes_are(many: int) -> str:
    return "1 minute is" if many == 1 else f"{many} minutes are"


def _shown(given: object) -> str:
    """Return a value as a sentence shows it: quoted, and never longer than a line."""
    text = repr(given)
    return text if len(text) <= 100 else f"{text[:97]}…"  # noqa: PLR2004 - a line's width


def _some(items: Sequence[str]) -> str:
    """Return the first few items and how many more there are."""
    named = ", ".join(items[:_NAMED_AT_MOST])
    more = len(items) - _NAMED_AT_MOST
    return f"{named} and {more} more" if more > 0 else named
