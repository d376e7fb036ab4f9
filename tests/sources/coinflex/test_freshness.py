from __future__ import annotations

import pytest

from pipeline.sources.coinflex.freshness import STALE_AFTER, Freshness


def fresh(*subscriptions: str) -> Freshness:
    """Return what has expected these since 0; depth is stale after 15 s, tickers after 300 s."""
    found = Freshness(STALE_AFTER)
    for name in subscriptions:
        found.expect(name, 0.0)
    return found


def test_a_channel_is_stale_when_all_its_markets_are() -> None:
    """One market that fell silent is named; only when all have is the connection to blame."""
    found = fresh("depth:A", "depth:B")
    found.hear("depth", "A", 10.0)
    assert (found.silent(15.0), found.stale_channel(15.0)) == ([], None)
    assert (found.silent(20.0), found.stale_channel(20.0)) == (["depth:B"], None)
    assert found.stale_channel(25.5) == "depth"
    assert found.silent(25.5) == ["depth:A", "depth:B"]


def test_another_channel_does_not_hide_it() -> None:
    """Trades and tickers that still come do not make up for books that do not."""
    found = fresh("depth:A", "trade:A", "ticker:A")
    found.hear("trade", "A", 20.0)
    found.hear("ticker", "A", 20.0)
    assert found.stale_channel(20.0) == "depth"


def test_a_quiet_market_has_no_trades() -> None:
    """Trades are never missed, however long none comes."""
    found = fresh("trade:A")
    assert (found.silent(1e6), found.stale_channel(1e6)) == ([], None)


@pytest.mark.parametrize("subscribed", ["depth:A", "futures/depth:A"])
@pytest.mark.parametrize("table", ["depth", "futures/depth"])
def test_depth_is_heard_in_either_spelling(subscribed: str, table: str) -> None:
    """What is subscribed as depth may come as futures/depth, and the other way round."""
    found = fresh(subscribed)
    found.hear(table, "A", 20.0)
    assert found.stale_channel(21.0) is None
    assert found.silent(36.0) == ["depth:A"]


def test_only_what_was_expected_counts() -> None:
    """Messages of other markets, of other channels or of none keep nothing fresh."""
    found = fresh("depth:A")
    for table, market in (("depth", "B"), ("depth", None), ("depthL5", "A"), ("market", "A")):
        found.hear(table, market, 20.0)
    assert (found.silent(20.0), found.stale_channel(20.0)) == (["depth:A"], "depth")


def test_expecting_again_is_no_sign_of_life() -> None:
    """A second acknowledgement does not hide a silence."""
    found = fresh("depth:A")
    found.expect("depth:A", 14.0)
    assert found.stale_channel(16.0) == "depth"


def test_nothing_expected_is_never_stale() -> None:
    """A connection without subscriptions stands as long as it may, and is looked at at times."""
    assert fresh().stale_channel(1e6) is None
    assert fresh().next_check(7.0) > 7.0


def test_the_next_check_is_when_the_first_may_be_stale() -> None:
    """Neither earlier, nor in the past."""
    found = fresh("depth:A", "depth:B", "ticker:A", "trade:A")
    assert found.next_check(1.0) == 15.0
    found.hear("depth", "B", 12.0)
    assert found.next_check(12.0) == 27.0
    assert found.next_check(30.0) == 30.0
