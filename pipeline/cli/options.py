"""Options that every command takes, before or after its name, and what they mean together."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline import logs
from pipeline.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "as_json",
    "leave_retries_to_our_log",
    "names",
    "note_unusable_lake",
    "period_options",
    "settings",
    "shared_options",
]

log = logging.getLogger(__name__)

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep a value for the whole run; one given after the command's name wins."""
    given: dict[str, object] = context.find_root().ensure_object(dict)
    if value not in (None, False, 0):
        given[str(parameter.name)] = value


def shared_options(command: _Command) -> _Command:
    """Add the options that may stand before and after the name of a command."""
    path = click.Path(path_type=Path)
    for option in reversed((
        click.option("--data", type=path, metavar="DIR", help="Data folder (COINFLEX_L2_DATA). "
                     "Default: ./data", expose_value=False, callback=_remember),
        click.option("--exchange", metavar="ID", help="Tardis's id of the recording "
                     "(COINFLEX_L2_EXCHANGE). Default: coinflex", expose_value=False,
                     callback=_remember),
        click.option("--config", type=path, metavar="FILE", help="TOML file with settings; flags "
                     "go over environment, environment over file.", expose_value=False,
                     callback=_remember),
        click.option("-v", "--verbose", count=True, help="More in the log; -vv for libraries too.",
                     expose_value=False, callback=_remember),
        click.option("--json", "json_", is_flag=True, help="Print the result as JSON.",
                     expose_value=False, callback=_remember),
    )):  # fmt: skip
        command = option(command)
    return command


def period_options(*, required: bool) -> Callable[[_Command], _Command]:
    """Add --from and --to."""

    def add(command: _Command) -> _Command:
        command = click.option(
            "--to", "end", metavar="TIME", required=required, help="End, not included."
        )(command)
        return click.option(
            "--from", "start", metavar="TIME", required=required,
            help="Start: a date or a time, UTC unless it has an offset; as 2020-08-01T12:00.",
        )(command)  # fmt: skip

    return add


def names(text: str | None) -> list[str] | None:
    """Return the names in a comma-separated list, once each; None if none were given."""
    if text is None:
        return None
    found = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        raise click.UsageError("a list of names is empty; leave the option out to get all")
    return found


def settings(
    site: str | None = None,
    dialect: str | None = None,
    log_format: str | None = None,
    *,
    is_capture: bool = False,
) -> Settings:
    """Return the settings in force, and begin to log as they say.

    Where nothing says how, a capture without a terminal logs for programs, all else for people.
    """
    given = click.get_current_context().find_root().ensure_object(dict)
    found = Settings.load(
        data=given.get("data"),
        exchange=given.get("exchange"),
        config=given.get("config"),
        site=site,
        dialect=dialect,
        log_format=log_format,
    )
    on_terminal = sys.stderr.isatty()
    form = found.log_format or ("json" if is_capture and not on_terminal else "text")
    logs.begin(
        logs.LogSetup(
            as_json=form == "json",
            verbosity=given.get("verbose", 0),
            over_line=is_capture and on_terminal,
            secrets=tuple(found.secrets),
        )
    )
    return found


def note_unusable_lake(found: Settings) -> None:
    """Warn where there is no lake of this version: an answer of no rows is then no answer."""
    from pipeline.catalogue import Catalogue
    from pipeline.errors import LakeEmpty, LakeOutdated
    from pipeline.lake import Lake

    try:
        Catalogue(Lake(found.data, found.exchange)).check()
    except (LakeEmpty, LakeOutdated) as error:
        log.warning("%s", error)


def leave_retries_to_our_log() -> None:
    """Let stamina be silent: our log tells of retries with their reasons, its own may go to stdout.

    For commands that ask a service.
    """
    from stamina import instrumentation

    instrumentation.set_on_retry_hooks(())


def as_json() -> bool:
    """Say whether --json was given."""
    return bool(click.get_current_context().find_root().ensure_object(dict).get("json_"))
