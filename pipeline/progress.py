"""How a long run shows that it goes on: what whoever calls it may give it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Progress", "Quiet"]


class Progress(AbstractContextManager["Progress"], Protocol):
    """Shows how a backfill goes on; made with the number of minutes to fetch.

    Called by two threads: the download's, and that of the ingest beside it.
    """

    def advance(self, size: int, *, arrived: bool) -> None:
        """One more minute is done: its bytes, and whether it arrived."""

    def ingested(self, day: date, done: int, total: int) -> None:
        """One more day is in the lake."""


class Quiet(Progress):
    """Shows nothing."""

    def __init__(self, minutes: int) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def advance(self, size: int, *, arrived: bool) -> None:
        """Show nothing of a minute."""

    def ingested(self, day: date, done: int, total: int) -> None:
        """Show nothing of a day."""
