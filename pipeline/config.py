"""Settings: flags over environment over TOML file over defaults.

Nothing else reads the environment.

data        COINFLEX_L2_DATA         where raw/, lake/ and the database file live; ./data
exchange    COINFLEX_L2_EXCHANGE     Tardis's id of the recording; coinflex
tardis.url  COINFLEX_L2_TARDIS_URL   base address without /v1
tardis.key  TARDIS_API_KEY, TARDIS_DEV_API_KEY or TM_API_KEY
config      COINFLEX_L2_CONFIG       a TOML file with the keys of Settings and [tardis]
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KEY_VARIABLES", "Settings", "TardisSettings"]

KEY_VARIABLES: Final = ("TARDIS_API_KEY", "TARDIS_DEV_API_KEY", "TM_API_KEY")


@dataclass(frozen=True)
class TardisSettings:
    """How the Tardis service is reached. All waits are in seconds."""

    url: str = "https://api.tardis.dev"
    # Never shown: not in a repr, so neither in a log nor in a traceback.
    key: str | None = field(default=None, repr=False)
    # More than about 60 requests in flight do not help (Tardis's own advice).
    in_flight: int = 60
    attempts: int = 6
    timeout: float = 60.0
    retry_wait: float = 1.0
    retry_wait_max: float = 60.0
    # What Tardis asks of a client after a 429 that names no time of its own.
    rate_limit_wait: float = 60.0


@dataclass(frozen=True)
class Settings:
    """What a run needs to know of its surroundings."""

    data: Path = Path("data")
    exchange: str = "coinflex"
    tardis: TardisSettings = TardisSettings()

    @classmethod
    def load(
        cls,
        *,
        data: Path | None = None,
        exchange: str | None = None,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Settings:
        """Return the settings in force; raises UsageError for a value that can't be used."""
        environ = os.environ if environ is None else environ
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        file = config or given.get("COINFLEX_L2_CONFIG")
        top, tardis = _read(Path(file)) if file else ({}, {})
        top |= _known(
            data=given.get("COINFLEX_L2_DATA"), exchange=given.get("COINFLEX_L2_EXCHANGE")
        )
        top |= _known(data=data, exchange=exchange)
        key = next((given[name] for name in KEY_VARIABLES if name in given), None)
        tardis |= _known(url=given.get("COINFLEX_L2_TARDIS_URL"), key=key)
        return _checked(top, tardis)


def _known(**values: object) -> dict[str, Any]:
    """Return the values that were given."""
    return {name: value for name, value in values.items() if value is not None}


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the top level and the [tardis] table of a TOML file, every key known."""
    try:
        top = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            "--config", str(path), f"a readable TOML file ({error.strerror})"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("--config", str(path), f"a TOML file ({error})") from None
    tardis = top.pop("tardis", {})
    if not isinstance(tardis, dict):
        kind = type(tardis).__name__  # not its value, which may be a key in the wrong place
        raise UsageError(f"[tardis] in {path}", kind, "a table")
    for section, table in ((Settings, top), (TardisSettings, tardis)):
        names = [setting.name for setting in fields(section)]
        for name in table:
            if name not in names:
                raise UsageError.not_among(f"a key in {path}", name, names)
    return top, tardis


def _checked(top: dict[str, Any], tardis: dict[str, Any]) -> Settings:
    """Return the settings with every value of its kind."""
    for table, section in ((tardis, TardisSettings), (top, Settings)):
        defaults = section()
        for name, value in table.items():
            default = getattr(defaults, name)
            kind = (
                (int, float)
                if isinstance(default, float)
                else (str, Path)
                if isinstance(default, Path)
                else (str,)
                if default is None
                else type(default)
            )
            if isinstance(value, bool) or not isinstance(value, kind):
                shown = "a secret" if name == "key" else value
                raise UsageError(name, shown, f"a value like {default!r}")
            if isinstance(value, (int, float)) and not value > 0:  # nan too is not above 0
                raise UsageError(name, value, "a number above 0")
    tardis["key"] = tardis.get("key") or None  # an empty one is none
    if not (tardis["key"] or "-").isprintable():
        raise UsageError("key", "a secret with a control character in it", "the key alone")
    exchange = top.get("exchange", Settings.exchange)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", exchange):
        raise UsageError("exchange", exchange, "an id as Tardis spells it, for example coinflex")
    if "url" in tardis:
        tardis["url"] = _base(tardis["url"])
    data = Path(top.get("data", Settings.data)).expanduser()
    return Settings(data=data, exchange=exchange, tardis=TardisSettings(**tardis))


def _base(url: str) -> str:
    """Return the service's address without a trailing slash or version."""
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        shown = re.sub(r"//[^/]*@", "//…@", url)  # a password may stand before the @
        raise UsageError("COINFLEX_L2_TARDIS_URL", shown, "an address like https://api.tardis.dev")
    return url.rstrip("/").removesuffix("/v1").rstrip("/")
