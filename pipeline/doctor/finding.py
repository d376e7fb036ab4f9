"""One thing that was looked at: what was found, whether it is as it should be, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["NOTE", "OK", "WRONG", "Finding", "note", "ok", "wrong"]

OK: Final = "ok"
# Worth to know; nothing that was asked for is kept from working by it.
NOTE: Final = "note"
WRONG: Final = "wrong"


@dataclass(frozen=True)
class Finding:
    """What came of one check: `advice` says what to do about it, if anything can be done.

    `unreachable` marks a service that gave no answer: nothing here is wrong, but nothing can be
    fetched either.
    """

    name: str
    verdict: str
    found: str
    advice: str = ""
    unreachable: bool = False

    @property
    def facts(self) -> dict[str, str]:
        """The finding as JSON has it."""
        facts = {"name": self.name, "verdict": self.verdict, "found": self.found}
        return facts | {"advice": self.advice}


def ok(name: str, found: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(name, OK, found)


def note(name: str, found: str, advice: str = "") -> Finding:
    """Return a finding to take note of."""
    return Finding(name, NOTE, found, advice)


def wrong(name: str, found: str, advice: str, *, unreachable: bool = False) -> Finding:
    """Return a finding that something is wrong."""
    return Finding(name, WRONG, found, advice, unreachable)
