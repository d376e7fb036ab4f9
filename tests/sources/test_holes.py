from __future__ import annotations

from pipeline.sources.holes import Hole, Holes
from pipeline.sources.live_state import LiveState
from tests.sources.loopback import Taken


def frame(ms: int | None) -> bytes:
    """Return a frame with data, of a time of the exchange's."""
    return b'{"table":"depth","data":[{"timestamp":"%d"}]}' % ms if ms else b'{"table":"depth"}'


class Played:
    """A feed that a test plays: what it tells its sink, and the phase that it is in."""

    def __init__(self, since: int | None = None) -> None:
        self.state = LiveState()
        self.taken = Taken()
        self.holes = Holes(self.taken, self.state, since)

    def data(self, ms: int | None, at: int = 0) -> None:
        """Receive data, as the feed does."""
        text = frame(ms)
        self.holes.line(text)
        self.state.last_frame["depth"] = text, at * 10_000

    def found(self) -> list[Hole]:
        """Return the holes since the last time."""
        return [self.holes.found.get_nowait() for _ in range(self.holes.found.qsize())]


def test_a_hole_lasts_until_all_subscriptions_stand() -> None:
    """From the last data before it, though some come before the rest is subscribed to."""
    played = Played()
    played.state.phase = "live"
    played.data(1000)
    played.data(2000)
    played.holes.disconnect()
    played.state.phase = "waiting"
    played.holes.disconnect()
    played.state.phase = "subscribing"
    played.holes.connect()
    played.holes.line(b'{"event":"Welcome","timestamp":"9999"}')
    played.data(5000)
    assert played.found() == []
    played.state.phase = "live"
    played.holes.disconnect()
    played.holes.connect()
    played.holes.line(b'{"event":"subscribe","timestamp":"9999"}')
    assert played.found() == []
    played.data(6000)
    played.data(7000)
    assert played.found() == [Hole(2000, 6000)]


def test_each_hole_is_found_once() -> None:
    """Frames that were left out, since the disk was slow, are a hole as any other."""
    played = Played()
    played.state.phase = "live"
    for start in (1000, 3000):
        played.data(start)
        played.holes.disconnect()
        played.holes.connect()
        played.data(start + 1000)
    assert played.found() == [Hole(1000, 2000), Hole(3000, 4000)]


def test_nothing_was_heard_before_the_first_frame() -> None:
    """Unless another process has heard the feed before."""
    for since, holes in ((None, []), (500, [Hole(500, 2000)])):
        played = Played(since)
        played.holes.disconnect()
        played.state.phase = "live"
        played.data(2000)
        assert played.found() == holes


def test_a_frame_without_a_time_counts_as_of_its_arrival() -> None:
    """Where a hole begins; it ends with one that has a time."""
    played = Played()
    played.state.phase = "live"
    played.data(None, at=1234)
    played.holes.disconnect()
    played.data(None)
    assert played.found() == []
    played.data(3000)
    assert played.found() == [Hole(1234, 3000)]


def test_everything_is_handed_on() -> None:
    """In order; the sink behind it says whether there is room."""
    played = Played()
    for tell in (played.holes.connect, played.holes.disconnect, played.holes.pass_time):
        tell()
    played.holes.line(b"x")
    alone = Taken()
    for tell in (alone.connect, alone.disconnect, alone.pass_time):
        tell()
    alone.line(b"x")
    assert played.taken.told == alone.told != []
    played.taken.is_full, played.taken.has_room = True, False
    assert (played.holes.is_full, played.holes.has_room) == (True, False)
