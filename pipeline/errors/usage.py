"""What whoever asks can mend: values, keys, queries, another run at work."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipeline.errors.root import PipelineError, shown, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = [
    "KeyOpensNothing",
    "KeyRequired",
    "LakeEmpty",
    "LockHeld",
    "QueryRefused",
    "Unfit",
    "UsageError",
]


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
        return cls(parameter, given, f"one of {some(near + rest)}" if names else "nothing: none")

    def __str__(self) -> str:
        return f"{self.parameter} was {shown(self.given)}; what would work: {self.would_work}"


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
            f"({some(self.paid_days)}), and none is set. Set the environment variable "
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
        return f"{many} wrong: {some(self.wrong)}; what to do stands beside each"


class LockHeld(PipelineError):
    """Another run holds the lock of this data folder."""

    exit_code = 75

    def __init__(self, path: Path | str, holder: str) -> None:
        self.path = path
        self.holder = holder
        super().__init__(path, holder)

    def __str__(self) -> str:
        return f"another run works on this data folder: {self.holder} (lock {self.path})"
