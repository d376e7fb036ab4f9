from __future__ import annotations

from itertools import pairwise

from pipeline.recording.arrival_clock import ArrivalClock


class _Clocks:
    """A system's two clocks, in ns: the one that may be set, and the one that only goes on."""

    def __init__(self) -> None:
        self.utc = 1_600_000_000_000_000_000
        self.steady = 5

    def pass_time(self, seconds: float) -> None:
        """Let both go on."""
        self.utc += round(seconds * 1e9)
        self.steady += round(seconds * 1e9)


def _clock() -> tuple[ArrivalClock, _Clocks]:
    clocks = _Clocks()
    return ArrivalClock(lambda: clocks.utc, lambda: clocks.steady), clocks


def test_ticks_are_a_hundred_nanoseconds_utc() -> None:
    """As many digits as Tardis's recordings have."""
    clock, clocks = _clock()
    assert clock.ticks() == 16_000_000_000_000_000
    clocks.pass_time(0.000_000_1)
    assert clock.ticks() == 16_000_000_000_000_001


def test_a_clock_that_is_set_back_never_takes_arrivals_back() -> None:
    """They go on at half the speed, and meet the system's clock again."""
    clock, clocks = _clock()
    before = clock.ticks()
    clocks.utc -= 10_000_000_000
    seen = [before]
    for _ in range(30):
        clocks.pass_time(1)
        seen.append(clock.ticks())
    steps = [later - earlier for earlier, later in pairwise(seen)]
    assert set(steps[:19]) == {5_000_000}
    assert set(steps[21:]) == {10_000_000}
    assert seen[-1] * 100 == clocks.utc


def test_a_clock_that_is_set_forward_is_followed() -> None:
    """The system knows the time better than who came before it."""
    clock, clocks = _clock()
    clock.ticks()
    clocks.utc += 3_600_000_000_000
    assert clock.ticks() * 100 == clocks.utc
