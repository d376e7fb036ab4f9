from __future__ import annotations

from pipeline.simulator.exchange.limits import Limits, Window


def test_window_slides() -> None:
    """A span is left as soon as it has passed; what was refused does not lie in it."""
    window = Window((2, 1.0))
    allowed = [window.allow(at) for at in (0.0, 0.5, 0.9, 1.0, 1.2, 1.5)]
    assert allowed == [True, True, False, True, False, True]


def test_all_spans_hold_together() -> None:
    """100 requests a second are allowed, until 2,500 in five minutes are reached."""
    window = Limits().requests()
    times = [second + n / 1000 for second in range(30) for n in range(101)]
    allowed = [at for at in times if window.allow(at)]
    assert len(allowed) == 2500
    assert sum(at < 1 for at in allowed) == 100
    assert max(allowed) < 26
    assert not window.allow(299.9)
    assert window.allow(300.0)
