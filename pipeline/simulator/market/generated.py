"""The feed of a generated exchange: what its markets say, in order, all of it from a seed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.simulator.feed import Event, Market
from pipeline.simulator.market.agents import OrderFlow
from pipeline.simulator.market.instruments import default_markets
from pipeline.simulator.market.last_day import LastDay
from pipeline.simulator.market.wire import Wire, check_era, first_sequence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.simulator.market.instruments import MarketSpec
    from pipeline.simulator.market.wire import Era

__all__ = ["GeneratedFeed"]

_SECOND: Final = 1_000_000  # times are whole microseconds since the feed began
_ENDLESS: Final = 1 << 63
_MOST_BOOKS: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_START: Final = datetime(2022, 1, 1, tzinfo=UTC)
_LISTED_BEFORE: Final = timedelta(days=365)
# A market's engine had been up for so many seconds when the feed began.
_UP_AT_LEAST, _UP_BEYOND = 1000, 9000
_FIRST_TRADE_ID: Final = 10**17
_TRADE_IDS_A_MARKET: Final = 10**12
_SEEDS: Final = 1 << 53  # as many as `random()` has values


class _Plan(NamedTuple):
    """What a feed was asked for; times are microseconds, `start` since 1970."""

    specs: tuple[MarketSpec, ...]
    start: int
    end: int
    books_per_second: int
    levels: int
    era: Era
    checksums: bool


class GeneratedFeed:
    """Markets made from a seed: the same seed and settings give the same events, on any machine.

    `markets` is how many of the default ones, or which. The feed lasts `seconds`, the end
    excluded; None: it never ends. `start` is the exchange's clock at the first event; a time with
    a zone. Each market says its whole book `books_per_second` times a second, `levels` a side,
    the markets taking turns; each trade when it happens, one message a trade, also where one taker
    makes several; and a ticker each second, once it has traded. `checksums` false leaves them 0.

    A market's events depend on the seed, on its own specification and on its place in `markets`,
    not on the other markets, but for the moments of its turns. ValueError for what can't be played.
    """

    def __init__(
        self,
        seed: int,
        *,
        markets: int | Sequence[MarketSpec] = 2,
        seconds: float | None = None,
        start: datetime = _START,
        books_per_second: int = 20,
        levels: int = 100,
        era: Era = "us-v1",
        checksums: bool = True,
    ) -> None:
        check_era(era)
        if start.tzinfo is None:
            raise ValueError(f"start was {start}; what would work: a time with a time zone")
        _check_range("books_per_second", books_per_second, _MOST_BOOKS)
        _check_range("levels", levels, None)
        specs = tuple(default_markets(markets) if isinstance(markets, int) else markets)
        _check_codes([spec.code for spec in specs])
        self._seed = seed
        self._plan = _Plan(
            specs=specs,
            start=(start - _EPOCH) // timedelta(microseconds=1),
            end=_ENDLESS if seconds is None else round(seconds * _SECOND),
            books_per_second=books_per_second,
            levels=levels,
            era=era,
            checksums=checksums,
        )

    @property
    def markets(self) -> Sequence[Market]:
        """The markets as the exchange lists them."""
        listed = self._plan.start // 1000 - _LISTED_BEFORE // timedelta(milliseconds=1)
        return [
            Market(spec.code, spec.tick_size, spec.lot_size, spec.type, listed)
            for spec in self._plan.specs
        ]

    def events(self) -> Iterator[Event]:
        """Begin anew, and yield every event in order of `at`; of equal ones in order of markets."""
        parent = random.Random(self._seed)  # noqa: S311 - a market, not a secret
        seeds = [int(_SEEDS * parent.random()) for _ in self._plan.specs]
        engines = [_Engine(self._plan, place, seed) for place, seed in enumerate(seeds)]
        return merge(*[engine.events() for engine in engines], key=itemgetter(0))


class _Engine:
    """One market: its order flow, its counters, and when it says what."""

    def __init__(self, plan: _Plan, place: int, seed: int) -> None:
        spec = plan.specs[place]
        self._plan = plan
        self._code = spec.code
        self._draw = random.Random(seed).random  # noqa: S311 - as above
        up = _UP_AT_LEAST + int(_UP_BEYOND * self._draw())
        started = first_sequence(plan.era, plan.start // _SECOND - up)
        self._sequence = started + up * plan.books_per_second
        self._trade_id = _FIRST_TRADE_ID + place * _TRADE_IDS_A_MARKET
        self._flow = OrderFlow(spec, spec.levels or plan.levels, self._draw)
        self._wire = Wire(spec, plan.era, self._flow.book, checksums=plan.checksums)
        self._day = LastDay()
        self._phase = place * _SECOND // (plan.books_per_second * len(plan.specs))
        self._pause = round(_SECOND / spec.orders_per_second)
        self._next = self._phase + self._gap()

    def events(self) -> Iterator[Event]:
        """Yield the trades up to each book, the book, and each second a ticker."""
        end, a_second = self._plan.end, self._plan.books_per_second
        for number in count():
            due = self._phase + number * _SECOND // a_second
            yield from self._trades(min(due, end - 1))
            if due >= end:
                return
            yield self._event(due, "depth", self._depth(due))
            if number % a_second == 0:
                yield from self._ticker(due)

    def _trades(self, until: int) -> Iterator[Event]:
        """Let everybody act up to a time, included."""
        while self._next <= until:
            at = self._next
            self._next += self._gap()
            for fill in self._flow.act():
                self._trade_id += 1
                timestamp = self._timestamp(at)
                self._day.add(timestamp, fill.price, fill.lots)
                payload = self._wire.trade(fill, self._trade_id, timestamp)
                yield self._event(at, "trade", payload)

    def _depth(self, at: int) -> bytes:
        self._flow.settle()
        self._sequence += 1
        return self._wire.depth(self._sequence, self._timestamp(at))

    def _ticker(self, at: int) -> Iterator[Event]:
        """Nothing is said of a market that has not traded yet: it has no last price."""
        timestamp = self._timestamp(at)
        figures = self._day.figures(timestamp)
        if figures is not None:
            payload = self._wire.ticker(figures, self._flow.fair, timestamp)
            yield self._event(at, "ticker", payload)

    def _event(self, at: int, channel: str, payload: bytes) -> Event:
        return Event(at / _SECOND, channel, self._code, payload)

    def _timestamp(self, at: int) -> int:
        return (self._plan.start + at) // 1000

    def _gap(self) -> int:
        """Draw the time to the next order: a quarter to two and a half times the mean."""
        drawn = self._draw()
        return self._pause // 4 + int(self._pause * 2.25 * drawn * drawn)


def _check_range(name: str, given: int, most: int | None) -> None:
    if given < 1 or (most is not None and given > most):
        limit = "1 or more" if most is None else f"1 to {most}"
        raise ValueError(f"{name} was {given}; what would work: {limit}")


def _check_codes(codes: Sequence[str]) -> None:
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice or not codes:
        given = f"named {', '.join(twice)} twice" if twice else "none"
        raise ValueError(f"markets were {given}; what would work: one or more, each with its code")
