"""What did not come, or not whole."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.errors.root import PipelineError, some

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

__all__ = ["MinutesLacking", "RawDropped", "ServiceRefused", "ServiceUnreachable", "SliceCorrupt"]

# The answers of a service that a key, or another one, would change.
_NO_ACCESS = (401, 403)


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
        attempts = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return (
            f"{self.what}: no whole answer after {attempts}; the last: {self.last}. "
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
        parts = [f"{some(minutes)} ({reason})" for reason, minutes in by_reason.items()]
        return (
            f"{_minutes_are(len(self.reasons))} lacking: {'; '.join(parts)}. What did arrive "
            "stays; run the same command again to fetch the rest."
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


class RawDropped(PipelineError):
    """Days would have to be made again, but slices of them were dropped; they stay as they are."""

    exit_code = 3

    def __init__(self, days: list[date]) -> None:
        self.days = sorted(days)
        super().__init__(self.days)

    def __str__(self) -> str:
        first, last = self.days[0], self.days[-1]
        are = "is" if len(self.days) == 1 else "are"
        return (
            f"{some([day.isoformat() for day in self.days])} {are} to be made again, and raw of it "
            "was dropped; the lake is left as it is. Fetch it again with: coinflex-l2 backfill "
            f"--from {first} --to {last + timedelta(1)} --dropped"
        )


def _minutes_are(many: int) -> str:
    return "1 minute is" if many == 1 else f"{many} minutes are"
