"""A reader in a process of its own, who asks all the time: what it is told is true, or unknown."""

from __future__ import annotations

import sys
import traceback
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from pipeline.errors import LakeEmpty, PipelineError, QueryRefused
from pipeline.query import rows_of
from pipeline.views import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.connection import Connection
    from pathlib import Path

__all__ = ["Answers", "Reader", "answers", "reading"]

Answers = dict[tuple[str, str], list[tuple[Any, ...]]]

_PAUSE = 0.1  # seconds between its rounds; without, it takes a core from those it reads beside
_BOOK = "select side, level, price, amount from book_at($1, $2) order by side, level"


def answers(data: Path, questions: list[tuple[str, str]]) -> Answers:
    """Return the books of some instruments and times."""
    with connect(data) as connection:
        return {of: rows_of(connection, _BOOK, list(of)) for of in questions}


class Reader:
    """What a reader was told that was neither true nor unknown, and how much it asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.wrong: list[str] = []


@contextmanager
def reading(data: Path, truth: Answers) -> Iterator[Reader]:
    """Ask in another process while the block runs; a lake must be there."""
    context = get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=_ask, args=(str(data), truth, theirs))
    process.start()
    theirs.close()
    found = Reader()
    try:
        assert ours.recv() == "begun"
        yield found
        ours.send("enough")
        found.asked, found.wrong = ours.recv()
    finally:
        process.kill()
        process.join()
        ours.close()


def _ask(data: str, truth: Mapping[tuple[str, str], list[Any]], to: Connection) -> None:
    """Ask one after the other, and now and then with a new connection, until told to stop."""
    wrong: list[str] = []
    asked = 0
    to.send("begun")
    while not to.poll(_PAUSE):
        try:
            with connect(data) as connection:
                for question, book in truth.items():
                    found = rows_of(connection, _BOOK, list(question))
                    asked += 1
                    if found not in ([], book):
                        wrong.append(f"{question}: {found} instead of {book}")
        except (LakeEmpty, QueryRefused, PipelineError):
            continue  # of a lake that is not there, or is just replaced: said, not silently wrong
        except Exception:  # noqa: BLE001 - told to whoever compares
            wrong.append(traceback.format_exc())
    to.recv()
    to.send((asked, wrong[:3]))
    sys.stdout.flush()
