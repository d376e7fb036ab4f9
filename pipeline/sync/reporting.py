"""A run and its report: begun before anything is done, ended however that ends."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.errors import (
    LakeUnwritable,
    MinutesLacking,
    PipelineError,
    RawDropped,
    ServiceUnreachable,
)
from pipeline.redaction import Redaction
from pipeline.sync.runs import DONE, FAILED, INTERRUPTED, LACKING, Run, Runs, unwritten
from pipeline.sync.textfile import write_textfile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline.config import Settings

__all__ = ["Reported", "reported"]

log = logging.getLogger(__name__)

_INTERRUPTED: Final = 130
_OTHERS: Final = 1


@dataclass
class Reported:
    """A run at work, and what it could not do though it came to its end, if anything."""

    run: Run
    failure: PipelineError | None = None


@contextmanager
def reported(
    settings: Settings, command: str, now: datetime, textfile: str = ""
) -> Iterator[Reported]:
    """Give the block a run whose report is in `runs/`; what it raises, or says, is how it ended.

    Prometheus is told too, if there is a file for it: also where not even a report could be begun.
    The caller holds the lock. Raises LakeUnwritable where that is so.
    """
    runs = Runs(settings.data)
    try:
        run = runs.begin(command, settings.exchange, now)
    except LakeUnwritable as error:
        _tell(textfile, unwritten(command, settings.exchange, now, error.exit_code))
        raise
    hide = Redaction(settings.secrets).text
    it = Reported(run)
    try:
        yield it
    except BaseException as error:
        runs.end(run, *_how_it_ended(error), hide(str(error) or type(error).__name__))
        raise
    else:
        outcome, code = _how_it_ended(it.failure) if it.failure else (DONE, 0)
        runs.end(run, outcome, code, hide(str(it.failure)) if it.failure else None)
    finally:
        _tell(textfile, run)


def _how_it_ended(error: BaseException) -> tuple[str, int]:
    """Return the outcome that an error is, and the exit code."""
    if isinstance(error, MinutesLacking | RawDropped | ServiceUnreachable):
        return LACKING, error.exit_code
    if isinstance(error, PipelineError):
        return FAILED, error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, _INTERRUPTED
    return FAILED, _OTHERS


def _tell(textfile: str, run: Run) -> None:
    """Write the file for Prometheus; that it can't be written is no reason to fail."""
    if textfile:
        try:
            write_textfile(Path(textfile), run)
        except LakeUnwritable as error:
            log.warning("the file for Prometheus: %s", error)
