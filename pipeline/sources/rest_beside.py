"""What is asked of REST beside a feed, and recorded: what the feed does not say, or did not.

markets   every minute; recorded where a definition differs from the last recorded one
depth     of each market in turn, while no connection stands: its best levels
trades    of a hole in the feed, once that is back: page by page, from the newest on

An answer is recorded as it came, with its question (answer_line.py). Where there is none, or an
error, the feed goes on, and what may pass is asked again, after pauses that grow.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pipeline.answer_line import DEPTH, MARKETS, TRADES, wrapped
from pipeline.recording.arrival_clock import TICKS_PER_MINUTE
from pipeline.sources.live_retry import Pauses
from pipeline.sources.rest import BETWEEN_REQUESTS, RestRefused, market_codes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.recording.arrival_clock import ArrivalClock
    from pipeline.sources.holes import Hole, Holes
    from pipeline.sources.intake import Sink
    from pipeline.sources.live_state import LiveState
    from pipeline.sources.rest import Rest

__all__ = ["Asked", "Beside", "RestTempo", "definitions"]

log = logging.getLogger(__name__)

_LEVEL: Final = 100  # the most that there is
_PAGE: Final = 300  # trades, likewise
_WEEK_MS: Final = 7 * 86_400_000  # the longest time that trades can be asked of
_AT_ONCE: Final = 4
_TURN: Final = 1.0
_LOOK: Final = 0.1  # seconds between two looks at whether a connection stands
_TICKS_PER_DAY: Final = 24 * 60 * TICKS_PER_MINUTE
# What moves all the time, and is no definition: the bounds follow the mark price.
_MOVING: Final = ("markPrice", "lastUpdatedAt", "upperPriceBound", "lowerPriceBound")


class _Matched(msgspec.Struct, rename="camel"):
    matched_at: int | str


class _Trades(msgspec.Struct):
    data: list[_Matched] | None = None


class _Listed(msgspec.Struct):
    data: list[dict[str, Any]]


_trades: Final = msgspec.json.Decoder(_Trades)
_listed: Final = msgspec.json.Decoder(_Listed)


@dataclass(frozen=True)
class RestTempo:
    """Waits, in seconds; `margin` is asked for before and after a hole, lest clocks differ."""

    between_requests: float = BETWEEN_REQUESTS
    between_depths: float = 1.0  # of one market
    margin: float = 5.0
    first_pause: float = 1.0  # before what went wrong is asked again; doubled each time
    longest_pause: float = 60.0
    steady: float = 60.0  # after so long without an error the next pause is a short one again


@dataclass
class Asked:
    """What REST was asked so far: answers that were recorded, by endpoint; holes that it filled."""

    answers: Counter[str] = field(default_factory=Counter)
    holes_filled: int = 0


class Beside:
    """Asks beside one feed: `recorder` takes the answers, `state` says how the feed is doing.

    `channels` are those of the feed that are recorded: depth is polled, and trades are fetched,
    in place of those alone.
    """

    def __init__(
        self,
        rest: Rest,
        recorder: Sink,
        state: LiveState,
        holes: Holes,
        *,
        channels: Iterable[str],
        clock: ArrivalClock,
        tempo: RestTempo,
    ) -> None:
        self.asked = Asked()
        self.rest = rest
        self._recorder = recorder
        self._state = state
        self._holes = holes
        self._channels = frozenset(channels)
        self._clock = clock
        self._tempo = tempo
        self._markets: list[str] = []
        self._refused: set[tuple[str, str]] = set()  # endpoint and market, for good
        self._known: tuple[int, list[Any]] | None = None  # day, and what was last recorded of it

    def want(self, markets: Iterable[str]) -> None:
        """Ask for these too from now on."""
        self._markets = list(dict.fromkeys([*self._markets, *markets]))

    async def markets(self) -> list[str]:
        """Return the markets that the exchange has; records them where a definition is another.

        And once a day, so that each day has them. Raises RestRefused.
        """
        text = await self.rest.get(MARKETS)
        codes = market_codes(text)
        known = self._clock.ticks() // _TICKS_PER_DAY, definitions(text)
        if known != self._known:
            self._record(MARKETS, {}, text)
            self._known = known
        return codes

    async def run(self) -> None:
        """Poll and fetch until cancelled; raises what the recorder does."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass_time())
            if "depth" in self._channels:
                group.create_task(self._poll_depth())
            if "trade" in self._channels:
                group.create_task(self._fetch_holes())

    def _record(self, endpoint: str, query: dict[str, str], text: bytes) -> None:
        self._recorder.line(wrapped(endpoint, query, text))
        self.asked.answers[endpoint] += 1

    async def _pass_time(self) -> None:
        while True:
            self._recorder.pass_time()
            await asyncio.sleep(_TURN)

    def _pauses(self) -> Pauses:
        tempo = self._tempo
        return Pauses(tempo.first_pause, tempo.longest_pause, tempo.steady, 0.0)

    # --- depth, while no connection stands -----------------------------------------------------

    @property
    def _is_down(self) -> bool:
        return not self._state.is_connected

    async def _poll_depth(self) -> None:
        pauses, began = self._pauses(), time.monotonic()
        not_before: dict[str, float] = {}
        while True:
            try:
                await self._poll_each(not_before)
            except* RestRefused as errors:
                pause = pauses.next(time.monotonic() - began)
                log.warning("%s; depth is polled again in %.1f s", errors.exceptions[0], pause)
                await asyncio.sleep(pause)
                began = time.monotonic()
            await asyncio.sleep(min(self._tempo.between_depths, _LOOK))

    async def _poll_each(self, not_before: dict[str, float]) -> None:
        """Ask for each market's depth, some at once, as long as no connection stands."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def ask(market: str) -> None:
            try:
                await self._ask(DEPTH, market, level=str(_LEVEL))
                not_before[market] = time.monotonic() + self._tempo.between_depths
            finally:
                slots.release()

        async with asyncio.TaskGroup() as group:
            for market in self._markets:
                await asyncio.sleep(not_before.get(market, 0.0) - time.monotonic())
                await slots.acquire()
                if not self._is_down:
                    return
                if (DEPTH, market) not in self._refused:
                    group.create_task(ask(market))
                else:
                    slots.release()

    async def _ask(self, endpoint: str, market: str, **more: str) -> bytes | None:
        """Record an answer and return it; None where there will never be one.

        Raises RestRefused for what may pass.
        """
        query = {"marketCode": market, **more}
        try:
            text = await self.rest.get(endpoint, **query)
        except RestRefused as error:
            if error.may_pass:
                raise
            log.warning("%s of %s can't be asked for: %s", endpoint, market, error.reason)
            self._refused.add((endpoint, market))
            return None
        self._record(endpoint, query, text)
        return text

    # --- trades, of holes ----------------------------------------------------------------------

    async def _fetch_holes(self) -> None:
        while True:
            hole = await self._holes.found.get()
            # What was traded up to the margin's end is to be there.
            await asyncio.sleep(self._tempo.margin)
            window = self._window(hole)
            if window is not None:
                log.info("asking for the trades of %.1f s that were not heard",
                         (hole.stop - hole.start) / 1000)  # fmt: skip
                for market in self._markets:
                    await self._fetch(market, *window)
            self.asked.holes_filled += 1

    def _window(self, hole: Hole) -> tuple[int, int] | None:
        """Return from when to when a hole's trades are asked for; None if it is none."""
        margin = round(self._tempo.margin * 1000)
        start, stop = hole.start - margin, hole.stop + margin
        if start > stop:  # by another clock
            return None
        if stop - start > _WEEK_MS:
            log.warning("the feed was not heard for more than a week; trades are asked of the last")
        return max(0, start, stop - _WEEK_MS), stop

    async def _fetch(self, market: str, start: int, stop: int) -> None:
        """Fetch a market's trades of [start, stop], the newest first, page by page.

        Trades have no id, and a page may end within a millisecond: the next one begins with all of
        that, and a millisecond more, should the exchange leave out the end of what it is asked for.
        """
        end = stop
        while end >= start:
            text = await self._insist(market, start, end)
            try:
                trades = _trades.decode(text).data if text else None
                times = [int(trade.matched_at) for trade in trades or ()]
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
                log.warning("trades of %s can't be read, and are not fetched: %s", market, error)
                return
            if len(times) < _PAGE:
                return
            end = min(min(times) + 1, end - 1)

    async def _insist(self, market: str, start: int, end: int) -> bytes | None:
        """Return a page's text; asks until there is an answer, None where there will be none."""
        pauses = self._pauses()
        window = {"limit": str(_PAGE), "startTime": str(start), "endTime": str(end)}
        while (TRADES, market) not in self._refused:
            with suppress(RestRefused):
                return await self._ask(TRADES, market, **window)
            await asyncio.sleep(pauses.next(0.0))
        return None


def definitions(text: bytes) -> list[dict[str, Any]]:
    """Return what an answer says of markets, by their names, but for what moves all the time.

    Raises RestRefused if it is no such answer.
    """
    try:
        listed = _listed.decode(text).data
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RestRefused(MARKETS, f"not what it should be: {error}") from error
    kept = [{name: of[name] for name in of if name not in _MOVING} for of in listed]
    return sorted(kept, key=lambda of: str(of.get("marketCode")))
