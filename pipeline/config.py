"""Settings: flags over environment over TOML file over defaults.

Nothing else reads the environment.

data        COINFLEX_L2_DATA         where raw/, lake/ and the database file live; ./data
exchange    COINFLEX_L2_EXCHANGE     Tardis's id of the recording; coinflex
tardis.url  COINFLEX_L2_TARDIS_URL   base address without /v1
tardis.datasets_url  COINFLEX_L2_TARDIS_DATASETS_URL
                                     the same of its CSV files; beside any other url: that one
tardis.key  TARDIS_API_KEY, TARDIS_DEV_API_KEY or TM_API_KEY
live.dialect, live.site              which exchange of the family, live or test; us, live
live.websocket  COINFLEX_L2_WS_URL   whole address of the socket; the site's
live.rest   COINFLEX_L2_REST_URL     base address without a version; the site's
live.key, live.secret                COINFLEX_API_KEY, COINFLEX_API_SECRET
sync.…                               what `coinflex-l2 sync` wants, and within which bounds
retention.…                          what becomes of raw slices that are old
log_format  COINFLEX_L2_LOG_FORMAT   text or json; what suits the command
config      COINFLEX_L2_CONFIG       a TOML file: the keys of Settings, [tardis], [live], [sync] and
                                     [retention]
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "KEY_VARIABLES",
    "RETENTIONS",
    "LiveSettings",
    "RetentionSettings",
    "Settings",
    "SyncSettings",
    "TardisSettings",
]

KEY_VARIABLES: Final = ("TARDIS_API_KEY", "TARDIS_DEV_API_KEY", "TM_API_KEY")


_TARDIS: Final = "https://api.tardis.dev"
_TARDIS_DATASETS: Final = "https://datasets.tardis.dev"


@dataclass(frozen=True)
class TardisSettings:
    """How the Tardis service is reached. All waits are in seconds."""

    url: str = _TARDIS
    datasets_url: str | None = None
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

    @property
    def datasets(self) -> str:
        """The base address of CSV files: Tardis's own only beside its own address for slices.

        What was recorded by one service is never held against files of another.
        """
        return self.datasets_url or (_TARDIS_DATASETS if self.url == _TARDIS else self.url)


@dataclass(frozen=True)
class LiveSettings:
    """Which exchange is followed, and how it is reached. Its own addresses where none are given."""

    dialect: str = "us"
    site: str = "live"
    websocket: str | None = None
    rest: str | None = None
    # A read-only key does; it only lifts the limit of commands. Never shown, like Tardis's.
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SyncSettings:
    """What the scheduled job wants. In the TOML file `start` and `end` are called from and to.

    Names are comma-separated, empty for all. Without `start` the first day that Tardis has is the
    first one wanted, without `end` the last one that is over. `late_hours` after its end a day that
    lacks minutes is not late any more, but lacking. Days that were ingested are verified: all of
    their files, and one of them row for row.
    """

    start: str = ""
    end: str = ""
    instruments: str = ""
    channels: str = ""
    newest_first: bool = False
    max_minutes: float = math.inf
    max_requests: float = math.inf
    min_free_gb: float = 2.0
    late_hours: float = 24.0
    verify: bool = True
    keep_runs: int = 1000
    textfile: str = ""


RETENTIONS: Final = ("keep", "thin", "drop")


@dataclass(frozen=True)
class RetentionSettings:
    """What becomes of raw slices whose day has been over for `after_days`.

    `keep`: nothing. `thin`: the same lines are kept in zstd, which is a third smaller. `drop`: what
    Tardis could serve again is removed once its day was verified, the rest is thinned.
    """

    raw: str = "keep"
    after_days: int = 30


@dataclass(frozen=True)
class Settings:
    """What a run needs to know of its surroundings."""

    data: Path = Path("data")
    exchange: str = "coinflex"
    tardis: TardisSettings = TardisSettings()
    live: LiveSettings = LiveSettings()
    sync: SyncSettings = SyncSettings()
    retention: RetentionSettings = RetentionSettings()
    log_format: str | None = None
    # Setting → what has set it, as "tardis.key" → "TARDIS_API_KEY". Not itself a setting.
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def secrets(self) -> list[str]:
        """What is never to be shown."""
        known = (self.tardis.key, self.live.key, self.live.secret)
        return [secret for secret in known if secret]

    @classmethod
    def load(
        cls,
        *,
        data: Path | None = None,
        exchange: str | None = None,
        config: Path | None = None,
        site: str | None = None,
        dialect: str | None = None,
        log_format: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Settings:
        """Return the settings in force; raises UsageError for a value that can't be used."""
        environ = os.environ if environ is None else environ
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        file = config or given.get("COINFLEX_L2_CONFIG")
        tables = _read(Path(file)) if file else {name: {} for name in _SECTIONS}
        flags = {
            "": _known(data=data, exchange=exchange, log_format=log_format),
            "live": _known(site=site, dialect=dialect),
        }
        origins: dict[str, str] = {}
        for section, table in tables.items():
            told = dict.fromkeys(table, str(file))
            for name, several in _VARIABLES[section].items():
                if variable := next((one for one in several if one in given), None):
                    table[name], told[name] = given[variable], variable
            for name, value in flags.get(section, {}).items():
                table[name], told[name] = value, f"--{name.replace('_', '-')}"
            origins |= {f"{section}.{name}".lstrip("."): of for name, of in told.items()}
        return _checked(tables, origins)


