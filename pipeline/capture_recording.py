"""What a capture keeps: the feed and REST's answers in raw, and the lake that follows them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import UsageError
from pipeline.live_lake import LiveLake
from pipeline.recording.minutes import Answers
from pipeline.recording.open_minute import Recording
from pipeline.recording.recorder import Recorder
from pipeline.slices import LIVE, REST, REST_CHANNELS, Door, Request
from pipeline.stamp import split_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.recording.arrival_clock import ArrivalClock
    from pipeline.sources.coinflex.address import Address

__all__ = ["Kept", "recording"]


class Kept(NamedTuple):
    """What keeps the feed, and REST's answers; and the lake that follows them, if one does.

    `last_heard` is when an earlier capture last heard the feed, in milliseconds, if one did.
    """

    feed: Recorder
    answers: Recorder
    lake: LiveLake | None
    last_heard: int | None


@contextmanager
def recording(
    data: Path,
    address: Address,
    channels: tuple[str, ...],
    symbols: tuple[str, ...] | None,
    clock: ArrivalClock,
    *,
    raw_only: bool,
) -> Iterator[Kept]:
    """Record what a site says while the block runs; `channels` as a subscription calls them.

    Raises UsageError if the exchange id stands for a feed of another host already.
    """
    exchange, host = address.exchange, address.host
    door = Door(data, exchange)
    _check_host(door, address)
    of_feed = Request(exchange, LIVE, channels, symbols, host)
    of_rest = Request(exchange, REST, REST_CHANNELS, None, host)
    with ExitStack() as stack:
        # Entered first, so that it is told of the last minute before it is left.
        lake = None if raw_only else stack.enter_context(LiveLake(data, exchange, host))
        answers = Recorder(
            Recording(door, of_rest), clock, minutes=Answers(),
            ended=lake.answers_are_over if lake else None,
        )  # fmt: skip
        feed = Recorder(
            Recording(door, of_feed), clock, ended=lake.minute_is_over if lake else None
        )
        stack.enter_context(answers)
        stack.enter_context(feed)
        # What an earlier capture left open has become slices by now.
        yield Kept(feed, answers, lake, _last_heard(door, host))


def _last_heard(door: Door, host: str) -> int | None:
    """Return when the last line of a host's feed arrived, in milliseconds, if any was recorded."""
    times = []
    for request in door.requests():
        if (request.origin, request.host) == (LIVE, host):
            for day in door.days(request)[-1:]:
                last = [of.last for of in door.day(request, day).slices.values() if of.last]
                times += [split_line(f"{stamp} ".encode())[0] // 1000 for stamp in last]
    return max(times, default=None)


def _check_host(door: Door, address: Address) -> None:
    for known in door.requests():
        if known.host not in (None, address.host):
            raise UsageError(
                "exchange", address.exchange,
                f"--exchange with another id: this one has recordings of {known.source}, and "
                f"{address.host} may show other books",
            )  # fmt: skip
