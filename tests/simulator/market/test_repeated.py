from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import pytest

from pipeline.normalize.coinflex import Books, decode
from pipeline.simulator.market import GeneratedFeed, RepeatedFeed
from tests.simulator.market.told import by_market, item, levels

if TYPE_CHECKING:
    from pipeline.simulator.market.wire import Era

START = datetime(2022, 10, 11, tzinfo=UTC)
ERAS: list[Era] = ["us-v1", "2020", "2022-10"]


@pytest.mark.parametrize("era", ERAS)
def test_the_first_cycle_is_the_feed_itself(era: Era) -> None:
    """Not a byte differs; and a feed that never ends can be repeated too."""
    events = list(GeneratedFeed(7, markets=3, seconds=2, levels=10, era=era).events())
    endless = RepeatedFeed(GeneratedFeed(7, markets=3, levels=10, era=era), 2)
    assert list(islice(endless.events(), len(events))) == events
    assert list(islice(endless.events(), len(events))) == events, "it begins anew at each call"


@pytest.mark.parametrize("era", ERAS)
def test_a_seam_is_no_gap(era: Era) -> None:
    """Sequence numbers and trade ids go on by one, clocks run on, over three seams."""
    feed = GeneratedFeed(7, markets=3, seconds=2, levels=10, era=era, start=START)
    many = sum(1 for _ in feed.events())
    events = list(islice(RepeatedFeed(feed, 2).events(), 4 * many))
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert events[3 * many].at == 6
    for event in events:
        assert (
            int(item(event)["timestamp"])
            == START.timestamp() * 1000 + round(event.at * 1e6) // 1000
        )
    for channel, counter in (("depth", "seqNum"), ("trade", "tradeId")):
        for told in by_market(events, channel).values():
            numbers = [int(item(event)[counter]) for event in told]
            assert {after - before for before, after in pairwise(numbers)} == {1}


def test_each_cycle_has_the_same_books_and_its_checksums_hold() -> None:
    """A checksum covers levels alone, so that it need not be computed again."""
    feed = GeneratedFeed(7, markets=2, seconds=1, levels=10, era="2022-10")
    many = sum(1 for _ in feed.events())
    events = list(islice(RepeatedFeed(feed, 1).events(), 3 * many))
    for first, again in zip(events[:many], events[2 * many :], strict=True):
        assert (first.channel, first.market) == (again.channel, again.market)
        if first.channel == "depth":
            assert [levels(first, s) for s in ("asks", "bids")] == [
                levels(again, s) for s in ("asks", "bids")
            ]
            message = decode(again.payload)
            assert isinstance(message, Books)
            assert message.items[0].checksum_status == "ok"


def test_its_markets_are_those_of_the_feed() -> None:
    """Whoever lists them sees no difference."""
    feed = GeneratedFeed(7, markets=3, levels=10)
    assert RepeatedFeed(feed, 1).markets == feed.markets


def test_nothing_can_t_be_repeated() -> None:
    """It would be a loop that never says anything."""
    with pytest.raises(ValueError, match="in which nothing happens"):
        RepeatedFeed(GeneratedFeed(7, levels=10), 0)