# The tables of a TOML file: its top level, and those that have a name.
_SECTIONS: Final = {
    "": Settings, "tardis": TardisSettings, "live": LiveSettings, "sync": SyncSettings,
    "retention": RetentionSettings,
}  # fmt: skip
# What a key in a file is called that is a word of Python.
_CALLED: Final = {"from": "start", "to": "end"}
# Of each, by setting: the variables that set it, the first of them first.
_VARIABLES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "": {
        "data": ("COINFLEX_L2_DATA",),
        "exchange": ("COINFLEX_L2_EXCHANGE",),
        "log_format": ("COINFLEX_L2_LOG_FORMAT",),
    },
    "tardis": {
        "url": ("COINFLEX_L2_TARDIS_URL",),
        "datasets_url": ("COINFLEX_L2_TARDIS_DATASETS_URL",),
        "key": KEY_VARIABLES,
    },
    "live": {
        "websocket": ("COINFLEX_L2_WS_URL",),
        "rest": ("COINFLEX_L2_REST_URL",),
        "key": ("COINFLEX_API_KEY",),
        "secret": ("COINFLEX_API_SECRET",),
    },
    "sync": {},
    "retention": {},
}
_SECRET: Final = ("key", "secret")
_LOOPBACK: Final = r"(127\.\d+\.\d+\.\d+|localhost|\[::1\])"


