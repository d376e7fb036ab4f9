from __future__ import annotations

from pipeline.sources.flood import Flood


def test_what_a_minute_may_have() -> None:
    """So many frames and bytes, and the next minute as many again."""
    flood = Flood(frames=3, size=100)
    assert [flood.rises(10, 0.0) for _ in range(3)] == [None] * 3
    assert flood.rises(10, 59.9) == "more than 3 frames in a minute"
    assert flood.rises(90, 60.0) is None
    assert flood.rises(11, 61.0) == "more than 100 bytes in a minute"
    assert flood.rises(100, 120.0) is None


def test_all_markets_at_their_busiest_are_none() -> None:
    """Two hundred markets every 50 ms, with books of 10 KB."""
    flood = Flood()
    assert not any(flood.rises(10_000, n / 4_000) for n in range(4_000 * 60))
