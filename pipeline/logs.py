"""How a process logs: lines for people, or one JSON object a line for programs. Always on stderr.

Modules log by the standard library's `logging`, with facts in `extra`; what a line looks like is
decided here alone, for a run and for each process that it starts (`in_force` is what to hand on).
"""

from __future__ import annotations

import json
import logging
import math
import sys
import time
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pipeline.redaction import Redaction
from pipeline.visible import visible

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["CLEARED", "LogSetup", "begin", "in_force"]

# What a terminal takes for: to the line's first column, and nothing right of it.
CLEARED: Final = "\r\x1b[K"

_TEXT: Final = "%(asctime)sZ %(levelname)-7s %(name)s: %(message)s"
_SECONDS: Final = "%Y-%m-%d %H:%M:%S"
_OF_A_RECORD: Final = logging.LogRecord("", 0, "", 0, "", None, None).__dict__.keys() | {
    "message", "asctime", "taskName",
}  # fmt: skip


@dataclass(frozen=True)
class LogSetup:
    """How a process logs. It can be sent to another process.

    `verbosity` 1 is more of this package, 2 of libraries too. `over_line` says that a line is
    written again and again in the same place of the terminal; it is cleared for each line logged.
    """

    as_json: bool = False
    verbosity: int = 0
    over_line: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)


_in_force: list[LogSetup] = []


def in_force() -> LogSetup | None:
    """Return how this process logs; None if nobody has said."""
    return _in_force[-1] if _in_force else None


def begin(setup: LogSetup) -> None:
    """Let this process log so from now on."""
    _in_force[:] = [setup]
    handler = logging.StreamHandler(sys.stderr)
    redaction = Redaction(setup.secrets)
    handler.setFormatter(
        _Json(redaction) if setup.as_json else _Text(redaction, over_line=setup.over_line)
    )
    logging.basicConfig(
        level=logging.DEBUG if setup.verbosity > 1 else logging.WARNING, handlers=[handler]
    )
    logging.getLogger("pipeline").setLevel(logging.DEBUG if setup.verbosity else logging.INFO)
    if setup.as_json:
        logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught if setup.as_json else partial(_print_uncaught, redaction)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, at: TracebackType | None
) -> None:
    logging.getLogger(__name__).critical("%s", error, exc_info=(kind, error, at))


def _print_uncaught(
    redaction: Redaction,
    kind: type[BaseException],
    error: BaseException,
    at: TracebackType | None,
) -> None:
    text = redaction.text("".join(traceback.format_exception(kind, error, at)))
    sys.stderr.write(visible(text, "\n\t"))


class _Text(logging.Formatter):
    """Log lines in UTC: no secret is in them, nor what a terminal would obey, whoever wrote it."""

    converter = staticmethod(time.gmtime)

    def __init__(self, redaction: Redaction, *, over_line: bool) -> None:
        super().__init__(_TEXT, _SECONDS)
        self._redaction = redaction
        self._before = CLEARED if over_line else ""

    def format(self, record: logging.LogRecord) -> str:
        return self._before + visible(self._redaction.text(super().format(record)), "\n\t")


class _Json(logging.Formatter):
    """One object a line: time, level, logger, message, and the facts that were passed in `extra`.

    No secret can appear in it, neither as it is nor as JSON spells it.
    """

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        time_of = datetime.fromtimestamp(record.created, UTC)
        said = {
            "time": time_of.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        facts = {name: fact for name, fact in vars(record).items() if name not in _OF_A_RECORD}
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            facts["stack"] = self.formatStack(record.stack_info)
        # What a line always has goes over a fact of that name.
        return json.dumps(_finite(self._redaction.value(said | facts | said)))


def _finite(value: Any) -> Any:  # noqa: ANN401 - what JSON can hold
    """Return a value without NaN and infinities, for which JSON has no word."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value
