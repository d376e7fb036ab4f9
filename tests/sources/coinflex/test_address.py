from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import LiveSettings, Settings
from pipeline.errors import UsageError
from pipeline.sources.coinflex.address import address_of
from pipeline.sources.coinflex.dialects import DIALECTS

SITES = ("live", "test")


def settings(exchange: str = "coinflex", **live: str | None) -> Settings:
    """Return settings for an exchange."""
    return Settings(exchange=exchange, live=replace(LiveSettings(), **live))  # type: ignore[arg-type]


def test_documented_addresses() -> None:
    """CoinFLEX US, unless told otherwise: as its documentation has them."""
    live, test = (address_of(settings(site=site)) for site in SITES)
    assert (live.websocket, live.rest) == (
        "wss://api.coinflex.us/v1/websocket",
        "https://api.coinflex.us",
    )
    assert (test.websocket, test.rest) == (
        "wss://stgapi.coinflex.us/v1/websocket",
        "https://stgapi.coinflex.us",
    )
    assert (live.host, live.exchange) == ("api.coinflex.us", "coinflex")
    assert (test.host, test.exchange) == ("stgapi.coinflex.us", "coinflex-test")


@pytest.mark.parametrize(
    ("dialect", "depth"), [("us", "depth"), ("v2", "futures/depth"), ("opnx", "depth")]
)
def test_dialects(dialect: str, depth: str) -> None:
    """Each member of the family is reached at hosts of its own, and names its depth itself."""
    address = address_of(settings(dialect=dialect))
    assert address.dialect.channel("depth") == depth
    assert address.dialect.channel("trade") == "trade"
    assert address.websocket.startswith(f"wss://{address.host}/")


def test_no_host_is_both_live_and_test() -> None:
    """And no two members share one."""
    hosts = [address_of(settings(dialect=d, site=site)).host for d in DIALECTS for site in SITES]
    assert len({*hosts}) == 2 * len(DIALECTS)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}(-test){0,2}", fullmatch=True), st.data())
def test_live_and_test_never_share_an_id(name: str, data: st.DataObject) -> None:
    """Whatever ids two users choose, what a test site says never stands beside a market's data."""
    other = data.draw(st.sampled_from([name, f"{name}-test", name.removesuffix("-test"), "a"]))
    test = address_of(settings(other or "a", site="test")).exchange
    assert test.endswith("-test")
    if name.endswith("-test"):
        with pytest.raises(UsageError, match=r"^exchange was .*--site test"):
            address_of(settings(name))
    else:
        assert address_of(settings(name)).exchange == name != test


def test_an_id_of_the_test_site_stays_as_it_is() -> None:
    """Who says -test already means the same."""
    assert address_of(settings("coinflex-test", site="test")).exchange == "coinflex-test"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["websocket", "rest"])
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("spelled", [str, str.upper, lambda host: f"{host}.", "{}:8443".format])
def test_a_host_of_the_other_site_is_refused(
    dialect: str, name: str, site: str, spelled: type[str]
) -> None:
    """Under --site live no host that is known for tests, of any member, and the reverse."""
    other = DIALECTS[dialect].site("live" if site == "test" else "test")
    host = other.rest.removeprefix("https://")
    url = getattr(other, name).replace(host, spelled(host))
    with pytest.raises(UsageError) as refusal:
        address_of(settings(site=site, **{name: url}))
    assert refusal.value.given == url
    assert refusal.value.parameter in {"COINFLEX_L2_WS_URL", "COINFLEX_L2_REST_URL"}
    assert "--site" in refusal.value.would_work


@pytest.mark.parametrize("site", SITES)
def test_an_address_of_ones_own_is_taken(site: str) -> None:
    """A loopback exchange may stand for either site; its id still says which."""
    mine = {"websocket": "ws://127.0.0.1:8000/v1/websocket", "rest": "http://127.0.0.1:8000"}
    address = address_of(settings("trial", site=site, **mine))
    assert (address.websocket, address.rest) == (mine["websocket"], mine["rest"])
    assert address.host == "127.0.0.1"
    assert address.exchange == ("trial-test" if site == "test" else "trial")


def test_an_unknown_member_is_named() -> None:
    """With what would work."""
    with pytest.raises(UsageError, match=r"dialect was 'uss'; what would work: one of us, "):
        address_of(settings(dialect="uss"))