def _known(**values: object) -> dict[str, Any]:
    """Return the values that were given."""
    return {name: value for name, value in values.items() if value is not None}


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the top level ("") and the tables of a TOML file, every key known."""
    try:
        top = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            "--config", str(path), f"a readable TOML file ({error.strerror})"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("--config", str(path), f"a TOML file ({error})") from None
    tables = {name: top.pop(name, {}) for name in _SECTIONS if name} | {"": top}
    for section, table in list(tables.items()):
        if not isinstance(table, dict):
            kind = type(table).__name__  # not its value, which may be a key in the wrong place
            raise UsageError(f"[{section}] in {path}", kind, "a table")
        of_python = {python: name for name, python in _CALLED.items()}
        settings = (one.name for one in fields(_SECTIONS[section]) if one.compare)
        names = [of_python.get(name, name) for name in settings]
        for name in table:
            if name not in names:
                raise UsageError.not_among(f"a key in {path}", name, names)
        tables[section] = {_CALLED.get(name, name): _plain(value) for name, value in table.items()}
    return tables


def _plain(value: object) -> object:
    """Return a value as a flag would have it: TOML has dates and times of its own."""
    return value.isoformat() if isinstance(value, date) else value


def _checked(tables: Mapping[str, dict[str, Any]], origins: Mapping[str, str]) -> Settings:
    """Return the settings with every value of its kind."""
    top, tardis, live, sync = (tables[name] for name in ("", "tardis", "live", "sync"))
    for section, settings in _SECTIONS.items():
        defaults = settings()
        for name, value in tables[section].items():
            _check_kind(name, value, getattr(defaults, name))
    for table in (tardis, live):
        for name in table.keys() & _SECRET:
            table[name] = _secret(name, table[name])
    retention = RetentionSettings(**tables["retention"])
    if retention.raw not in RETENTIONS:
        raise UsageError.not_among("[retention] raw", retention.raw, RETENTIONS)
    exchange = top.get("exchange", Settings.exchange)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", exchange):
        raise UsageError("exchange", exchange, "an id as Tardis spells it, for example coinflex")
    log_format = top.get("log_format")
    if log_format not in (None, "text", "json"):
        raise UsageError.not_among("log_format", log_format, ("text", "json"))
    for name in tardis.keys() & {"url", "datasets_url"}:
        tardis[name] = _base(_VARIABLES["tardis"][name][0], tardis[name])
    data = Path(top.get("data", Settings.data)).expanduser()
    return Settings(
        data,
        exchange,
        TardisSettings(**tardis),
        _checked_live(live),
        SyncSettings(**sync),
        retention,
        log_format=log_format,
        origins=origins,
    )


def _check_kind(name: str, value: object, default: object) -> None:
    kind = (
        (int, float)
        if isinstance(default, float)
        else (str, Path)
        if isinstance(default, Path)
        else (str,)
        if default is None
        else (type(default),)
    )
    if isinstance(value, bool) != isinstance(default, bool) or not isinstance(value, kind):
        shown = "a secret" if name in _SECRET else value
        raise UsageError(name, shown, f"a value like {default!r}")
    # nan too is not above 0
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not value > 0:
        raise UsageError(name, value, "a number above 0")


def _secret(name: str, value: str) -> str | None:
    """Return a key or secret; an empty one is none."""
    if not (value or "-").isprintable():
        raise UsageError(name, "a secret with a control character in it", "the key alone")
    return value or None


def _checked_live(live: dict[str, Any]) -> LiveSettings:
    if live.get("site", LiveSettings.site) not in ("live", "test"):
        raise UsageError.not_among("site", live["site"], ("live", "test"))
    for name, scheme in (("websocket", "ws"), ("rest", "http")):
        if name in live:
            live[name] = _address(_VARIABLES["live"][name][0], live[name], scheme)
    if bool(live.get("key")) != bool(live.get("secret")):
        have, lack = ("KEY", "SECRET") if live.get("key") else ("SECRET", "KEY")
        given = f"set, and COINFLEX_API_{lack} is not"
        raise UsageError(f"COINFLEX_API_{have}", given, "both, or neither")
    return LiveSettings(**live)


def _address(name: str, url: str, scheme: str) -> str:
    """Return an address without a trailing slash: encrypted, but on loopback."""
    secure = rf"{scheme}s://[^\s/?#@]+(/[^\s?#]*)?"
    if not re.fullmatch(rf"{secure}|{scheme}://{_LOOPBACK}(:\d+)?(/[^\s?#]*)?", url):
        path = "/v1/websocket" if scheme == "ws" else ""
        would_work = f"an address like {scheme}s://api.coinflex.us{path} "
        would_work += f"({scheme}:// on loopback only)"
        raise UsageError(name, _without_password(url), would_work)
    return url.rstrip("/")


def _base(name: str, url: str) -> str:
    """Return the service's address without a trailing slash or version."""
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        shown = _without_password(url)
        default = TardisSettings().datasets if name.endswith("DATASETS_URL") else _TARDIS
        raise UsageError(name, shown, f"an address like {default}")
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def _without_password(url: str) -> str:
    return re.sub(r"//[^/]*@", "//…@", url)
