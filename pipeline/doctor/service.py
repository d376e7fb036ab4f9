"""What is set, what the key opens, whether the services answer, and what time it is there.

Each service is asked once: a diagnosis is to come at once, a run tries for longer.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from pipeline.config import KEY_VARIABLES
from pipeline.doctor.finding import note, ok, wrong
from pipeline.errors import UsageError
from pipeline.sources.coinflex.address import address_of
from pipeline.sources.reaching import reach
from pipeline.sources.tardis_http import Answer, NoAnswer, TardisHttp, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config import Settings
    from pipeline.doctor.finding import Finding
    from pipeline.exchange_details import Access, Details
    from pipeline.sources.tardis_http import Clock

__all__ = ["clock_of", "key_without_asking", "services", "settings_in_force"]

_PATIENCE: Final = 10.0  # seconds for each answer
_FREE: Final = "the first day of each month is free without one"
# A clock before this day was never set: this program is younger.
_NOT_BEFORE: Final = datetime(2025, 1, 1, tzinfo=UTC)
_SET_THE_CLOCK: Final = "set this machine's clock, best by NTP: a capture stamps lines by it"
_CLOCK_OFF: Final = 5.0
_CLOCK_DRIFTS: Final = 1.0


def settings_in_force(settings: Settings) -> Iterator[Finding]:
    """Yield each setting that something has set, its value and by what; of secrets only by what."""
    for name, origin in sorted(settings.origins.items()):
        section, _, last = name.rpartition(".")
        of = getattr(settings, section) if section else settings
        secret = last in ("key", "secret")
        value = "set, and not shown" if secret else getattr(of, last)
        yield ok(f"setting {name}", f"{value} (by {origin})")
    yield ok("settings", f"{'all others' if settings.origins else 'all'} as by default")
    try:
        address_of(settings)
    except UsageError as error:
        yield note("capture", f"it would refuse to begin: {error}")


def key_without_asking(settings: Settings) -> Finding:
    """Return what is known of the key where nobody can be asked what it opens."""
    if settings.tardis.key:
        return note("key", f"set{_by(settings)}; what it opens was not asked")
    return _no_key()


def clock_of(clock: Clock | None) -> Finding:
    """Return whether this machine's clock is plausible, and as the service's, if that is known."""
    now = datetime.fromtimestamp(time.time(), UTC)
    if now < _NOT_BEFORE:
        found = f"{now:%Y-%m-%d}, which is before this program was made"
        return wrong("clock", found, _SET_THE_CLOCK)
    if clock is None:
        return note("clock", f"{now:%Y-%m-%dT%H:%M:%SZ}; nobody was asked whether that is right")
    which = "ahead of" if clock.ahead > 0 else "behind"
    off = abs(clock.ahead)
    found = f"{off:.1f} s {which} the service's, give or take {clock.accuracy:.1f} s"
    if off > _CLOCK_OFF + clock.accuracy:
        return wrong("clock", found, _SET_THE_CLOCK)
    if off > _CLOCK_DRIFTS + clock.accuracy:
        return note("clock", found, _SET_THE_CLOCK)
    return ok("clock", found)


async def services(settings: Settings) -> list[Finding]:
    """Return what is found of Tardis, the key, the clock, and the exchange itself."""
    quick = replace(settings.tardis, timeout=min(settings.tardis.timeout, _PATIENCE))
    (tardis, exchange) = await asyncio.gather(
        _tardis(replace(settings, tardis=quick)), _exchange(settings)
    )
    return [*tardis, *exchange]


async def _tardis(settings: Settings) -> list[Finding]:
    async with TardisHttp(settings.tardis, settings.exchange) as http:
        details, access, clock = await asyncio.gather(
            http.details(), http.key_info(), http.clock(), return_exceptions=True
        )
        for result in (details, access, clock):
            if isinstance(result, BaseException) and not isinstance(result, Answer | NoAnswer):
                raise result
        found = [_availability(settings, details)]
        if not isinstance(details, BaseException):
            found.append(await _files(http, settings, details))
    found.append(_key(settings, access))
    found.append(clock_of(None if isinstance(clock, BaseException) else clock))
    return found


def _availability(settings: Settings, details: Details | BaseException) -> Finding:
    where = settings.tardis.url
    if isinstance(details, BaseException):
        found = f"{where}: {details}"
        if isinstance(details, Answer) and not verdict(details, 0).retry:
            advice = "name another exchange with --exchange, or another address"
            return wrong("tardis", found, f"{advice} in COINFLEX_L2_TARDIS_URL")
        advice = "check the network, proxies, and COINFLEX_L2_TARDIS_URL if it is set"
        return wrong("tardis", found, advice, unreachable=True)
    to = details.available_to or "now"
    return ok(
        "tardis",
        f"{where}: {details.id} from {details.available_since} to {to}, "
        f"{len(details.available_symbols)} symbols, channels "
        f"{', '.join(details.available_channels)}, {len(details.incident_reports)} incidents",
    )


async def _files(http: TardisHttp, settings: Settings, details: Details) -> Finding:
    """Return whether the host of CSV files answers; that it lacks a file is an answer."""
    where = settings.tardis.datasets
    symbol = next((one.id for one in details.available_symbols), "none")
    since = datetime.fromisoformat(details.available_since).date()
    free = date(since.year + since.month // 12, since.month % 12 + 1, 1)
    try:
        await http.dataset("trades", free, symbol, 1)
    except Answer:
        return ok("tardis files", f"{where} answers")
    except NoAnswer as error:
        advice = "only doctor --real reads CSV files; nothing else needs them"
        return note("tardis files", f"{where}: {error}", advice)
    return ok("tardis files", f"{where} answers")


def _key(settings: Settings, access: list[Access] | BaseException) -> Finding:
    if not settings.tardis.key:
        return _no_key()
    what = f"set{_by(settings)}"
    advice = f"check the key in {' or '.join(KEY_VARIABLES)}; {_FREE}"
    if isinstance(access, Answer) and not verdict(access, 0).retry:
        return wrong("key", f"{what}; the service refuses it: {access}", advice)
    if isinstance(access, BaseException):
        return note("key", f"{what}; what it opens could not be asked: {access}")
    mine = [one for one in access if one.exchange == settings.exchange]
    if mine:
        return ok("key", f"{what}; it opens {'; '.join(map(_opened, mine))}")
    others = sorted({one.exchange for one in access})
    return wrong("key", f"{what}; it opens {', '.join(others) or 'nothing'}, "
                 f"not {settings.exchange}", advice)  # fmt: skip


def _opened(access: Access) -> str:
    symbols = f"{len(access.symbols)} symbols" if access.symbols else "all symbols"
    plan = " ".join(filter(None, (access.data_plan, access.access_type)))
    span = f"from {access.start or 'the first day'} to {access.to or 'now'}"
    return f"{access.exchange} {span}, {symbols}" + (f" ({plan})" if plan else "")


def _no_key() -> Finding:
    advice = f"for other days set {KEY_VARIABLES[0]}"
    return note("key", f"not set; {_FREE}", advice)


def _by(settings: Settings) -> str:
    origin = settings.origins.get("tardis.key")
    return f" by {origin}" if origin else ""


async def _exchange(settings: Settings) -> list[Finding]:
    """Return whether the exchange answers; one that has closed is worth a note, not more."""
    try:
        address = address_of(settings)
    except UsageError:
        return []  # said of the settings already
    reached = await reach(address, _PATIENCE)
    closed = "only capture needs it; CoinFLEX itself closed in 2023"
    found = []
    for name, where, error in (
        ("exchange REST", address.rest, reached.rest_error),
        ("exchange socket", address.websocket, reached.socket_error),
    ):
        if error is None:
            markets = f", {reached.markets} markets" if "REST" in name else ""
            found.append(ok(name, f"{where} answers{markets}"))
        else:
            found.append(note(name, f"{where}: {error}", closed))
    return found
