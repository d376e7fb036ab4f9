"""Where the exchange is reached, and under which id its data stand: live and test never mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from pipeline.errors import UsageError
from pipeline.sources.coinflex.dialects import DIALECTS, Dialect

if TYPE_CHECKING:
    from pipeline.config import Settings

__all__ = ["Address", "address_of"]

_TEST: Final = "-test"


class Address(NamedTuple):
    """A site: its socket, its REST without a version, its host, and the exchange id of its data."""

    dialect: Dialect
    websocket: str
    rest: str
    host: str
    exchange: str


def address_of(settings: Settings) -> Address:
    """Return where the settings lead to.

    What the test site says is no market: it stands under an id of its own, which ends in -test,
    and nothing else does. Raises UsageError for an address of the other site.
    """
    live = settings.live
    dialect = DIALECTS.get(live.dialect)
    if dialect is None:
        raise UsageError.not_among("dialect", live.dialect, DIALECTS)
    site = dialect.site(live.site)
    websocket, rest = live.websocket or site.websocket, live.rest or site.rest
    other = "live" if live.site == "test" else "test"
    for name, url in (("COINFLEX_L2_WS_URL", websocket), ("COINFLEX_L2_REST_URL", rest)):
        if _host(url) in _hosts(other):
            raise UsageError(name, url, f"--site {other}, or an address of the {live.site} site")
    return Address(dialect, websocket, rest, _host(websocket), _exchange(settings))


def _exchange(settings: Settings) -> str:
    name = settings.exchange
    if settings.live.site == "test":
        return name if name.endswith(_TEST) else name + _TEST
    if name.endswith(_TEST):
        raise UsageError("exchange", name, f"--site test, or an id that does not end in {_TEST}")
    return name


def _hosts(site: str) -> set[str]:
    sites = [dialect.site(site) for dialect in DIALECTS.values()]
    return {_host(url) for of in sites for url in of}


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")  # with a dot at its end it is the same
